//! What may be done about a token endpoint's refusal: the method that would fit, the URL, the clock, the proxy.
//!
//! By what real servers do: which decode Basic, which take the secret in the body alone, how they say that a URL is wrong.

use std::time::{Duration, SystemTime};

use http::header::{DATE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use url::Url;

use super::words::Words;
use super::{Answer, Endpoint};
use crate::credentials::client_authentication::ClientAuthentication;
use crate::options::{ASSERTION_AUDIENCE, TOKEN_HTTP_PROXY};
use crate::proxy::Proxy;

/// Clocks that differ by less are taken for the same: `Date` has whole seconds, and the answer took its time.
const SAME_TIME: Duration = Duration::from_secs(1);

pub(super) fn of(
    endpoint: &Endpoint<'_>,
    answer: Answer<'_>,
    words: &Words,
    is_passing: bool,
) -> Vec<String> {
    let mut hints = Vec::new();
    if is_wrong_url(answer, words) {
        let hint = url_hint(endpoint.url).unwrap_or_default();
        hints.push(format!("is the URL of the token endpoint right?{hint}"));
    }
    let is_refusal = !is_passing && (!answer.status.is_success() || words.is_oauth());
    if is_refusal {
        let name = endpoint.authentication.name();
        hints.push(format!("client authentication was {name}"));
    }
    if matches!(answer.status.as_u16(), 400 | 401 | 403) && is_refusal && is_about_client(words) {
        hints.extend(method_hint(endpoint, answer.headers));
    }
    if answer.status == StatusCode::FORBIDDEN && answer.body.is_empty() {
        hints.push(
            "without a word, as Glewlwyd refuses a wrong secret and a request without scope"
                .to_owned(),
        );
    }
    if endpoint.authentication == ClientAuthentication::PrivateKeyJwt
        && (is_refusal || answer.status.is_server_error())
        && let Some(clock) = clock_hint(answer)
    {
        hints.push(clock);
    }
    hints
}

fn is_wrong_url(answer: Answer<'_>, words: &Words) -> bool {
    let is_page = words.is_html() && !answer.status.is_server_error();
    match answer.status.as_u16() {
        404 | 405 => true,
        408 | 429 => false,
        400 | 401 | 403 => is_page || words.is(&["unsupported_grant_type"]),
        406..500 | 402 => is_page || !words.is_oauth(),
        _ => is_page,
    }
}

/// What the URL looks like, if it is not a token endpoint's.
fn url_hint(url: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    let path = parsed.path().trim_end_matches('/');
    Some(if path.contains("/.well-known/") {
        " It is that of a discovery document, whose token_endpoint is meant".to_owned()
    } else if let Some((before, realm)) = path.split_once("/realms/") {
        let end = "/protocol/openid-connect/token";
        match realm.split_once('/') {
            Some((_, rest)) if format!("/{rest}") == end => match before.ends_with("/auth") {
                true => " Keycloak has no /auth before /realms since its version 17, unless told so; or there is no such realm".to_owned(),
                false => " Keycloak before version 17 has /auth before /realms; or there is no such realm".to_owned(),
            },
            _ => format!(" It looks like a Keycloak realm's; that of its token endpoint ends in {end}"),
        }
    } else if path.ends_with("/authorize")
        || path.ends_with("/auth")
        || path.ends_with("/authorization")
    {
        " It looks like that of the authorization endpoint".to_owned()
    } else if path.is_empty() {
        " It looks like an issuer's; that of the token endpoint has a path".to_owned()
    } else {
        return None;
    })
}

/// Not about what was asked for, but about who asked.
fn is_about_client(words: &Words) -> bool {
    !words.is(&[
        "invalid_scope",
        "scope_invalid",
        "invalid_target",
        "unsupported_grant_type",
        "invalid_grant",
    ])
}

fn method_hint(endpoint: &Endpoint<'_>, headers: &HeaderMap) -> Option<String> {
    use ClientAuthentication::{Basic, BasicRfc6749, Body, PrivateKeyJwt, Tls};
    let offers_basic = offers_basic(headers);
    let setting = match endpoint.by_variables {
        true => "ZEEBE_CLIENT_AUTHENTICATION=",
        false => "",
    };
    Some(match endpoint.authentication {
        Basic if endpoint.is_encoded => {
            format!(
                "id or secret has characters that form-encoding changes, which most servers decode (Spring, Keycloak, \
                     zitadel): if both are right, try {setting}basic_rfc6749"
            )
        }
        Basic if !offers_basic => {
            format!(
                "if id and secret are right, the server may take them in the body alone: try {setting}body"
            )
        }
        BasicRfc6749 if endpoint.is_encoded => {
            format!(
                "id or secret has characters that form-encoding changes, which some servers do not decode: if both are \
                     right, try {setting}basic"
            )
        }
        Body if offers_basic => {
            let method = if endpoint.is_encoded {
                "basic_rfc6749"
            } else {
                "basic"
            };
            format!(
                "the server offers HTTP Basic: if id and secret are right, try {setting}{method}"
            )
        }
        PrivateKeyJwt => format!(
            "if the server knows the key, it may want another aud than {:?}: its own name for the token endpoint, or its \
             issuer ({ASSERTION_AUDIENCE})",
            endpoint.assertion_audience.unwrap_or_default()
        ),
        Tls => "does the server know the certificate, and is this the URL where it asks for one?"
            .to_owned(),
        Basic | BasicRfc6749 | Body => return None,
    })
}

fn offers_basic(headers: &HeaderMap) -> bool {
    headers.get_all(WWW_AUTHENTICATE).iter().any(|value| {
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        value.split([',', ' ']).any(|word| word.trim() == "basic")
    })
}

fn clock_hint(answer: Answer<'_>) -> Option<String> {
    let date = answer.headers.get(DATE)?.to_str().ok()?;
    let theirs = httpdate::parse_http_date(date).ok()?;
    let (difference, side) = match theirs.duration_since(answer.came) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    // Theirs has no fraction of a second.
    let fraction = answer
        .came
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(Duration::ZERO, |since| {
            Duration::from_nanos(since.subsec_nanos().into())
        });
    let slack = if side == "behind" {
        fraction
    } else {
        Duration::ZERO
    };
    let difference = difference.saturating_sub(slack);
    (difference > SAME_TIME).then(|| {
        format!(
            "the server's clock is {} s {side} this one, by which the assertion is dated",
            difference.as_secs()
        )
    })
}

/// Of a 403: the server says when to come again, or that nothing is left.
pub(in crate::credentials) fn is_rate_limit(headers: &HeaderMap) -> bool {
    let is_none_left = |name: &str| {
        let left = headers.get(name).and_then(|value| value.to_str().ok());
        left.is_some_and(|left| left.trim().parse() == Ok(0))
    };
    let list = headers
        .get("ratelimit")
        .and_then(|value| value.to_str().ok());
    let is_used_up = list.is_some_and(|list| {
        list.split([',', ';'])
            .any(|part| matches!(part.trim(), "remaining=0" | "r=0"))
    });
    headers.contains_key(RETRY_AFTER)
        || headers.contains_key("x-retry-after")
        || is_none_left("ratelimit-remaining")
        || is_none_left("x-ratelimit-remaining")
        || is_none_left("x-rate-limit-remaining")
        || is_used_up
}

/// Where a redirect leads: its query may hold what should not be printed, and so may its userinfo.
pub(in crate::credentials) fn redirected(from: &str, headers: &HeaderMap) -> Option<String> {
    let to = headers.get(LOCATION)?.to_str().ok()?;
    let to = Url::parse(from).ok()?.join(to).ok()?;
    Some(match to.has_host() {
        true => format!("{}{}", to.origin().ascii_serialization(), to.path()),
        false => format!("a URL of the scheme {}", to.scheme()),
    })
}

/// Of a proxy that wants other credentials, or some.
pub(in crate::credentials) fn denied_by(proxy: Option<&Proxy>) -> String {
    match proxy {
        Some(proxy) => proxy.refusal(StatusCode::PROXY_AUTHENTICATION_REQUIRED),
        None => format!(
            "a proxy on the way answered 407 Proxy Authentication Required; {TOKEN_HTTP_PROXY} can name it, with user and password"
        ),
    }
}
