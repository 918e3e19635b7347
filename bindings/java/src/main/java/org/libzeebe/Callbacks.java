package org.libzeebe;

import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.function.Consumer;

/**
 * The callbacks of a call's listener, one after the other, in the context in which the call was started. They are added in the
 * order of the call, which is locked, and run outside of that.
 */
final class Callbacks<ResponseT> {
  private final MethodDescriptor<?, ResponseT> method;
  private final ClientCall.Listener<ResponseT> listener;
  private final Context context;
  private final Consumer<Runnable> queue;
  private final Consumer<Status> abort;
  /** Messages that were not delivered are not wanted any more. */
  private volatile boolean aborted;
  /** Why a callback failed: what its call then ends with, whatever its end was. */
  private volatile Status failed;

  /**
   * Makes them.
   *
   * @param queue adds one
   * @param abort ends the call, after a callback has failed
   */
  Callbacks(
      MethodDescriptor<?, ResponseT> method,
      ClientCall.Listener<ResponseT> listener,
      Context context,
      Consumer<Runnable> queue,
      Consumer<Status> abort) {
    this.method = method;
    this.listener = listener;
    this.context = context;
    this.queue = queue;
    this.abort = abort;
  }

  void ready() {
    add(listener::onReady);
  }

  void headers(Metadata headers) {
    add(() -> listener.onHeaders(headers));
  }

  void message(byte[] message) {
    add(() -> deliver(message));
  }

  void close(Status status, Metadata trailers) {
    add(() -> listener.onClose(failed == null ? status : failed, trailers));
  }

  /** No message is delivered any more. */
  void abort() {
    aborted = true;
  }

  private void add(Runnable callback) {
    queue.accept(
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
    abort.accept(status);
  }

  private void deliver(byte[] bytes) {
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
