package org.libzeebe;

import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/** A call of any kind but unary: a native stream. */
final class StreamCall<RequestT, ResponseT> extends ZeebeCall<RequestT, ResponseT> {
  private final SerializingExecutor executor;

  // What follows is guarded by this.

  private Callbacks<ResponseT> callbacks;
  private boolean halfClosed;
  private NativeCall call;
  private final InboundMessages messages = new InboundMessages();
  /** Until there is a native call, and until the half-close, if there is but one. */
  private final List<byte[]> unsent = new ArrayList<>();
  private boolean begun;
  /** The end, once it is known; it is told after the messages. */
  private Status status;
  private Metadata trailers;
  private boolean closed;

  StreamCall(
      ZeebeChannel channel,
      MethodDescriptor<RequestT, ResponseT> method,
      CallOptions options,
      Executor executor) {
    super(channel, method, options);
    this.executor = new SerializingExecutor(executor, this::idle);
  }

  /** Has callbacks run that were added. */
  private void schedule() {
    if (isOver()) {
      over(); // without the lock: the context has one of its own, and calls back with it
    }
    executor.schedule();
  }

  // Callbacks are only added where this is locked; whoever locks schedules them afterwards, for they may run at once.

  private Callbacks<ResponseT> callbacks() {
    if (callbacks == null) {
      callbacks = new Callbacks<>(method, listener, context, executor, this::abort);
    }
    return callbacks;
  }

  @Override
  void authorize() {
    synchronized (this) {
      if (!authorized) {
        authorized = true;
        open();
      }
    }
    schedule();
  }

  /** Makes the native call, if it is time. */
  private void open() {
    if (!authorized || call != null || status != null || closed) {
      return;
    }
    try {
      call = new CallStart(channel, method, options).stream(headers, remainingMillis(), this);
    } catch (IllegalArgumentException e) {
      breakOff(Status.INVALID_ARGUMENT.withDescription(e.getMessage()).withCause(e));
    } catch (StatusRuntimeException e) {
      breakOff(e.getStatus());
    }
    if (call == null) {
      return;
    }
    tracers.outboundHeaders();
    flush();
    if (!closed && call.isReady()) {
      callbacks().ready();
    }
  }

  /** Sends what waits. A request that is the only one waits for the half-close, and goes out with it in one frame. */
  private void flush() {
    if (closed || call == null || method.getType().clientSendsOneMessage() && !halfClosed) {
      return;
    }
    int count = unsent.size();
    for (int i = 0; i < count && !closed; i++) {
      send(unsent.get(i), halfClosed && i == count - 1);
    }
    unsent.clear();
    if (!closed && halfClosed && count == 0) {
      call.halfClose();
    }
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
    schedule();
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
    byte[] bytes = encode(message);
    if (bytes == null) {
      return;
    }
    synchronized (this) {
      if (halfClosed) {
        throw new IllegalStateException("already half-closed");
      }
      tracers.outboundMessage(bytes.length);
      if (!closed) {
        unsent.add(bytes);
        flush();
      }
    }
    schedule();
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
      if (listener == null || halfClosed) {
        throw new IllegalStateException(listener == null ? "not started" : "already half-closed");
      }
      halfClosed = true;
      if (call != null) {
        flush();
      } else {
        open();
      }
    }
    schedule();
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
  synchronized boolean isOver() {
    return closed;
  }

  @Override
  void abort(Status status) {
    synchronized (this) {
      breakOff(status);
    }
    schedule();
  }

  private void breakOff(Status status) {
    if (closed) {
      return;
    }
    callbacks().abort();
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
    schedule();
  }

  @Override
  public void settle() {
    synchronized (this) {
      messages.tellTaken(call);
    }
  }

  private void accept(Event event) {
    switch (event.type) {
      case Event.INITIAL_METADATA -> begin(event.headers);
      case Event.MESSAGE -> {
        messages.add(event.message);
        advance();
      }
      case Event.READY -> callbacks().ready();
      case Event.CLOSE -> end(event);
      default -> {}
    }
  }

  private void begin(Metadata headers) {
    if (!begun) {
      begun = true;
      tracers.inboundHeaders(headers);
      callbacks().headers(headers);
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
      callbacks().message(message);
    }
    if (messages.owesMuch()) {
      messages.tellTaken(call);
    }
    if (status != null && messages.isEmpty() && !closed) {
      closed = true;
      unsent.clear();
      tracers.closed(status, trailers);
      callbacks().close(status, trailers);
    }
  }
}
