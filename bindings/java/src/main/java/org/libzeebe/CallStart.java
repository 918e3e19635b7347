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

  private final ZeebeChannel channel;
  private final MethodDescriptor<?, ?> method;
  private final CallOptions options;

  CallStart(ZeebeChannel channel, MethodDescriptor<?, ?> method, CallOptions options) {
    this.channel = channel;
    this.method = method;
    this.options = options;
  }

  /**
   * Starts a unary call.
   *
   * @param request all of it
   * @return the native call, which the receiver owns
   * @throws IllegalArgumentException an option cannot be passed on
   * @throws StatusRuntimeException it could not be started
   */
  long unary(
      Metadata headers, long timeoutMillis, byte[] request, CompletionQueue.Receiver receiver) {
    try (var arguments = arguments(headers, timeoutMillis, request.length).bytes(request)) {
      return start(
          receiver,
          false,
          (pointer, queue, id) ->
              Native.callUnary(pointer, arguments.bytes(), arguments.length(), queue, id));
    }
  }

  /**
   * Starts a stream.
   *
   * @throws IllegalArgumentException an option cannot be passed on
   * @throws StatusRuntimeException it could not be started
   */
  NativeCall stream(Metadata headers, long timeoutMillis, CompletionQueue.Receiver receiver) {
    try (var arguments = arguments(headers, timeoutMillis, 0)) {
      // What nobody holds any more ends, as long as nothing but its holder could see it.
      boolean isWeak = isOfBlockingStub();
      var call =
          new NativeCall(
              start(
                  receiver,
                  isWeak,
                  (pointer, queue, id) ->
                      Native.callStart(pointer, arguments.bytes(), arguments.length(), queue, id)));
      if (isWeak) {
        Handle.CLEANER.register(receiver, call);
      }
      return call;
    }
  }

  private Arguments arguments(Metadata headers, long timeoutMillis, int more) {
    return new Arguments(more + 256)
        .path(method.getFullMethodName())
        .text(options.getAuthority())
        .number(timeoutMillis)
        .number(maxInboundMessageSize())
        .number(options.isWaitForReady() ? 1 : 0)
        .number(compression())
        .number(options.getOption(ZeebeChannel.MAX_BUFFERED_MESSAGES))
        .number(options.getOption(ZeebeChannel.MAX_BUFFERED_BYTES))
        .metadata(headers);
  }

  /** A native call for a channel, a queue and an id; negative: minus an error. */
  private interface Start {
    long by(long channel, long queue, long id);
  }

  private long start(CompletionQueue.Receiver receiver, boolean isWeak, Start start) {
    long pointer = channel.handle().acquire();
    if (pointer == 0) {
      throw Status.UNAVAILABLE.withDescription("the channel was shut down").asRuntimeException();
    }
    // The channel's use keeps the reader running meanwhile.
    CompletionQueue queue = channel.queue();
    long id = isWeak ? queue.registerWeakly(receiver) : queue.register(receiver);
    long started = 0;
    try {
      started = start.by(pointer, queue.handle(), id);
      if (started < 0) {
        throw ZeebeException.take(-started).status().asRuntimeException();
      }
      return started;
    } finally {
      if (started <= 0) {
        queue.forget(id);
      }
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
