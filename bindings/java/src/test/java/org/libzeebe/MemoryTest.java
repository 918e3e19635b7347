package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.grpc.testing.integration.Messages.Payload;
import io.grpc.testing.integration.Messages.ResponseParameters;
import io.grpc.testing.integration.Messages.SimpleRequest;
import io.grpc.testing.integration.Messages.StreamingOutputCallRequest;
import io.grpc.testing.integration.TestServiceGrpc;
import io.grpc.testing.integration.TestServiceImpl;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/** What the JVM has no room for ends its own call, and no other. */
@Timeout(120)
class MemoryTest {
  private static final int SIZE_MAX = 128 * 1024 * 1024;
  private static final int METADATA_MAX = 4 * 1024 * 1024;

  @Test
  void whatThereIsNoRoomForEndsItsOwnCall() throws Exception {
    var scheduler = Executors.newSingleThreadScheduledExecutor();
    var server =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .maxInboundMetadataSize(METADATA_MAX)
            .addService(
                ServerInterceptors.intercept(
                    new TestServiceImpl(scheduler), TestServiceImpl.interceptors()))
            .build()
            .start();
    try {
      var narrow = List.of("-Xmx48m", "-XX:MaxDirectMemorySize=400k");
      String said = Jvm.run(narrow, Narrow.class, "localhost:" + server.getPort());
      assertEquals("narrow: done", said.lines().reduce((first, last) -> last).orElse(""), said);
    } finally {
      server.shutdownNow();
      server.awaitTermination(20, TimeUnit.SECONDS);
      scheduler.shutdownNow();
    }
  }

  /** In a JVM with a small heap: {@code ADDRESS}. */
  static final class Narrow {
    private static final int TOO_MUCH = 80 * 1024 * 1024;

    private Narrow() {}

    public static void main(String[] arguments) throws Exception {
      var builder =
          ZeebeChannel.insecure()
              .address(arguments[0])
              .option("grpc.max_receive_message_length", SIZE_MAX)
              .option("grpc.max_metadata_size", METADATA_MAX);
      var others = ByteBuffer.allocateDirect(300 * 1024);
      assertThrows(OutOfMemoryError.class, builder::build);
      Reference.reachabilityFence(others);
      others = null;
      try (var channel = builder.build()) {
        var stub = TestServiceGrpc.newBlockingStub(channel);
        var goesOn = stub.withDeadlineAfter(60, TimeUnit.SECONDS).streamingOutputCall(two(3, 4, 200));
        assertEquals(3, goesOn.next().getPayload().getBody().size());
        fails(() -> soon(stub).unaryCall(unary(TOO_MUCH)));
        fails(() -> soon(stub).streamingOutputCall(two(1, TOO_MUCH, 0)).forEachRemaining(answer -> {}));
        var headers = new Metadata();
        headers.put(
            Metadata.Key.of("x-grpc-test-echo-initial", Metadata.ASCII_STRING_MARSHALLER),
            "x".repeat(1024 * 1024));
        var echoes = MetadataUtils.newAttachHeadersInterceptor(headers);
        fails(() -> soon(stub).withInterceptors(echoes).unaryCall(unary(1)));
        assertEquals(5, soon(stub).unaryCall(unary(5)).getPayload().getBody().size());
        assertEquals(4, goesOn.next().getPayload().getBody().size());
      }
      System.out.println("narrow: done");
    }

    private static TestServiceGrpc.TestServiceBlockingStub soon(
        TestServiceGrpc.TestServiceBlockingStub stub) {
      return stub.withDeadlineAfter(20, TimeUnit.SECONDS);
    }

    private static void fails(Executable call) {
      Status status = assertThrows(StatusRuntimeException.class, call).getStatus();
      assertEquals(Status.Code.INTERNAL, status.getCode(), status::toString);
      ZeebeException why = ZeebeException.of(status.getCause()).orElseThrow();
      assertEquals(ZeebeException.Source.LIBRARY, why.source());
    }

    private static SimpleRequest unary(int size) {
      return SimpleRequest.newBuilder()
          .setResponseSize(size)
          .setPayload(Payload.newBuilder().setBody(ByteString.EMPTY))
          .build();
    }

    /** Two messages, the second a while after the first. */
    private static StreamingOutputCallRequest two(int first, int second, int milliseconds) {
      return StreamingOutputCallRequest.newBuilder()
          .addResponseParameters(ResponseParameters.newBuilder().setSize(first))
          .addResponseParameters(
              ResponseParameters.newBuilder().setSize(second).setIntervalUs(1000 * milliseconds))
          .build();
    }
  }
}
