import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.TopologyRequest;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.TimeUnit;
import org.libzeebe.ZeebeChannel;
import org.libzeebe.ZeebeException;

/** As tests/c/environment.c, in Java. */
public class Environment {
  public static void main(String[] args) {
    try (ZeebeChannel channel = ZeebeChannel.fromEnvironment().build()) {
      System.out.println(channel.describe());
      if (args.length > 0 && args[0].equals("topology")) {
        GatewayGrpc.newBlockingStub(channel)
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .topology(TopologyRequest.getDefaultInstance());
        System.out.println("topology");
      }
    } catch (ZeebeException | StatusRuntimeException e) {
      System.out.println("error: " + e.getMessage());
    }
  }
}
