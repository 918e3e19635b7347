package org.libzeebe;

import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/** A call of any kind but unary: a native stream. */
final class StreamCall<RequestT, ResponseT> extends ZeebeCall<RequestT, ResponseT> {
  private final SerializingExecutor executor;

  // What follows is guarded by this.

  private Callbacks<ResponseT> callbacks;
  private NativeCall call;
  private final InboundMessages messages = new InboundMessages();
  /** Until there is a native call, and until the half-close, if there is but one. */
  private final List<byte[]> unsent = new ArrayList<>();
  private boolean begun;

  StreamCall(
      ZeebeChannel channel,
      MethodDescriptor<RequestT, ResponseT> method,
      CallOptions options,
      Executor executor) {
    super(channel, method, options);
    this.executor = new SerializingExecutor(executor, this::idle);
  }

  @Override
  boolean isDue() {
    return true; // schedule() finds out cheaply
  }

  @Override
  void schedule() {
    tracers.tell();
    leaveIfOver();
    executor.schedule();
  }

  // Callbacks are only added where this is locked; whoever locks schedules them afterwards, for they may run at once.

  private Callbacks<ResponseT> callbacks() {
    if (callbacks == null) {
      callbacks = new Callbacks<>(method, listener, context, this::add, this::abort);
    }
    return callbacks;
  }

  private void add(Runnable callback) {
    if (tracers.areNone()) {
      executor.add(callback);
    } else {
      tracers.then(() -> executor.add(callback)); // who tells them schedules it
    }
  }

  @Override
  boolean mayStart() {
    return call == null;
  }

  @Override
  void startCall() {
    call = new CallStart(channel, method, options).stream(headers, remainingMillis(), this);
    tracers.outboundHeaders();
    flush();
    if (!isOver && call.isReady()) {
      ready();
    }
  }

  /** Sends what waits. A request that is the only one waits for the half-close, and goes out with it in one frame. */
  private void flush() {
    if (isOver || call == null || method.getType().clientSendsOneMessage() && !halfClosed) {
      return;
    }
    int count = unsent.size();
    for (int i = 0; i < count && !isOver; i++) {
      send(unsent.get(i), halfClosed && i == count - 1);
    }
    unsent.clear();
    if (!isOver && halfClosed && count == 0) {
      call.halfClose();
    }
  }

  @Override
  void requested(int count) {
    messages.request(count);
    advance();
    if (messages.isEmpty() && !settlesLater()) {
      messages.tellTaken(call);
    }
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
      checkOpen();
      tracers.outboundMessage(bytes.length);
      if (!isOver) {
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
  void finishRequest() {
    if (call != null) {
      flush();
    } else {
      open();
    }
  }

  @Override
  public boolean isReady() {
    NativeCall current;
    synchronized (this) {
      current = isOver || halfClosed ? null : call;
    }
    return current != null && current.isReady();
  }

  @Override
  void breakOff(Status status) {
    if (isOver) {
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
      if (!isOver) {
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
      case Event.READY -> ready();
      case Event.CLOSE -> end(event);
      default -> {}
    }
  }

  /** As in grpc-java, of no interest to who sends one message. */
  private void ready() {
    if (!method.getType().clientSendsOneMessage()) {
      callbacks().ready();
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

  /** Delivers what may be delivered. */
  @Override
  void advance() {
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
    if (status != null && messages.isEmpty() && !isOver) {
      isOver = true;
      unsent.clear();
      tracers.closed(status, trailers);
      callbacks().close(status, trailers);
    }
  }
}
