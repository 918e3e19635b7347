//! Metadata plugins: what authenticates each call.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use http::HeaderValue;
use tokio::sync::oneshot;

use super::host::TokenSource;
use super::oauth2::ClientCredentials;
use super::token::{Facts, Lifetime, Outcome, Step, Token, TokenCache};
use crate::error::Error;
use crate::runtime::{self, Epoch, lock};

/// One plugin; channels and calls share it by `Arc`.
pub(crate) type Plugin = OAuth2Plugin;

enum Source {
    ClientCredentials(Arc<ClientCredentials>),
    Host(TokenSource),
}

/// Boxed where it takes a fetch, which is rare: every call carries the size of this.
pub(crate) enum Authorization {
    AtHand(HeaderValue),
    Fetched(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

/// Puts a bearer token into `authorization`, fetched when first needed and kept while it is good.
pub struct OAuth2Plugin {
    source: Source,
    cache: Mutex<TokenCache>,
    epoch: Epoch,
}

impl fmt::Debug for OAuth2Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::ClientCredentials(client) => write!(f, "OAuth2Plugin({client:?})"),
            Source::Host(_) => f.write_str("OAuth2Plugin(the host's token source)"),
        }
    }
}

impl OAuth2Plugin {
    pub fn client_credentials(client: ClientCredentials, lifetime: Lifetime) -> Arc<Self> {
        Self::new(Source::ClientCredentials(Arc::new(client)), lifetime)
    }

    pub fn host(source: TokenSource, lifetime: Lifetime) -> Arc<Self> {
        Self::new(Source::Host(source), lifetime)
    }

    fn new(source: Source, lifetime: Lifetime) -> Arc<Self> {
        Arc::new(Self {
            source,
            cache: Mutex::new(TokenCache::new(lifetime)),
            epoch: Epoch::now(),
        })
    }

    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The value of `authorization` for a call: at once if the token is good, else fetched.
    pub(crate) fn authorization(self: &Arc<Self>) -> Authorization {
        match lock(&self.cache).get(Instant::now()) {
            Step::Use(header) => Authorization::AtHand(header),
            step => {
                let this = Arc::clone(self);
                Authorization::Fetched(Box::pin(async move { this.follow(step).await }))
            }
        }
    }

    /// A new token, even if the old one is good; joins a fetch under way.
    pub async fn retrieve_token(self: &Arc<Self>) -> Result<(), Error> {
        let step = lock(&self.cache).fetch();
        self.follow(step).await.map(drop)
    }

    pub fn is_token_expired(&self) -> bool {
        lock(&self.cache).is_expired(Instant::now())
    }

    pub fn facts(&self) -> Facts {
        lock(&self.cache).facts(Instant::now())
    }

    async fn follow(self: &Arc<Self>, step: Step) -> Outcome {
        let waiting: oneshot::Receiver<Outcome> = match step {
            Step::Use(header) => return Ok(header),
            Step::Wait(waiting) => waiting,
            Step::Fetch(waiting) => {
                // A task of its own: it outlives the deadline of the call that started it.
                let mut fetch = Fetch(Some(Arc::clone(self)));
                let runtime = runtime::get(self.epoch)?;
                let plugin = Arc::clone(self);
                runtime.reserve_any()?.spawn(async move {
                    let fetched = plugin.fetch().await;
                    fetch.finish(fetched);
                });
                waiting
            }
        };
        waiting
            .await
            .unwrap_or_else(|_| Err(Error::shutdown("the token fetch was given up")))
    }

    async fn fetch(&self) -> Result<Token, Error> {
        match &self.source {
            Source::ClientCredentials(client) => Arc::clone(client).fetch().await,
            Source::Host(source) => source.fetch(self.epoch).await,
        }
    }
}

/// Answers those who wait, also if the fetch is dropped.
struct Fetch(Option<Arc<OAuth2Plugin>>);

impl Fetch {
    fn finish(&mut self, fetched: Result<Token, Error>) {
        if let Some(plugin) = self.0.take() {
            match &fetched {
                Ok(token) => tracing::info!("a token came: {token:?}"),
                Err(error) => tracing::warn!("no token came: {error}"),
            }
            lock(&plugin.cache).finish(Instant::now(), fetched);
        }
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.finish(Err(Error::shutdown("the token fetch was given up")));
    }
}
