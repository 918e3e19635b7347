package org.libzeebe;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.Executor;

/** Where handlers of jobs run by default: a virtual thread each, where the JVM has them (Java 21), else daemon threads as needed. */
final class HandlerThreads {
  private static final int FIRST_WITH_VIRTUAL = 21;

  /** Null: there are none. */
  private static final MethodHandle START_VIRTUAL = startVirtual();

  private HandlerThreads() {}

  static Executor executor(CompletionQueue queue) {
    return START_VIRTUAL == null ? queue.executor() : HandlerThreads::start;
  }

  private static MethodHandle startVirtual() {
    if (Runtime.version().feature() < FIRST_WITH_VIRTUAL) {
      return null;
    }
    try {
      return MethodHandles.publicLookup()
          .findStatic(
              Thread.class,
              "startVirtualThread",
              MethodType.methodType(Thread.class, Runnable.class));
    } catch (ReflectiveOperationException e) {
      return null;
    }
  }

  private static void start(Runnable task) {
    try {
      Thread started = (Thread) START_VIRTUAL.invokeExact(task);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
