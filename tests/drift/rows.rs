//! Every rule about tokens has a test that carries its name: our names for the rows of the specification's tables "The token
//! request", "The token answer" and "Token lifetime".

use std::fs;

use crate::support;

/// A row's name, and the function that tests it.
const REQUEST: &[(&str, &str)] = &[
    ("OAuth channel", "the_token_request_is_the_references"),
    ("cloud channel", "the_token_request_is_the_references"),
    (
        "nothing when the channel is made",
        "the_token_request_is_the_references",
    ),
    ("prefetch", "prefetch_asks_when_the_plugin_is_made"),
];

/// Rows of `ROWS` in tests/c/token_answers.c, by their text.
const ANSWERS: &[&str] = &[
    "2xx with a token",
    "other status with a token in it",
    "3xx",
    "error object",
    "error object: 400, 401, 403",
    "error object: other 4xx",
    "5xx, 408, 429",
    "no connection",
    "time-out",
    "not JSON",
    "token_type mac, DPoP",
    "bearer in any case, missing, null and empty",
    "access_token empty",
    "access_token null",
    "access_token not a string",
    "access_token with characters no header may hold",
    "access_token with spaces",
    "other scope than asked",
    "form-encoded body",
    "wrong content type",
    "gzip",
    "chunked",
    "HTTP/1.0",
    "BOM before the JSON",
    "expires_at",
    "error null or empty beside a token",
    "scope in the answer that is no string",
    "NaN, Infinity",
];

const MORE_ANSWERS: &[(&str, &str)] = &[
    ("3xx is never followed", "a_redirect_is_never_followed"),
    (
        "Retry-After",
        "retry_after_is_seconds_or_a_date_and_bounded",
    ),
    (
        "expires_in",
        "expires_in_is_a_number_or_its_text_else_expire_in_else_five_minutes",
    ),
    (
        "expires_in missing or null",
        "a_token_without_lifetime_is_good_for_expire_in_or_five_minutes",
    ),
    (
        "expires_in zero or negative",
        "a_token_that_has_expired_is_used_by_those_who_waited",
    ),
    (
        "expire_in below 0",
        "expire_in_below_0_is_refused_when_the_plugin_is_made",
    ),
    ("the granted scope", "the_granted_scope_is_shown"),
    ("body over 1 MiB", "a_body_over_a_mebibyte_is_refused"),
    (
        "spaces around the token URL",
        "spaces_around_the_token_url_are_trimmed",
    ),
];

const LIFETIME: &[(&str, &str)] = &[
    (
        "good while",
        "a_token_is_good_until_expiry_less_the_leeway_inclusive",
    ),
    (
        "a clock that jumps",
        "a_clock_that_went_back_neither_kills_nor_panics",
    ),
    (
        "a machine that sleeps",
        "a_machine_that_slept_finds_its_token_expired_and_its_pause_over",
    ),
    (
        "leeway as long as the lifetime",
        "a_leeway_as_long_as_the_lifetime_means_a_fetch_for_every_call",
    ),
    (
        "many calls, no token",
        "a_thousand_calls_without_a_token_make_one_request",
    ),
    (
        "fetch outlives a call's deadline",
        "a_fetch_that_outlives_a_calls_deadline_serves_the_next",
    ),
    ("renewal", "tokens_are_renewed_before_a_call_must_wait"),
    (
        "renewal fails",
        "a_renewal_that_fails_leaves_the_old_token_in_use",
    ),
    (
        "endpoint down",
        "calls_in_the_pause_after_a_failure_fail_at_once_or_wait_if_they_may",
    ),
    (
        "gateway answers UNAUTHENTICATED",
        "a_token_that_the_gateway_refuses_is_replaced_once",
    ),
    (
        "a gateway that refuses every token",
        "a_gateway_that_refuses_every_token_causes_no_storm",
    ),
    (
        "connect and total time-out",
        "no_connection_and_time_outs_are_passing",
    ),
    ("http:// URL", "http_is_for_loopback_unless_allowed"),
    (
        "gateway in plaintext",
        "a_token_goes_in_plaintext_to_loopback_only_unless_allowed",
    ),
    (
        "gateway unreachable",
        "no_token_is_fetched_for_a_gateway_that_cannot_be_reached",
    ),
    (
        "retrieve_token",
        "retry_after_is_honoured_and_retrieve_ignores_it",
    ),
    (
        "the caller's own authorization",
        "the_callers_own_authorization_replaces_the_plugins_and_the_later_plugin_wins",
    ),
    (
        "a host's token source",
        "a_source_is_cancelled_after_thirty_seconds_and_its_answer_then_is_ignored",
    ),
    (
        "a host's status",
        "statuses_that_say_something_of_the_call_become_internal_with_the_original_in_the_text",
    ),
    (
        "a host is asked again",
        "a_token_that_the_gateway_refuses_is_asked_for_again",
    ),
    (
        "TLS roots of the token endpoint",
        "the_roots_of_the_token_endpoint_are_token_ca",
    ),
    ("the token in logs", "the_search_finds_what_is_there"),
];

/// The text of all files in these folders.
fn sources(folders: &[&str], ending: &str) -> String {
    let mut folders: Vec<_> = folders
        .iter()
        .map(|folder| support::root().join(folder))
        .collect();
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                text += &fs::read_to_string(path).unwrap();
            }
        }
    }
    text
}

#[test]
fn every_row_about_tokens_has_a_test() {
    let (c, rust) = (
        sources(&["tests/c"], "c"),
        sources(&["src/credentials"], "rs"),
    );
    let answers = fs::read_to_string(support::root().join("tests/c/token_answers.c")).unwrap();
    let in_rust = |test: &str| {
        let Some((before, _)) = rust.split_once(&format!("fn {test}()")) else {
            return false;
        };
        let before = before.trim_end().trim_end_matches("async").trim_end();
        let attribute = before.lines().last().unwrap_or_default();
        attribute.contains("test") && attribute.ends_with(']')
    };
    // Defined, and called.
    let in_c = |test: &str| {
        c.contains(&format!("static void {test}(")) && c.matches(&format!("  {test}(")).count() > 0
    };
    for (row, test) in [REQUEST, MORE_ANSWERS, LIFETIME].concat() {
        assert!(in_rust(test) || in_c(test), "{row}: no test {test}");
    }
    for row in ANSWERS {
        let named = [format!("{{\"{row}\", "), format!("ends(\"{row}\", ")];
        assert!(
            named.iter().any(|named| answers.contains(named)),
            "{row}: no test"
        );
    }
}
