//! Where the token endpoint is, as the authorization server's metadata say (RFC 8414, OpenID Connect Discovery 1.0).
//!
//! Asked at the first token fetch, within its time-out, and kept while token requests succeed. What is found is checked as
//! a token URL that was given is: the secret goes there.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use http::StatusCode;
use serde_json::Value;

use super::oauth2::{ClientCredentials, TokenOptions};
use super::token::Token;
use super::token_answer::{denied_by, is_rate_limit, passing, redirected, unusable};
use super::token_http::{Answer, TokenHttp};
use super::token_url::{asked, check_token_url, shown};
use crate::environment::Origin;
use crate::error::Error;
use crate::retry_after::retry_after;
use crate::runtime::lock;

/// One configuration URL, and the client at the endpoint that it led to.
pub struct Discovery {
    url: String,
    /// Whose metadata they must be (RFC 8414 section 3.3); `None`: not known.
    issuer: Option<String>,
    /// For errors: which variable led here.
    origin: Origin,
    http: TokenHttp,
    found: Mutex<Option<Arc<ClientCredentials>>>,
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Discovery({})", shown(&self.url))
    }
}

impl Discovery {
    pub fn new(url: &str, issuer: Option<&str>, origin: Origin) -> Arc<Self> {
        Arc::new(Self {
            url: asked(url).into_owned(),
            issuer: issuer.map(|issuer| asked(issuer).into_owned()),
            origin,
            http: TokenHttp::default(),
            found: Mutex::default(),
        })
    }

    /// A token for `client`, from the endpoint that is found.
    pub(super) async fn fetch(&self, client: &ClientCredentials) -> Result<Token, Error> {
        let within = client.options.timeout;
        let fetched = tokio::time::timeout(within, async {
            let found = lock(&self.found).clone();
            let client = match found {
                Some(client) => client,
                None => self.find(client).await?,
            };
            // Boxed: it is the one that called this.
            Box::pin(client.fetch()).await
        });
        let fetched = fetched.await.unwrap_or_else(|_| {
            Err(passing(format!(
                "no token came within {} ms from where {} leads",
                within.as_millis(),
                self.name()
            )))
        });
        if fetched.is_err() {
            *lock(&self.found) = None; // the endpoint may have moved
        }
        fetched
    }

    fn name(&self) -> String {
        format!("{} ({})", shown(&self.url), self.origin)
    }

    async fn find(&self, client: &ClientCredentials) -> Result<Arc<ClientCredentials>, Error> {
        let answer = self.http.get(&client.options, &self.url).await;
        let answer = answer.map_err(|error| {
            passing(format!("{}: {}", self.name(), error.message())).retryable(error.is_retryable())
        })?;
        if answer.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let why = denied_by(client.options.proxy.as_ref());
            return Err(unusable(format!("{}: {why}", self.name())));
        }
        let url = self.token_endpoint(&answer)?;
        let options = TokenOptions {
            discovery: None,
            ..client.options.clone()
        };
        let found = Arc::new(ClientCredentials::new(
            client.client_id.clone(),
            client.client_secret.clone(),
            &url,
            client.scope.clone(),
            client.audience.clone(),
            client.authentication,
            options,
        ));
        Ok(lock(&self.found).insert(found).clone())
    }

    fn token_endpoint(&self, answer: &Answer) -> Result<String, Error> {
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
            let pause = retry_after(&answer.headers, SystemTime::now());
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
