package org.libzeebe;

import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.TopologyRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A program whose channels are all closed, and which goes on: {@code ADDRESS TLS_ADDRESS CA_FILE}. */
final class Closed {
  private Closed() {}

  public static void main(String[] arguments) throws Exception {
    var tls = GatewayCredentials.tls(Files.readString(Path.of(arguments[2])));
    for (int i = 0; i < 4; i++) {
      var channel =
          i % 2 == 0
              ? ZeebeChannel.insecure().address(arguments[0]).build()
              : ZeebeChannel.secure().address(arguments[1]).credentials(tls).build();
      GatewayGrpc.newBlockingStub(channel)
          .withDeadlineAfter(20, TimeUnit.SECONDS)
          .topology(TopologyRequest.getDefaultInstance());
      channel.close();
    }
    System.in.read(); // to its end
  }
}
