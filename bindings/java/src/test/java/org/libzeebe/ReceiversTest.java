package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ReceiversTest {
  private final Receivers receivers = new Receivers();

  private static CompletionQueue.Receiver receiver() {
    return event -> {
      throw new AssertionError(event);
    };
  }

  @Test
  void idThatWasRemovedFindsNobody() {
    assertTrue(receivers.isEmpty());
    var first = receiver();
    long one = receivers.add(first);
    assertNotEquals(CompletionQueue.NOBODY, one);
    assertSame(first, receivers.get(one));
    assertFalse(receivers.isEmpty());
    assertSame(first, receivers.remove(one));
    assertTrue(receivers.isEmpty());
    long two = receivers.add(receiver());
    assertEquals((int) one, (int) two); // the same place
    assertNull(receivers.get(one));
    assertNull(receivers.remove(one));
    for (long never : new long[] {CompletionQueue.NOBODY, -1, 1L << 32 | 15, Long.MAX_VALUE}) {
      assertNull(receivers.get(never));
    }
    assertFalse(receivers.isEmpty());
  }

  @Test
  void manyAreKeptApart() {
    Map<Long, CompletionQueue.Receiver> added = new HashMap<>();
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 100; i++) {
        var receiver = receiver();
        assertNull(added.put(receivers.add(receiver), receiver));
      }
      added.forEach((id, receiver) -> assertSame(receiver, receivers.get(id)));
      added.keySet().removeIf(id -> id % 3 == 0 && receivers.remove(id) != null);
    }
    added.forEach((id, receiver) -> assertSame(receiver, receivers.remove(id)));
    assertTrue(receivers.isEmpty());
  }

  @Test
  void whatWasCollectedIsNobody() {
    var weak = new WeakReference<>(receiver());
    long id = receivers.add(weak);
    weak.clear();
    assertNull(receivers.get(id));
    assertFalse(receivers.isEmpty()); // until its last event
    assertNull(receivers.remove(id));
    assertTrue(receivers.isEmpty());
  }

  @Test
  void whoAwaitsNoEndStays() {
    var waits = receiver();
    var goesOn =
        new CompletionQueue.Receiver() {
          @Override
          public void receive(Event event) {}

          @Override
          public boolean awaitsEnd() {
            return false;
          }
        };
    var collected = new WeakReference<>(receiver());
    long waiting = receivers.add(waits);
    long going = receivers.add(goesOn);
    receivers.add(collected);
    collected.clear();
    assertEquals(List.of(waits), receivers.removeAwaiting());
    assertNull(receivers.get(waiting));
    assertSame(goesOn, receivers.remove(going));
    assertTrue(receivers.isEmpty());
  }
}
