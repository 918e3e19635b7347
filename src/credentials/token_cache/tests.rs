//! Time is given, and nothing is fetched.

use super::*;

const START: Moment = Moment::from_secs(1000);
const SECOND: Duration = Duration::from_secs(1);

const LIFETIME: Lifetime = Lifetime {
    leeway: Some(Duration::from_secs(60)),
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
    let (mut cache, start) = (TokenCache::new(), START);
    assert!(cache.is_expired(start, &LIFETIME));
    fetched(&mut cache, start, token("t", Some(100))).unwrap();
    let last = start + Duration::from_secs(40);
    assert!(!cache.is_expired(last, &LIFETIME));
    assert!(cache.is_expired(last + Duration::from_nanos(1), &LIFETIME));
}

#[test]
fn many_callers_one_fetch() {
    let mut cache = TokenCache::new();
    let now = START;
    let Step::Fetch(mut first) = cache.get(now, &LIFETIME) else {
        panic!("the first fetches")
    };
    let mut rest: Vec<_> = (0..49)
        .map(|_| match cache.get(now, &LIFETIME) {
            Step::Wait(receiver) => receiver,
            _ => panic!("the others wait"),
        })
        .collect();
    cache.finish(now, 0.5, token("t", Some(3600)));
    assert_eq!(first.try_recv().unwrap().unwrap(), "Bearer t");
    assert!(rest.iter_mut().all(|one| one.try_recv().unwrap().is_ok()));
    assert!(matches!(cache.get(now, &LIFETIME), Step::Use(header, _) if header == "Bearer t"));
}

#[test]
fn failed_fetch_leaves_stored_token() {
    let (mut cache, now) = (TokenCache::new(), START);
    fetched(&mut cache, now, token("t", Some(3600))).unwrap();
    fetched(&mut cache, now, Err(Error::unavailable("down"))).unwrap_err();
    assert!(matches!(cache.get(now, &LIFETIME), Step::Use(header, _) if header == "Bearer t"));
}

#[test]
fn a_token_without_lifetime_is_good_for_expire_in_or_five_minutes() {
    let now = START;
    for (expire_in, good) in [(None, 300), (Some(Duration::from_secs(100)), 100)] {
        let mut cache = TokenCache::new();
        let lifetime = Lifetime {
            expire_in,
            ..LIFETIME
        };
        fetched(&mut cache, now, token("t", None)).unwrap();
        let last = now + Duration::from_secs(good - 60);
        assert!(!cache.is_expired(last, &lifetime));
        assert!(cache.is_expired(last + Duration::from_nanos(1), &lifetime));
    }
}

#[test]
fn a_token_expired_on_arrival_serves_those_who_waited() {
    let (mut cache, now) = (TokenCache::new(), START);
    assert_eq!(
        fetched(&mut cache, now, token("t", Some(0))).unwrap(),
        "Bearer t"
    );
    assert!(matches!(cache.get(now, &LIFETIME), Step::Fetch(_)));
}

/// The clock counts the time asleep (`sys::since_boot`), and no wall clock is asked.
#[test]
fn a_machine_that_slept_finds_its_token_expired_and_its_pause_over() {
    let mut cache = TokenCache::new();
    fetched(&mut cache, START, token("t", Some(3600))).unwrap();
    assert!(matches!(cache.get(START, &LIFETIME), Step::Use(..)));
    let awake = START + Duration::from_secs(8 * 3600);
    assert!(cache.is_expired(awake, &LIFETIME));
    fetched(&mut cache, awake, Err(Error::unavailable("down"))).unwrap_err();
    assert!(matches!(cache.get(awake, &LIFETIME), Step::Fail(_)));
    assert!(matches!(
        cache.get(awake + awake, &LIFETIME),
        Step::Fetch(_)
    ));
}

#[test]
fn a_clock_that_went_back_neither_kills_nor_panics() {
    let mut cache = TokenCache::new();
    fetched(&mut cache, START, token("t", Some(3600))).unwrap();
    let before = START - Duration::from_secs(999);
    assert!(matches!(cache.get(before, &LIFETIME), Step::Use(..)));
    let refused = cache.rejected(before, 0.5, &HeaderValue::from_static("Bearer t"));
    assert!(!refused, "it counts as young");
    assert!(cache.facts(before, &LIFETIME).lifetime_left >= Some(Duration::from_secs(3600)));
}

#[test]
fn a_token_is_never_printed() {
    let mut cache = TokenCache::new();
    let mut shown = format!("{:?}", token("visible", Some(100)));
    fetched(&mut cache, START, token("visible", Some(100))).unwrap();
    for later in [0, 35] {
        let step = cache.get(START + later * SECOND, &LIFETIME);
        assert!(matches!(step, Step::Use(..) | Step::Renew(_)));
        shown += &format!("{step:?} {:?}", cache.facts(START, &LIFETIME));
    }
    assert!(!shown.contains("visible"), "{shown}");
}

#[test]
fn a_thousand_lifetimes_have_one_fetch_each_and_no_call_waits_but_the_first() {
    let (mut cache, mut now) = (TokenCache::new(), START);
    fetched(&mut cache, now, token("t", Some(3600))).unwrap();
    let mut fetches = 1;
    for _ in 0..3_600_000 / 7 {
        now += 7 * SECOND;
        match cache.get(now, &LIFETIME) {
            Step::Use(..) => {}
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
        let mut cache = TokenCache::new();
        let Step::Fetch(_) = cache.fetch(START) else {
            panic!("a fetch is under way")
        };
        cache.finish(START, random, token("t", Some(seconds)));
        let due = Duration::from_secs(renewal);
        assert!(
            !cache.begin_renewal(START + due, &LIFETIME),
            "no call used it"
        );
        assert!(matches!(cache.get(START, &LIFETIME), Step::Use(_, Some(wait)) if wait == due));
        assert!(
            matches!(cache.get(START, &LIFETIME), Step::Use(_, None)),
            "told once"
        );
        assert!(!cache.begin_renewal(START + due - Duration::from_millis(1), &LIFETIME));
        assert!(cache.begin_renewal(START + due, &LIFETIME));
        assert!(
            !cache.begin_renewal(START + due, &LIFETIME),
            "one at a time"
        );
    }
}

#[test]
fn a_leeway_as_long_as_the_lifetime_means_a_fetch_for_each_and_no_renewal() {
    let mut cache = TokenCache::new();
    fetched(&mut cache, START, token("t", Some(59))).unwrap();
    assert!(matches!(cache.get(START, &LIFETIME), Step::Fetch(_)));
    assert!(matches!(cache.get(START, &LIFETIME), Step::Wait(_)));
}

#[test]
fn a_failed_renewal_backs_off_and_the_old_token_serves_until_its_expiry() {
    let mut cache = TokenCache::new();
    fetched(&mut cache, START, token("old", Some(300))).unwrap();
    let mut now = START;
    let mut fetches = 0;
    // Its leeway is passed at 240 s: from then on calls wait for each fetch, and take the old token.
    while now < START + Duration::from_secs(299) {
        now += Duration::from_millis(100);
        let outcome = match cache.get(now, &LIFETIME) {
            Step::Use(header, _) => Ok(header),
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
    assert!((5..15).contains(&fetches), "{fetches}");
    now = START + Duration::from_secs(301);
    assert!(matches!(
        cache.get(now, &LIFETIME),
        Step::Fail(_) | Step::Fetch(_)
    ));
}

/// However short a token lives, and whatever the jitter: an endpoint that fails once is asked again before calls would notice.
#[test]
fn a_renewal_that_fails_is_tried_again_before_the_old_token_ends() {
    let lifetime = Lifetime {
        leeway: None,
        expire_in: None,
    };
    for (seconds, random) in [1, 2, 3, 5, 60, 300]
        .into_iter()
        .flat_map(|seconds| [(seconds, 0.0), (seconds, 0.5), (seconds, 1.0)])
    {
        let mut cache = TokenCache::new();
        fetched(&mut cache, START, token("old", Some(seconds))).unwrap();
        let (mut now, mut fetches) = (START, 0);
        let end = START + Duration::from_secs(seconds);
        while now < end - Duration::from_millis(10) {
            match cache.get(now, &lifetime) {
                Step::Use(..) => {}
                Step::Renew(_) | Step::Fetch(_) => {
                    fetches += 1;
                    cache.finish(now, random, Err(Error::unavailable("down")));
                }
                step => panic!("{step:?}"),
            }
            now += Duration::from_millis(10);
        }
        assert!((2..20).contains(&fetches), "{seconds}, {random}: {fetches}");
        let soon = (Duration::from_secs(seconds) / 10).min(SECOND);
        assert!(cache.pause_left(end + soon).is_none(), "{seconds}");
    }
}

#[test]
fn an_endpoint_that_says_when_it_may_be_asked_again_is_not_asked_before() {
    let mut cache = TokenCache::new();
    fetched(&mut cache, START, token("old", Some(100))).unwrap();
    let after = Duration::from_secs(500);
    let error = Error::unavailable("down").with_retry_after(Some(after));
    fetched(&mut cache, START, Err(error)).unwrap_err();
    assert_eq!(cache.pause_left(START), Some(after));
}

#[test]
fn an_endpoint_that_is_down_for_ten_minutes_gets_few_requests_and_calls_fail_at_once() {
    let (mut cache, mut now) = (TokenCache::new(), START);
    let (mut fetches, mut refused) = (0, 0);
    while now < START + Duration::from_secs(600) {
        now += Duration::from_millis(10);
        match cache.get(now, &LIFETIME) {
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
    assert!(matches!(cache.get(now, &LIFETIME), Step::Use(..)));
}

#[test]
fn retry_after_is_honoured_and_retrieve_ignores_it() {
    let mut cache = TokenCache::new();
    let error = Error::unavailable("busy").with_retry_after(Some(60 * SECOND));
    fetched(&mut cache, START, Err(error)).unwrap_err();
    assert_eq!(cache.pause_left(START), Some(60 * SECOND));
    assert!(matches!(
        cache.get(START + 59 * SECOND, &LIFETIME),
        Step::Fail(_)
    ));
    fetched(&mut cache, START + SECOND, token("t", Some(3600))).unwrap();
    assert!(matches!(
        cache.get(START + SECOND, &LIFETIME),
        Step::Use(..)
    ));
}

#[test]
fn a_gateway_that_refuses_every_token_causes_no_storm() {
    let (mut cache, mut now) = (TokenCache::new(), START);
    let mut fetches = 0;
    while now < START + Duration::from_secs(600) {
        now += Duration::from_millis(10);
        let header = match cache.get(now, &LIFETIME) {
            Step::Use(header, _) => header,
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
    let mut cache = TokenCache::new();
    let from_file = token("old", Some(3600)).map(Token::of_file);
    let header = fetched(&mut cache, START, from_file).unwrap();
    assert_eq!(cache.facts(START, &LIFETIME).counts.from_file, 1);
    assert!(cache.rejected(START, 0.5, &header));
    fetched(&mut cache, START, token("new", Some(3600))).unwrap();
    assert_eq!(cache.facts(START, &LIFETIME).counts.from_file, 1);
}

#[test]
fn fetches_are_timed_and_failures_counted_by_their_reason() {
    let mut cache = TokenCache::new();
    assert_eq!(cache.facts(START, &LIFETIME).last_request, None);
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
    let facts = cache.facts(START, &LIFETIME);
    assert_eq!(facts.last_request, Some(2 * SECOND));
    let counts = facts.counts;
    assert_eq!((counts.requests, counts.failures), (5, 4));
    let reasons = (counts.refused, counts.settings, counts.unavailable);
    assert_eq!(reasons, (1, 2, 1));
}

#[test]
fn a_token_that_was_replaced_already_is_no_reason_to_fetch() {
    let mut cache = TokenCache::new();
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
    assert!(matches!(cache.get(now, &LIFETIME), Step::Use(header, _) if header == "Bearer new"));
}

/// Shares the token, and is content with less of it than [`LIFETIME`].
const LONGER_LEEWAY: Lifetime = Lifetime {
    leeway: Some(Duration::from_secs(600)),
    expire_in: None,
};

#[test]
fn who_shares_a_token_finds_it_good_by_a_leeway_of_its_own() {
    let mut cache = TokenCache::new();
    fetched(&mut cache, START, token("t", Some(3600))).unwrap();
    let now = START + Duration::from_secs(3001);
    assert!(cache.is_expired(now, &LONGER_LEEWAY) && !cache.is_expired(now, &LIFETIME));
    assert_eq!(cache.facts(now, &LONGER_LEEWAY).state, "expired");
    assert_eq!(cache.facts(now, &LIFETIME).state, "valid");
    assert!(matches!(cache.get(now, &LONGER_LEEWAY), Step::Fetch(_)));
    assert!(
        matches!(cache.get(now, &LIFETIME), Step::Use(..)),
        "it need not wait"
    );
    cache.finish(now, 0.5, token("new", Some(3600)));
    for lifetime in [LIFETIME, LONGER_LEEWAY] {
        assert!(
            matches!(cache.get(now, &lifetime), Step::Use(header, _) if header == "Bearer new")
        );
    }
}

#[test]
fn the_longer_leeway_renews_for_both_if_its_calls_use_the_token() {
    let mut cache = TokenCache::new();
    fetched(&mut cache, START, token("t", Some(3600))).unwrap();
    let (sooner, later) = (Duration::from_secs(2940), Duration::from_secs(3480));
    assert!(matches!(cache.get(START, &LIFETIME), Step::Use(_, Some(wait)) if wait == later));
    assert!(
        !cache.begin_renewal(START + sooner, &LONGER_LEEWAY),
        "no call of its own used it"
    );
    let wait = Some(sooner);
    assert!(matches!(cache.get(START, &LONGER_LEEWAY), Step::Use(_, due) if due == wait));
    assert!(!cache.begin_renewal(START + sooner, &LIFETIME));
    assert!(cache.begin_renewal(START + sooner, &LONGER_LEEWAY));
    cache.finish(START + sooner, 0.5, token("new", Some(3600)));
    assert!(
        !cache.begin_renewal(START + later, &LIFETIME),
        "it has the new one"
    );
    assert_eq!(cache.facts(START, &LIFETIME).counts.renewals, 1);
}

#[test]
fn who_shares_a_fetch_that_fails_takes_the_old_token_by_an_expire_in_of_its_own() {
    let expire_in = |seconds| Lifetime {
        leeway: Some(Duration::ZERO),
        expire_in: Some(Duration::from_secs(seconds)),
    };
    let mut cache = TokenCache::new();
    fetched(&mut cache, START, token("t", None)).unwrap();
    let now = START + Duration::from_secs(150);
    let Step::Fetch(mut short) = cache.get(now, &expire_in(100)) else {
        panic!("it has expired for this one")
    };
    let leeway = Duration::from_secs(60);
    let Step::Wait(mut long) = cache.get(
        now,
        &Lifetime {
            leeway: Some(leeway),
            ..expire_in(200)
        },
    ) else {
        panic!("it is in the leeway of this one")
    };
    cache.finish(now, 0.5, Err(Error::unavailable("down")));
    assert!(short.try_recv().unwrap().is_err());
    assert_eq!(long.try_recv().unwrap().unwrap(), "Bearer t");
}

/// Keycloak's master realm: tokens of a minute.
#[test]
fn a_leeway_that_was_not_given_is_at_most_half_of_the_lifetime() {
    let none = Lifetime {
        leeway: None,
        expire_in: None,
    };
    for (seconds, leeway) in [(60, 30), (100, 50), (120, 60), (3600, 60)] {
        let mut cache = TokenCache::new();
        assert_eq!(cache.facts(START, &none).leeway, 60 * SECOND);
        fetched(&mut cache, START, token("t", Some(seconds))).unwrap();
        assert_eq!(cache.facts(START, &none).leeway, leeway * SECOND);
        let last = START + Duration::from_secs(seconds) - leeway * SECOND;
        assert!(!cache.is_expired(last, &none), "{seconds}");
        assert!(cache.is_expired(last + SECOND, &none), "{seconds}");
    }
    for (leeway, seconds, is_told) in [
        (Some(60), 60, true),
        (Some(60), 120, true),
        (Some(60), 121, false),
        (Some(0), 0, false),
        (None, 60, false),
    ] {
        let lifetime = Lifetime {
            leeway: leeway.map(Duration::from_secs),
            expire_in: None,
        };
        let token = token("t", Some(seconds)).unwrap();
        let told = lifetime.too_long_leeway(&token);
        assert_eq!(told.is_some(), is_told, "{leeway:?} {seconds}");
    }
}
