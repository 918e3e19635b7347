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
  boolean authorized;
  private boolean cancelled;

  ZeebeCall(
      ZeebeChannel channel, MethodDescriptor<RequestT, ResponseT> method, CallOptions options) {
    this.channel = channel;
    this.method = method;
    this.options = options;
  }

  /** From now on it may be on its way. */
  abstract void authorize();

  /** Ends the call from this side, at once: what has come and was not delivered is dropped. */
  abstract void abort(Status status);

  /** Whether its end is known, and was due. */
  abstract boolean isOver();

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
      if (isOver()) {
        over(); // who cancelled it meanwhile did not know of the listener
      }
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

  /** Its end is known: its context is of no interest any more. */
  void over() {
    if (cancellation != null) {
      context.removeListener(cancellation);
    }
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
