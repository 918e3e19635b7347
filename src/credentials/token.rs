//! Token cache: one access token, and at most one fetch of it at a time.
//!
//! Pure: time comes in as an argument, and fetching is the caller's part. Threads: any; the lock of
//! the owner (`plugin`) is held around each step and never across an await.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderValue;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::error::Error;

/// How long a token is good that does not say so itself. A token is opaque to its client (RFC 9068
/// section 6), so this is a guess on the short side.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(300);

/// The two settings of the reference.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    /// A token counts as expired so long before it expires.
    pub leeway: Duration,
    /// The lifetime of tokens that come without `expires_in`.
    pub expire_in: Option<Duration>,
}

/// An access token as it came.
#[derive(Clone)]
pub struct Token {
    header: HeaderValue,
    expires_in: Option<Duration>,
    scope: Option<String>,
}

impl Token {
    /// Refuses what no header may hold (RFC 6750 section 2.1).
    pub fn new(
        access_token: &str,
        expires_in: Option<Duration>,
        scope: Option<String>,
    ) -> Result<Self, &'static str> {
        if access_token.is_empty() {
            return Err("access_token is empty");
        }
        if !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("access_token has characters that no header may hold");
        }
        let header = Zeroizing::new(format!("Bearer {access_token}").into_bytes());
        let header = HeaderValue::from_maybe_shared(Bytes::from_owner(header))
            .map_err(|_| "access_token has characters that no header may hold")?;
        Ok(Self {
            header,
            expires_in,
            scope,
        })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(<redacted>, expires in {:?})", self.expires_in)
    }
}

struct Stored {
    token: Token,
    /// `None`: beyond what a clock can hold.
    expiry: Option<Instant>,
}

pub(super) type Outcome = Result<HeaderValue, Error>;

/// What a caller must do next.
pub(super) enum Step {
    Use(HeaderValue),
    Wait(oneshot::Receiver<Outcome>),
    /// Fetch, give the outcome to [`TokenCache::finish`], and wait like the others.
    Fetch(oneshot::Receiver<Outcome>),
}

/// What `describe` shows of a token.
#[derive(Clone, Debug)]
pub struct Facts {
    /// none, fetching, valid, expired or failed.
    pub state: &'static str,
    pub expire_in: Option<Duration>,
    pub granted_scope: Option<String>,
}

pub(super) struct TokenCache {
    lifetime: Lifetime,
    stored: Option<Stored>,
    failed: bool,
    /// Those who wait for the fetch under way, if there is one.
    waiting: Option<Vec<oneshot::Sender<Outcome>>>,
}

impl TokenCache {
    pub(super) fn new(lifetime: Lifetime) -> Self {
        Self {
            lifetime,
            stored: None,
            failed: false,
            waiting: None,
        }
    }

    /// Good until expiry less the leeway, inclusive.
    pub(super) fn is_expired(&self, now: Instant) -> bool {
        match &self.stored {
            None => true,
            Some(Stored { expiry: None, .. }) => false,
            Some(Stored {
                expiry: Some(expiry),
                ..
            }) => now + self.lifetime.leeway > *expiry,
        }
    }

    /// For a call: the token if it is good, else one fetch for all.
    pub(super) fn get(&mut self, now: Instant) -> Step {
        match &self.stored {
            Some(stored) if !self.is_expired(now) => Step::Use(stored.token.header.clone()),
            _ => self.fetch(),
        }
    }

    /// A new token even if the old one is good; joins a fetch under way.
    pub(super) fn fetch(&mut self) -> Step {
        let (sender, receiver) = oneshot::channel();
        match &mut self.waiting {
            Some(waiting) => {
                waiting.push(sender);
                Step::Wait(receiver)
            }
            None => {
                self.waiting = Some(vec![sender]);
                Step::Fetch(receiver)
            }
        }
    }

    /// Stores a token that came and answers all who wait. A failed fetch leaves the stored token
    /// as it was.
    pub(super) fn finish(&mut self, now: Instant, fetched: Result<Token, Error>) {
        self.failed = fetched.is_err();
        let outcome = fetched.map(|token| {
            let lifetime = token.expires_in.or(self.lifetime.expire_in);
            let header = token.header.clone();
            self.stored = Some(Stored {
                token,
                expiry: now.checked_add(lifetime.unwrap_or(UNKNOWN_LIFETIME)),
            });
            header
        });
        for waiting in self.waiting.take().unwrap_or_default() {
            // Who gave up waiting needs no answer.
            let _: Result<(), _> = waiting.send(outcome.clone());
        }
    }

    pub(super) fn facts(&self, now: Instant) -> Facts {
        Facts {
            state: match () {
                () if self.waiting.is_some() => "fetching",
                () if !self.is_expired(now) => "valid",
                () if self.failed => "failed",
                () if self.stored.is_some() => "expired",
                () => "none",
            },
            expire_in: self.lifetime.expire_in,
            granted_scope: self
                .stored
                .as_ref()
                .and_then(|stored| stored.token.scope.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Lifetime = Lifetime {
        leeway: Duration::from_secs(60),
        expire_in: None,
    };

    fn token(text: &str, seconds: Option<u64>) -> Result<Token, Error> {
        Ok(Token::new(text, seconds.map(Duration::from_secs), None).unwrap())
    }

    fn fetched(cache: &mut TokenCache, now: Instant, token: Result<Token, Error>) -> Outcome {
        let Step::Fetch(mut receiver) = cache.fetch() else {
            panic!("a fetch is under way")
        };
        cache.finish(now, token);
        receiver.try_recv().unwrap()
    }

    #[test]
    fn a_token_is_good_until_expiry_less_the_leeway_inclusive() {
        let (mut cache, start) = (TokenCache::new(LIFETIME), Instant::now());
        assert!(cache.is_expired(start));
        fetched(&mut cache, start, token("t", Some(100))).unwrap();
        let last = start + Duration::from_secs(40);
        assert!(!cache.is_expired(last));
        assert!(cache.is_expired(last + Duration::from_nanos(1)));
    }

    #[test]
    fn many_callers_one_fetch() {
        let mut cache = TokenCache::new(LIFETIME);
        let now = Instant::now();
        let Step::Fetch(mut first) = cache.get(now) else {
            panic!("the first fetches")
        };
        let mut rest: Vec<_> = (0..49)
            .map(|_| match cache.get(now) {
                Step::Wait(receiver) => receiver,
                _ => panic!("the others wait"),
            })
            .collect();
        cache.finish(now, token("t", Some(3600)));
        assert_eq!(first.try_recv().unwrap().unwrap(), "Bearer t");
        assert!(rest.iter_mut().all(|one| one.try_recv().unwrap().is_ok()));
        assert!(matches!(cache.get(now), Step::Use(header) if header == "Bearer t"));
    }

    #[test]
    fn failed_fetch_leaves_stored_token() {
        let (mut cache, now) = (TokenCache::new(LIFETIME), Instant::now());
        fetched(&mut cache, now, token("t", Some(3600))).unwrap();
        fetched(&mut cache, now, Err(Error::unavailable("down"))).unwrap_err();
        assert!(matches!(cache.get(now), Step::Use(header) if header == "Bearer t"));
    }

    #[test]
    fn a_token_without_lifetime_is_good_for_expire_in_or_five_minutes() {
        let now = Instant::now();
        for (expire_in, good) in [(None, 300), (Some(Duration::from_secs(100)), 100)] {
            let mut cache = TokenCache::new(Lifetime {
                expire_in,
                ..LIFETIME
            });
            fetched(&mut cache, now, token("t", None)).unwrap();
            let last = now + Duration::from_secs(good - 60);
            assert!(!cache.is_expired(last) && cache.is_expired(last + Duration::from_nanos(1)));
        }
    }

    #[test]
    fn a_token_expired_on_arrival_serves_those_who_waited() {
        let (mut cache, now) = (TokenCache::new(LIFETIME), Instant::now());
        assert_eq!(
            fetched(&mut cache, now, token("t", Some(0))).unwrap(),
            "Bearer t"
        );
        assert!(matches!(cache.get(now), Step::Fetch(_)));
    }

    #[test]
    fn a_token_is_never_printed() {
        assert!(!format!("{:?}", token("visible", Some(1))).contains("visible"));
    }
}
