//! Token cache: one access token, renewed ahead of its expiry, and at most one fetch of it at a time.
//!
//! Pure: time and randomness come in as arguments, and fetching is the caller's part. Threads: any; the
//! lock of the owner (`plugin`) is held around each step and never across an await.
//!
//! Invariant: a failed fetch leaves the stored token as it was.

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::authorization;
use crate::backoff::Backoff;
use crate::error::{Error, Kind};

/// How long a token is good that does not say so itself. A token is opaque to its client (RFC 9068
/// section 6), so this is a guess on the short side.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(300);

/// The two settings of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// A token counts as expired so long before it expires.
    pub leeway: Duration,
    /// The lifetime of tokens that come without `expires_in`.
    pub expire_in: Option<Duration>,
}

impl Lifetime {
    /// Of a token, by what it says itself, else by the settings.
    pub(super) fn of(&self, token: &Token) -> Duration {
        let lifetime = token.expires_in.or(self.expire_in);
        lifetime.unwrap_or(UNKNOWN_LIFETIME)
    }
}

/// An access token as it came.
#[derive(Clone)]
pub struct Token {
    header: HeaderValue,
    expires_in: Option<Duration>,
    scope: Option<String>,
    from_file: bool,
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
        let header = authorization::bearer(access_token)
            .map_err(|_| "access_token has characters that no header may hold")?;
        Ok(Self {
            header,
            expires_in,
            scope,
            from_file: false,
        })
    }

    /// Not from the token endpoint, but from a token file.
    pub(super) fn of_file(self) -> Self {
        Self {
            from_file: true,
            ..self
        }
    }

    pub(super) fn access_token(&self) -> Zeroizing<String> {
        authorization::bearer_token(&self.header)
    }

    pub(super) fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Whether a gateway would see no difference.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.header == other.header
    }

    /// What stands in `authorization`.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(<redacted>, expires in {:?})", self.expires_in)
    }
}

/// A point in time: since boot (`sys::since_boot`).
pub(super) type Moment = Duration;

struct Stored {
    token: Token,
    fetched: Moment,
    /// `None`: beyond what a clock can hold.
    expiry: Option<Moment>,
    /// When its successor is fetched, if a call used it. `None`: the leeway leaves no time for that.
    renewal: Option<Moment>,
    used: bool,
}

pub(super) type Outcome = Result<HeaderValue, Error>;

/// What a caller must do next.
pub(super) enum Step {
    Use(HeaderValue),
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
            Self::Use(_) => f.write_str("Use(<redacted>)"),
            Self::Renew(_) => f.write_str("Renew(<redacted>)"),
            Self::Wait(_) => f.write_str("Wait"),
            Self::Fetch(_) => f.write_str("Fetch"),
            Self::Fail(error) => write!(f, "Fail({error:?})"),
        }
    }
}

/// What was done about tokens, since the plugin was made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub requests: u64,
    /// Of the requests, those that a token file answered.
    pub from_file: u64,
    pub failures: u64,
    /// Of the failures: the endpoint refused the client, it or its answer was of no use, the settings are wrong.
    pub refused: u64,
    pub unavailable: u64,
    pub settings: u64,
    /// Of the requests, those ahead of expiry.
    pub renewals: u64,
    /// Tokens that a gateway refused, and that were replaced.
    pub rejected: u64,
}

/// What `describe` and `stats` show of a token.
#[derive(Clone, Debug)]
pub struct Facts {
    /// none, fetching, valid, expired or failed.
    pub state: &'static str,
    pub expire_in: Option<Duration>,
    pub granted_scope: Option<String>,
    pub counts: Counts,
    /// Who waits for the fetch under way.
    pub waiting: usize,
    /// How long the last fetch took that brought a token.
    pub last_request: Option<Duration>,
    /// Of the stored token; `None`: there is none.
    pub lifetime_left: Option<Duration>,
}

/// The time after a failed fetch.
struct Pause {
    until: Moment,
    error: Error,
}

struct Waiting {
    answer: oneshot::Sender<Outcome>,
    /// Content with the old token, if the new one does not come.
    takes_old: bool,
}

pub(super) struct TokenCache {
    lifetime: Lifetime,
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

/// How long before a token stops being good its successor is fetched: a tenth of its lifetime, a minute at most.
const RENEWAL_SHARE: u32 = 10;
const LONGEST_RENEWAL: Duration = Duration::from_secs(60);

impl TokenCache {
    pub(super) fn new(lifetime: Lifetime) -> Self {
        let backoff = Backoff::new(INITIAL_PAUSE, LONGEST_PAUSE);
        Self {
            lifetime,
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
    pub(super) fn is_expired(&self, now: Moment) -> bool {
        !self.is_good(now, self.lifetime.leeway)
    }

    fn is_good(&self, now: Moment, leeway: Duration) -> bool {
        self.stored.as_ref().is_some_and(|stored| {
            stored
                .expiry
                .is_none_or(|expiry| now.saturating_add(leeway) <= expiry)
        })
    }

    /// The token in hand, good or not.
    pub(super) fn token(&self) -> Option<Token> {
        let stored = self.stored.as_ref()?;
        Some(stored.token.clone())
    }

    fn header(&self) -> Option<HeaderValue> {
        let stored = self.stored.as_ref()?;
        Some(stored.token.header.clone())
    }

    /// How long no fetch may begin, after one that failed.
    pub(super) fn pause_left(&self, now: Moment) -> Option<Duration> {
        let until = self.pause.as_ref()?.until;
        until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// For a call: the token if it is good, else one fetch for all.
    pub(super) fn get(&mut self, now: Moment) -> Step {
        if let Some(stored) = &mut self.stored {
            stored.used = true;
        }
        if !self.is_expired(now)
            && let Some(header) = self.header()
        {
            return if self.begin_renewal(now) {
                Step::Renew(header)
            } else {
                Step::Use(header)
            };
        }
        match (&self.waiting, self.pause_left(now), &self.pause) {
            (None, Some(left), Some(pause)) => match self.header() {
                // In its leeway it is better than none.
                Some(header) if self.is_good(now, Duration::ZERO) => Step::Use(header),
                _ => {
                    let remark = format!("the next token request is in {} ms", left.as_millis());
                    let error = pause.error.clone().noting(&remark);
                    Step::Fail(error.with_retry_after(Some(left)))
                }
            },
            _ => self.wait(now, true),
        }
    }

    /// A new token even if the old one is good, and even in the pause; joins a fetch under way.
    pub(super) fn fetch(&mut self, now: Moment) -> Step {
        self.wait(now, false)
    }

    fn wait(&mut self, now: Moment, takes_old: bool) -> Step {
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

    /// How long until [`TokenCache::begin_renewal`] is due.
    pub(super) fn time_to_renewal(&self, now: Moment) -> Option<Duration> {
        let renewal = self.stored.as_ref()?.renewal?;
        Some(renewal.saturating_sub(now))
    }

    /// Whether the token is due and was used: then the caller fetches its successor.
    pub(super) fn begin_renewal(&mut self, now: Moment) -> bool {
        let due = |stored: &Stored| stored.used && stored.renewal.is_some_and(|at| now >= at);
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
        if stored.token.header != header {
            return true; // replaced already
        }
        if now.saturating_sub(self.next_rejection) > LONGEST_PAUSE {
            self.rejections.reset(); // the last one is long ago
        }
        let step = self.rejections.peek();
        if now < self.next_rejection || now.saturating_sub(stored.fetched) < step {
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
                self.counts.from_file += u64::from(token.from_file);
                self.stored = Some(self.stored(now, random, token));
                None
            }
            Err(error) => {
                self.count_failure(&error);
                let pause = self.backoff.pause(random);
                let pause = error.retry_after().map_or(pause, |after| after.max(pause));
                self.pause = Some(Pause {
                    until: now + pause,
                    error: error.clone(),
                });
                Some(error)
            }
        };
        let old = self
            .header()
            .filter(|_| failure.is_none() || self.is_good(now, Duration::ZERO));
        for waiting in self.waiting.take().unwrap_or_default() {
            let outcome = match (&failure, &old) {
                (None, Some(header)) => Ok(header.clone()),
                (Some(_), Some(header)) if waiting.takes_old => Ok(header.clone()),
                (Some(error), _) => Err(error.clone()),
                (None, None) => Err(Error::internal("a token came and is gone")),
            };
            // Who gave up waiting needs no answer.
            let _: Result<(), _> = waiting.answer.send(outcome);
        }
    }

    fn count_failure(&mut self, error: &Error) {
        let counts = &mut self.counts;
        counts.failures += 1;
        match error.kind() {
            Kind::InvalidOauthCredentials => counts.refused += 1,
            Kind::Settings => counts.settings += 1,
            Kind::Rpc => counts.unavailable += 1,
            _ => {} // of the library or the program, neither of which is a reason of the endpoint's
        }
    }

    fn stored(&self, now: Moment, random: f64, token: Token) -> Stored {
        let lifetime = self.lifetime.of(&token);
        let ahead = (lifetime / RENEWAL_SHARE).min(LONGEST_RENEWAL);
        let ahead = ahead.mul_f64(0.8 + 0.4 * random);
        let good = lifetime.checked_sub(self.lifetime.leeway);
        let renewal = good
            .filter(|good| !good.is_zero())
            .and_then(|good| now.checked_add(good.saturating_sub(ahead)));
        Stored {
            // How old one from a file is nobody knows: old enough to be replaced when a gateway refuses it.
            fetched: if token.from_file { Moment::ZERO } else { now },
            token,
            expiry: now.checked_add(lifetime),
            renewal,
            used: false,
        }
    }

    pub(super) fn facts(&self, now: Moment) -> Facts {
        Facts {
            state: match () {
                () if self.waiting.is_some() => "fetching",
                () if !self.is_expired(now) => "valid",
                () if self.pause.is_some() => "failed",
                () if self.stored.is_some() => "expired",
                () => "none",
            },
            expire_in: self.lifetime.expire_in,
            granted_scope: self
                .stored
                .as_ref()
                .and_then(|stored| stored.token.scope.clone()),
            counts: self.counts,
            waiting: self.waiting.as_ref().map_or(0, Vec::len),
            last_request: self.last_request,
            lifetime_left: self.stored.as_ref().map(|stored| {
                stored
                    .expiry
                    .map_or(Duration::MAX, |at| at.saturating_sub(now))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_secs(1000);
    const SECOND: Duration = Duration::from_secs(1);

    const LIFETIME: Lifetime = Lifetime {
        leeway: Duration::from_secs(60),
        expire_in: None,
    };

    fn token(text: &str, seconds: Option<u64>) -> Result<Token, Error> {
        Ok(Token::new(text, seconds.map(Duration::from_secs), None).unwrap())
    }

    fn fetched(cache: &mut TokenCache, now: Moment, token: Result<Token, Error>) -> Outcome {
        let Step::Fetch(mut receiver) = cache.fetch(now) else {
            panic!("a fetch is under way")
        };
        cache.finish(now, 0.5, token);
        receiver.try_recv().unwrap()
    }

    #[test]
    fn a_token_is_good_until_expiry_less_the_leeway_inclusive() {
        let (mut cache, start) = (TokenCache::new(LIFETIME), START);
        assert!(cache.is_expired(start));
        fetched(&mut cache, start, token("t", Some(100))).unwrap();
        let last = start + Duration::from_secs(40);
        assert!(!cache.is_expired(last));
        assert!(cache.is_expired(last + Duration::from_nanos(1)));
    }

    #[test]
    fn many_callers_one_fetch() {
        let mut cache = TokenCache::new(LIFETIME);
        let now = START;
        let Step::Fetch(mut first) = cache.get(now) else {
            panic!("the first fetches")
        };
        let mut rest: Vec<_> = (0..49)
            .map(|_| match cache.get(now) {
                Step::Wait(receiver) => receiver,
                _ => panic!("the others wait"),
            })
            .collect();
        cache.finish(now, 0.5, token("t", Some(3600)));
        assert_eq!(first.try_recv().unwrap().unwrap(), "Bearer t");
        assert!(rest.iter_mut().all(|one| one.try_recv().unwrap().is_ok()));
        assert!(matches!(cache.get(now), Step::Use(header) if header == "Bearer t"));
    }

    #[test]
    fn failed_fetch_leaves_stored_token() {
        let (mut cache, now) = (TokenCache::new(LIFETIME), START);
        fetched(&mut cache, now, token("t", Some(3600))).unwrap();
        fetched(&mut cache, now, Err(Error::unavailable("down"))).unwrap_err();
        assert!(matches!(cache.get(now), Step::Use(header) if header == "Bearer t"));
    }

    #[test]
    fn a_token_without_lifetime_is_good_for_expire_in_or_five_minutes() {
        let now = START;
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
        let (mut cache, now) = (TokenCache::new(LIFETIME), START);
        assert_eq!(
            fetched(&mut cache, now, token("t", Some(0))).unwrap(),
            "Bearer t"
        );
        assert!(matches!(cache.get(now), Step::Fetch(_)));
    }

    /// The clock counts the time asleep (`sys::since_boot`), and no wall clock is asked.
    #[test]
    fn a_machine_that_slept_finds_its_token_expired_and_its_pause_over() {
        let mut cache = TokenCache::new(LIFETIME);
        fetched(&mut cache, START, token("t", Some(3600))).unwrap();
        assert!(matches!(cache.get(START), Step::Use(_)));
        let awake = START + Duration::from_secs(8 * 3600);
        assert!(cache.is_expired(awake));
        fetched(&mut cache, awake, Err(Error::unavailable("down"))).unwrap_err();
        assert!(matches!(cache.get(awake), Step::Fail(_)));
        assert!(matches!(cache.get(awake + awake), Step::Fetch(_)));
    }

    #[test]
    fn a_clock_that_went_back_neither_kills_nor_panics() {
        let mut cache = TokenCache::new(LIFETIME);
        fetched(&mut cache, START, token("t", Some(3600))).unwrap();
        let before = START - Duration::from_secs(999);
        assert!(matches!(cache.get(before), Step::Use(_)));
        let refused = cache.rejected(before, 0.5, &HeaderValue::from_static("Bearer t"));
        assert!(!refused, "it counts as young");
        assert!(cache.facts(before).lifetime_left >= Some(Duration::from_secs(3600)));
    }

    #[test]
    fn a_token_is_never_printed() {
        let mut cache = TokenCache::new(LIFETIME);
        let mut shown = format!("{:?}", token("visible", Some(100)));
        fetched(&mut cache, START, token("visible", Some(100))).unwrap();
        for later in [0, 35] {
            let step = cache.get(START + later * SECOND);
            assert!(matches!(step, Step::Use(_) | Step::Renew(_)));
            shown += &format!("{step:?} {:?}", cache.facts(START));
        }
        assert!(!shown.contains("visible"), "{shown}");
    }

    #[test]
    fn a_thousand_lifetimes_have_one_fetch_each_and_no_call_waits_but_the_first() {
        let (mut cache, mut now) = (TokenCache::new(LIFETIME), START);
        fetched(&mut cache, now, token("t", Some(3600))).unwrap();
        let mut fetches = 1;
        for _ in 0..3_600_000 / 7 {
            now += 7 * SECOND;
            match cache.get(now) {
                Step::Use(_) => {}
                Step::Renew(_) => {
                    fetches += 1;
                    cache.finish(now + SECOND, 0.5, token("t", Some(3600)));
                }
                step => panic!("a call waits: {step:?}"),
            }
        }
        // Each token is renewed two minutes early: its leeway and a minute.
        assert!((1000..=1100).contains(&fetches), "{fetches}");
    }

    #[test]
    fn renewal_begins_a_tenth_of_the_lifetime_ahead_a_minute_at_most_and_jittered() {
        for (seconds, random, renewal) in [
            (3600, 0.5, 3480),
            (3600, 0.0, 3492),
            (3600, 1.0, 3468),
            (300, 0.5, 210),
        ] {
            let mut cache = TokenCache::new(LIFETIME);
            let Step::Fetch(_) = cache.fetch(START) else {
                panic!("a fetch is under way")
            };
            cache.finish(START, random, token("t", Some(seconds)));
            let due = Duration::from_secs(renewal);
            assert_eq!(cache.time_to_renewal(START), Some(due));
            assert!(!cache.begin_renewal(START + due), "no call used it");
            assert!(matches!(cache.get(START), Step::Use(_)));
            assert!(!cache.begin_renewal(START + due - Duration::from_millis(1)));
            assert!(cache.begin_renewal(START + due));
            assert!(!cache.begin_renewal(START + due), "one at a time");
        }
    }

    #[test]
    fn a_leeway_as_long_as_the_lifetime_means_a_fetch_for_each_and_no_renewal() {
        let mut cache = TokenCache::new(LIFETIME);
        fetched(&mut cache, START, token("t", Some(59))).unwrap();
        assert_eq!(cache.time_to_renewal(START), None);
        assert!(matches!(cache.get(START), Step::Fetch(_)));
        assert!(matches!(cache.get(START), Step::Wait(_)));
    }

    #[test]
    fn a_failed_renewal_backs_off_and_the_old_token_serves_until_its_expiry() {
        let mut cache = TokenCache::new(LIFETIME);
        fetched(&mut cache, START, token("old", Some(300))).unwrap();
        let mut now = START;
        let mut fetches = 0;
        // Its leeway is passed at 240 s: from then on calls wait for each fetch, and take the old token.
        while now < START + Duration::from_secs(299) {
            now += Duration::from_millis(100);
            let outcome = match cache.get(now) {
                Step::Use(header) => Ok(header),
                Step::Renew(header) => {
                    fetches += 1;
                    cache.finish(now, 0.5, Err(Error::unavailable("down")));
                    Ok(header)
                }
                Step::Fetch(mut receiver) => {
                    fetches += 1;
                    cache.finish(now, 0.5, Err(Error::unavailable("down")));
                    receiver.try_recv().unwrap()
                }
                step => panic!("{step:?}"),
            };
            assert_eq!(outcome.unwrap(), "Bearer old");
        }
        assert!((5..12).contains(&fetches), "{fetches}");
        now = START + Duration::from_secs(301);
        assert!(matches!(cache.get(now), Step::Fail(_) | Step::Fetch(_)));
    }

    #[test]
    fn an_endpoint_that_is_down_for_ten_minutes_gets_few_requests_and_calls_fail_at_once() {
        let (mut cache, mut now) = (TokenCache::new(LIFETIME), START);
        let (mut fetches, mut refused) = (0, 0);
        while now < START + Duration::from_secs(600) {
            now += Duration::from_millis(10);
            match cache.get(now) {
                Step::Fetch(mut receiver) => {
                    fetches += 1;
                    cache.finish(now, 0.5, Err(Error::unavailable("down")));
                    assert!(receiver.try_recv().unwrap().is_err());
                }
                Step::Fail(error) => {
                    refused += 1;
                    assert!(
                        error
                            .message()
                            .starts_with("down; the next token request is in ")
                    );
                    assert!(error.is_retryable() && error.retry_after().is_some());
                }
                step => panic!("{step:?}"),
            }
        }
        assert!(
            (20..30).contains(&fetches) && refused > 50_000,
            "{fetches}, {refused}"
        );
        now += Duration::from_secs(40);
        fetched(&mut cache, now, token("t", Some(3600))).unwrap();
        assert!(matches!(cache.get(now), Step::Use(_)));
    }

    #[test]
    fn retry_after_is_honoured_and_retrieve_ignores_it() {
        let mut cache = TokenCache::new(LIFETIME);
        let error = Error::unavailable("busy").with_retry_after(Some(60 * SECOND));
        fetched(&mut cache, START, Err(error)).unwrap_err();
        assert_eq!(cache.pause_left(START), Some(60 * SECOND));
        assert!(matches!(cache.get(START + 59 * SECOND), Step::Fail(_)));
        fetched(&mut cache, START + SECOND, token("t", Some(3600))).unwrap();
        assert!(matches!(cache.get(START + SECOND), Step::Use(_)));
    }

    #[test]
    fn a_gateway_that_refuses_every_token_causes_no_storm() {
        let (mut cache, mut now) = (TokenCache::new(LIFETIME), START);
        let mut fetches = 0;
        while now < START + Duration::from_secs(600) {
            now += Duration::from_millis(10);
            let header = match cache.get(now) {
                Step::Use(header) => header,
                Step::Fetch(mut receiver) => {
                    fetches += 1;
                    cache.finish(now, 0.5, token(&format!("t{fetches}"), Some(3600)));
                    receiver.try_recv().unwrap().unwrap()
                }
                step => panic!("{step:?}"),
            };
            cache.rejected(now, 0.5, &header);
        }
        assert!((20..30).contains(&fetches), "{fetches}");
    }

    #[test]
    fn a_token_from_a_file_is_counted_and_replaced_at_once_when_it_is_refused() {
        let mut cache = TokenCache::new(LIFETIME);
        let from_file = token("old", Some(3600)).map(Token::of_file);
        let header = fetched(&mut cache, START, from_file).unwrap();
        assert_eq!(cache.facts(START).counts.from_file, 1);
        assert!(cache.rejected(START, 0.5, &header));
        fetched(&mut cache, START, token("new", Some(3600))).unwrap();
        assert_eq!(cache.facts(START).counts.from_file, 1);
    }

    #[test]
    fn fetches_are_timed_and_failures_counted_by_their_reason() {
        let mut cache = TokenCache::new(LIFETIME);
        assert_eq!(cache.facts(START).last_request, None);
        for error in [
            Error::invalid_oauth_credentials("no"),
            Error::settings_of_call("no"),
            Error::settings_of_call("no"),
            Error::unavailable("no"),
        ] {
            fetched(&mut cache, START, Err(error)).unwrap_err();
        }
        let Step::Fetch(_) = cache.fetch(START) else {
            panic!("a fetch is under way")
        };
        cache.finish(START + 2 * SECOND, 0.5, token("t", Some(3600)));
        let facts = cache.facts(START);
        assert_eq!(facts.last_request, Some(2 * SECOND));
        let counts = facts.counts;
        assert_eq!((counts.requests, counts.failures), (5, 4));
        let reasons = (counts.refused, counts.settings, counts.unavailable);
        assert_eq!(reasons, (1, 2, 1));
    }

    #[test]
    fn a_token_that_was_replaced_already_is_no_reason_to_fetch() {
        let mut cache = TokenCache::new(LIFETIME);
        fetched(&mut cache, START, token("old", Some(3600))).unwrap();
        let old = HeaderValue::from_static("Bearer old");
        let now = START + 10 * SECOND;
        assert!(
            !cache.rejected(START, 0.5, &old),
            "it is younger than the step"
        );
        assert!(cache.rejected(now, 0.5, &old));
        fetched(&mut cache, now, token("new", Some(3600))).unwrap();
        assert!(cache.rejected(now, 0.5, &old));
        assert!(matches!(cache.get(now), Step::Use(header) if header == "Bearer new"));
    }
}
