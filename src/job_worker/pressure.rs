//! Back-pressure of the gateway: how many ends of jobs may be under way at once. Pure.
//!
//! Half of what was too much, after a pause, and one more with each good answer. What was under way at once says so once: a moment of it is
//! answered as often as it met an end.

use std::time::{Duration, Instant};

use crate::backoff::Backoff;

#[derive(Clone, Debug)]
pub(super) struct Pressure {
    limit: usize,
    backoff: Backoff,
    /// Until then none is sent.
    until: Option<Instant>,
    round: Round,
}

/// Between two reductions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Round(u64);

impl Pressure {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self {
            limit: usize::MAX,
            backoff,
            until: None,
            round: Round::default(),
        }
    }

    /// Of what is sent now.
    pub(super) fn round(&self) -> Round {
        self.round
    }

    /// One of so many that were under way, which was sent in this round, was too much.
    pub(super) fn rises(
        &mut self,
        sent: Round,
        under_way: usize,
        retry_after: Option<Duration>,
        now: Instant,
        random: f64,
    ) {
        let mut pause = retry_after.unwrap_or_default();
        if sent == self.round {
            self.round = Round(sent.0 + 1);
            self.limit = (self.limit.min(under_way) / 2).max(1);
            pause = pause.max(self.backoff.pause(random));
        }
        if !pause.is_zero() {
            self.until = self.until.max(Some(now + pause));
        }
    }

    pub(super) fn falls(&mut self) {
        self.backoff.reset();
        self.limit = self.limit.saturating_add(1);
    }

    /// Whether one more may be sent beside these.
    pub(super) fn allows(&mut self, under_way: usize, now: Instant) -> bool {
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
        }
        self.until.is_none() && under_way < self.limit
    }

    /// When its pause is over.
    pub(super) fn resumes(&self) -> Option<Instant> {
        self.until
    }

    #[cfg(test)]
    pub(super) fn limit(&self) -> usize {
        self.limit
    }
}
