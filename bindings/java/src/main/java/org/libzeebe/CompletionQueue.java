package org.libzeebe;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The native completion queue and the one daemon thread that takes its events, many at a crossing, and hands them to whom
 * they concern, by id.
 *
 * <p>There is one while there are channels or plugins, and none after: an idle thread would keep the class loader from being
 * collected.
 */
final class CompletionQueue {
  /** Who has asked for something, and gets its events one after the other. It must not block. */
  interface Receiver {
    void receive(Event event);

    /** What came for it one after the other was received. */
    default void settle() {}

    /** Whether it waits for an end, which is told if an event for it may be lost. Others go on with the next event. */
    default boolean awaitsEnd() {
      return true;
    }
  }

  private static final System.Logger LOGGER = System.getLogger(CompletionQueue.class.getName());
  /** The id of what nobody is told of. */
  static final long NOBODY = 0;

  private static final int BUFFER_SIZE = 256 * 1024;
  private static final Object LOCK = new Object();
  private static CompletionQueue current;

  /** What is logged while there are channels or plugins, and who gets it. */
  record Log(int level, Consumer<? super LogEntry> handler) {}

  /** Null: none. Guarded by LOCK. */
  private static Log log;

  private final Receivers receivers = new Receivers();
  private final ExecutorService executor = newExecutor();
  private final long queue;
  private final Thread reader;

  // Of the reader: who gets events one after the other, if anybody does, and by which id.

  private Receiver receiver;
  private long receiverId = NOBODY;

  /** Calls that have ended: all of a batch are freed in one crossing. */
  private long[] ended = new long[256];
  private int endedCount;

  /** Channels and plugins; guarded by LOCK. */
  private volatile int users;

  /** Gets the log, or has got it; guarded by LOCK. Null: nobody. */
  private LogReceiver logReceiver;

  private CompletionQueue() {
    ZeebeRuntime.configureByDefault();
    ByteBuffer buffer = newBuffer(BUFFER_SIZE);
    long[] out = new long[1];
    ZeebeException.check(Native.queueNew(out));
    queue = out[0];
    reader = newThread(() -> read(buffer), "zeebe-reader");
    try {
      reader.start();
    } catch (Throwable e) {
      Native.queueFree(queue); // there is no thread to be had
      throw e;
    }
  }

  /** The queue, for one more channel or plugin. */
  static CompletionQueue retain() {
    NativeLibrary.require();
    synchronized (LOCK) {
      if (current == null) {
        current = new CompletionQueue();
      }
      if (current.users++ == 0) {
        current.startLog();
      }
      return current;
    }
  }

  /** From now on; null: nobody. */
  static void setLog(Log to) {
    synchronized (LOCK) {
      log = to;
      if (current != null && current.users > 0) {
        current.stopLog();
        current.startLog();
      }
    }
  }

  private void startLog() {
    if (log == null) {
      return;
    }
    logReceiver = new LogReceiver(log.handler, executor);
    long id = register(logReceiver);
    long error = Native.logStart(log.level, queue, id);
    if (error != 0) {
      forget(id);
      LOGGER.log(System.Logger.Level.WARNING, "there is no log", ZeebeException.take(error));
    }
  }

  /** The receiver's last event is still to come, and the reader waits for it. */
  private void stopLog() {
    if (logReceiver != null && !logReceiver.hasEnded()) {
      Native.logStop();
    }
    logReceiver = null;
  }

  void release() {
    synchronized (LOCK) {
      if (--users == 0) {
        stopLog();
        Native.queueWake(queue);
      }
    }
  }

  long handle() {
    return queue;
  }

  /** Completes what the program may wait for, whose own executors may be used up or shut down. */
  void callBack(Runnable task) {
    try {
      executor.execute(task);
    } catch (Throwable e) {
      // There are no more threads: late is better than never.
      task.run();
    }
  }

  /** Whether this is the thread that takes events: what comes later never comes if it waits for it. */
  boolean isReader() {
    return Thread.currentThread() == reader;
  }

  /** Where callbacks run by default: daemon threads, as many as needed. */
  Executor executor() {
    return executor;
  }

  /**
   * Gives what is about to be started its id. Until its last event the receiver is kept.
   *
   * <p>Only while a handle of this queue is in use.
   */
  long register(Receiver receiver) {
    return receivers.add(receiver);
  }

  /** As {@link #register}, but does not keep the receiver from being collected. */
  long registerWeakly(Receiver receiver) {
    return receivers.add(new WeakReference<>(receiver));
  }

  /** It could not be started. */
  void forget(long id) {
    receivers.remove(id);
  }

  private void read(ByteBuffer first) {
    ByteBuffer buffer = first;
    boolean cut = false;
    do {
      long length = Native.queueTake(queue, buffer, cut);
      cut = false;
      if (length == Long.MIN_VALUE) {
        // Only another user of the library in this process can have done that. The queue stays, for who still refers to it.
        end();
        endAll(ZeebeException.shutDown());
        executor.shutdown();
        return;
      }
      if (length < 0) {
        try {
          buffer = newBuffer((int) -length);
        } catch (OutOfMemoryError e) {
          log("there is no memory for what comes", e);
          cut = true;
        }
        continue;
      }
      buffer.limit((int) length).rewind();
      try {
        dispatch(buffer);
      } catch (Throwable e) {
        // Nobody knows whose events are lost. The thread goes on: without it no call of the process would end.
        log("what came was lost", e);
        endAll(ZeebeException.lost("what came was lost: " + e));
      }
      buffer.clear();
    } while (users > 0 || !endIfUnused());
    executor.shutdown();
    Native.queueFree(queue);
  }

  private void dispatch(ByteBuffer events) {
    while (events.hasRemaining()) {
      dispatch(Event.next(events));
    }
    settle();
    if (endedCount > 0) {
      Native.callsFree(ended, endedCount);
      endedCount = 0;
    }
  }

  private void dispatch(Event event) {
    if (event.id != receiverId) {
      settle();
      receiver = event.isLast() ? receivers.remove(event.id) : receivers.get(event.id);
      receiverId = event.id;
    } else if (event.isLast()) {
      receivers.remove(event.id);
    }
    try {
      if (receiver == null) {
        refuse(event);
      } else {
        receiver.receive(event);
      }
    } catch (Throwable e) {
      failed(event, e);
    }
    if (event.isLast()) {
      settle();
    }
  }

  /** Who gets nothing of an event may wait in vain: it is told of its end, and others go on. */
  private void failed(Event event, Throwable why) {
    log("a callback on the reader's thread failed", why);
    if (event.request != 0) {
      Native.tokenFree(event.request);
    } else if (event.job != null) {
      event.job.handle.run();
    } else if (receiver != null && receiver.awaitsEnd()) {
      receivers.remove(event.id);
      end(receiver, ZeebeException.lost("what came was not received: " + why));
      settle();
    }
  }

  private void endAll(ZeebeException why) {
    receivers.removeAwaiting().forEach(waits -> end(waits, why));
  }

  private static void end(Receiver receiver, ZeebeException why) {
    try {
      receiver.receive(new Event(NOBODY, why));
    } catch (Throwable e) {
      log("an end was not received", e);
    }
  }

  /** Nor does a logger of the program's end the reader. */
  static void log(String what, Throwable why) {
    try {
      LOGGER.log(System.Logger.Level.ERROR, what, why);
    } catch (Throwable e) {
      // There is nobody to tell.
    }
  }

  private void settle() {
    try {
      if (receiver != null) {
        receiver.settle();
      }
    } catch (Throwable e) {
      log("a receiver on the reader's thread failed", e);
    }
    receiver = null;
    receiverId = NOBODY;
  }

  /** Whether this is the thread that takes events, while it hands some to this receiver, which it will settle. */
  boolean isGivingTo(Receiver receiver) {
    return isReader() && this.receiver == receiver;
  }

  /** Frees a native call, whose last event its receiver just got; 0: none. */
  void freeEnded(long call) {
    if (endedCount == ended.length) {
      ended = Arrays.copyOf(ended, 2 * endedCount);
    }
    ended[endedCount++] = call;
  }

  /** Who would have received it is no longer there. */
  private void refuse(Event event) {
    if (event.request != 0) {
      Native.tokenFree(event.request);
    }
    if (event.job != null) {
      event.job.giveBack(this, NativeJob.AT_ONCE, "its worker was dropped");
    }
  }

  private boolean endIfUnused() {
    synchronized (LOCK) {
      boolean isUnused = users == 0 && receivers.isEmpty();
      if (isUnused) {
        end();
      }
      return isUnused;
    }
  }

  private void end() {
    synchronized (LOCK) {
      if (current == this) {
        current = null;
      }
    }
  }

  private static ByteBuffer newBuffer(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  private static ExecutorService newExecutor() {
    var number = new AtomicInteger();
    return new ThreadPoolExecutor(
        0,
        Integer.MAX_VALUE,
        60,
        TimeUnit.SECONDS,
        new SynchronousQueue<>(),
        task -> newThread(task, "zeebe-callback-" + number.incrementAndGet()),
        // After the last channel has ended, a call that is refused is still told so.
        (task, pool) -> newThread(task, "zeebe-callback").start());
  }

  private static Thread newThread(Runnable task, String name) {
    var thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }
}
