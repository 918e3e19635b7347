//! Back-off: pauses that grow by 1.6, ±20 % (gRPC's connection-backoff document).
//!
//! Pure: randomness comes in as an argument. For connections, token requests and rejected tokens.

use std::time::Duration;

const MULTIPLIER: f64 = 1.6;
const JITTER: f64 = 0.2;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    initial: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(initial: Duration, max: Duration) -> Self {
        Self {
            initial: initial.min(max),
            max,
            next: initial.min(max),
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
        self.next = pause.mul_f64(MULTIPLIER).min(self.max);
        pause.mul_f64(1.0 - JITTER + 2.0 * JITTER * random)
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
}
