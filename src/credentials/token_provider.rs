//! Token provider: a token that is fetched when a call first needs it, kept while it is good, and renewed ahead of its end.
//!
//! Not here: what a token is good for and when another is fetched (`token_cache`), and the requests (`oauth2`, `host`).

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::{oneshot, watch};

use super::authorization::Authorization;
use super::disk_cache::{DiskCache, Reading};
use super::host::TokenSource;
use super::oauth2::ClientCredentials;
use super::token::{Lifetime, Token};
use super::token_cache::{Facts, Outcome, Step, TokenCache};
use crate::completion::{owed, wait};
use crate::error::Error;
use crate::runtime::time::sleep;
use crate::runtime::{self, Epoch, Runtime, caught, lock};
use crate::sys::{PerProcess, since_boot};

enum Source {
    ClientCredentials(Arc<ClientCredentials>),
    Host(TokenSource),
}

/// Whether a token file may answer a fetch.
#[derive(Clone, Copy)]
enum Reads {
    File,
    Nothing,
}

/// Of its own are the lifetime and the time-outs: a fetch goes by those of the provider that began it.
pub struct TokenProvider {
    source: Source,
    lifetime: Lifetime,
    /// It was said that the leeway is too long.
    warned: AtomicBool,
    shared: Arc<Shared>,
    epoch: Epoch,
    /// Dropped with the provider, which ends the wait for its renewals.
    life: watch::Sender<()>,
}

/// What those with equal credentials have in common.
struct Shared {
    cache: Mutex<TokenCache>,
    disk_cache: Option<Arc<DiskCache>>,
}

/// As plugins are shown, which is all that people know of it.
impl fmt::Debug for TokenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::ClientCredentials(client) => write!(f, "Plugin({client:?})"),
            Source::Host(_) => f.write_str("Plugin(the host's token source)"),
        }
    }
}

impl Shared {
    fn new(disk_cache: Option<Arc<DiskCache>>) -> Arc<Self> {
        Arc::new(Self {
            cache: Mutex::new(TokenCache::new()),
            disk_cache,
        })
    }
}

impl TokenProvider {
    /// Equal ones share their token while one of them lives.
    pub(super) fn client_credentials(client: ClientCredentials, lifetime: Lifetime) -> Arc<Self> {
        static LIVING: PerProcess<Mutex<Vec<Weak<TokenProvider>>>> = PerProcess::new();
        let mut living = lock(LIVING.get());
        living.retain(|provider| provider.strong_count() > 0);
        let is_same = |other: &Arc<Self>| {
            matches!(&other.source, Source::ClientCredentials(other) if other.is_same(&client))
                && other.epoch.check().is_ok()
        };
        let found = living.iter().filter_map(Weak::upgrade).find(is_same);
        let shared = match found {
            Some(found) => Arc::clone(&found.shared),
            None => Shared::new(client.disk_cache().map(Arc::new)),
        };
        let made = Self::new(
            Source::ClientCredentials(Arc::new(client)),
            lifetime,
            shared,
        );
        living.push(Arc::downgrade(&made));
        made
    }

    pub(super) fn host(source: TokenSource, lifetime: Lifetime) -> Arc<Self> {
        Self::new(Source::Host(source), lifetime, Shared::new(None))
    }

    fn new(source: Source, lifetime: Lifetime, shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            source,
            lifetime,
            warned: AtomicBool::new(false),
            shared,
            epoch: Epoch::now(),
            life: watch::Sender::new(()),
        })
    }

    /// The value of `authorization` for a call: at once if the token is good, else fetched. A call that is
    /// `patient` waits through failures that may pass.
    pub(super) fn authorization(self: &Arc<Self>, patient: bool) -> Authorization {
        match self.get() {
            Step::Use(header, renewal) => {
                self.renew_in(renewal);
                Authorization::AtHand(header)
            }
            Step::Renew(header) => {
                self.fetch_in_background(Reads::File);
                Authorization::AtHand(header)
            }
            step => {
                let this = Arc::clone(self);
                Authorization::Fetched(Box::pin(async move { this.wait(step, patient).await }))
            }
        }
    }

    /// The gateway refused this `authorization`: whether the call may be sent again, with another.
    pub(super) fn rejected(self: &Arc<Self>, authorization: &HeaderValue) -> bool {
        self.forget_on_disk(authorization);
        self.cache()
            .rejected(since_boot(), fastrand::f64(), authorization)
    }

    /// What may be wrong with the token's scope, for an error of a gateway that refuses it.
    pub(super) fn scope_note(&self) -> Option<String> {
        let Source::ClientCredentials(client) = &self.source else {
            return None;
        };
        let asked = client.scope.as_deref()?;
        let token = self.cache().token()?;
        match token.scope() {
            None => Some(format!(
                "the scope {asked:?} was asked for, and the token endpoint did not say which one it granted"
            )),
            Some(granted) if granted != asked => Some(format!(
                "the scope {asked:?} was asked for, and the token endpoint granted {granted:?}"
            )),
            Some(_) => None,
        }
    }

    fn forget_on_disk(self: &Arc<Self>, refused: &HeaderValue) {
        let (Source::ClientCredentials(client), Some(disk_cache)) =
            (&self.source, &self.shared.disk_cache)
        else {
            return;
        };
        let token = self.cache().token();
        let is_refused = |token: &Token| token.header() == refused;
        if token
            .filter(is_refused)
            .is_some_and(|token| disk_cache.refuse(token))
        {
            let forget = Arc::clone(disk_cache).forget_refused(client.options.timeout);
            if let Err(error) = self.spawn(|_| forget) {
                tracing::debug!("a refused token stays in the cache file: {error}"); // the runtime ends
            }
        }
    }

    /// Starts a fetch that nobody waits for.
    pub(crate) fn prefetch(self: &Arc<Self>) -> Result<(), Error> {
        self.spawn(|provider| async move {
            // The fetch itself logs how it ended. A token that is good, since plugins are shared, will do.
            if let Authorization::Fetched(fetched) = provider.authorization(false) {
                fetched.await.ok();
            }
        })
    }

    /// Fetches a token as [`retrieve`](Self::retrieve). What `prepare` gives gets the end, once.
    pub(crate) fn start_retrieving<F>(
        self: &Arc<Self>,
        prepare: impl FnOnce(&Arc<Runtime>) -> Result<F, Error>,
    ) -> Result<(), Error>
    where
        F: FnOnce(Result<(), Error>) + Send + 'static,
    {
        let provider = Arc::clone(self);
        let retrieved = Box::pin(async move { provider.retrieve().await });
        runtime::spawn(self.epoch, |runtime| Ok(owed(retrieved, prepare(runtime)?)))
    }

    /// Fetches a token, even if the old one is good, and blocks until it is there; joins a fetch under way.
    pub fn retrieve_blocking(self: &Arc<Self>) -> Result<(), Error> {
        wait("a token request", |end| self.start_retrieving(|_| Ok(end)))
    }

    /// A new token, even if the old one is good; joins a fetch under way.
    async fn retrieve(self: &Arc<Self>) -> Result<(), Error> {
        let step = self.cache().fetch(since_boot());
        let fetched = self.follow(step, Reads::Nothing).await;
        // No gateway is asked for it.
        fetched.map(drop).map_err(|error| error.processed(false))
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.cache().is_expired(since_boot(), &self.lifetime)
    }

    /// What is known of the token, never itself.
    pub fn facts(&self) -> Facts {
        self.cache().facts(since_boot(), &self.lifetime)
    }

    async fn wait(self: &Arc<Self>, mut step: Step, patient: bool) -> Outcome {
        loop {
            let outcome = self.follow(step, Reads::File).await;
            match &outcome {
                Err(error) if patient && error.is_retryable() => {}
                _ => return outcome,
            }
            let pause = self.cache().pause_left(since_boot());
            sleep(pause.unwrap_or(Duration::from_millis(1))).await;
            step = self.get();
        }
    }

    async fn follow(self: &Arc<Self>, step: Step, reads: Reads) -> Outcome {
        let waiting: oneshot::Receiver<Outcome> = match step {
            Step::Use(header, renewal) => {
                self.renew_in(renewal);
                return Ok(header);
            }
            Step::Renew(header) => {
                self.fetch_in_background(Reads::File);
                return Ok(header);
            }
            Step::Fail(error) => return Err(error),
            Step::Wait(waiting) => waiting,
            Step::Fetch(waiting) => {
                self.fetch_in_background(reads);
                waiting
            }
        };
        let outcome = waiting
            .await
            .unwrap_or_else(|_| Err(Error::shutdown("the token fetch was given up")));
        if outcome.is_ok() {
            self.warn_of_leeway();
        }
        outcome
    }

    /// Once: it will be so with every token.
    fn warn_of_leeway(&self) {
        let token = self.cache().token();
        let warning = token.and_then(|token| self.lifetime.too_long_leeway(&token));
        if let Some(warning) = warning
            && !self.warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!("{self:?}: {warning}");
        }
    }

    /// On its own: it outlives the deadline of the call that started it.
    fn fetch_in_background(self: &Arc<Self>, reads: Reads) {
        let spawned = self.spawn(|provider| {
            let mut fetch = Fetch(Some(Arc::clone(&provider)));
            async move {
                tracing::debug!("{provider:?}: a token is asked for");
                let fetched = caught(provider.fetch(reads)).await.unwrap_or_else(Err);
                fetch.finish(fetched);
            }
        });
        if let Err(error) = spawned {
            Fetch(Some(Arc::clone(self))).finish(Err(error));
        }
    }

    /// A call has used the token: its successor comes in time, also if no call asks then.
    fn renew_in(self: &Arc<Self>, wait: Option<Duration>) {
        let Some(wait) = wait else { return };
        let weak = Arc::downgrade(self);
        let mut life = self.life.subscribe();
        let spawned = self.spawn(|_| async move {
            tokio::select! {
                () = sleep(wait) => {}
                _ = life.changed() => return, // nothing is ever sent: it has ended
            }
            if let Some(provider) = weak.upgrade()
                && provider.begin_renewal()
            {
                tracing::debug!("{provider:?}: the token is renewed ahead of its expiry");
                provider.fetch_in_background(Reads::File);
            }
        });
        if let Err(error) = spawned {
            tracing::debug!("no token is renewed: {error}"); // the runtime ends
        }
    }

    fn cache(&self) -> MutexGuard<'_, TokenCache> {
        lock(&self.shared.cache)
    }

    fn get(&self) -> Step {
        self.cache().get(since_boot(), &self.lifetime)
    }

    fn begin_renewal(&self) -> bool {
        self.cache().begin_renewal(since_boot(), &self.lifetime)
    }

    fn spawn<F>(self: &Arc<Self>, task: impl FnOnce(Arc<Self>) -> F) -> Result<(), Error>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        runtime::spawn(self.epoch, |_| Ok(Box::pin(task(Arc::clone(self)))))
    }

    async fn fetch(&self, reads: Reads) -> Result<Token, Error> {
        match &self.source {
            Source::ClientCredentials(client) => {
                let request = Arc::clone(client).fetch();
                let Some(disk_cache) = &self.shared.disk_cache else {
                    return request.await;
                };
                let reading = match reads {
                    Reads::Nothing => Reading::Nothing,
                    Reads::File => Reading::OtherThan(self.cache().token()),
                };
                disk_cache
                    .fetch(reading, self.lifetime, client.options.timeout, request)
                    .await
            }
            Source::Host(source) => source.fetch(self.epoch).await,
        }
    }
}

/// Answers those who wait, also if the fetch is dropped.
struct Fetch(Option<Arc<TokenProvider>>);

impl Fetch {
    fn finish(&mut self, fetched: Result<Token, Error>) {
        if let Some(provider) = self.0.take() {
            match &fetched {
                Ok(token) => tracing::info!("{provider:?}: a token came: {token:?}"),
                Err(error) => tracing::warn!("{provider:?}: no token came: {error}"),
            }
            provider
                .cache()
                .finish(since_boot(), fastrand::f64(), fetched);
        }
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.finish(Err(Error::shutdown("the token fetch was given up")));
    }
}
