package org.libzeebe;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * The messages of a call that have come and wait until the program asks for them. The library, which counts those that wait, is
 * told of those that were taken: of many at once, or when none is left.
 *
 * <p>Guarded by the call.
 */
final class InboundMessages {
  private static final int TELL_TAKEN = 32;

  private final Queue<byte[]> received = new ArrayDeque<>();
  /** By the program, and not delivered yet. */
  private long requested;
  /** Of which the library was not told. */
  private long taken;

  void request(int count) {
    requested += count;
  }

  void add(byte[] message) {
    received.add(message);
  }

  /** The next that may be delivered; null: none. */
  byte[] take() {
    if (requested == 0 || received.isEmpty()) {
      return null;
    }
    requested--;
    taken++;
    return received.remove();
  }

  void tellTaken(NativeCall call) {
    if (call != null && taken > 0 && (taken >= TELL_TAKEN || received.isEmpty())) {
      call.request(taken);
      taken = 0;
    }
  }

  boolean isEmpty() {
    return received.isEmpty();
  }

  void clear() {
    received.clear();
  }
}
