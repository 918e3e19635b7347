//! Token cache: one access token, renewed ahead of its expiry, and at most one fetch of it at a time.
//!
//! Pure: time and randomness come in as arguments, and fetching is the caller's part. Threads: any; the
//! lock of the owner (`plugin`) is held around each step and never across an await.
//!
//! Invariant: a failed fetch leaves the stored token as it was.

mod facts;
mod stored;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::oneshot;

pub use facts::{Counts, Facts};
use stored::Stored;

use super::token::{Lifetime, Token};
use crate::backoff::Backoff;
use crate::error::Error;

/// A point in time: since boot (`sys::since_boot`).
pub(super) type Moment = Duration;

pub(super) type Outcome = Result<HeaderValue, Error>;

/// What a caller must do next.
pub(super) enum Step {
    /// Use it. With a time: its first use by a lifetime, whose [`TokenCache::begin_renewal`] is due then.
    Use(HeaderValue, Option<Duration>),
    /// Use it, fetch its successor in the background, and give that to [`TokenCache::finish`].
    Renew(HeaderValue),
    Wait(oneshot::Receiver<Outcome>),
    /// Fetch, give the outcome to [`TokenCache::finish`], and wait like the others.
    Fetch(oneshot::Receiver<Outcome>),
    /// The last fetch failed, and the next one must wait.
    Fail(Error),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Use(..) => f.write_str("Use(<redacted>)"),
            Self::Renew(_) => f.write_str("Renew(<redacted>)"),
            Self::Wait(_) => f.write_str("Wait"),
            Self::Fetch(_) => f.write_str("Fetch"),
            Self::Fail(error) => write!(f, "Fail({error:?})"),
        }
    }
}

/// The time after a failed fetch.
struct Pause {
    until: Moment,
    error: Error,
}

struct Waiting {
    answer: oneshot::Sender<Outcome>,
    /// By which the old token will do, if the new one does not come.
    takes_old: Option<Lifetime>,
}

/// Of all who share a token; what they do not share is their lifetime, which comes with each step.
pub(super) struct TokenCache {
    stored: Option<Stored>,
    pause: Option<Pause>,
    backoff: Backoff,
    /// Of tokens that the gateway refuses: none is replaced before `next_rejection`.
    rejections: Backoff,
    next_rejection: Moment,
    /// Those who wait for the fetch under way, if there is one.
    waiting: Option<Vec<Waiting>>,
    /// When the last fetch began.
    began: Moment,
    last_request: Option<Duration>,
    counts: Counts,
}

const INITIAL_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl TokenCache {
    pub(super) fn new() -> Self {
        let backoff = Backoff::new(INITIAL_PAUSE, LONGEST_PAUSE);
        Self {
            stored: None,
            pause: None,
            backoff,
            rejections: backoff,
            next_rejection: Moment::ZERO,
            waiting: None,
            began: Moment::ZERO,
            last_request: None,
            counts: Counts::default(),
        }
    }

    /// Good until expiry less the leeway, inclusive.
    pub(super) fn is_expired(&self, now: Moment, lifetime: &Lifetime) -> bool {
        let stored = self.stored.as_ref();
        !stored.is_some_and(|stored| stored.is_good(now, lifetime))
    }

    /// The token, until its expiry: in its leeway it is better than none.
    fn last_resort(&self, now: Moment, lifetime: &Lifetime) -> Option<HeaderValue> {
        let lifetime = Lifetime {
            leeway: Some(Duration::ZERO),
            ..*lifetime
        };
        self.header().filter(|_| !self.is_expired(now, &lifetime))
    }

    /// The token in hand, good or not.
    pub(super) fn token(&self) -> Option<Token> {
        let stored = self.stored.as_ref()?;
        Some(stored.token.clone())
    }

    fn header(&self) -> Option<HeaderValue> {
        let stored = self.stored.as_ref()?;
        Some(stored.token.header())
    }

    /// How long no fetch may begin, after one that failed.
    pub(super) fn pause_left(&self, now: Moment) -> Option<Duration> {
        let until = self.pause.as_ref()?.until;
        until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// For a call: the token if it is good, else one fetch for all.
    pub(super) fn get(&mut self, now: Moment, lifetime: &Lifetime) -> Step {
        let is_first = self
            .stored
            .as_mut()
            .is_some_and(|stored| stored.begin_use(lifetime));
        if !self.is_expired(now, lifetime)
            && let Some(header) = self.header()
        {
            if self.begin_renewal(now, lifetime) {
                return Step::Renew(header);
            }
            let renewal = || self.stored.as_ref()?.time_to_renewal(now, lifetime);
            return Step::Use(header, is_first.then(renewal).flatten());
        }
        match (&self.waiting, self.pause_left(now), &self.pause) {
            (None, Some(left), Some(pause)) => match self.last_resort(now, lifetime) {
                Some(header) => Step::Use(header, None),
                None => {
                    let remark = format!("the next token request is in {} ms", left.as_millis());
                    let error = pause.error.clone().noting(&remark);
                    Step::Fail(error.with_retry_after(Some(left)))
                }
            },
            _ => self.wait(now, Some(*lifetime)),
        }
    }

    /// A new token even if the old one is good, and even in the pause; joins a fetch under way.
    pub(super) fn fetch(&mut self, now: Moment) -> Step {
        self.wait(now, None)
    }

    fn wait(&mut self, now: Moment, takes_old: Option<Lifetime>) -> Step {
        let (answer, receiver) = oneshot::channel();
        let waiting = Waiting { answer, takes_old };
        match &mut self.waiting {
            Some(others) => {
                others.push(waiting);
                Step::Wait(receiver)
            }
            None => {
                self.begin(now, vec![waiting]);
                Step::Fetch(receiver)
            }
        }
    }

    /// Whether the token is due by this lifetime, which used it: then the caller fetches its successor.
    pub(super) fn begin_renewal(&mut self, now: Moment, lifetime: &Lifetime) -> bool {
        let due = |stored: &Stored| stored.is_due(now, lifetime);
        let begins = self.waiting.is_none()
            && self.pause_left(now).is_none()
            && self.stored.as_ref().is_some_and(due);
        if begins {
            self.counts.renewals += 1;
            self.begin(now, Vec::new());
        }
        begins
    }

    fn begin(&mut self, now: Moment, waiting: Vec<Waiting>) {
        self.counts.requests += 1;
        self.began = now;
        self.waiting = Some(waiting);
    }

    /// The gateway refused this token. Whether the call may be sent again: with another one, or a new one.
    pub(super) fn rejected(&mut self, now: Moment, random: f64, header: &HeaderValue) -> bool {
        let Some(stored) = &self.stored else {
            return true;
        };
        if stored.token.header() != header {
            return true; // replaced already
        }
        if now.saturating_sub(self.next_rejection) > LONGEST_PAUSE {
            self.rejections.reset(); // the last one is long ago
        }
        let step = self.rejections.peek();
        if now < self.next_rejection || stored.age(now) < step {
            return false;
        }
        self.next_rejection = now + self.rejections.pause(random);
        self.counts.rejected += 1;
        self.stored = None;
        true
    }

    /// Stores a token that came and answers all who wait.
    pub(super) fn finish(&mut self, now: Moment, random: f64, fetched: Result<Token, Error>) {
        let failure = match fetched {
            Ok(token) => {
                self.pause = None;
                self.backoff.reset();
                self.last_request = Some(now.saturating_sub(self.began));
                self.counts.from_file += u64::from(token.is_from_file());
                self.stored = Some(Stored::new(token, now, random));
                None
            }
            Err(error) => {
                self.counts.failure(&error);
                let mut pause = self.backoff.pause(random);
                if let Some(longest) = self.stored.as_ref().and_then(|old| old.longest_pause(now)) {
                    pause = pause.min(longest);
                }
                let pause = error.retry_after().map_or(pause, |after| after.max(pause));
                self.pause = Some(Pause {
                    until: now + pause,
                    error: error.clone(),
                });
                Some(error)
            }
        };
        for waiting in self.waiting.take().unwrap_or_default() {
            let old = || self.last_resort(now, &waiting.takes_old?);
            let outcome = match &failure {
                None => self
                    .header()
                    .ok_or_else(|| Error::internal("a token came and is gone")),
                Some(error) => old().ok_or_else(|| error.clone()),
            };
            // Who gave up waiting needs no answer.
            waiting.answer.send(outcome).ok();
        }
    }

    pub(super) fn facts(&self, now: Moment, lifetime: &Lifetime) -> Facts {
        let stored = self.stored.as_ref();
        Facts {
            state: match () {
                () if self.waiting.is_some() => "fetching",
                () if !self.is_expired(now, lifetime) => "valid",
                () if self.pause.is_some() => "failed",
                () if self.stored.is_some() => "expired",
                () => "none",
            },
            expire_in: lifetime.expire_in,
            leeway: lifetime.leeway_of(stored.map(|stored| lifetime.of(&stored.token))),
            granted_scope: stored.and_then(|stored| stored.token.scope().map(str::to_owned)),
            counts: self.counts,
            waiting: self.waiting.as_ref().map_or(0, Vec::len),
            last_request: self.last_request,
            lifetime_left: stored.map(|stored| stored.lifetime_left(now, lifetime)),
        }
    }
}
