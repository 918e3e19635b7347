package org.libzeebe;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * A call. A unary one is a single native call, made once its request is whole; any other is a native stream.
 */
final class ZeebeCall<RequestT, ResponseT> extends ClientCall<RequestT, ResponseT>
    implements CompletionQueue.Receiver {
  private final ZeebeChannel channel;
  private final MethodDescriptor<RequestT, ResponseT> method;
  private final CallOptions options;
  private final SerializingExecutor executor;
  private final Context.CancellationListener cancellation = this::contextCancelled;

  private Callbacks<ResponseT> callbacks;
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
  private final InboundMessages messages = new InboundMessages();
  /** Until there is a native call. */
  private List<byte[]> unsent = new ArrayList<>();
  private boolean begun;
  /** The end, once it is known; it is told after the messages. */
  private Status status;
  private Metadata trailers;
  private boolean closed;

  ZeebeCall(
      ZeebeChannel channel,
      MethodDescriptor<RequestT, ResponseT> method,
      CallOptions options,
      Executor executor) {
    this.channel = channel;
    this.method = method;
    this.options = options;
    this.executor = new SerializingExecutor(executor, this::idle);
  }

  @Override
  public void start(Listener<ResponseT> listener, Metadata headers) {
    synchronized (this) {
      if (callbacks != null) {
        throw new IllegalStateException("already started");
      }
      if (cancelled) {
        throw new IllegalStateException("the call was cancelled");
      }
      context = Context.current();
      callbacks = new Callbacks<>(method, listener, context, executor, this::abort);
    }
    this.headers = headers;
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
    if (deadline != null) {
      // The library keeps the deadline only of what was given to it.
      long left = Math.max(0, deadline.timeRemaining(TimeUnit.NANOSECONDS));
      CompletableFuture.delayedExecutor(left, TimeUnit.NANOSECONDS, Runnable::run)
          .execute(this::expireUnauthorized);
    }
    new CallAuthorization(channel, method, options)
        .ask(
            credentials,
            added -> {
              headers.merge(added);
              authorize();
            },
            this::abort);
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
    // A request that is the only one goes out with the half-close, in one frame.
    if (method.getType().clientSendsOneMessage() && !halfClosed) {
      return;
    }
    boolean isWhole = method.getType() == MethodType.UNARY && unsent.size() == 1;
    var start = new CallStart(channel, method, options);
    try {
      byte[] message = isWhole ? unsent.get(0) : null;
      call = start.start(headers, remainingMillis(), message, this);
    } catch (IllegalArgumentException e) {
      breakOff(Status.INVALID_ARGUMENT.withDescription(e.getMessage()).withCause(e));
    } catch (StatusRuntimeException e) {
      breakOff(e.getStatus());
    }
    if (call == null) {
      return;
    }
    if (!isWhole) {
      int last = halfClosed ? unsent.size() - 1 : unsent.size();
      for (int i = 0; i < unsent.size(); i++) {
        send(unsent.get(i), i == last);
      }
      if (halfClosed && unsent.isEmpty()) {
        call.halfClose();
      }
      if (call.isReady()) {
        callbacks.ready();
      }
    }
    unsent = null;
    tracers.outboundHeaders();
  }

  private long remainingMillis() {
    if (deadline == null) {
      return 0;
    }
    long nanos = deadline.timeRemaining(TimeUnit.NANOSECONDS);
    return Math.max(1, Arguments.roundUp(Duration.ofNanos(nanos), Arguments.MILLI));
  }

  @Override
  public void request(int count) {
    if (count < 0) {
      throw new IllegalArgumentException("cannot request " + count + " messages");
    }
    synchronized (this) {
      messages.request(count);
      advance();
      if (messages.isEmpty() && !settlesLater()) {
        messages.tellTaken(call);
      }
    }
    executor.schedule();
  }

  /** Whether this thread tells the library of what was taken once it has done what it does for this call. */
  private boolean settlesLater() {
    return executor.isRunner() || channel.queue().isGivingTo(this);
  }

  private void idle() {
    if (!channel.queue().isGivingTo(this)) {
      settle();
    }
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
      if (callbacks == null || halfClosed) {
        throw new IllegalStateException(callbacks == null ? "not started" : "already half-closed");
      }
      tracers.outboundMessage(bytes.length);
      if (call != null) {
        send(bytes, false);
      } else if (unsent != null) {
        unsent.add(bytes);
      }
    }
    executor.schedule();
  }

  private void send(byte[] message, boolean isLast) {
    ZeebeException error = call.send(message, isLast);
    if (error != null && error.kind() != ZeebeException.Kind.ILLEGAL_STATE) {
      breakOff(error.status());
    }
  }

  @Override
  public void halfClose() {
    synchronized (this) {
      if (callbacks == null || halfClosed) {
        throw new IllegalStateException(callbacks == null ? "not started" : "already half-closed");
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
      if (callbacks == null) {
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
    callbacks.abort();
    if (call != null) {
      call.cancel();
    }
    messages.clear();
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

  @Override
  public void settle() {
    synchronized (this) {
      messages.tellTaken(call);
    }
  }

  private void accept(Event event) {
    switch (event.type) {
      case Event.UNARY -> {
        if (event.error == null || !event.headers.keys().isEmpty()) {
          begin(event.headers);
        }
        if (event.message != null) {
          messages.add(event.message);
        }
        end(event);
      }
      case Event.INITIAL_METADATA -> begin(event.headers);
      case Event.MESSAGE -> {
        messages.add(event.message);
        advance();
      }
      case Event.READY -> callbacks.ready();
      case Event.CLOSE -> end(event);
      default -> {}
    }
  }

  private void begin(Metadata headers) {
    if (!begun) {
      begun = true;
      tracers.inboundHeaders(headers);
      callbacks.headers(headers);
    }
  }

  private void end(Event event) {
    if (event.error == null) {
      end(Status.OK, event.trailers);
      return;
    }
    // What a deadline breaks off does not wait for the program to ask for its messages.
    if (event.error.source() == ZeebeException.Source.LIBRARY) {
      messages.clear();
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
    if (!messages.isEmpty() || status != null && status.isOk()) {
      begin(new Metadata()); // the library tells no headers that hold nothing
    }
    for (byte[] message = messages.take(); message != null; message = messages.take()) {
      tracers.inboundMessage(message.length);
      callbacks.message(message);
    }
    if (messages.owesMuch()) {
      messages.tellTaken(call);
    }
    if (status != null && messages.isEmpty() && !closed) {
      closed = true;
      unsent = null;
      context.removeListener(cancellation);
      tracers.closed(status, trailers);
      callbacks.close(status, trailers);
    }
  }
}
