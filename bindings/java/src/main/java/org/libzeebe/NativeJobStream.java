package org.libzeebe;

/** A job stream's native handle; what is asked of it after it was freed does nothing. None of its methods blocks. */
final class NativeJobStream implements Runnable {
  /** 0: freed. */
  private long pointer;

  NativeJobStream(long pointer) {
    this.pointer = pointer;
  }

  synchronized void request(long count) {
    if (pointer != 0) {
      // It can only fail because the stream has ended, which its end tells.
      ZeebeException.take(Native.jobStreamRequest(pointer, count));
    }
  }

  synchronized void close() {
    if (pointer != 0) {
      Native.jobStreamClose(pointer);
    }
  }

  /** Frees it, and so cancels a stream that has not ended. */
  @Override
  public synchronized void run() {
    if (pointer != 0) {
      Native.jobStreamFree(pointer);
      pointer = 0;
    }
  }
}
