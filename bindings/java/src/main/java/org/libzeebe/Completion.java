package org.libzeebe;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** The end of something asked for, as a future that completes on an executor. */
final class Completion implements CompletionQueue.Receiver {
  private final CompletableFuture<Void> future = new CompletableFuture<>();
  private final Executor executor;

  Completion(Executor executor) {
    this.executor = executor;
  }

  /** Throws the error that kept it from starting, if there is one. */
  void started(CompletionQueue queue, long id, long error) {
    if (error != 0) {
      queue.forget(id);
      ZeebeException.check(error);
    }
  }

  CompletableFuture<Void> future() {
    return future;
  }

  @Override
  public void receive(Event event) {
    executor.execute(
        () -> {
          if (event.error == null) {
            future.complete(null);
          } else {
            future.completeExceptionally(event.error);
          }
        });
  }
}
