//! Channel: settings, credentials and a balancer, shared by the calls made on it.
//!
//! Making one does no I/O. Nothing here knows of C.

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
/// cbindgen:ignore
pub mod any_bytes;
mod balancer;
mod connection;
mod connectivity;
mod connector;
mod counters;
pub mod create;
mod describe;
mod drive;
mod exchange;
mod heard;
mod idle;
mod incoming;
mod keepalive;
mod kept;
mod materials;
mod new;
mod options;
pub(crate) mod prometheus;
mod read_ahead;
mod receive_limit;
mod request;
mod resolver;
mod route;
mod running;
mod service_config;
pub mod settings;
mod tap;
pub mod target;
mod traffic;
mod transport;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;

use balancer::Balancer;
pub(crate) use balancer::{Lease, Pick};
pub(crate) use connection::Connection;
pub use connectivity::Connectivity;
use counters::CallCounters;
pub(crate) use exchange::Exchange;
pub(crate) use incoming::Whole;
pub use materials::Materials;
pub use new::{CallDefaults, ChannelParts};
pub use options::{ChannelOptions, OptionValue};
use receive_limit::ReceiveLimit;
pub(crate) use receive_limit::{ACTIVATE_JOBS, STREAM_ACTIVATED_JOBS};
pub(crate) use request::{Head, RequestTemplate};
pub use route::{Leg, Stage};
pub(crate) use running::Cancel;
use running::Running;
pub(crate) use service_config::ServiceConfig;
pub(crate) use service_config::{MethodConfig, RetryPolicy, Throttle};
pub use settings::{ChannelKind, OauthOptions, Settings};

use crate::completion::{owed, wait};
use crate::credentials::{ClientAuthentication, Plugin, Security, TokenProvider};
use crate::error::{Error, Kind};
use crate::runtime::time::{self, sleep};
use crate::runtime::{self, Epoch, Runtime, Slot};
use crate::wire::{Encoding, MetadataLimit};

/// A gateway's target, the credentials for it and the connections there, shared by all who hold it.
///
/// Its drop ends no call: those that run finish, then the connections close.
pub struct Channel {
    settings: Settings,
    options: ChannelOptions,
    security: Security,
    plugins: Vec<Arc<Plugin>>,
    oauth2: Option<(Arc<Plugin>, ClientAuthentication)>,
    defaults: CallDefaults,
    epoch: Epoch,
    /// Of the epoch, once it was asked for.
    runtime: OnceLock<Arc<Runtime>>,
    /// Or why the channel is of no use.
    balancer: Result<Arc<Balancer>, Error>,
    /// The parts of a request that no call changes.
    request: RequestTemplate,
    service_config: ServiceConfig,
    throttle: Option<Throttle>,
    retries: bool,
    encoding: Encoding,
    max_receive: ReceiveLimit,
    max_metadata: MetadataLimit,
    max_send: usize,
    allows_plugins: bool,
    counters: CallCounters,
    running: Running,
    /// Told when a close begins.
    closing: watch::Sender<bool>,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Channel({} {})",
            self.settings.kind.name(),
            target::shown(&self.settings.target.0)
        )
    }
}

impl Channel {
    /// The runtime's that it was made in; later ones refuse its calls with SHUTDOWN.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(crate) fn defaults(&self) -> &CallDefaults {
        &self.defaults
    }

    pub(crate) fn plugins(&self) -> &[Arc<Plugin>] {
        &self.plugins
    }

    /// Over TLS or to loopback, as written, or where the program allowed more.
    pub(crate) fn allows_plugins(&self) -> bool {
        self.allows_plugins
    }

    pub(crate) fn request(&self) -> &RequestTemplate {
        &self.request
    }

    /// Of a message of this method, by its path, unless the call says otherwise; `None`: no limit.
    pub(crate) fn max_receive(&self, method: &str) -> Option<usize> {
        self.max_receive.of(method)
    }

    /// Of what an answer's headers, or its trailers, may be (RFC 9113 section 6.5.2).
    pub(crate) fn max_metadata(&self) -> &MetadataLimit {
        &self.max_metadata
    }

    pub(crate) fn max_send(&self) -> usize {
        self.max_send
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(crate) fn method_config(&self, path: &str) -> Option<&MethodConfig> {
        self.service_config.method(path)
    }

    /// By the service config, unless `grpc.enable_retries` is 0.
    pub(crate) fn retry_policy(&self, path: &str) -> Option<&RetryPolicy> {
        let configured = self.method_config(path).filter(|_| self.retries);
        configured?.retry.as_ref()
    }

    pub(crate) fn throttle(&self) -> Option<&Throttle> {
        self.throttle.as_ref()
    }

    pub(crate) fn counters(&self) -> &CallCounters {
        &self.counters
    }

    /// Started if need be.
    pub(crate) fn runtime(&self) -> Result<&Arc<Runtime>, Error> {
        self.epoch.check()?;
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = runtime::get(self.epoch)?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// Runs what `prepare` gives on this channel's I/O thread, as its calls. `prepare` is the last that can refuse: what it gives
    /// is run or dropped there.
    pub(crate) fn spawn<F>(
        &self,
        prepare: impl FnOnce(&Arc<Runtime>) -> Result<F, Error>,
    ) -> Result<(), Error>
    where
        F: Future<Output = ()> + Unpin + Send + 'static,
    {
        let runtime = self.runtime()?;
        let slot = self.reserve(runtime)?;
        slot.spawn(prepare(runtime)?);
        Ok(())
    }

    /// A place for one task on this channel's I/O thread.
    pub(crate) fn reserve<'a>(&self, runtime: &'a Runtime) -> Result<Slot<'a>, Error> {
        let home = match &self.balancer {
            Ok(balancer) => balancer.home(runtime),
            Err(_) => 0,
        };
        runtime.reserve(home)
    }

    pub(crate) fn pick(&self, wait_for_ready: bool) -> Pick {
        match &self.balancer {
            Ok(balancer) => balancer.pick(wait_for_ready),
            Err(error) => Pick::Fail(of_call(error)),
        }
    }

    pub(crate) fn retire(&self, connection: &Arc<Connection>) {
        if let Ok(balancer) = &self.balancer {
            balancer.retire(connection);
        }
    }

    /// What a call that times out says about the connection.
    pub(crate) fn last_error(&self) -> Option<Error> {
        match &self.balancer {
            Ok(balancer) => balancer.last_error(),
            Err(error) => Some(error.clone()),
        }
    }

    /// The state now. `try_to_connect` leaves IDLE as a call would, and fails where the runtime has ended.
    pub fn state(&self, try_to_connect: bool) -> Result<Connectivity, Error> {
        if *self.closing.borrow() {
            return Ok(Connectivity::Shutdown);
        }
        let Ok(balancer) = &self.balancer else {
            return Ok(Connectivity::TransientFailure);
        };
        if try_to_connect {
            balancer.try_to_connect()?;
        }
        Ok(balancer.state())
    }

    /// Waits until the state is another than `last`, and returns it.
    pub async fn state_other_than(&self, last: Connectivity) -> Result<Connectivity, Error> {
        self.until(|state| state != last).await
    }

    /// Connects and waits, through failures too.
    pub async fn wait_ready(&self) -> Result<(), Error> {
        let balancer = self.balancer.as_ref().map_err(of_call)?;
        loop {
            balancer.try_to_connect()?;
            let state =
                self.until(|state| matches!(state, Connectivity::Ready | Connectivity::Idle));
            if state.await? == Connectivity::Ready {
                return Ok(());
            }
        }
    }

    /// The same, `timeout` at most (`None`: for ever).
    pub(crate) async fn ready_within(&self, timeout: Option<Duration>) -> Result<(), Error> {
        within(timeout, self.wait_ready(), |timeout| {
            let last = self.last_error();
            let last = last.map_or(String::new(), |error| format!("; last: {error}"));
            format!("not connected within {timeout} ms{last}")
        })
        .await
    }

    /// Waits, `timeout` at most (`None`: for ever), until the state is another than `last`. What `prepare` gives gets the end, once.
    pub(crate) fn watch_state<F>(
        self: &Arc<Self>,
        last: Connectivity,
        timeout: Option<Duration>,
        prepare: impl FnOnce(&Arc<Runtime>) -> Result<F, Error>,
    ) -> Result<(), Error>
    where
        F: FnOnce(Result<(), Error>) + Send + 'static,
    {
        let channel = Arc::clone(self);
        let changed = Box::pin(async move {
            let changed = channel.state_other_than(last);
            within(timeout, changed, |timeout| {
                format!("the state did not change within {timeout} ms")
            })
            .await
            .map(drop)
        });
        self.spawn(|runtime| Ok(owed(changed, prepare(runtime)?)))
    }

    /// Connects and waits, through failures too, `timeout` at most (`None`: for ever). What `prepare` gives gets the end, once.
    pub(crate) fn start_waiting_for_ready<F>(
        self: &Arc<Self>,
        timeout: Option<Duration>,
        prepare: impl FnOnce(&Arc<Runtime>) -> Result<F, Error>,
    ) -> Result<(), Error>
    where
        F: FnOnce(Result<(), Error>) + Send + 'static,
    {
        let channel = Arc::clone(self);
        let ready = Box::pin(async move { channel.ready_within(timeout).await });
        self.spawn(|runtime| Ok(owed(ready, prepare(runtime)?)))
    }

    /// Blocks for it.
    pub(crate) fn ready_blocking(self: &Arc<Self>, timeout: Option<Duration>) -> Result<(), Error> {
        wait("waiting for a connection", |end| {
            self.start_waiting_for_ready(timeout, |_| Ok(end))
        })
    }

    /// The first state that is `wanted`; the close of the channel is an error.
    async fn until(&self, wanted: impl Fn(Connectivity) -> bool) -> Result<Connectivity, Error> {
        let mut closing = self.closing.subscribe();
        let state = async {
            match &self.balancer {
                // The sender lives as long as the balancer.
                Ok(balancer) => balancer
                    .watch()
                    .wait_for(|state| wanted(*state))
                    .await
                    .map_or(Connectivity::Shutdown, |state| *state),
                Err(_) if wanted(Connectivity::TransientFailure) => Connectivity::TransientFailure,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => Err(Error::shutdown("the channel is closed")),
            state = state => Ok(state),
        }
    }

    /// Of the channel's own OAuth2 client.
    pub fn tokens(&self) -> Result<&Arc<TokenProvider>, Error> {
        match &self.oauth2 {
            Some((plugin, _)) => plugin.tokens(),
            None => Err(Error::illegal_state(
                "the channel has no OAuth2 plugin to fetch a token with",
            )),
        }
    }

    /// Enters a call, or what makes calls of its own: a close waits for it, or cancels it. The guard leaves it.
    pub(crate) fn enter(
        self: &Arc<Self>,
        call: &Arc<impl Cancel + 'static>,
    ) -> Result<ActiveCall, Error> {
        Ok(ActiveCall {
            key: self.running.enter(Arc::clone(call) as _)?,
            channel: Arc::clone(self),
        })
    }

    /// New calls fail from now on; running ones get `grace` (`None`: for ever). What `prepare` gives gets the end of the last, once.
    pub(crate) fn close<F>(
        self: &Arc<Self>,
        grace: Option<Duration>,
        prepare: impl FnOnce(&Arc<Runtime>) -> Result<F, Error>,
    ) -> Result<(), Error>
    where
        F: FnOnce(Result<(), Error>) + Send + 'static,
    {
        self.spawn(|runtime| {
            let deliver = prepare(runtime)?;
            self.begin_close();
            let channel = Arc::clone(self);
            let closed = Box::pin(async move {
                channel.finish_close(grace).await;
                Ok(())
            });
            Ok(owed(closed, deliver))
        })
    }

    /// New calls fail from now on.
    fn begin_close(&self) {
        self.running.refuse_more();
        self.closing.send_replace(true); // those who only wait for a state end now
    }

    /// Waits for the running calls, `grace` at most (`None`: for ever), and cancels the rest.
    async fn finish_close(&self, grace: Option<Duration>) {
        let deadline = async {
            match grace {
                Some(grace) => sleep(grace).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.running.all_ended() => {}
            () = deadline => {
                self.running.cancel_all(&Error::cancelled("the channel was closed"));
                self.running.all_ended().await;
            }
        }
        if let Ok(balancer) = &self.balancer {
            balancer.close();
        }
    }
}

/// A call that the channel knows of; dropped after its completion was delivered.
#[derive(Debug)]
pub struct ActiveCall {
    pub(crate) channel: Arc<Channel>,
    key: usize,
}

impl Drop for ActiveCall {
    fn drop(&mut self) {
        self.channel.running.leave(self.key);
    }
}

/// The result of `work`, unless it takes longer than `timeout` (`None`: for ever); `late` says so of its milliseconds.
async fn within<T>(
    timeout: Option<Duration>,
    work: impl Future<Output = Result<T, Error>>,
    late: impl FnOnce(u128) -> String,
) -> Result<T, Error> {
    match timeout {
        None => work.await,
        Some(timeout) => time::timeout(timeout, work).await.unwrap_or_else(|_| {
            Err(Error::deadline_exceeded(late(timeout.as_millis())).processed(false))
        }),
    }
}

/// What ends a call on a channel that is of no use.
fn of_call(error: &Error) -> Error {
    match error.kind() {
        Kind::Settings => Error::settings_of_call(error.message()),
        _ => error.clone(),
    }
}

#[cfg(test)]
impl Channel {
    /// To where nobody listens.
    pub(crate) fn of_test() -> Arc<Self> {
        let settings = settings::insecure(&crate::environment::PROCESS, Some("127.0.0.1:1"));
        Self::new(ChannelParts {
            settings: settings.unwrap(),
            options: ChannelOptions::new(Vec::new()).unwrap(),
            credentials: crate::credentials::Security::Plaintext.into(),
            connect_address: None,
            override_authority: None,
            allow_insecure_gateway: false,
            max_waiting_calls: None,
            defaults: CallDefaults::default(),
            oauth2: None,
            token_problem: None,
        })
        .unwrap()
    }
}
