//! Keepalive: how often a connection is pinged (gRPC's keepalive document).
//!
//! A peer that complains of too many pings gets half as many (gRFC A8), and after an hour without a complaint what the
//! program asked for again. Pure.

use std::time::Duration;

use tokio::time::Instant;

const SLOWEST: Duration = Duration::from_secs(2 * 60 * 60);
const FORGIVEN_AFTER: Duration = Duration::from_secs(60 * 60);

/// The options of a channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keepalive {
    /// `None`: never.
    pub(super) time: Option<Duration>,
    pub(super) timeout: Duration,
    pub(super) without_calls: bool,
}

/// The time between two pings of a channel's connections.
#[derive(Debug)]
pub(super) struct Pace {
    own: Option<Duration>,
    /// By the last complaint, and when that came.
    slowed: Option<(Duration, Instant)>,
}

impl Pace {
    pub(super) fn new(keepalive: &Keepalive) -> Self {
        Self {
            own: keepalive.time,
            slowed: None,
        }
    }

    /// `None`: no pings.
    pub(super) fn time(&self, now: Instant) -> Option<Duration> {
        let own = self.own?;
        let slowed = self.slowed.and_then(|(time, at)| {
            let left = FORGIVEN_AFTER.checked_sub(now - at)?;
            Some(time.min(left + own)) // so that the hour's end is not slept through
        });
        Some(slowed.unwrap_or(own))
    }

    /// A peer had enough of pings. The time from now on.
    pub(super) fn slow_down(&mut self, now: Instant) -> Option<Duration> {
        let own = self.own?;
        let before = match self.slowed {
            Some((time, at)) if now - at < FORGIVEN_AFTER => time,
            _ => own,
        };
        let time = (before * 2).min(SLOWEST.max(own));
        self.slowed = Some((time, now));
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(seconds: u64) -> Pace {
        Pace::new(&Keepalive {
            time: Some(Duration::from_secs(seconds)),
            timeout: Duration::from_secs(1),
            without_calls: false,
        })
    }

    #[test]
    fn each_complaint_doubles_the_time_up_to_two_hours_and_an_hour_forgives() {
        let began = Instant::now();
        let mut pace = pace(45);
        assert_eq!(pace.time(began), Some(Duration::from_secs(45)));
        let mut expected = 45;
        for _ in 0..12 {
            expected = (expected * 2).min(7200);
            let time = Duration::from_secs(expected);
            assert_eq!(pace.slow_down(began), Some(time));
            // A time beyond the hour ends with the first ping after it.
            assert_eq!(pace.time(began), Some(time.min(Duration::from_secs(3645))));
        }
        let almost = began + FORGIVEN_AFTER - Duration::from_secs(1);
        assert_eq!(pace.time(almost), Some(Duration::from_secs(46)));
        let later = began + FORGIVEN_AFTER + Duration::from_secs(1);
        assert_eq!(pace.time(later), Some(Duration::from_secs(45)));
        assert_eq!(pace.slow_down(later), Some(Duration::from_secs(90)));
    }

    #[test]
    fn a_time_beyond_two_hours_stays_and_none_stays_none() {
        let now = Instant::now();
        assert_eq!(pace(9000).slow_down(now), Some(Duration::from_secs(9000)));
        let mut never = pace(1);
        never.own = None;
        assert_eq!((never.slow_down(now), never.time(now)), (None, None));
    }
}
