//! Floods: frames that bring nothing are counted against what does, and answers that a peer makes us owe are bounded.
//!
//! A peer may send what it likes as long as calls go on by it: frames without progress have a credit, which progress and
//! time fill again. So a flood ends in a moment, and an empty frame a call or a ping every few seconds never does any harm.

use std::time::Instant;

use super::code::{Code, ConnectionError};

/// Frames in a row without any progress.
pub(super) const CREDIT: u32 = 10_000;
/// More for each piece of progress: data, an answer's head or end, a call of ours.
const PER_PROGRESS: u32 = 100;
const PER_SECOND: u64 = 100;
/// For what a peer may have said of a stream before it knew that it was reset here: an answer's head and end, a reset.
const PER_RESET: u32 = 8;

#[derive(Debug)]
pub(super) struct Credit {
    left: u32,
    /// For frames of streams that have ended.
    late: u32,
    filled: Option<Instant>,
}

impl Credit {
    pub(super) fn new() -> Self {
        Self {
            left: CREDIT,
            late: 0,
            filled: None,
        }
    }

    #[inline]
    pub(super) fn progress(&mut self) {
        self.left = (self.left + PER_PROGRESS).min(CREDIT);
    }

    /// A stream was reset here.
    pub(super) fn resets(&mut self) {
        self.late = self.late.saturating_add(PER_RESET);
    }

    pub(super) fn passes(&mut self, now: Instant) {
        if self.left == CREDIT {
            self.filled = Some(now);
            return;
        }
        let since = now.saturating_duration_since(*self.filled.get_or_insert(now));
        let more = since.as_millis() * u128::from(PER_SECOND) / 1000;
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(CREDIT).min(CREDIT);
            self.left = (self.left + more).min(CREDIT);
            self.filled = Some(now);
        }
    }

    #[inline]
    pub(super) fn spend(&mut self, cost: u32, what: &'static str) -> Result<(), ConnectionError> {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(ConnectionError::new(Code::ENHANCE_YOUR_CALM, what)),
        }
    }

    /// For a frame of a stream that has ended, perhaps by a reset of which the peer did not know.
    pub(super) fn spend_late(
        &mut self,
        cost: u32,
        what: &'static str,
    ) -> Result<(), ConnectionError> {
        let late = cost.min(self.late);
        self.late -= late;
        self.spend(cost - late, what)
    }
}

/// Answers in the output that wait for the socket.
pub(super) const OWED: u32 = 4096;

/// Acknowledgements are counted until the output has gone out so far as it reached when they were counted: in two halves,
/// so that a connection that always has something to send forgets the older ones.
#[derive(Debug, Default)]
pub(super) struct Owed {
    older: u32,
    newer: u32,
    /// When so much of the output has gone, the older ones have.
    mark: u64,
    gone: u64,
}

impl Owed {
    /// `waiting` is the length of the output.
    pub(super) fn more(&mut self, waiting: usize) -> Result<(), ConnectionError> {
        if self.older + self.newer >= OWED {
            let why = "the peer wants acknowledgements and takes none";
            return Err(ConnectionError::new(Code::ENHANCE_YOUR_CALM, why));
        }
        if self.older + self.newer == 0 {
            self.mark = self.gone + waiting as u64;
        }
        self.newer += 1;
        Ok(())
    }

    /// So much went out; `waiting` is what is left.
    #[inline]
    pub(super) fn went(&mut self, length: usize, waiting: usize) {
        self.gone += length as u64;
        if waiting == 0 {
            (self.older, self.newer) = (0, 0);
        } else if self.gone >= self.mark {
            self.older = std::mem::take(&mut self.newer);
            self.mark = self.gone + waiting as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_brings_nothing_is_counted_against_what_does_and_not_over_a_life() {
        let now = Instant::now();
        let mut credit = Credit::new();
        for _ in 0..100_000 {
            credit.spend(1, "empty").unwrap();
            credit.progress();
        }
        for _ in 0..CREDIT {
            credit.spend(1, "empty").unwrap();
        }
        assert_eq!(
            credit.spend(1, "empty").unwrap_err().code,
            Code::ENHANCE_YOUR_CALM
        );
        credit.passes(now);
        credit.passes(now + Duration::from_millis(5));
        assert!(credit.spend(1, "empty").is_err());
        credit.passes(now + Duration::from_millis(10));
        credit.spend(1, "empty").unwrap();
        assert!(credit.spend(1, "empty").is_err());
    }

    #[test]
    fn a_ping_every_ten_seconds_goes_on_for_years() {
        let mut now = Instant::now();
        let mut credit = Credit::new();
        for _ in 0..500_000 {
            now += Duration::from_secs(10);
            credit.passes(now);
            credit.spend(10, "PING").unwrap();
        }
        credit.passes(now - Duration::from_secs(1)); // a clock of a program may do so
    }

    #[test]
    fn owed_answers_are_forgotten_when_they_have_gone_also_if_the_output_is_never_empty() {
        let mut owed = Owed::default();
        let waiting = 50_000;
        for _ in 0..100_000 {
            owed.more(waiting).unwrap();
            owed.went(117, waiting - 100); // the answer's 17 bytes came, and 100 of data follow
        }
        let mut owed = Owed::default();
        for _ in 0..OWED {
            owed.more(waiting).unwrap();
        }
        assert!(owed.more(waiting).is_err());
        owed.went(1, waiting);
        assert!(owed.more(waiting).is_err());
        owed.went(1, 0);
        owed.more(0).unwrap();
    }
}
