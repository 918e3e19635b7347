package org.libzeebe;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * The messages of a call that come: those that the program asked for, those asked for of the native call, and those that wait.
 *
 * <p>The native call is asked for messages ahead of the program, a few small ones, so that not every message costs a crossing.
 * Guarded by the call.
 */
final class InboundMessages {
  private static final int AHEAD = 64;
  private static final int AHEAD_MAX_LENGTH = 16 * 1024;

  private final Queue<byte[]> received = new ArrayDeque<>();
  private final boolean isOne;
  /** By the program, and not delivered yet. */
  private long requested;
  /** Of the native call, and not come yet. */
  private long asked;
  /** Nothing is asked for ahead before the first message has shown how long they are. */
  private int lastLength = Integer.MAX_VALUE;

  /** Of one: no more than one is ever asked for. */
  InboundMessages(boolean isOne) {
    this.isOne = isOne;
  }

  void request(int count) {
    requested += count;
  }

  /** To be done before messages are delivered: while they are looked at, more come. */
  void askForMore(NativeCall call) {
    if (call == null || requested == 0 || isOne && asked > 0) {
      return;
    }
    long wanted = lastLength > AHEAD_MAX_LENGTH ? requested : Math.max(requested, AHEAD);
    long more = wanted - asked - received.size();
    if (more >= AHEAD / 2 || asked + received.size() < requested) {
      asked += more;
      call.request(more);
    }
  }

  /** One that was asked for. */
  void addAsked(byte[] message) {
    asked--;
    lastLength = message.length;
    received.add(message);
  }

  /** The answer that came with a unary call's end. */
  void add(byte[] message) {
    received.add(message);
  }

  /** The next that may be delivered; null: none. */
  byte[] take() {
    if (requested == 0 || received.isEmpty()) {
      return null;
    }
    requested--;
    return received.remove();
  }

  boolean isEmpty() {
    return received.isEmpty();
  }

  void clear() {
    received.clear();
  }
}
