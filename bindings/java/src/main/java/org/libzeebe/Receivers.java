package org.libzeebe;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Who gets events, by id: half a place's index, half how often the place was given out, so that a late event finds nobody. No id is
 * {@link CompletionQueue#NOBODY}.
 */
final class Receivers {
  private Object[] places = new Object[16]; // receivers, or weak references to them; null: free
  private int[] times = new int[16];
  private int[] free = new int[16];
  private int freeCount;
  private int used; // places that were given out at least once

  synchronized long add(Object receiver) {
    if (freeCount == 0) {
      if (used == places.length) {
        places = Arrays.copyOf(places, 2 * used);
        times = Arrays.copyOf(times, 2 * used);
        free = Arrays.copyOf(free, 2 * used);
      }
      free[freeCount++] = used++;
    }
    int index = free[--freeCount];
    places[index] = receiver;
    times[index]++;
    return (long) times[index] << 32 | index;
  }

  /** Null: there is none of that id any more, or it was collected. */
  synchronized CompletionQueue.Receiver get(long id) {
    return has(id) ? receiver(places[(int) id]) : null;
  }

  /** As {@link #get}; it is not there after this. */
  synchronized CompletionQueue.Receiver remove(long id) {
    if (!has(id)) {
      return null;
    }
    int index = (int) id;
    var receiver = receiver(places[index]);
    clear(index);
    return receiver;
  }

  private void clear(int index) {
    places[index] = null;
    free[freeCount++] = index;
  }

  /** Those that await their end, which are not there after this; nor are those that were collected. */
  synchronized List<CompletionQueue.Receiver> removeAwaiting() {
    var removed = new ArrayList<CompletionQueue.Receiver>();
    for (int index = 0; index < used; index++) {
      if (places[index] == null) {
        continue;
      }
      var receiver = receiver(places[index]);
      if (receiver == null) {
        clear(index);
      } else if (receiver.awaitsEnd()) {
        clear(index);
        removed.add(receiver);
      }
    }
    return removed;
  }

  synchronized boolean isEmpty() {
    return freeCount == used;
  }

  private boolean has(long id) {
    int index = (int) id;
    return index >= 0 && index < used && places[index] != null && times[index] == (int) (id >> 32);
  }

  private static CompletionQueue.Receiver receiver(Object place) {
    return place instanceof WeakReference<?> weak
        ? (CompletionQueue.Receiver) weak.get()
        : (CompletionQueue.Receiver) place;
  }
}
