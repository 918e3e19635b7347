//! The token in hand. How long it is good is for each of those who share it to say, by a lifetime of its own.

use std::time::Duration;

use super::Moment;
use crate::credentials::token::{Lifetime, Token};

/// How long before a token stops being good its successor is fetched: a tenth of its lifetime, a minute at most.
const RENEWAL_SHARE: u32 = 10;
const LONGEST_RENEWAL: Duration = Duration::from_secs(60);

pub(super) struct Stored {
    pub(super) token: Token,
    came: Moment,
    /// Between 0 and 1: when it is renewed, so that not all processes do that at once.
    jitter: f64,
    /// The lifetimes of those whose calls used it. Only they renew it.
    users: Vec<Lifetime>,
}

impl Stored {
    pub(super) fn new(token: Token, came: Moment, jitter: f64) -> Self {
        Self {
            token,
            came,
            jitter,
            users: Vec::new(),
        }
    }

    /// Nobody knows how old one from a file is: old enough to be replaced when a gateway refuses it.
    pub(super) fn age(&self, now: Moment) -> Duration {
        if self.token.is_from_file() {
            return Duration::MAX;
        }
        now.saturating_sub(self.came)
    }

    /// `None`: beyond what a clock can hold.
    fn expiry(&self, lifetime: &Lifetime) -> Option<Moment> {
        self.came.checked_add(lifetime.of(&self.token))
    }

    fn leeway(&self, lifetime: &Lifetime) -> Duration {
        lifetime.leeway_of(Some(lifetime.of(&self.token)))
    }

    /// Until its expiry less the leeway, inclusive.
    pub(super) fn is_good(&self, now: Moment, lifetime: &Lifetime) -> bool {
        let until = now.saturating_add(self.leeway(lifetime));
        self.expiry(lifetime).is_none_or(|expiry| until <= expiry)
    }

    pub(super) fn lifetime_left(&self, now: Moment, lifetime: &Lifetime) -> Duration {
        self.expiry(lifetime)
            .map_or(Duration::MAX, |at| at.saturating_sub(now))
    }

    /// After a fetch that failed: half of what is left of it, so that there is time for another before calls notice, and not less than a
    /// tenth of it in all, or a second. `None`: no call has use for it.
    pub(super) fn longest_pause(&self, now: Moment) -> Option<Duration> {
        let by = |user: &Lifetime| {
            let left = self.lifetime_left(now, user);
            let shortest = (user.of(&self.token) / RENEWAL_SHARE).min(Duration::from_secs(1));
            (!left.is_zero()).then(|| (left / 2).max(shortest))
        };
        self.users.iter().filter_map(by).min()
    }

    /// When its successor is fetched. `None`: the leeway leaves no time for that.
    fn renewal(&self, lifetime: &Lifetime) -> Option<Moment> {
        let whole = lifetime.of(&self.token);
        let ahead = (whole / RENEWAL_SHARE).min(LONGEST_RENEWAL);
        let ahead = ahead.mul_f64(0.8 + 0.4 * self.jitter);
        let good = whole.checked_sub(self.leeway(lifetime));
        good.filter(|good| !good.is_zero())
            .and_then(|good| self.came.checked_add(good.saturating_sub(ahead)))
    }

    pub(super) fn time_to_renewal(&self, now: Moment, lifetime: &Lifetime) -> Option<Duration> {
        let renewal = self.renewal(lifetime)?;
        Some(renewal.saturating_sub(now))
    }

    /// A call uses it: whether it is the first one of this lifetime.
    pub(super) fn begin_use(&mut self, lifetime: &Lifetime) -> bool {
        let is_first = !self.users.contains(lifetime);
        if is_first {
            self.users.push(*lifetime);
        }
        is_first
    }

    /// Whether it was used, and its time has come.
    pub(super) fn is_due(&self, now: Moment, lifetime: &Lifetime) -> bool {
        self.users.contains(lifetime) && self.renewal(lifetime).is_some_and(|at| now >= at)
    }
}
