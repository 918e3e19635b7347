//! An access token as it came, and the settings that say how long one is good.

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::http_authentication;
use crate::options;

/// How long a token is good that does not say so itself. A token is opaque to its client (RFC 9068
/// section 6), so this is a guess on the short side.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(300);

/// The leeway that a program need not give, unless a token lives so shortly that it would be always expired.
const LEEWAY: Duration = Duration::from_secs(options::LEEWAY.default_number());

/// The two settings of the reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// A token counts as expired so long before it expires. `None`: not given, a minute, and at most half of the
    /// token's lifetime.
    pub leeway: Option<Duration>,
    /// The lifetime of tokens that come without `expires_in`.
    pub expire_in: Option<Duration>,
}

impl Lifetime {
    /// Of a token, by what it says itself, else by the settings.
    pub(super) fn of(&self, token: &Token) -> Duration {
        let lifetime = token.expires_in.or(self.expire_in);
        lifetime.unwrap_or(UNKNOWN_LIFETIME)
    }

    /// For a token that lives so long in all; `None`: there is none yet.
    pub(super) fn leeway_of(&self, lifetime: Option<Duration>) -> Duration {
        let longest = lifetime.map_or(LEEWAY, |lifetime| LEEWAY.min(lifetime / 2));
        self.leeway.unwrap_or(longest)
    }

    /// What is wrong with a leeway that the program gave, for this token.
    pub(super) fn too_long_leeway(&self, token: &Token) -> Option<String> {
        let (leeway, lifetime) = (self.leeway?, self.of(token));
        let is_long = !leeway.is_zero() && leeway >= lifetime / 2;
        is_long.then(|| {
            let what = if leeway >= lifetime {
                "every call needs a new token"
            } else {
                "more than half of it goes unused"
            };
            format!(
                "the leeway of {} s leaves little of a token that lives {} s: {what}; without {} it is at most half",
                leeway.as_secs(),
                lifetime.as_secs(),
                options::LEEWAY
            )
        })
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
        let header = http_authentication::bearer(access_token)
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

    pub(super) fn is_from_file(&self) -> bool {
        self.from_file
    }

    pub(super) fn access_token(&self) -> Zeroizing<String> {
        http_authentication::bearer_token(&self.header)
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
