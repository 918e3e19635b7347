//! What came and waits for the program: a limit, so that a slow program slows the sender.
//!
//! Pure but for a lock: who waits for room is woken by `control`.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::options::{MAX_BUFFERED_BYTES, MAX_BUFFERED_MESSAGES};
use crate::runtime::lock;

/// How messages come to the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demand {
    /// By themselves.
    #[default]
    Any,
    /// Only as they are asked for.
    Asked,
    /// By themselves, and a request says how many were taken.
    Taken,
    /// By themselves, and each counts until who keeps it is done with it: who brings more hears of the first place.
    Kept,
}

/// How much may wait; one message always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadAhead {
    /// Whole ones, of any size.
    pub messages: u64,
    /// With [`OVERHEAD`] for each message.
    pub bytes: u64,
}

impl ReadAhead {
    /// So many messages, however long they are.
    pub const fn of_messages(messages: u64) -> Self {
        Self {
            messages,
            bytes: u32::MAX as u64,
        }
    }
}

impl Default for ReadAhead {
    /// As many bytes as fit into a stream's window; a quarter of it makes a busy stream a tenth dearer.
    fn default() -> Self {
        Self {
            messages: MAX_BUFFERED_MESSAGES.default_number(),
            bytes: MAX_BUFFERED_BYTES.default_number(),
        }
    }
}

/// What a message costs beside its bytes, about.
const OVERHEAD: u64 = 256;

/// What messages take of a limit: a number whose lower part counts bytes, and whose upper part them.
pub type Share = u64;

const MESSAGE: Share = 1 << 40;

/// Of so many messages, with so many bytes.
pub(super) fn share(messages: usize, bytes: usize) -> Share {
    messages as u64 * (MESSAGE + OVERHEAD) + bytes as u64
}

impl ReadAhead {
    fn is_used_up(self, held: Share) -> bool {
        held / MESSAGE >= self.messages || held % MESSAGE >= self.bytes
    }

    /// From here on there is room again.
    fn again(self, demand: Demand) -> Self {
        match demand {
            Demand::Kept => self,
            // So that who waits for it is not woken for each message.
            Demand::Any | Demand::Asked | Demand::Taken => self.half(),
        }
    }

    fn half(self) -> Self {
        Self {
            messages: self.messages.div_ceil(2),
            bytes: self.bytes.div_ceil(2),
        }
    }
}

#[derive(Debug)]
pub(super) struct Backlog {
    limit: ReadAhead,
    again: ReadAhead,
    held: AtomicU64,
    /// The shares of what was given and is not yet counted as taken; `None`: it is taken by being given.
    given: Option<Mutex<VecDeque<Share>>>,
}

impl Backlog {
    pub(super) fn new(limit: ReadAhead, demand: Demand) -> Self {
        Self {
            limit,
            again: limit.again(demand),
            held: AtomicU64::new(0),
            given: (demand == Demand::Taken).then(Mutex::default),
        }
    }

    /// Returns the message's share.
    pub(super) fn hold(&self, length: usize) -> Share {
        let share = share(1, length);
        self.held.fetch_add(share, Ordering::AcqRel);
        share
    }

    /// Whether who waits for room has it by this.
    pub(super) fn release(&self, share: Share) -> bool {
        let before = self.held.fetch_sub(share, Ordering::AcqRel);
        self.again.is_used_up(before) && !self.again.is_used_up(before - share)
    }

    /// Whether requests count what is taken.
    pub(super) fn counts_requests(&self) -> bool {
        self.given.is_some()
    }

    /// Counts until [`Self::take`]; `false`: nobody will say so.
    pub(super) fn give(&self, share: Share) -> bool {
        match &self.given {
            Some(given) => {
                lock(given).push_back(share);
                true
            }
            None => false,
        }
    }

    /// The first `count` of what was given are taken; as [`Self::release`].
    pub(super) fn take(&self, count: u64) -> bool {
        let Some(given) = &self.given else {
            return false;
        };
        let mut given = lock(given);
        let count = given
            .len()
            .min(usize::try_from(count).unwrap_or(usize::MAX));
        let share = given.drain(..count).sum();
        self.release(share)
    }

    pub(super) fn is_full(&self) -> bool {
        self.limit.is_used_up(self.held.load(Ordering::Acquire))
    }

    pub(super) fn is_half_full(&self) -> bool {
        self.limit
            .half()
            .is_used_up(self.held.load(Ordering::Acquire))
    }

    /// For how many messages there is room.
    pub(super) fn room(&self) -> u64 {
        let held = self.held.load(Ordering::Acquire);
        if self.limit.is_used_up(held) {
            return 0;
        }
        self.limit.messages - held / MESSAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 1000 * OVERHEAD;

    fn backlog(messages: u64, demand: Demand) -> Backlog {
        let bytes = LIMIT;
        Backlog::new(ReadAhead { messages, bytes }, demand)
    }

    #[test]
    fn messages_and_bytes_use_it_up_each_on_its_own() {
        for (messages, length, fit) in [
            (1, 0, 1),
            (32, 0, 32),
            (5000, 0, 1000),
            (32, 249 * OVERHEAD as usize, 4),
        ] {
            let backlog = backlog(messages, Demand::Any);
            for held in 0..fit {
                assert!(!backlog.is_full(), "{messages} {length} {held}");
                assert!(backlog.room() > 0);
                backlog.hold(length);
            }
            assert!(
                backlog.is_full() && backlog.room() == 0,
                "{messages} {length}"
            );
        }
    }

    #[test]
    fn one_message_beyond_the_limit_uses_it_up() {
        let backlog = backlog(1, Demand::Any);
        let share = backlog.hold(2 * LIMIT as usize);
        assert!(backlog.is_full() && backlog.is_half_full());
        assert!(backlog.release(share));
        assert!(!backlog.is_half_full() && backlog.room() == 1);
    }

    #[test]
    fn there_is_room_again_once_below_half_and_that_is_said_once() {
        for messages in [1, 2, 3, 32, 33] {
            let backlog = backlog(messages, Demand::Any);
            let shares: Vec<_> = (0..messages).map(|_| backlog.hold(1)).collect();
            let mut told = 0;
            for (taken, share) in shares.into_iter().enumerate() {
                let told_now = backlog.release(share);
                told += u64::from(told_now);
                let left = messages - 1 - taken as u64;
                assert_eq!(told == 1, left < messages.div_ceil(2), "{messages} {left}");
                assert_eq!(backlog.is_half_full(), told == 0);
            }
            assert_eq!(told, 1);
        }
    }

    /// However many places become free at once, and on which threads: one subtraction finds it.
    #[test]
    fn the_first_place_is_said_each_time_where_messages_are_kept() {
        for messages in [1, 2, 3, 32] {
            let backlog = backlog(messages, Demand::Kept);
            let mut shares: Vec<_> = (0..messages).map(|_| backlog.hold(1)).collect();
            for _ in 0..3 {
                assert!(backlog.release(shares.pop().unwrap()), "{messages}");
                assert_eq!(backlog.room(), 1);
                shares.push(backlog.hold(1));
                assert!(backlog.is_full());
            }
            let told = shares.into_iter().filter(|share| backlog.release(*share));
            assert_eq!(told.count(), 1, "{messages}");
        }
    }

    #[test]
    fn what_was_given_counts_until_requests_say_that_it_was_taken() {
        let backlog = backlog(4, Demand::Taken);
        for length in [10, 20, 30, 40] {
            let share = backlog.hold(length);
            assert!(backlog.give(share));
        }
        assert!(backlog.is_full());
        assert!(!backlog.take(0) && !backlog.take(2) && backlog.is_half_full());
        assert!(backlog.take(1) && backlog.room() == 3);
        assert!(!backlog.take(u64::MAX) && backlog.room() == 4); // more than there was
    }

    #[test]
    fn what_is_taken_by_being_given_is_not_kept() {
        let backlog = backlog(4, Demand::Any);
        let share = backlog.hold(1);
        assert!(!backlog.give(share));
        assert!(!backlog.counts_requests() && !backlog.take(1));
    }
}
