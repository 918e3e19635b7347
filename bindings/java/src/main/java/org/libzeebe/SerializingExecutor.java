package org.libzeebe;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Runs tasks one after the other, in order, on another executor. They are added under whatever lock decides their order, and
 * scheduled outside of it, for the executor may run them at once.
 */
final class SerializingExecutor implements Runnable {
  private static final System.Logger LOGGER = System.getLogger(SerializingExecutor.class.getName());

  private final Executor executor;
  private final Runnable whenIdle;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean scheduled = new AtomicBoolean();
  /** Who runs tasks now; null: nobody. */
  private volatile Thread runner;

  /**
   * Makes one.
   *
   * @param whenIdle runs each time that no task is left, on the executor, too
   */
  SerializingExecutor(Executor executor, Runnable whenIdle) {
    this.executor = executor;
    this.whenIdle = whenIdle;
  }

  SerializingExecutor(Executor executor) {
    this(executor, () -> {});
  }

  /** Whether this thread runs a task. */
  boolean isRunner() {
    return runner == Thread.currentThread();
  }

  boolean isEmpty() {
    return tasks.isEmpty();
  }

  void add(Runnable task) {
    tasks.add(task);
  }

  void schedule() {
    if (!tasks.isEmpty() && scheduled.compareAndSet(false, true)) {
      try {
        executor.execute(this);
      } catch (Throwable e) {
        // The task stays: the next one runs both, should the executor take it.
        scheduled.set(false);
        LOGGER.log(System.Logger.Level.WARNING, "the executor takes no callbacks", e);
      }
    }
  }

  @Override
  public void run() {
    runner = Thread.currentThread();
    try {
      Runnable task;
      while ((task = tasks.poll()) != null) {
        try {
          task.run();
        } catch (RuntimeException e) {
          LOGGER.log(System.Logger.Level.ERROR, "a callback failed", e);
        }
      }
    } finally {
      // Also after an Error, which goes on to the executor: the tasks behind it still run.
      runner = null;
      whenIdle.run();
      scheduled.set(false);
      schedule();
    }
  }
}
