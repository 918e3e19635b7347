package org.libzeebe;

import java.util.concurrent.CompletableFuture;

/**
 * How the end of a job went.
 *
 * @param outcome whether the gateway has it
 * @param error why it is not {@link JobOutcome#ENDED}; null if it is
 */
public record JobEnd(JobOutcome outcome, ZeebeException error) {
  /**
   * Whether the gateway has taken it.
   *
   * @return false: it has not, or nobody knows
   */
  public boolean hasEnded() {
    return outcome == JobOutcome.ENDED;
  }

  /** Completes a future on the library's threads: a handler that waits for it may hold all of the program's. */
  static CompletionQueue.Receiver into(CompletableFuture<JobEnd> future, CompletionQueue queue) {
    return event -> {
      var end = new JobEnd(JobOutcome.of(event.outcome), event.error);
      queue.callBack(() -> future.complete(end));
    };
  }
}
