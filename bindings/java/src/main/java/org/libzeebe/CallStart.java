package org.libzeebe;

import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.InternalClientCalls;

/** Starts native calls by grpc-java's options. */
final class CallStart {
  private static final int COMPRESSION_IDENTITY = 1;
  private static final int COMPRESSION_GZIP = 2;
  private static final byte[] NO_MESSAGE = {};

  private final ZeebeChannel channel;
  private final MethodDescriptor<?, ?> method;
  private final CallOptions options;

  CallStart(ZeebeChannel channel, MethodDescriptor<?, ?> method, CallOptions options) {
    this.channel = channel;
    this.method = method;
    this.options = options;
  }

  /**
   * Starts one.
   *
   * @param message the whole request of a unary call; null: a stream
   * @throws IllegalArgumentException an option cannot be passed on
   * @throws StatusRuntimeException it could not be started
   */
  NativeCall start(
      Metadata headers, long timeoutMillis, byte[] message, CompletionQueue.Receiver receiver) {
    byte[] bytes = message == null ? NO_MESSAGE : message;
    try (var arguments = new Arguments(bytes.length + 256)) {
      arguments
          .text("/" + method.getFullMethodName())
          .text(options.getAuthority())
          .number(timeoutMillis)
          .number(maxInboundMessageSize())
          .number(options.isWaitForReady() ? 1 : 0)
          .number(compression())
          .number(options.getOption(ZeebeChannel.MAX_BUFFERED_MESSAGES))
          .number(options.getOption(ZeebeChannel.MAX_BUFFERED_BYTES))
          .metadata(headers);
      if (message != null) {
        arguments.bytes(bytes);
      }
      return start(arguments, message != null, receiver);
    }
  }

  private NativeCall start(
      Arguments arguments, boolean isWhole, CompletionQueue.Receiver receiver) {
    long pointer = channel.handle().acquire();
    if (pointer == 0) {
      throw Status.UNAVAILABLE.withDescription("the channel was shut down").asRuntimeException();
    }
    CompletionQueue queue = channel.queue();
    // What nobody holds any more ends, as long as nothing but its holder could see it.
    boolean isWeak = !isWhole && isOfBlockingStub();
    long id = isWeak ? queue.registerWeakly(receiver) : queue.register(receiver);
    try {
      long[] out = new long[1];
      long error =
          isWhole
              ? Native.callUnary(pointer, arguments.fields(), arguments.bytes(), queue.handle(), id, out)
              : Native.callStart(pointer, arguments.fields(), arguments.bytes(), queue.handle(), id, out);
      if (error != 0) {
        queue.forget(id);
        throw ZeebeException.take(error).status().asRuntimeException();
      }
      var call = new NativeCall(out[0]);
      if (isWeak) {
        Handle.CLEANER.register(receiver, call);
      }
      return call;
    } finally {
      channel.handle().release();
    }
  }

  private boolean isOfBlockingStub() {
    CallOptions.Key<?> type = InternalClientCalls.getStubTypeOption();
    return options.getOption(type) != null
        && InternalClientCalls.getStubType(options) == InternalClientCalls.StubType.BLOCKING;
  }

  /** A limit of nothing cannot be told apart from none given. */
  private long maxInboundMessageSize() {
    Integer limit = options.getMaxInboundMessageSize();
    return limit == null ? 0 : Math.max(1, limit);
  }

  private int compression() {
    String name = options.getCompressor();
    if (name == null) {
      return 0;
    }
    return switch (name) {
      case "identity" -> COMPRESSION_IDENTITY;
      case "gzip" -> COMPRESSION_GZIP;
      default -> throw new IllegalArgumentException("there is no compressor " + name + " but gzip");
    };
  }
}
