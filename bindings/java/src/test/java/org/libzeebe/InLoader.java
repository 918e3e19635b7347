package org.libzeebe;

import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * What a class loader that goes away did before. Without a generated stub: protobuf keeps threads' buffers, and these their
 * class loader.
 */
final class InLoader {
  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] message) {
          return new ByteArrayInputStream(message);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  static final MethodDescriptor<byte[], byte[]> TOPOLOGY =
      MethodDescriptor.<byte[], byte[]>newBuilder(BYTES, BYTES)
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("gateway_protocol.Gateway/Topology")
          .build();

  private static final MethodDescriptor<byte[], byte[]> JOBS =
      MethodDescriptor.<byte[], byte[]>newBuilder(BYTES, BYTES)
          .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
          .setFullMethodName("gateway_protocol.Gateway/StreamActivatedJobs")
          .build();

  private InLoader() {}

  static void use(String address) {
    ZeebeLog.to(System.Logger.Level.TRACE, entry -> {});
    try (var closed = ZeebeChannel.insecure().address(address).build()) {
      call(closed);
    }
    var forgotten = ZeebeChannel.insecure().address(address).build();
    call(forgotten);
    forgotten.streamJobs(JOBS, new byte[] {0x0a, 1, 'j'}).open();
    forgotten.newWorker("j", Job::endLater).open();
  }

  private static void call(ZeebeChannel channel) {
    byte[] answer =
        ClientCalls.blockingUnaryCall(channel, TOPOLOGY, CallOptions.DEFAULT, new byte[0]);
    if (answer.length == 0) {
      throw new AssertionError("no answer");
    }
  }
}
