//! Batches: messages of a stream that came one after the other, as one thing to hand on.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

use crate::call::{Control, Held, Share};
use crate::wire::framing::Keeper;

/// So many bytes are handed on as they lie in what was read, which is four times as much at most; fewer would keep all of it for too little.
const LENT: usize = 16 * 1024;

/// Messages in order, and their share in what may wait, until this is dropped.
#[derive(Debug)]
pub struct Batch {
    messages: Vec<Bytes>,
    is_lent: bool,
    held: Option<Held>,
}

/// One of a batch.
#[derive(Debug)]
pub struct Message<'a> {
    bytes: &'a Bytes,
    is_lent: bool,
}

impl Deref for Message<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl Message<'_> {
    /// As it may be kept for long; `keeper` is one for the messages of a batch.
    pub(crate) fn keep(&self, keeper: &mut Keeper) -> Bytes {
        let bytes = self.bytes.clone();
        if self.is_lent {
            keeper.keep(bytes)
        } else {
            bytes
        }
    }
}

impl Batch {
    /// How many there are, one at least.
    pub(super) fn count(&self) -> usize {
        self.messages.len()
    }

    /// The first `count`, which are fewer than there are; the others stay.
    pub(super) fn split_to(&mut self, count: usize) -> Self {
        let messages: Vec<_> = self.messages.drain(..count).collect();
        let bytes = messages.iter().map(Bytes::len).sum();
        let held = self.held.as_mut().map(|held| held.split(count, bytes));
        Self {
            messages,
            is_lent: self.is_lent,
            held,
        }
    }

    /// One after the other.
    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        let is_lent = self.is_lent;
        let message = move |bytes| Message { bytes, is_lent };
        self.messages.iter().map(message)
    }
}

/// Makes batches of the messages of a call.
#[derive(Debug)]
pub(super) struct Batcher {
    control: Arc<Control>,
    messages: Vec<Bytes>,
    bytes: usize,
    share: Share,
    keeper: Keeper,
}

impl Batcher {
    pub(super) fn new(control: &Arc<Control>) -> Self {
        Self {
            control: Arc::clone(control),
            messages: Vec::new(),
            bytes: 0,
            share: 0,
            keeper: Keeper::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// A message, and its share.
    pub(super) fn add(&mut self, message: Bytes, share: Share) {
        self.bytes += message.len();
        self.share += share;
        self.messages.push(message);
    }

    /// All that was added since the one before, if anything was.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let mut messages = std::mem::take(&mut self.messages);
        let share = std::mem::take(&mut self.share);
        let is_lent = std::mem::take(&mut self.bytes) >= LENT;
        if messages.is_empty() {
            return None;
        }
        if !is_lent {
            for message in &mut messages {
                *message = self.keeper.keep(std::mem::take(message));
            }
        }
        Some(Batch {
            messages,
            is_lent,
            held: (share > 0).then(|| Held::new(&self.control, share)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Demand, ReadAhead};
    use crate::wire::Encoding;
    use crate::wire::framing::Limit;

    const MESSAGES: u64 = 2000;

    fn control(demand: Demand) -> Arc<Control> {
        let read_ahead = ReadAhead {
            messages: MESSAGES,
            bytes: u64::from(u32::MAX),
        };
        let (limit, encoding) = (Limit::NOTHING, Encoding::Identity);
        Arc::new(Control::of_stream(demand, read_ahead, limit, encoding))
    }

    /// Of lengths on both sides of what is copied and of a block, and none at all.
    fn message(random: &mut fastrand::Rng) -> Bytes {
        let most = [1, 200, 4095, 12_000][random.usize(..4)];
        (0..random.usize(..most)).map(|_| random.u8(..)).collect()
    }

    #[test]
    fn what_was_added_comes_whole_and_in_order_however_it_is_taken_apart() {
        let random = &mut fastrand::Rng::with_seed(7);
        let control = control(Demand::Any);
        let mut batcher = Batcher::new(&control);
        let (mut added, mut seen) = (Vec::new(), Vec::new());
        while added.len() < 1000 {
            for _ in 0..random.usize(..100) {
                let message = message(random);
                added.push(message.clone());
                let share = control.give(message.len());
                batcher.add(message, share);
            }
            assert_eq!(control.room() as u64, MESSAGES - waiting(&added, &seen));
            let batch = batcher.take();
            assert!(batcher.is_empty() && batcher.take().is_none());
            let mut keeper = Keeper::default();
            if let Some(mut batch) = batch {
                while batch.count() > 1 && random.bool() {
                    let first = batch.split_to(random.usize(1..batch.count()));
                    seen.extend(first.messages().map(|message| message.keep(&mut keeper)));
                    drop(first);
                    // What is left counts on.
                    assert!(control.room() as u64 >= MESSAGES - waiting(&added, &seen));
                }
                seen.extend(batch.messages().map(|message| message.keep(&mut keeper)));
            }
            assert_eq!(control.room() as u64, MESSAGES);
            assert_eq!(added, seen);
        }
    }

    fn waiting(added: &[Bytes], seen: &[Bytes]) -> u64 {
        (added.len() - seen.len()) as u64
    }

    #[test]
    fn what_counts_until_the_program_says_so_is_not_given_back_by_a_batch() {
        let control = control(Demand::Taken);
        let mut batcher = Batcher::new(&control);
        for _ in 0..3 {
            let share = control.give(1);
            batcher.add(Bytes::from_static(b"a"), share);
        }
        assert_eq!(batcher.take().map(|batch| batch.count()), Some(3));
        assert_eq!(control.room() as u64, MESSAGES - 3);
        control.request(2).unwrap();
        assert_eq!(control.room() as u64, MESSAGES - 1);
    }

    /// What a program keeps, and what waits for long, is no more than itself, about.
    #[test]
    fn few_messages_are_copied_and_many_are_when_they_are_kept() {
        for (count, is_copied) in [(1, true), (163, true), (164, false), (600, false)] {
            let read = Bytes::from(vec![7; 64 * 1024]);
            let lies_there = |message: &[u8]| read.as_ptr_range().contains(&message.as_ptr());
            let mut batcher = Batcher::new(&control(Demand::Any));
            for index in 0..count {
                batcher.add(read.slice(100 * index..100 * index + 100), 0);
            }
            let batch = batcher.take().unwrap();
            let mut keeper = Keeper::default();
            for message in batch.messages() {
                assert_eq!(lies_there(&message), !is_copied, "{count}");
                assert!(!lies_there(&message.keep(&mut keeper)), "{count}");
            }
        }
    }
}
