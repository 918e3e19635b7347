package org.libzeebe;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

/**
 * A native handle: freed when it is closed, at the latest when its owner is collected, but never while a thread uses it.
 *
 * <p>It keeps the completion queue's reader running.
 */
final class Handle {
  static final Cleaner CLEANER = Cleaner.create();

  private final Resource resource;
  private final Cleaner.Cleanable cleanable;

  /**
   * Takes over a native handle, and one use of {@code queue}.
   *
   * @param free must not refer to the owner
   */
  Handle(Object owner, long pointer, CompletionQueue queue, LongConsumer free) {
    resource = new Resource(pointer, queue, free);
    cleanable = CLEANER.register(owner, resource);
  }

  /** To be paired with {@link #release}; 0: closed, and not to be released. */
  long acquire() {
    return resource.acquire();
  }

  void release() {
    resource.release();
  }

  void close() {
    cleanable.clean();
  }

  private static final class Resource implements Runnable {
    /** One for being open, one for each thread that uses it. */
    private final AtomicInteger uses = new AtomicInteger(1);
    private final long pointer;
    private final CompletionQueue queue;
    private final LongConsumer free;
    private volatile boolean closed;

    Resource(long pointer, CompletionQueue queue, LongConsumer free) {
      this.pointer = pointer;
      this.queue = queue;
      this.free = free;
    }

    long acquire() {
      for (int count = uses.get(); count > 0 && !closed; count = uses.get()) {
        if (uses.compareAndSet(count, count + 1)) {
          return pointer;
        }
      }
      return 0;
    }

    void release() {
      if (uses.decrementAndGet() == 0) {
        free.accept(pointer);
        queue.release();
      }
    }

    @Override
    public void run() {
      closed = true;
      release();
    }
  }
}
