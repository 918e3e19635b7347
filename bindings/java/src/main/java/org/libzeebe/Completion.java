package org.libzeebe;

import java.util.concurrent.CompletableFuture;

/** The end of something asked for, as a future that completes on the library's threads. */
final class Completion implements CompletionQueue.Receiver {
  private final CompletableFuture<Void> future = new CompletableFuture<>();
  private final CompletionQueue queue;

  Completion(CompletionQueue queue) {
    this.queue = queue;
  }

  /** Throws the error that kept it from starting, if there is one. */
  void started(long id, long error) {
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
    queue.callBack(
        () -> {
          if (event.error == null) {
            future.complete(null);
          } else {
            future.completeExceptionally(event.error);
          }
        });
  }
}
