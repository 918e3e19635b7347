package org.libzeebe;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What every call has: a beginning with a context, a deadline and credentials, messages to encode, and a cancel. */
abstract class ZeebeCall<RequestT, ResponseT> extends ClientCall<RequestT, ResponseT>
    implements CompletionQueue.Receiver {
  final ZeebeChannel channel;
  final MethodDescriptor<RequestT, ResponseT> method;
  final CallOptions options;

  // Since the start.

  Context context;
  Metadata headers;
  Tracers tracers = Tracers.NONE;
  private Deadline deadline;
  /** Null: it is of no interest. */
  private Context.CancellationListener cancellation;

  // Guarded by this.

  /** Null: not started. */
  Listener<ResponseT> listener;
  /** With its credentials, if it wants some, but not necessarily on its way. */
  private boolean authorized;
  /** That its credentials answer, which has a deadline; null: nobody waits for that. */
  private CompletableFuture<Void> authorization;
  private boolean cancelled;
  boolean halfClosed;
  /** The end, once it is known; it is told after the messages. */
  Status status;
  Metadata trailers;
  /** All that the listener will be told is known, and was due. */
  boolean isOver;

  ZeebeCall(
      ZeebeChannel channel, MethodDescriptor<RequestT, ResponseT> method, CallOptions options) {
    this.channel = channel;
    this.method = method;
    this.options = options;
  }

  // ---- of each kind of call, where this is locked, but for schedule() ----

  /** Whether there is no native call yet, and it is time for one. */
  abstract boolean mayStart();

  /**
   * Makes the native call.
   *
   * @throws IllegalArgumentException an option cannot be passed on
   * @throws StatusRuntimeException it could not be started
   */
  abstract void startCall();

  /** The program wants so many messages more. */
  abstract void requested(int count);

  /** The program has half-closed. */
  abstract void finishRequest();

  /** As abort(). */
  abstract void breakOff(Status status);

  /** Has what is due be told. */
  abstract void advance();

  /** Whether schedule() would do something. */
  abstract boolean isDue();

  /** Has callbacks run that are due; not where this is locked. */
  abstract void schedule();

  // ---- of all ----

  @Override
  public void start(Listener<ResponseT> listener, Metadata headers) {
    synchronized (this) {
      if (this.listener != null) {
        throw new IllegalStateException("already started");
      }
      if (cancelled) {
        throw new IllegalStateException("the call was cancelled");
      }
      context = Context.current();
      this.listener = listener;
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
      cancellation = of -> abort(Contexts.statusFromCancelled(of));
      context.addListener(cancellation, Runnable::run);
      leaveIfOver(); // who cancelled it meanwhile did not know of the listener
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
    new CallAuthorization(channel, method, options)
        .ask(
            credentials,
            added -> {
              headers.merge(added);
              authorize();
            },
            this::abort);
    if (deadline != null) {
      awaitAuthorization();
    }
  }

  /** The library keeps the deadline only of what was given to it. */
  private void awaitAuthorization() {
    CompletableFuture<Void> waiting;
    synchronized (this) {
      if (authorized || status != null) {
        return;
      }
      authorization = waiting = new CompletableFuture<>();
    }
    long left = Math.max(0, deadline.timeRemaining(TimeUnit.NANOSECONDS));
    waiting
        .orTimeout(left, TimeUnit.NANOSECONDS)
        .whenComplete(
            (answered, late) -> {
              if (late != null) {
                abort(expired("the call credentials gave no metadata until the deadline"));
              }
            });
  }

  /** What keeps the deadline lets go of the call. Where this is locked. */
  private void awaitNoAuthorization() {
    if (authorization != null) {
      authorization.complete(null);
    }
  }

  /** 0: for ever. */
  long remainingMillis() {
    if (deadline == null) {
      return 0;
    }
    long nanos = deadline.timeRemaining(TimeUnit.NANOSECONDS);
    return Math.max(1, Arguments.roundUp(Duration.ofNanos(nanos), Arguments.MILLI));
  }

  /** Null: the call was aborted, for it cannot be sent. */
  byte[] encode(RequestT message) {
    if (listener == null) {
      throw new IllegalStateException("not started");
    }
    byte[] bytes;
    try {
      bytes = WireMessage.bytes(method.streamRequest(message));
    } catch (RuntimeException | IOException e) {
      abort(Status.CANCELLED.withDescription("the message cannot be encoded").withCause(e));
      return null;
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
      return null;
    }
    return bytes;
  }

  /** Once its end is known, its context is of no interest. Not where this is locked: the context has a lock of its own, and calls back with it. */
  void leave() {
    if (cancellation != null) {
      context.removeListener(cancellation);
    }
  }

  void leaveIfOver() {
    boolean leaves;
    synchronized (this) {
      leaves = isOver;
    }
    if (leaves) {
      leave();
    }
  }

  private void authorize() {
    boolean due;
    synchronized (this) {
      authorized = true;
      awaitNoAuthorization();
      open();
      due = isDue();
    }
    if (due) {
      schedule();
    }
  }

  /** Makes the native call, if it is time. Where this is locked. */
  void open() {
    if (!authorized || status != null || !mayStart()) {
      return;
    }
    try {
      startCall();
    } catch (IllegalArgumentException e) {
      breakOff(Status.INVALID_ARGUMENT.withDescription(e.getMessage()).withCause(e));
    } catch (StatusRuntimeException e) {
      breakOff(e.getStatus());
    }
  }

  @Override
  public void request(int count) {
    if (count < 0) {
      throw new IllegalArgumentException("cannot request " + count + " messages");
    }
    boolean due;
    synchronized (this) {
      requested(count);
      due = isDue();
    }
    if (due) {
      schedule();
    }
  }

  @Override
  public void halfClose() {
    boolean due;
    synchronized (this) {
      if (listener == null) {
        throw new IllegalStateException("not started");
      }
      checkOpen();
      halfClosed = true;
      finishRequest();
      due = isDue();
    }
    if (due) {
      schedule();
    }
  }

  /** Where this is locked. */
  void checkOpen() {
    if (halfClosed) {
      throw new IllegalStateException("already half-closed");
    }
  }

  /** Ends the call from this side, at once: what has come and was not delivered is dropped. */
  void abort(Status status) {
    synchronized (this) {
      breakOff(status);
    }
    schedule();
  }

  /** Where this is locked. */
  void end(Status status, Metadata trailers) {
    this.status = status;
    this.trailers = trailers;
    awaitNoAuthorization();
    advance();
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
}
