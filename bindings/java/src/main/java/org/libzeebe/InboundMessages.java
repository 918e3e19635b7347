package org.libzeebe;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * The messages of a call that have come and wait until the program asks for them. The library, which counts those that wait, is
 * told of those that were taken: of many at once, or when none is left. Each time is a crossing.
 *
 * <p>Guarded by the call.
 */
final class InboundMessages {
  /** So much is told of at once; each message counts with {@link #OVERHEAD}, as in the library. */
  private static final long MUCH = 32 * 1024;
  private static final int OVERHEAD = 256;

  private final Queue<byte[]> received = new ArrayDeque<>();
  /** By the program, and not delivered yet. */
  private long requested;
  /** Of which the library was not told. */
  private long taken;
  /** Of those, with what each costs. */
  private long takenBytes;

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
    byte[] message = received.remove();
    takenBytes += message.length + OVERHEAD;
    return message;
  }

  /** Whether so much was taken that the library is told of it now, though more will be. */
  boolean owesMuch() {
    return takenBytes >= MUCH;
  }

  void tellTaken(NativeCall call) {
    if (call != null && taken > 0) {
      call.request(taken);
      taken = 0;
      takenBytes = 0;
    }
  }

  boolean isEmpty() {
    return received.isEmpty();
  }

  void clear() {
    received.clear();
  }
}
