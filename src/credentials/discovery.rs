//! Where the token endpoint is, as the authorization server's metadata say (RFC 8414, OpenID Connect Discovery 1.0).
//!
//! Asked at the first token fetch, within its time-out, and kept while token requests succeed. What is found is checked as
//! a token URL that was given is: the secret goes there.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use http::header::LOCATION;
use serde_json::Value;

use super::oauth2::{ClientCredentials, TokenOptions};
use super::token::Token;
use super::token_answer::passing;
use super::token_http::{Answer, TokenHttp};
use super::token_url::{asked, check_token_url, shown};
use crate::environment::Origin;
use crate::error::Error;
use crate::runtime::lock;

/// One configuration URL, and the client at the endpoint that it led to.
pub struct Discovery {
    url: String,
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
    pub fn new(url: String, origin: Origin) -> Arc<Self> {
        Arc::new(Self {
            url: asked(&url).into_owned(),
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
        if status.is_server_error()
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
            )
        {
            return Err(passing(format!("{} answered {status}", self.name())));
        }
        if status.is_redirection() {
            let to = answer
                .headers
                .get(LOCATION)
                .map(|to| String::from_utf8_lossy(to.as_bytes()));
            let to = to.map_or(String::new(), |to| format!(" to {:?}", cut(&to)));
            return Err(refused(format!(
                "it answered {status}{to}, and redirects are not followed"
            )));
        }
        if !status.is_success() {
            return Err(refused(format!("it answered {status}; is the URL right?")));
        }
        let metadata: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| refused(format!("its answer, {status}, is no JSON")))?;
        let url = metadata["token_endpoint"]
            .as_str()
            .ok_or_else(|| refused("its answer has no token_endpoint".to_owned()))?;
        check_token_url(url, false)
            .map_err(|why| refused(format!("of its token_endpoint {:?}: {why}", cut(url))))?;
        Ok(url.to_owned())
    }
}

/// What a peer wrote, as it is shown.
fn cut(url: &str) -> String {
    const AT_MOST: usize = 256;
    shown(url).chars().take(AT_MOST).collect()
}
