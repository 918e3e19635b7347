package org.libzeebe;

import io.grpc.Attributes;
import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import io.grpc.stub.InternalClientCalls;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * A call. A unary one is a single native call, made once its request is whole; any other is a native stream.
 *
 * <p>The native call is asked for messages ahead of the program, a few small ones, so that not every message costs a crossing.
 */
final class ZeebeCall<RequestT, ResponseT> extends ClientCall<RequestT, ResponseT>
    implements CompletionQueue.Receiver {
  private static final int AHEAD = 64;
  private static final int AHEAD_MAX_LENGTH = 16 * 1024;
  private static final int COMPRESSION_IDENTITY = 1;
  private static final int COMPRESSION_GZIP = 2;

  private final ZeebeChannel channel;
  private final MethodDescriptor<RequestT, ResponseT> method;
  private final CallOptions options;
  private final SerializingExecutor executor;
  private final Context.CancellationListener cancellation = this::contextCancelled;

  private Listener<ResponseT> listener;
  private Metadata headers;
  private Context context;
  private Tracers tracers;
  private Deadline deadline;

  // What follows is guarded by this.

  private boolean cancelled;
  private boolean halfClosed;
  /** With its credentials, if it wants some, but not necessarily on its way. */
  private boolean authorized;
  private NativeCall call;
  /** Until there is a native call. */
  private List<byte[]> unsent = new ArrayList<>();
  /** By the program, and not delivered yet. */
  private long requested;
  /** Of the native call, and not come yet. */
  private long asked;
  private final Queue<byte[]> received = new ArrayDeque<>();
  /** Nothing is asked for ahead before the first message has shown how long they are. */
  private int lastLength = Integer.MAX_VALUE;
  private boolean begun;
  /** The end, once it is known; it is told after the messages. */
  private Status status;
  private Metadata trailers;
  private boolean closed;
  /** From this side: what was not delivered is not wanted any more. */
  private volatile boolean aborted;
  /** Why a callback failed: what its call then ends with, whatever its end was. */
  private volatile Status failed;

  ZeebeCall(
      ZeebeChannel channel,
      MethodDescriptor<RequestT, ResponseT> method,
      CallOptions options,
      Executor executor) {
    this.channel = channel;
    this.method = method;
    this.options = options;
    this.executor = new SerializingExecutor(executor);
  }

  @Override
  public void start(Listener<ResponseT> responseListener, Metadata headers) {
    synchronized (this) {
      if (listener != null) {
        throw new IllegalStateException("already started");
      }
      if (cancelled) {
        throw new IllegalStateException("the call was cancelled");
      }
      listener = responseListener;
    }
    this.headers = headers;
    context = Context.current();
    tracers = Tracers.create(options, headers);
    deadline = options.getDeadline();
    Deadline inherited = context.getDeadline();
    if (deadline == null || inherited != null && inherited.isBefore(deadline)) {
      deadline = inherited;
    }
    if (context.isCancelled()) {
      abort(Contexts.statusFromCancelled(context));
      return;
    }
    if (deadline != null && deadline.isExpired()) {
      abort(expired("ClientCall started after CallOptions deadline was exceeded"));
      return;
    }
    if (context != Context.ROOT) {
      context.addListener(cancellation, Runnable::run);
    }
    CallCredentials credentials = options.getCredentials();
    if (credentials == null) {
      authorize();
    } else {
      applyCredentials(credentials);
    }
  }

  private Status expired(String what) {
    double ago = -deadline.timeRemaining(TimeUnit.NANOSECONDS) / 1e9;
    return Status.DEADLINE_EXCEEDED.withDescription("%s %.3f seconds ago".formatted(what, ago));
  }

  private void applyCredentials(CallCredentials credentials) {
    var applier =
        new CallCredentials.MetadataApplier() {
          @Override
          public void apply(Metadata added) {
            headers.merge(added);
            authorize();
          }

          @Override
          public void fail(Status status) {
            abort(status);
          }
        };
    var request =
        new CallCredentials.RequestInfo() {
          @Override
          public MethodDescriptor<?, ?> getMethodDescriptor() {
            return method;
          }

          @Override
          public CallOptions getCallOptions() {
            return options;
          }

          @Override
          public SecurityLevel getSecurityLevel() {
            return channel.securityLevel();
          }

          @Override
          public String getAuthority() {
            return options.getAuthority() == null ? channel.authority() : options.getAuthority();
          }

          @Override
          public Attributes getTransportAttrs() {
            return Attributes.EMPTY;
          }
        };
    if (deadline != null) {
      // The library keeps the deadline only of what was given to it.
      long left = Math.max(0, deadline.timeRemaining(TimeUnit.NANOSECONDS));
      CompletableFuture.delayedExecutor(left, TimeUnit.NANOSECONDS, Runnable::run)
          .execute(this::expireUnauthorized);
    }
    try {
      credentials.applyRequestMetadata(request, channel.executor(), applier);
    } catch (RuntimeException e) {
      abort(Status.UNAUTHENTICATED.withDescription("the call credentials failed").withCause(e));
    }
  }

  private void expireUnauthorized() {
    boolean waits;
    synchronized (this) {
      waits = !authorized;
    }
    if (waits) {
      abort(expired("the call credentials gave no metadata until the deadline"));
    }
  }

  private void authorize() {
    synchronized (this) {
      if (!authorized) {
        authorized = true;
        open();
      }
    }
    executor.schedule();
  }

  // Callbacks are only added where this is locked; whoever locks schedules them afterwards, for they may run at once.

  /** Makes the native call, if it is time. */
  private void open() {
    if (!authorized || call != null || status != null || closed) {
      return;
    }
    boolean isUnary = method.getType() == MethodType.UNARY;
    if (isUnary && !halfClosed) {
      return;
    }
    boolean isWhole = isUnary && unsent.size() == 1;
    byte[] message = isWhole ? unsent.get(0) : new byte[0];
    try (var arguments = new Arguments(message.length + 256)) {
      arguments
          .text("/" + method.getFullMethodName())
          .text(options.getAuthority())
          .number(remainingMillis())
          .number(maxInboundMessageSize())
          .number(options.isWaitForReady() ? 1 : 0)
          .number(compression())
          .metadata(headers);
      if (isWhole) {
        arguments.bytes(message);
      }
      start(arguments, isWhole);
    } catch (IllegalArgumentException e) {
      breakOff(Status.INVALID_ARGUMENT.withDescription(e.getMessage()).withCause(e));
    }
    if (call == null) {
      return;
    }
    if (!isWhole) {
      unsent.forEach(this::send);
      if (halfClosed) {
        call.halfClose();
      }
      askForMore();
      if (call.isReady()) {
        deliver(listener::onReady);
      }
    }
    unsent = null;
    tracers.outboundHeaders();
  }

  private void start(Arguments arguments, boolean isWhole) {
    long pointer = channel.handle().acquire();
    if (pointer == 0) {
      breakOff(Status.UNAVAILABLE.withDescription("the channel was shut down"));
      return;
    }
    CompletionQueue queue = channel.queue();
    // What nobody holds any more ends, as long as nothing but its holder could see it.
    boolean isWeak = !isWhole && isOfBlockingStub();
    long id = isWeak ? queue.registerWeakly(this) : queue.register(this);
    try {
      long[] out = new long[1];
      long error =
          isWhole
              ? Native.callUnary(pointer, arguments.fields(), arguments.bytes(), queue.handle(), id, out)
              : Native.callStart(pointer, arguments.fields(), arguments.bytes(), queue.handle(), id, out);
      if (error != 0) {
        queue.forget(id);
        breakOff(ZeebeException.take(error).status());
        return;
      }
      call = new NativeCall(out[0]);
      if (isWeak) {
        Handle.CLEANER.register(this, call);
      }
    } finally {
      channel.handle().release();
    }
  }

  private boolean isOfBlockingStub() {
    CallOptions.Key<?> type = InternalClientCalls.getStubTypeOption();
    return options.getOption(type) != null
        && InternalClientCalls.getStubType(options) == InternalClientCalls.StubType.BLOCKING;
  }

  private long remainingMillis() {
    if (deadline == null) {
      return 0;
    }
    long nanos = deadline.timeRemaining(TimeUnit.NANOSECONDS);
    return Math.max(1, (nanos + 999_999) / 1_000_000);
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

  @Override
  public void request(int count) {
    if (count < 0) {
      throw new IllegalArgumentException("cannot request " + count + " messages");
    }
    synchronized (this) {
      requested += count;
      askForMore();
      advance();
    }
    executor.schedule();
  }

  @Override
  public void sendMessage(RequestT message) {
    byte[] bytes;
    try {
      bytes = WireMessage.bytes(method.streamRequest(message));
    } catch (RuntimeException | IOException e) {
      abort(Status.CANCELLED.withDescription("the message cannot be encoded").withCause(e));
      return;
    }
    Integer limit = options.getMaxOutboundMessageSize();
    if (limit != null && bytes.length > limit) {
      var cause =
          Status.RESOURCE_EXHAUSTED.withDescription(
              "message too large: " + bytes.length + " bytes, and the call's limit is " + limit);
      abort(
          Status.CANCELLED
              .withDescription("the message cannot be sent")
              .withCause(cause.asRuntimeException()));
      return;
    }
    synchronized (this) {
      if (listener == null || halfClosed) {
        throw new IllegalStateException(listener == null ? "not started" : "already half-closed");
      }
      tracers.outboundMessage(bytes.length);
      if (call != null) {
        send(bytes);
      } else if (unsent != null) {
        unsent.add(bytes);
      }
    }
    executor.schedule();
  }

  private void send(byte[] message) {
    ZeebeException error = call.send(message);
    if (error != null && error.kind() != ZeebeException.Kind.ILLEGAL_STATE) {
      breakOff(error.status());
    }
  }

  @Override
  public void halfClose() {
    synchronized (this) {
      if (listener == null || halfClosed) {
        throw new IllegalStateException(listener == null ? "not started" : "already half-closed");
      }
      halfClosed = true;
      if (call != null) {
        call.halfClose();
      } else {
        open();
      }
    }
    executor.schedule();
  }

  @Override
  public boolean isReady() {
    NativeCall current;
    synchronized (this) {
      current = closed || halfClosed ? null : call;
    }
    return current != null && current.isReady();
  }

  @Override
  public void cancel(String message, Throwable cause) {
    synchronized (this) {
      cancelled = true;
      if (listener == null) {
        return;
      }
    }
    String description = message == null ? "the program cancelled the call" : message;
    abort(Status.CANCELLED.withDescription(description).withCause(cause));
  }

  private void contextCancelled(Context cancelled) {
    abort(Contexts.statusFromCancelled(cancelled));
  }

  /** Ends the call from this side, at once: what has come and was not delivered is dropped. */
  private void abort(Status status) {
    synchronized (this) {
      breakOff(status);
    }
    executor.schedule();
  }

  private void breakOff(Status status) {
    if (closed) {
      return;
    }
    aborted = true;
    if (call != null) {
      call.cancel();
    }
    received.clear();
    end(status, new Metadata());
  }

  @Override
  public void receive(Event event) {
    synchronized (this) {
      if (event.isLast() && call != null) {
        call.run();
      }
      if (!closed) {
        accept(event);
      }
    }
    executor.schedule();
  }

  private void accept(Event event) {
    switch (event.type) {
      case Event.UNARY -> {
        if (event.error == null || !event.headers.keys().isEmpty()) {
          begin(event.headers);
        }
        if (event.message != null) {
          received.add(event.message);
        }
        end(event);
      }
      case Event.INITIAL_METADATA -> begin(event.headers);
      case Event.MESSAGE -> {
        asked--;
        lastLength = event.message.length;
        received.add(event.message);
        advance();
      }
      case Event.READY -> deliver(listener::onReady);
      case Event.CLOSE -> end(event);
      default -> {}
    }
  }

  private void begin(Metadata headers) {
    if (!begun) {
      begun = true;
      tracers.inboundHeaders(headers);
      deliver(() -> listener.onHeaders(headers));
    }
  }

  private void end(Event event) {
    if (event.error == null) {
      end(Status.OK, event.trailers);
      return;
    }
    // What a deadline breaks off does not wait for the program to ask for its messages.
    if (event.error.source() == ZeebeException.Source.LIBRARY) {
      received.clear();
    }
    end(event.error.status(), event.trailers);
  }

  private void end(Status status, Metadata trailers) {
    this.status = status;
    this.trailers = trailers;
    advance();
  }

  /** Delivers what may be delivered. */
  private void advance() {
    if (!received.isEmpty() || status != null && status.isOk()) {
      begin(new Metadata()); // the library tells no headers that hold nothing
    }
    while (requested > 0 && !received.isEmpty()) {
      requested--;
      byte[] message = received.remove();
      tracers.inboundMessage(message.length);
      deliver(() -> deliverMessage(message));
    }
    if (status != null && received.isEmpty() && !closed) {
      closed = true;
      unsent = null;
      context.removeListener(cancellation);
      Status last = status;
      Metadata lastTrailers = trailers;
      tracers.closed(last, lastTrailers);
      deliver(() -> listener.onClose(failed == null ? last : failed, lastTrailers));
    }
  }

  /** To be done before messages are delivered: while they are looked at, more come. */
  private void askForMore() {
    if (call == null || requested == 0 || method.getType() == MethodType.UNARY && asked > 0) {
      return;
    }
    long wanted = lastLength > AHEAD_MAX_LENGTH ? requested : Math.max(requested, AHEAD);
    long more = wanted - asked - received.size();
    if (more >= AHEAD / 2 || asked + received.size() < requested) {
      asked += more;
      call.request(more);
    }
  }

  private void deliver(Runnable callback) {
    executor.add(
        () -> {
          Context previous = context.attach();
          try {
            callback.run();
          } catch (Throwable e) {
            fail(Status.CANCELLED.withDescription("a listener of the call failed").withCause(e));
            throw e;
          } finally {
            context.detach(previous);
          }
        });
  }

  /** In a callback. */
  private void fail(Status status) {
    failed = status;
    aborted = true;
    abort(status);
  }

  private void deliverMessage(byte[] bytes) {
    if (aborted) {
      return;
    }
    ResponseT message;
    try {
      message = method.parseResponse(WireMessage.stream(bytes));
    } catch (RuntimeException e) {
      fail(Status.CANCELLED.withDescription("the message cannot be decoded").withCause(e));
      return;
    }
    listener.onMessage(message);
  }
}
