//! Where the token endpoint is, as the authorization server's metadata say (RFC 8414, OpenID Connect Discovery 1.0).
//!
//! What is found is checked as a token URL that was given is: the secret goes there. Not here: how long it is kept (`oauth2`).

use std::time::SystemTime;

use http::StatusCode;
use serde_json::Value;

use super::token_answer::{denied_by, is_rate_limit, passing, redirected, unusable};
use super::token_http::{self, Answer};
use super::token_options::{EndpointSettings, ServerMetadata};
use super::token_url::{asked, check_token_url, shown};
use crate::environment::Origin;
use crate::error::Error;
use crate::retry_after::retry_after_of;

/// One configuration URL.
pub(super) struct Discovery {
    url: String,
    /// Whose metadata they must be (RFC 8414 section 3.3); `None`: not known.
    issuer: Option<String>,
    /// For errors: which variable led here.
    origin: Origin,
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Discovery({})", shown(&self.url))
    }
}

impl Discovery {
    pub(super) fn new(metadata: &ServerMetadata) -> Self {
        Self {
            url: asked(&metadata.url).into_owned(),
            issuer: metadata
                .issuer
                .as_deref()
                .map(|issuer| asked(issuer).into_owned()),
            origin: metadata.origin,
        }
    }

    /// For errors.
    pub(super) fn name(&self) -> String {
        format!("{} ({})", shown(&self.url), self.origin)
    }

    /// The URL of the token endpoint.
    pub(super) async fn ask(&self, settings: &EndpointSettings) -> Result<String, Error> {
        let answer = token_http::get(settings, &self.url).await;
        let answer = answer.map_err(|error| {
            passing(format!("{}: {}", self.name(), error.message())).retryable(error.is_retryable())
        })?;
        if answer.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let why = denied_by(settings.proxy.as_ref());
            return Err(unusable(format!("{}: {why}", self.name())));
        }
        self.token_endpoint(&answer)
    }

    pub(super) fn token_endpoint(&self, answer: &Answer) -> Result<String, Error> {
        let refused = |why: String| {
            Error::settings_of_call(format!("{} names no token endpoint: {why}", self.name()))
        };
        let status = answer.status;
        let is_passing = match status.as_u16() {
            403 => is_rate_limit(&answer.headers),
            408 | 429 | 500.. => true,
            _ => false,
        };
        if is_passing {
            let pause = retry_after_of(&answer.headers, SystemTime::now());
            return Err(
                passing(format!("{} answered {status}", self.name())).with_retry_after(pause)
            );
        }
        if status.is_redirection() {
            let to = redirected(&self.url, &answer.headers);
            return Err(refused(format!(
                "it answered {status}, a redirect to {}: redirects are not followed, set the final URL",
                to.map_or("nowhere".to_owned(), |to| cut(&to))
            )));
        }
        if !status.is_success() {
            return Err(refused(format!("it answered {status}; is the URL right?")));
        }
        let metadata: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| refused(format!("its answer, {status}, is no JSON")))?;
        self.check_issuer(&metadata).map_err(refused)?;
        let url = metadata["token_endpoint"]
            .as_str()
            .ok_or_else(|| refused("its answer has no token_endpoint".to_owned()))?;
        check_token_url(url, false)
            .map_err(|why| refused(format!("of its token_endpoint {:?}: {why}", cut(url))))?;
        Ok(url.to_owned())
    }

    /// Metadata that say that they are another's are not used (RFC 8414 section 3.3). A final slash does not count: the
    /// metadata's URL is the same with it.
    fn check_issuer(&self, metadata: &Value) -> Result<(), String> {
        let Some(asked) = &self.issuer else {
            return Ok(());
        };
        let rule = "RFC 8414 wants them to be the same; set the right one, or the token endpoint's own URL \
                    (CAMUNDA_OAUTH_URL)";
        match metadata["issuer"].as_str() {
            Some(issuer) if issuer.trim_end_matches('/') == asked.trim_end_matches('/') => Ok(()),
            Some(issuer) => Err(format!(
                "it is the metadata of the issuer {:?}, and {:?} was asked for: {rule}",
                cut(issuer),
                shown(asked)
            )),
            None => Err(format!(
                "its answer has no issuer, and {:?} was asked for: {rule}",
                shown(asked)
            )),
        }
    }
}

/// What a peer wrote, as it is shown.
fn cut(url: &str) -> String {
    const AT_MOST: usize = 256;
    shown(url).chars().take(AT_MOST).collect()
}
