package org.libzeebe;

import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
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

  private boolean isRequested;
  /** Until it is on its way. */
  private byte[] request;
  /** Of the library; 0: not made yet, or it has ended. */
  private long call;
  private Metadata answerHeaders;
  /** Null: there is none. */
  private byte[] message;
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
  void requested(int count) {
    isRequested |= count > 0;
    advance();
  }

  @Override
  public void sendMessage(RequestT message) {
    byte[] bytes = encode(message);
    if (bytes == null) {
      return;
    }
    synchronized (this) {
      checkOpen();
      if (request != null) {
        throw new IllegalStateException("a unary call has one request");
      }
      if (!isOver) {
        request = bytes;
      }
    }
    tracers.outboundMessage(bytes.length);
    tracers.tell();
  }

  @Override
  void finishRequest() {
    if (request == null) {
      breakOff(Status.INTERNAL.withDescription("a unary call was half-closed without a request"));
    }
    open();
  }

  @Override
  boolean mayStart() {
    return call == 0 && halfClosed;
  }

  @Override
  void startCall() {
    call = new CallStart(channel, method, options).unary(headers, remainingMillis(), request, this);
    request = null;
    tracers.outboundHeaders();
  }

  /** What it would be of is sent with the half-close. */
  @Override
  public boolean isReady() {
    return false;
  }

  @Override
  void breakOff(Status status) {
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
    boolean leaves;
    boolean begins;
    synchronized (this) {
      channel.queue().freeEnded(call);
      call = 0;
      if (isOver) {
        return;
      }
      if (event.error == null || !event.headers.keys().isEmpty()) {
        answerHeaders = event.headers;
        tracers.inboundHeaders(answerHeaders);
        add(HEADERS);
      }
      message = event.message;
      end(event.error == null ? Status.OK : event.error.status(), event.trailers);
      leaves = isOver;
      begins = begin();
    }
    haveTold(leaves, begins);
  }

  /** Whether it is time for what follows the headers: a message waits until it is asked for. */
  @Override
  void advance() {
    if (status == null || isOver || message != null && !isRequested) {
      return;
    }
    isOver = true;
    request = null;
    int ends = CLOSE;
    if (message != null) {
      ends |= MESSAGE;
      tracers.inboundMessage(message.length);
    }
    tracers.closed(status, trailers);
    add(ends);
  }

  // ---- what the listener is told ----

  /** Where this is locked. */
  private void add(int what) {
    if (tracers.areNone()) {
      due |= what;
    } else {
      tracers.then(() -> becomesDue(what));
    }
  }

  private void becomesDue(int what) {
    synchronized (this) {
      due |= what;
    }
    schedule();
  }

  @Override
  boolean isDue() {
    return isOver || due != 0 && !scheduled || tracers.areDue();
  }

  @Override
  void schedule() {
    boolean leaves;
    boolean begins;
    synchronized (this) {
      leaves = isOver;
      begins = begin();
    }
    haveTold(leaves, begins);
  }

  /** Whether the listener is to be told of something, and nobody does: who asks has it told. Where this is locked. */
  private boolean begin() {
    boolean begins = due != 0 && !scheduled;
    scheduled |= begins;
    return begins;
  }

  private void haveTold(boolean leaves, boolean begins) {
    tracers.tell();
    if (leaves) {
      leave();
    }
    if (!begins) {
      return;
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
      int now;
      do {
        now = next();
        tell(now);
      } while (now != 0 && (now & CLOSE) == 0); // nothing is due after its end
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
