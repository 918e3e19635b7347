//! How often something took how long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds, in milliseconds; above the last is one bucket more.
pub(super) const BOUNDS_MS: [u64; 16] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000,
];

#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    microseconds: AtomicU64,
}

/// What it held at a moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// Up to each bound, those below it included; the last is all.
    pub(super) up_to: [u64; BOUNDS_MS.len() + 1],
    pub(super) sum: Duration,
}

impl Histogram {
    pub(super) fn add(&self, took: Duration) {
        let is_below = |bound: &u64| took <= Duration::from_millis(*bound);
        let bucket = BOUNDS_MS.iter().position(is_below);
        let bucket = bucket.unwrap_or(BOUNDS_MS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    pub(super) fn show(&self) -> Shown {
        let mut sum = 0;
        let up_to = self.buckets.each_ref().map(|bucket| {
            sum += bucket.load(Ordering::Relaxed);
            sum
        });
        Shown {
            up_to,
            sum: Duration::from_micros(self.microseconds.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_holds_what_those_below_it_hold() {
        let histogram = Histogram::default();
        for ms in [0, 1, 2, 3, 1000, 1_000_000] {
            histogram.add(Duration::from_millis(ms));
        }
        let Shown { up_to, sum } = histogram.show();
        assert_eq!(&up_to[..4], [2, 3, 4, 4]);
        assert_eq!(&up_to[8..11], [4, 5, 5]);
        assert_eq!(&up_to[15..], [5, 6]);
        assert_eq!(sum, Duration::from_millis(1_001_006));
    }
}
