//! Back-off: pauses that grow, by 1.6 and ±20 % (gRPC's connection-backoff document) unless a program says otherwise.
//!
//! Pure: randomness comes in as an argument. For connections, token requests and rejected tokens, and for job workers.

use std::time::Duration;

const MULTIPLIER: f64 = 1.6;
const JITTER: f64 = 0.2;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    initial: Duration,
    max: Duration,
    next: Duration,
    multiplier: f64,
    jitter: f64,
}

impl Backoff {
    pub(crate) fn new(initial: Duration, max: Duration) -> Self {
        Self::with(initial, max, MULTIPLIER, JITTER)
    }

    /// `jitter` is a part of the pause, in 0 to 1.
    pub(crate) fn with(initial: Duration, max: Duration, multiplier: f64, jitter: f64) -> Self {
        Self {
            initial: initial.min(max),
            max,
            next: initial.min(max),
            multiplier,
            jitter,
        }
    }

    pub(crate) fn initial(&self) -> Duration {
        self.initial
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.initial;
    }

    /// The next pause before its jitter.
    pub(crate) fn peek(&self) -> Duration {
        self.next
    }

    /// The next pause; `random` is in 0 to 1.
    pub(crate) fn pause(&mut self, random: f64) -> Duration {
        let pause = self.next;
        self.next = pause.mul_f64(self.multiplier).min(self.max);
        pause.mul_f64(1.0 - self.jitter + 2.0 * self.jitter * random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_limit_and_start_again() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(2));
        let seconds = [(); 3].map(|()| backoff.pause(0.5).as_secs_f64());
        assert_eq!(seconds, [1.0, 1.6, 2.0]);
        backoff.reset();
        assert_eq!(backoff.pause(0.0), Duration::from_millis(800));
        backoff.reset();
        assert_eq!(backoff.pause(1.0), Duration::from_millis(1200));
    }

    #[test]
    fn a_program_says_how_they_grow() {
        let (one, nine) = (Duration::from_secs(1), Duration::from_secs(9));
        let mut backoff = Backoff::with(one, nine, 3.0, 0.5);
        let seconds = [0.5, 0.0, 1.0].map(|random| backoff.pause(random).as_secs_f64());
        assert_eq!(seconds, [1.0, 1.5, 13.5]);
    }
}
