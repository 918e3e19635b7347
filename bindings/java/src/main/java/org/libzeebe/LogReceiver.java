package org.libzeebe;

import java.lang.System.Logger.Level;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Hands the library's log records to the program, one after the other, without holding up the reader. */
final class LogReceiver implements CompletionQueue.Receiver {
  /** Records that wait for a slow program; more are lost. */
  private static final int WAITING_MAX = 4096;

  private final Consumer<? super LogEntry> handler;
  private final SerializingExecutor executor;
  private final AtomicInteger waiting = new AtomicInteger();
  private volatile boolean ended;

  /** The reader's own. */
  private int lost;

  LogReceiver(Consumer<? super LogEntry> handler, Executor executor) {
    this.handler = handler;
    this.executor = new SerializingExecutor(executor);
  }

  /** Whether no record comes any more: the log goes somewhere else. */
  boolean hasEnded() {
    return ended;
  }

  @Override
  public void receive(Event event) {
    if (event.logged == null) {
      ended = true;
    } else if (waiting.get() >= WAITING_MAX) {
      lost++;
    } else {
      if (lost > 0) {
        deliver(new LogEntry(Level.WARNING, "org.libzeebe", lost + " log records were lost: slow handler"));
        lost = 0;
      }
      deliver(event.logged);
    }
  }

  @Override
  public boolean awaitsEnd() {
    return false;
  }

  private void deliver(LogEntry entry) {
    waiting.incrementAndGet();
    executor.add(
        () -> {
          waiting.decrementAndGet();
          handler.accept(entry);
        });
    executor.schedule();
  }
}
