//! Keepalive: how often a connection is pinged (gRPC's keepalive document).
//!
//! A peer that complains of too many pings gets half as many (gRFC A8), and after an hour without a complaint what the
//! program asked for again. Pure: time comes in, what to do goes out.

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

/// The pings of one connection: one at a time, the next so long after the last was answered.
#[derive(Debug)]
pub(super) struct Pings {
    options: Keepalive,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Quiet {
        since: Instant,
    },
    Sent {
        at: Instant,
        /// Until then the peer is waited for.
        until: Instant,
        /// The time is over, and this is for what the socket may hold.
        is_last_look: bool,
        /// Something came since: so the peer is alive, and what answers the ping may be behind it.
        heard: bool,
    },
}

/// After the time for an answer is over, so that the socket is looked at again: the thread may have stood still for all of it.
const LAST_LOOK: Duration = Duration::from_millis(1);

/// What a connection is to do about keepalive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing before this; `None`: nothing at all.
    Nothing(Option<Instant>),
    /// A ping goes out, now.
    Ping,
    /// After the last one nothing came in time.
    Dead,
}

impl Pings {
    pub(super) fn new(options: Keepalive, now: Instant) -> Self {
        Self {
            options,
            state: State::Quiet { since: now },
        }
    }

    /// `time` is what lies between two pings at present ([`Pace::time`]), `calls` whether some are open.
    pub(super) fn due(&mut self, now: Instant, time: Option<Duration>, calls: bool) -> Due {
        match self.state {
            State::Sent { until, .. } if now < until => Due::Nothing(Some(until)),
            State::Sent { heard: true, .. } => {
                self.state = State::Quiet { since: now };
                self.due(now, time, calls)
            }
            State::Sent {
                is_last_look: true, ..
            } => Due::Dead,
            State::Sent { at, heard, .. } => {
                let until = now + LAST_LOOK;
                self.state = State::Sent {
                    at,
                    until,
                    is_last_look: true,
                    heard,
                };
                Due::Nothing(Some(until))
            }
            State::Quiet { since } => {
                let Some(time) = time else {
                    return Due::Nothing(None);
                };
                if now < since + time {
                    return Due::Nothing(Some(since + time));
                }
                if !calls && !self.options.without_calls {
                    self.state = State::Quiet { since: now };
                    return Due::Nothing(Some(now + time));
                }
                self.state = State::Sent {
                    at: now,
                    until: now + self.options.timeout,
                    is_last_look: false,
                    heard: false,
                };
                Due::Ping
            }
        }
    }

    /// Something came from the peer.
    pub(super) fn hears(&mut self) {
        if let State::Sent { heard, .. } = &mut self.state {
            *heard = true;
        }
    }

    /// The peer answered a ping of ours. The round trip, if one was awaited.
    pub(super) fn answered(&mut self, now: Instant) -> Option<Duration> {
        let State::Sent { at, .. } = self.state else {
            return None;
        };
        self.state = State::Quiet { since: now };
        Some(now - at)
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

    const TIME: Duration = Duration::from_secs(20);
    const TIMEOUT: Duration = Duration::from_secs(5);

    fn pings(without_calls: bool, now: Instant) -> Pings {
        let options = Keepalive {
            time: Some(TIME),
            timeout: TIMEOUT,
            without_calls,
        };
        Pings::new(options, now)
    }

    #[test]
    fn a_ping_goes_out_when_it_is_due_and_an_answer_in_time_begins_anew() {
        let began = Instant::now();
        let mut pings = pings(false, began);
        let mut at = began;
        for round in 0..3 {
            assert_eq!(
                pings.due(at, Some(TIME), true),
                Due::Nothing(Some(at + TIME))
            );
            let due = at + TIME;
            assert_eq!(pings.due(due, Some(TIME), true), Due::Ping, "{round}");
            // Asked again and again, by whatever wakes the connection: one ping only.
            for late in [0, 1, 4] {
                let now = due + Duration::from_secs(late);
                assert_eq!(
                    pings.due(now, Some(TIME), true),
                    Due::Nothing(Some(due + TIMEOUT))
                );
            }
            at = due + Duration::from_millis(4999);
            assert_eq!(pings.answered(at), Some(Duration::from_millis(4999)));
            assert_eq!(pings.answered(at), None, "an answer to nothing");
        }
    }

    #[test]
    fn a_ping_without_an_answer_is_the_end_whatever_becomes_of_calls_and_pace() {
        for (time, calls) in [(Some(TIME), true), (Some(TIME), false), (None, false)] {
            let began = Instant::now();
            let mut pings = pings(false, began);
            let sent = began + TIME;
            assert_eq!(pings.due(sent, Some(TIME), true), Due::Ping);
            // Not before the socket was looked at once more.
            let last = sent + TIMEOUT + LAST_LOOK;
            for _ in 0..2 {
                let due = pings.due(sent + TIMEOUT, time, calls);
                assert_eq!(due, Due::Nothing(Some(last)));
            }
            assert_eq!(pings.due(last, time, calls), Due::Dead);
        }
    }

    #[test]
    fn whatever_comes_after_a_ping_shows_that_the_peer_is_alive() {
        let began = Instant::now();
        let sent = began + TIME;
        let end = sent + TIMEOUT;
        for (at, time) in [(sent, Some(TIME)), (end, Some(TIME)), (sent, None)] {
            let mut pings = pings(false, began);
            pings.hears(); // before the ping, which does not count
            assert_eq!(pings.due(sent, Some(TIME), true), Due::Ping);
            let first = pings.due(at, time, true);
            assert!(matches!(first, Due::Nothing(Some(_))));
            pings.hears();
            let late = end + LAST_LOOK;
            let next = time.map(|time| late + time);
            assert_eq!(pings.due(late, time, true), Due::Nothing(next));
            if let Some(next) = next {
                assert_eq!(pings.due(next, time, true), Due::Ping);
                assert!(matches!(
                    pings.due(next + TIMEOUT, time, true),
                    Due::Nothing(Some(_))
                ));
                let last = next + TIMEOUT + LAST_LOOK;
                assert_eq!(pings.due(last, time, true), Due::Dead);
            }
        }
    }

    #[test]
    fn an_answer_behind_much_else_still_gives_the_round_trip() {
        let began = Instant::now();
        let mut pings = pings(false, began);
        let sent = began + TIME;
        assert_eq!(pings.due(sent, Some(TIME), true), Due::Ping);
        pings.hears();
        assert_eq!(pings.answered(sent + TIMEOUT / 2), Some(TIMEOUT / 2));
    }

    #[test]
    fn without_calls_the_time_begins_anew_unless_pings_are_permitted_then() {
        let began = Instant::now();
        let mut quiet = pings(false, began);
        let now = began + TIME;
        assert_eq!(
            quiet.due(now, Some(TIME), false),
            Due::Nothing(Some(now + TIME))
        );
        // A call that comes just after is not greeted with a ping.
        assert_eq!(
            quiet.due(now, Some(TIME), true),
            Due::Nothing(Some(now + TIME))
        );
        assert_eq!(pings(true, began).due(now, Some(TIME), false), Due::Ping);
    }

    #[test]
    fn a_pace_that_changes_counts_from_the_last_answer() {
        let began = Instant::now();
        let mut pings = pings(false, began);
        assert_eq!(pings.due(began, None, true), Due::Nothing(None));
        let slowed = TIME * 2;
        assert_eq!(
            pings.due(began + TIME, Some(slowed), true),
            Due::Nothing(Some(began + slowed))
        );
        assert_eq!(pings.due(began + TIME, Some(TIME), true), Due::Ping);
    }
}
