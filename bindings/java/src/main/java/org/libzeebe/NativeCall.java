package org.libzeebe;

/** A call's native handle; what is asked of it after it was freed does nothing. None of its methods blocks. */
final class NativeCall implements Runnable {
  /** 0: freed. */
  private long pointer;

  NativeCall(long pointer) {
    this.pointer = pointer;
  }

  /** Null: it is on its way, or the call has ended. */
  synchronized ZeebeException send(byte[] message, boolean isLast) {
    return pointer == 0 ? null : ZeebeException.take(Native.callSend(pointer, message, isLast));
  }

  synchronized void halfClose() {
    if (pointer != 0) {
      // It can only fail because the call has ended, which the listener learns by itself.
      ZeebeException.take(Native.callHalfClose(pointer));
    }
  }

  synchronized void request(long count) {
    if (pointer != 0) {
      ZeebeException.take(Native.callRequest(pointer, count));
    }
  }

  synchronized boolean isReady() {
    return pointer != 0 && Native.callIsReady(pointer);
  }

  synchronized void cancel() {
    if (pointer != 0) {
      Native.callCancel(pointer);
    }
  }

  /** Frees it, and so cancels a call that has not ended. */
  @Override
  public synchronized void run() {
    if (pointer != 0) {
      Native.callFree(pointer);
      pointer = 0;
    }
  }
}
