//! The streams of a connection: slots that are used again, found by their ids.

use super::stream::{Key, Stream};

const NONE: u32 = u32::MAX;

/// Ids grow by two, so that by their low bits those of one time fall into buckets of their own; what lives long shares one.
pub(super) struct Streams<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    /// The first slot of each chain; a power of two of them.
    buckets: Vec<u32>,
    len: u32,
}

struct Slot<T> {
    /// In its bucket's chain, or in that of the free ones.
    next: u32,
    stream: Option<Stream<T>>,
}

impl<T> Streams<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            buckets: vec![NONE; 8],
            len: 0,
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    fn bucket(&self, id: u32) -> usize {
        (id >> 1) as usize & (self.buckets.len() - 1)
    }

    pub(super) fn insert(&mut self, stream: Stream<T>) -> Key {
        if self.len as usize >= self.buckets.len() {
            self.grow();
        }
        let id = stream.id;
        let bucket = self.bucket(id);
        let next = self.buckets[bucket];
        let slot = self.free;
        if let Some(free) = self.slots.get_mut(slot as usize) {
            self.free = free.next;
            free.next = next;
            free.stream = Some(stream);
            self.buckets[bucket] = slot;
        } else {
            self.buckets[bucket] = self.slots.len() as u32;
            self.slots.push(Slot {
                next,
                stream: Some(stream),
            });
        }
        self.len += 1;
        Key {
            slot: self.buckets[bucket],
            id,
        }
    }

    fn grow(&mut self) {
        self.buckets = vec![NONE; self.buckets.len() * 2];
        for at in 0..self.slots.len() {
            if let Some(id) = self.slots[at].stream.as_ref().map(|stream| stream.id) {
                let bucket = self.bucket(id);
                self.slots[at].next = self.buckets[bucket];
                self.buckets[bucket] = at as u32;
            }
        }
    }

    #[inline]
    pub(super) fn find(&self, id: u32) -> Option<Key> {
        let mut slot = self.buckets[self.bucket(id)];
        while let Some(at) = self.slots.get(slot as usize) {
            if at.stream.as_ref().is_some_and(|stream| stream.id == id) {
                return Some(Key { slot, id });
            }
            slot = at.next;
        }
        None
    }

    #[inline]
    pub(super) fn get(&self, key: Key) -> Option<&Stream<T>> {
        let stream = self.slots.get(key.slot as usize)?.stream.as_ref();
        stream.filter(|stream| stream.id == key.id)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Stream<T>> {
        let stream = self.slots.get_mut(key.slot as usize)?.stream.as_mut();
        stream.filter(|stream| stream.id == key.id)
    }

    #[inline]
    pub(super) fn remove(&mut self, key: Key) -> Option<Stream<T>> {
        let bucket = self.bucket(key.id);
        let slot = self.slots.get_mut(key.slot as usize)?;
        let stream = slot.stream.take_if(|stream| stream.id == key.id)?;
        let after = std::mem::replace(&mut slot.next, self.free);
        self.free = key.slot;
        self.len -= 1;
        let mut before = self.buckets[bucket];
        if before == key.slot {
            self.buckets[bucket] = after;
            return Some(stream);
        }
        while let Some(slot) = self.slots.get_mut(before as usize) {
            if slot.next == key.slot {
                slot.next = after;
                break;
            }
            before = slot.next;
        }
        Some(stream)
    }

    /// In the order of their ids.
    pub(super) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<_> = (0..)
            .zip(&self.slots)
            .filter_map(|(slot, at)| {
                let id = at.stream.as_ref()?.id;
                Some(Key { slot, id })
            })
            .collect();
        keys.sort_unstable_by_key(|key| key.id);
        keys
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut Stream<T>)> {
        (0..).zip(&mut self.slots).filter_map(|(slot, at)| {
            let stream = at.stream.as_mut()?;
            let id = stream.id;
            Some((Key { slot, id }, stream))
        })
    }

    /// Gives back what memory it has, if there are none.
    pub(super) fn shrink(&mut self) {
        if self.len == 0 {
            *self = Self::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::buffer::Buffer;
    use super::super::window::{ReceiveWindow, SendWindow};
    use super::*;

    fn stream(id: u32) -> Stream<u32> {
        Stream {
            id,
            local_ended: false,
            headed: false,
            in_line: false,
            in_drained: false,
            send: SendWindow::new(0),
            receive: ReceiveWindow::new(0),
            length: None,
            queue: Buffer::default(),
            value: id,
        }
    }

    #[test]
    fn each_is_found_by_its_id_until_it_is_removed_however_long_it_lives() {
        let mut random = fastrand::Rng::with_seed(4);
        for most in [1, 5, 8, 100] {
            let mut streams = Streams::new();
            let mut model: BTreeMap<u32, Key> = BTreeMap::new();
            let mut gone = Vec::new();
            for id in (1..20_000).step_by(2) {
                model.insert(id, streams.insert(stream(id)));
                while model.len() > random.usize(1..=most) {
                    // The oldest seldom, so that some live long and share their buckets.
                    let at = if random.u8(..20) == 0 {
                        0
                    } else {
                        random.usize(..model.len())
                    };
                    let (id, key) = model.iter().nth(at).map(|(id, key)| (*id, *key)).unwrap();
                    model.remove(&id);
                    assert_eq!(streams.remove(key).map(|stream| stream.value), Some(id));
                    gone.push(key);
                }
                for (id, key) in &model {
                    assert_eq!(streams.find(*id), Some(*key));
                    assert_eq!(streams.get(*key).map(|stream| stream.value), Some(*id));
                }
                let old = gone.get(random.usize(..gone.len().max(1)));
                if let Some(old) = old {
                    assert!(streams.get(*old).is_none() && streams.find(old.id).is_none());
                    assert!(streams.remove(*old).is_none());
                }
                assert_eq!(streams.len() as usize, model.len());
            }
            assert!(streams.keys().iter().eq(model.values()));
            assert!(streams.slots.len() <= most + 1, "slots are used again");
        }
    }
}
