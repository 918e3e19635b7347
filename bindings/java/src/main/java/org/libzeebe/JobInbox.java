package org.libzeebe;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The jobs of a stream that have come and were not taken, and what it goes on after on its way to the program. The library, which
 * counts the jobs that wait, is told of each that was taken.
 *
 * <p>The reader keeps it until the stream has ended. It must not refer to the {@link JobStream}, which may be dropped before.
 */
final class JobInbox implements CompletionQueue.Receiver {
  /** Starts the native stream. */
  interface Starter {
    NativeJobStream start();
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  private final FailureQueue failures;

  // What follows is guarded by the lock.

  private final Queue<byte[]> jobs = new ArrayDeque<>();
  private boolean ended;
  private ZeebeException failure;
  private NativeJobStream stream;

  JobInbox(JobStreamListener listener, Executor executor) {
    failures = new FailureQueue(listener, executor);
  }

  /** What comes meanwhile waits until all is in place. */
  NativeJobStream start(Starter starter) {
    lock.lock();
    try {
      stream = starter.start();
      return stream;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void receive(Event event) {
    lock.lock();
    try {
      switch (event.type) {
        case Event.MESSAGE -> jobs.add(event.message);
        case Event.JOB_STREAM_ERROR -> failures.add(event);
        default -> {
          ended = true;
          failure = event.error;
          stream.run();
        }
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    failures.schedule();
  }

  /** Null: none came in time, or there is none any more. Negative nanoseconds: waits for ever. */
  byte[] take(long nanos) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      for (long left = nanos; jobs.isEmpty() && !ended && left != 0; ) {
        if (nanos < 0) {
          changed.await();
        } else {
          left = Math.max(0, changed.awaitNanos(left));
        }
      }
      byte[] job = jobs.poll();
      if (job != null) {
        stream.request(1);
      }
      return job;
    } finally {
      lock.unlock();
    }
  }

  int size() {
    lock.lock();
    try {
      return jobs.size();
    } finally {
      lock.unlock();
    }
  }

  /** Whether there is no job, and none will come. */
  boolean isDrained() {
    lock.lock();
    try {
      return ended && jobs.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** Why it ended; null: it was closed, or has not ended. */
  ZeebeException failure() {
    lock.lock();
    try {
      return failure;
    } finally {
      lock.unlock();
    }
  }

  /** What waits is nobody's any more. */
  void clear() {
    lock.lock();
    try {
      jobs.clear();
      failures.clear();
    } finally {
      lock.unlock();
    }
  }
}
