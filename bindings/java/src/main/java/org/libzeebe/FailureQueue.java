package org.libzeebe;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;

/** What a job stream or a worker goes on after, on its way to the program, one after the other; last, perhaps, its end. */
final class FailureQueue {
  /** That wait for a slow listener. */
  private static final int MAX_FAILURES = 16;

  /** Null: none. */
  private final JobStreamListener listener;

  private final SerializingExecutor executor;

  /** Not yet told; for each, a task was added. Guarded by itself. */
  private final Queue<Event> failures = new ArrayDeque<>();

  FailureQueue(JobStreamListener listener, Executor executor) {
    this.listener = listener;
    this.executor = new SerializingExecutor(executor);
  }

  /** Under whatever lock decides the order; {@link #schedule} outside of it. */
  void add(Event event) {
    if (listener == null) {
      return;
    }
    synchronized (failures) {
      failures.add(event);
      if (failures.size() > MAX_FAILURES) {
        failures.remove();
        return;
      }
    }
    executor.add(this::tellFailure);
  }

  /** Told behind all failures. */
  void addEnd(Runnable end) {
    executor.add(end);
  }

  void schedule() {
    executor.schedule();
  }

  private void tellFailure() {
    Event next;
    synchronized (failures) {
      next = failures.poll();
    }
    if (next != null) {
      listener.onError(next.error, next.failures, Duration.ofMillis(next.pauseMillis));
    }
  }

  /** None begins any more. */
  void clear() {
    synchronized (failures) {
      failures.clear();
    }
  }
}
