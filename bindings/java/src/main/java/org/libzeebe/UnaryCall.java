package org.libzeebe;

import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.Executor;

/**
 * A unary call: one native call, made once its request is whole, and one event, of which the listener is told in one go.
 */
final class UnaryCall<RequestT, ResponseT> extends ZeebeCall<RequestT, ResponseT>
    implements Runnable {
  private static final System.Logger LOGGER = System.getLogger(UnaryCall.class.getName());

  // What the listener is to be told of, in this order.
  private static final int HEADERS = 1;
  private static final int MESSAGE = 2;
  private static final int CLOSE = 4;

  private final Executor executor;

  // Guarded by this.

  private boolean halfClosed;
  private boolean requested;
  /** Until it is on its way. */
  private byte[] request;
  /** Of the library; 0: not made yet, or it has ended. */
  private long call;
  private Metadata answerHeaders;
  /** Null: there is none. */
  private byte[] message;
  /** The end, once it is known; it is told after the message. */
  private Status status;
  private Metadata trailers;
  /** All that the listener will be told is known, and was due. */
  private boolean isOver;
  private int due;
  /** The listener is being told of something, or soon will be. */
  private boolean scheduled;

  // Of who tells the listener.

  /** Why a callback failed: what the call then ends with, whatever its end was. */
  private Status failed;
  private Error error;

  UnaryCall(
      ZeebeChannel channel,
      MethodDescriptor<RequestT, ResponseT> method,
      CallOptions options,
      Executor executor) {
    super(channel, method, options);
    this.executor = executor;
  }

  // ---- what the program does ----

  @Override
  void authorize() {
    synchronized (this) {
      authorized = true;
      open();
    }
    schedule();
  }

  @Override
  public void request(int count) {
    if (count < 0) {
      throw new IllegalArgumentException("cannot request " + count + " messages");
    }
    synchronized (this) {
      requested |= count > 0;
      advance();
    }
    schedule();
  }

  @Override
  public void sendMessage(RequestT message) {
    byte[] bytes = encode(message);
    if (bytes == null) {
      return;
    }
    synchronized (this) {
      if (halfClosed) {
        throw new IllegalStateException("already half-closed");
      }
      if (request != null) {
        throw new IllegalStateException("a unary call has one request");
      }
      if (!isOver) {
        request = bytes;
      }
    }
    tracers.outboundMessage(bytes.length);
  }

  @Override
  public void halfClose() {
    synchronized (this) {
      if (listener == null || halfClosed) {
        throw new IllegalStateException(listener == null ? "not started" : "already half-closed");
      }
      halfClosed = true;
      if (request == null) {
        breakOff(Status.INTERNAL.withDescription("a unary call was half-closed without a request"));
      }
      open();
    }
    schedule();
  }

  /** Makes the native call, if it is time. */
  private void open() {
    if (!authorized || !halfClosed || call != 0 || isOver || status != null) {
      return;
    }
    try {
      call = new CallStart(channel, method, options).unary(headers, remainingMillis(), request, this);
      request = null;
      tracers.outboundHeaders();
    } catch (IllegalArgumentException e) {
      breakOff(Status.INVALID_ARGUMENT.withDescription(e.getMessage()).withCause(e));
    } catch (StatusRuntimeException e) {
      breakOff(e.getStatus());
    }
  }

  /** What it would be of is sent with the half-close. */
  @Override
  public boolean isReady() {
    return false;
  }

  @Override
  synchronized boolean isOver() {
    return isOver;
  }

  @Override
  void abort(Status status) {
    synchronized (this) {
      breakOff(status);
    }
    schedule();
  }

  private void breakOff(Status status) {
    if (isOver) {
      return;
    }
    if (call != 0) {
      Native.callCancel(call);
    }
    message = null;
    end(status, new Metadata());
  }

  // ---- what comes ----

  @Override
  public void receive(Event event) {
    synchronized (this) {
      channel.queue().freeEnded(call);
      call = 0;
      if (isOver) {
        return;
      }
      if (event.error == null || !event.headers.keys().isEmpty()) {
        answerHeaders = event.headers;
        tracers.inboundHeaders(answerHeaders);
        due |= HEADERS;
      }
      message = event.message;
      end(event.error == null ? Status.OK : event.error.status(), event.trailers);
    }
    schedule();
  }

  private void end(Status status, Metadata trailers) {
    this.status = status;
    this.trailers = trailers;
    advance();
  }

  /** Whether it is time for what follows the headers: a message waits until it is asked for. */
  private void advance() {
    if (status == null || isOver || message != null && !requested) {
      return;
    }
    isOver = true;
    request = null;
    due |= CLOSE;
    if (message != null) {
      due |= MESSAGE;
      tracers.inboundMessage(message.length);
    }
    tracers.closed(status, trailers);
  }

  // ---- what the listener is told ----

  private void schedule() {
    boolean ends;
    synchronized (this) {
      if (due == 0 || scheduled) {
        return;
      }
      scheduled = true;
      ends = isOver;
    }
    if (ends) {
      over(); // without the lock: the context has one of its own, and calls back with it
    }
    try {
      executor.execute(this);
    } catch (Throwable e) {
      // It stays due: with what comes next both are told, should the executor take it.
      synchronized (this) {
        scheduled = false;
      }
      LOGGER.log(System.Logger.Level.WARNING, "the executor takes no callbacks", e);
    }
  }

  @Override
  public void run() {
    Context previous = context.attach();
    try {
      for (int now = next(); now != 0; now = next()) {
        tell(now);
      }
    } finally {
      context.detach(previous);
    }
    if (error != null) {
      throw error;
    }
  }

  private synchronized int next() {
    int now = due;
    due = 0;
    scheduled = now != 0;
    return now;
  }

  /** Nothing that the listener throws keeps it from the end. */
  private void tell(int now) {
    try {
      if ((now & HEADERS) != 0) {
        listener.onHeaders(answerHeaders);
      }
      if ((now & MESSAGE) != 0) {
        deliver();
      }
    } catch (Throwable e) {
      message = null;
      failed("a listener of the call failed", e);
      note(e);
    }
    if ((now & CLOSE) != 0) {
      try {
        listener.onClose(failed == null ? status : failed, trailers);
      } catch (Throwable e) {
        note(e);
      }
    }
  }

  private void deliver() {
    byte[] bytes = message;
    message = null; // who keeps the call does not keep it
    ResponseT answer;
    try {
      answer = method.parseResponse(WireMessage.stream(bytes));
    } catch (RuntimeException e) {
      failed("the message cannot be decoded", e);
      return;
    }
    listener.onMessage(answer);
  }

  private void failed(String what, Throwable cause) {
    failed = Status.CANCELLED.withDescription(what).withCause(cause);
    abort(failed);
  }

  /** An error goes on to the executor. */
  private void note(Throwable e) {
    if (e instanceof Error thrown) {
      error = thrown;
    } else {
      LOGGER.log(System.Logger.Level.ERROR, "a callback failed", e);
    }
  }
}
