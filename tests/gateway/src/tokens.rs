//! The tokens that were issued, and the check of those that calls carry. They are JWTs, since some clients read when
//! theirs expires; what is good here is what was issued and not revoked, whatever a token claims.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// `iss` of the gateway's own tokens.
pub(crate) const ISSUER: &str = "zeebe-dev-gateway";

#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, Issued>>);

#[derive(Debug)]
struct Issued {
    audience: String,
    scope: String,
    begins: Instant,
    expires: Instant,
}

/// What a token is issued for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant<'a> {
    pub(crate) audience: &'a str,
    /// Of several, with spaces between them; empty: none.
    pub(crate) scope: &'a str,
    pub(crate) lifetime: Duration,
    /// By the clock of who issues it, which is so much ahead.
    pub(crate) ahead: Duration,
}

/// Why a call is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Missing,
    NotBearer,
    Unknown,
    Expired,
    OtherAudience {
        issued: String,
        required: String,
    },
    /// Of a JWT; see `issuers`.
    OtherIssuer(String),
    NoKeys(String),
    BadSignature {
        algorithm: String,
        key: String,
    },
    TooEarly,
    Scope(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the bearer token is missing"),
            Self::NotBearer => f.write_str("the authorization is not a bearer token"),
            Self::Unknown => f.write_str("the bearer token is unknown"),
            Self::Expired => f.write_str("the bearer token has expired"),
            Self::OtherAudience { issued, required } => write!(
                f,
                "the bearer token has the wrong audience: it is for {issued}, not for {required}"
            ),
            Self::OtherIssuer(issuer) => {
                write!(f, "the bearer token's issuer {issuer:?} is not known here")
            }
            Self::NoKeys(reason) => write!(
                f,
                "the bearer token cannot be checked, its issuer's keys are not to be had: {reason}"
            ),
            Self::BadSignature { algorithm, key } => write!(
                f,
                "the bearer token's signature ({algorithm}, key {key:?}) is by no key of its issuer"
            ),
            Self::TooEarly => f.write_str("the bearer token is not good yet"),
            Self::Scope(required) => write!(f, "the bearer token lacks the scope {required}"),
        }
    }
}

impl Tokens {
    /// A token that the listeners of its audience accept.
    pub(crate) fn issue(&self, grant: Grant<'_>) -> Option<String> {
        let token = signed(grant)?;
        let begins = Instant::now() + grant.ahead;
        let issued = Issued {
            audience: grant.audience.to_owned(),
            scope: grant.scope.to_owned(),
            begins,
            expires: begins + grant.lifetime,
        };
        self.lock().insert(token.clone(), issued);
        Some(token)
    }

    /// Checks the value of an `authorization` header. `scope`: one that is required.
    pub(crate) fn check(
        &self,
        header: Option<&[u8]>,
        audience: &str,
        scope: Option<&str>,
    ) -> Result<(), Refusal> {
        let token = bearer(header)?;
        let issued = self.lock();
        let issued = issued.get(token).ok_or(Refusal::Unknown)?;
        if issued.expires <= Instant::now() {
            return Err(Refusal::Expired);
        }
        if issued.audience != audience {
            return Err(Refusal::OtherAudience {
                issued: issued.audience.clone(),
                required: audience.to_owned(),
            });
        }
        if issued.begins > Instant::now() {
            return Err(Refusal::TooEarly);
        }
        let granted = |scope: &&str| issued.scope.split(' ').any(|granted| granted == *scope);
        match scope.filter(|scope| !granted(scope)) {
            Some(scope) => Err(Refusal::Scope(scope.to_owned())),
            None => Ok(()),
        }
    }

    pub(crate) fn revoke_all(&self) -> usize {
        let mut issued = self.lock();
        let count = issued.len();
        issued.clear();
        count
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Issued>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A JWT of its own number. Its key is used once: only the gateway needs to know it again, by the whole of it.
fn signed(grant: Grant<'_>) -> Option<String> {
    let (mut key, mut number) = ([0; 32], [0; 16]);
    rand::fill(&mut key).ok()?;
    rand::fill(&mut number).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()? + grant.ahead;
    let part = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let header = part(json!({ "alg": "HS256", "typ": "at+jwt" }));
    let claims = part(json!({
        "iss": ISSUER,
        "aud": grant.audience,
        "iat": now.as_secs(),
        "exp": now.saturating_add(grant.lifetime).as_secs(),
        "jti": BASE64_URL_SAFE_NO_PAD.encode(number),
    }));
    let message = format!("{header}.{claims}");
    let signature = hmac::sign(&hmac::Key::new(HMAC_SHA256, &key), message.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
    Some(format!("{message}.{signature}"))
}

/// The token in the value of an `authorization` header.
pub(crate) fn bearer(header: Option<&[u8]>) -> Result<&str, Refusal> {
    let header = header.ok_or(Refusal::Missing)?;
    let (scheme, token) = std::str::from_utf8(header)
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(Refusal::NotBearer)?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Ok(token),
        false => Err(Refusal::NotBearer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::Jwt;

    fn grant(lifetime: u64) -> Grant<'static> {
        Grant {
            audience: "a",
            scope: "read write",
            lifetime: Duration::from_secs(lifetime),
            ahead: Duration::ZERO,
        }
    }

    #[test]
    fn a_token_is_good_for_its_audience_until_it_expires() {
        let tokens = Tokens::default();
        let token = tokens.issue(grant(60)).expect("randomness");
        let header = format!("bearer {token}");
        assert_eq!(tokens.check(Some(header.as_bytes()), "a", None), Ok(()));
        assert!(matches!(
            tokens.check(Some(header.as_bytes()), "b", None),
            Err(Refusal::OtherAudience { .. })
        ));
        let expired = tokens.issue(grant(0)).expect("randomness");
        let expired = format!("Bearer {expired}");
        assert_eq!(
            tokens.check(Some(expired.as_bytes()), "a", None),
            Err(Refusal::Expired)
        );
        assert_eq!(tokens.revoke_all(), 2);
        assert_eq!(
            tokens.check(Some(header.as_bytes()), "a", None),
            Err(Refusal::Unknown)
        );
    }

    #[test]
    fn a_token_says_for_whom_and_until_when_it_is_good() {
        let token = Tokens::default().issue(grant(60));
        let token = token.expect("randomness");
        let claims = Jwt::of(&token).expect("a JWT").claims;
        assert_eq!(claims["aud"], "a");
        let (issued, expires) = (claims["iat"].as_u64(), claims["exp"].as_u64());
        assert_eq!(expires, issued.map(|issued| issued + 60));
    }

    #[test]
    fn a_scope_may_be_required_and_a_clock_ahead() {
        let tokens = Tokens::default();
        let token = tokens.issue(grant(60)).expect("randomness");
        let header = format!("Bearer {token}");
        let check = |scope| tokens.check(Some(header.as_bytes()), "a", Some(scope));
        assert_eq!(check("write"), Ok(()));
        assert_eq!(check("rea"), Err(Refusal::Scope("rea".to_owned())));
        let ahead = Duration::from_secs(60);
        let early = tokens.issue(Grant { ahead, ..grant(60) });
        let early = format!("Bearer {}", early.expect("randomness"));
        let checked = tokens.check(Some(early.as_bytes()), "a", None);
        assert_eq!(checked, Err(Refusal::TooEarly));
    }

    #[test]
    fn what_is_no_bearer_token_is_told_apart() {
        let tokens = Tokens::default();
        assert_eq!(tokens.check(None, "a", None), Err(Refusal::Missing));
        assert_eq!(
            tokens.check(Some(b"Basic YTpi"), "a", None),
            Err(Refusal::NotBearer)
        );
        assert_eq!(
            tokens.check(Some(b"Bearer nonsense"), "a", None),
            Err(Refusal::Unknown)
        );
    }
}
