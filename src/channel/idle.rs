//! Idle: when a connection has lain without a call for so long that it is given up (gRPC's idle timeout). Pure.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Idle {
    /// `None`: it may lie for ever.
    timeout: Option<Duration>,
    since: Instant,
    /// Calls that had started then.
    started: u64,
}

/// What a connection is to do about lying idle.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lies {
    /// Look again at this time; `None`: never.
    Used(Option<Instant>),
    Idle,
}

impl Idle {
    pub(super) fn new(timeout: Option<Duration>, now: Instant) -> Self {
        Self {
            timeout,
            since: now,
            started: 0,
        }
    }

    /// Looked at once a time-out, so that calls need no clock: a connection ends after one to two of them.
    pub(super) fn look(&mut self, now: Instant, open: usize, started: u64) -> Lies {
        let Some(timeout) = self.timeout else {
            return Lies::Used(None);
        };
        let end = self.since + timeout;
        if now < end {
            return Lies::Used(Some(end));
        }
        if open == 0 && started == self.started {
            return Lies::Idle;
        }
        self.since = now;
        self.started = started;
        Lies::Used(Some(now + timeout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    #[test]
    fn it_lies_idle_after_a_whole_timeout_without_a_call() {
        let began = Instant::now();
        let at = |timeouts: u32| began + TIMEOUT * timeouts;
        let mut idle = Idle::new(Some(TIMEOUT), began);
        assert_eq!(idle.look(began, 0, 0), Lies::Used(Some(at(1))));
        // One that came and went between two looks, then one that is still open.
        assert_eq!(idle.look(at(1), 0, 1), Lies::Used(Some(at(2))));
        assert_eq!(idle.look(at(2), 1, 2), Lies::Used(Some(at(3))));
        assert_eq!(idle.look(at(3), 1, 2), Lies::Used(Some(at(4))));
        let before = at(4) - Duration::from_millis(1);
        assert_eq!(idle.look(before, 0, 2), Lies::Used(Some(at(4))));
        assert_eq!(idle.look(at(4), 0, 2), Lies::Idle);
    }

    #[test]
    fn it_lies_for_ever_without_a_timeout() {
        let began = Instant::now();
        let mut idle = Idle::new(None, began);
        assert_eq!(idle.look(began + TIMEOUT * 1000, 0, 0), Lies::Used(None));
    }
}
