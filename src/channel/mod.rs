//! Channel: settings, credentials and a subchannel, shared by the calls made on it.
//!
//! Making one does no I/O. Nothing here knows of C.

mod backoff;
mod connection;
mod options;
pub mod settings;
mod subchannel;
pub mod target;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Uri};
use serde_json::{Value, json};
use slab::Slab;
use tokio::sync::Notify;

pub use options::{ChannelOptions, OptionValue};
pub use settings::{ChannelKind, OauthArguments, Settings};
pub use subchannel::Connectivity;
pub(crate) use subchannel::{Connection, Pick};

use crate::call::{Control, Metadata};
use crate::credentials::{ChannelCredentials, ClientAuthentication, Plugin, Security};
use crate::environment::Origin;
use crate::error::Error;
use crate::runtime::{self, Epoch, Runtime, lock};
use backoff::Backoff;
use connection::{Connector, Keepalive};
use subchannel::{Subchannel, Timing};
use target::{Scheme, Target, authority_host, url_scheme};

/// What every call of a channel starts from.
#[derive(Debug, Default)]
pub struct CallDefaults {
    pub metadata: Metadata,
    pub timeout: Option<Duration>,
    pub wait_for_ready: bool,
}

/// What a constructor was given beside its settings.
#[derive(Debug)]
pub struct ChannelArguments {
    pub settings: Settings,
    pub options: ChannelOptions,
    pub credentials: ChannelCredentials,
    pub connect_address: Option<String>,
    pub override_authority: Option<String>,
    pub allow_insecure_gateway: bool,
    pub defaults: CallDefaults,
    /// The plugin of an OAuth channel and how it authenticates, for `describe` and `retrieve_token`.
    pub oauth2: Option<(Arc<Plugin>, ClientAuthentication)>,
    /// Why the token URL cannot be used, if it cannot.
    pub token_problem: Option<Error>,
}

pub struct Channel {
    settings: Settings,
    options: ChannelOptions,
    security: Security,
    plugins: Vec<Arc<Plugin>>,
    oauth2: Option<(Arc<Plugin>, ClientAuthentication)>,
    defaults: CallDefaults,
    epoch: Epoch,
    /// Or why the channel is of no use.
    subchannel: Result<Arc<Subchannel>, Error>,
    /// The parts of a request that no call changes.
    request: RequestTemplate,
    max_receive: Option<usize>,
    max_send: usize,
    allows_plugins: bool,
    calls: Mutex<Calls>,
    /// Told when the last call ends.
    idle: Notify,
}

#[derive(Debug)]
pub(crate) struct RequestTemplate {
    pub(crate) headers: HeaderMap,
    pub(crate) scheme: &'static str,
    pub(crate) authority: String,
}

#[derive(Default)]
struct Calls {
    running: Slab<Arc<Control>>,
    closing: bool,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Channel({} {})",
            self.settings.kind.name(),
            self.settings.target.0
        )
    }
}

impl Channel {
    pub fn new(arguments: ChannelArguments) -> Result<Arc<Self>, Error> {
        let ChannelArguments {
            settings,
            options,
            credentials,
            ..
        } = arguments;
        let (text, origin) = &settings.target;
        let unusable = |why: String| {
            Error::invalid_argument(format!(
                "the target {text:?} ({origin}) cannot be used: {why}"
            ))
        };
        let parsed = Target::parse(text);
        let loopback = parsed.as_ref().is_ok_and(Target::is_loopback);
        let allows_plugins = matches!(credentials.security, Security::Tls(_))
            || loopback
            || arguments.allow_insecure_gateway;
        if !credentials.plugins.is_empty() && !allows_plugins {
            let message = format!(
                "a token over plaintext to {text} ({origin}), which is not loopback, could be read \
                 by others: use TLS, or connection_options.allow_insecure_gateway"
            );
            return Err(match origin {
                Origin::Environment(_) => Error::settings(message),
                _ => Error::invalid_argument(message),
            });
        }
        let epoch = Epoch::now();
        let target = parsed.map_err(unusable).and_then(|target| {
            match (&credentials.security, url_scheme(text)) {
                (Security::Tls(_), Some((Scheme::Plaintext, _))) => Err(unusable(
                    "its scheme is plaintext, but the channel is secure".to_owned(),
                )),
                (Security::Plaintext | Security::Local, Some((Scheme::Tls, _))) => Err(unusable(
                    "its scheme is TLS, but the channel is not secure".to_owned(),
                )),
                (Security::Local, _) if !loopback => Err(unusable(
                    "local credentials are for loopback and unix: only".to_owned(),
                )),
                _ => Ok(target),
            }
        });
        let connect_address = arguments
            .connect_address
            .map(|text| {
                Target::parse(&text).map_err(|why| {
                    Error::invalid_argument(format!(
                        "connect_address {text:?} cannot be used: {why}"
                    ))
                })
            })
            .transpose()?;

        let overridden = options
            .text("grpc.default_authority")
            .or(options.text("grpc.ssl_target_name_override"))
            .map(str::to_owned)
            .or(arguments.override_authority);
        let authority = match (&overridden, &target) {
            (Some(authority), _) => authority.clone(),
            (None, Ok(target)) => target.authority.clone(),
            (None, Err(_)) => String::new(),
        };
        let server_name = match (
            options.text("grpc.ssl_target_name_override"),
            &overridden,
            &target,
        ) {
            (Some(name), ..) => name.to_owned(),
            (None, Some(authority), _) => authority_host(authority).to_owned(),
            (None, None, Ok(target)) => target.server_name().to_owned(),
            (None, None, Err(_)) => String::new(),
        };
        let request = RequestTemplate {
            headers: request_headers(&options),
            scheme: if matches!(credentials.security, Security::Tls(_)) {
                "https"
            } else {
                "http"
            },
            authority,
        };
        let security = credentials.security.clone();
        let subchannel = match (target, arguments.token_problem) {
            (Err(error), _) | (Ok(_), Some(error)) => Err(error),
            (Ok(target), None) => Ok(Subchannel::new(
                Connector {
                    target,
                    connect_address,
                    security: credentials.security,
                    server_name,
                    max_metadata_size: bytes_option(&options, "grpc.max_metadata_size", 8192),
                    lookahead_bytes: match options.integer("grpc.http2.lookahead_bytes", 0) {
                        0 => None,
                        bytes => u32::try_from(bytes).ok(),
                    },
                    keepalive: keepalive(&options),
                },
                Timing {
                    connect_timeout: duration(&options, "grpc.min_reconnect_backoff_ms", 20_000),
                    backoff: Backoff::new(
                        duration(&options, "grpc.initial_reconnect_backoff_ms", 1_000),
                        duration(&options, "grpc.max_reconnect_backoff_ms", 120_000),
                    ),
                },
                epoch,
            )),
        };
        Ok(Arc::new(Self {
            max_receive: options.length("grpc.max_receive_message_length", 4 * 1024 * 1024),
            max_send: options
                .length("grpc.max_send_message_length", -1)
                .unwrap_or(i32::MAX as usize),
            allows_plugins,
            settings,
            options,
            security,
            plugins: credentials.plugins,
            oauth2: arguments.oauth2,
            defaults: arguments.defaults,
            epoch,
            subchannel,
            request,
            calls: Mutex::default(),
            idle: Notify::new(),
        }))
    }

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

    pub(crate) fn max_receive(&self) -> Option<usize> {
        self.max_receive
    }

    pub(crate) fn max_send(&self) -> usize {
        self.max_send
    }

    pub(crate) fn runtime(&self) -> Result<Arc<Runtime>, Error> {
        runtime::get(self.epoch)
    }

    /// The I/O thread that this channel's calls run on.
    pub(crate) fn home(&self, runtime: &Runtime) -> usize {
        match &self.subchannel {
            Ok(subchannel) => subchannel.home(runtime),
            Err(_) => 0,
        }
    }

    pub(crate) fn pick(&self, wait_for_ready: bool) -> Pick {
        match &self.subchannel {
            Ok(subchannel) => subchannel.pick(wait_for_ready),
            Err(error) => Pick::Fail(match error.kind() {
                crate::error::Kind::Settings => Error::settings_of_call(error.message()),
                _ => error.clone(),
            }),
        }
    }

    pub(crate) fn retire(&self, connection: &Connection) {
        if let Ok(subchannel) = &self.subchannel {
            subchannel.retire(connection);
        }
    }

    /// What a call that times out says about the connection.
    pub(crate) fn last_error(&self) -> Option<Error> {
        match &self.subchannel {
            Ok(subchannel) => subchannel.last_error(),
            Err(error) => Some(error.clone()),
        }
    }

    pub fn state(&self, try_to_connect: bool) -> Result<Connectivity, Error> {
        if lock(&self.calls).closing {
            return Ok(Connectivity::Shutdown);
        }
        let Ok(subchannel) = &self.subchannel else {
            return Ok(Connectivity::TransientFailure);
        };
        if try_to_connect {
            subchannel.try_to_connect()?;
        }
        Ok(subchannel.state())
    }

    /// Connects and waits, through failures too.
    pub async fn wait_ready(&self) -> Result<(), Error> {
        loop {
            if lock(&self.calls).closing {
                return Err(Error::shutdown("the channel is closed"));
            }
            match self.pick(true) {
                Pick::Ready(_) => return Ok(()),
                Pick::Fail(error) => return Err(error),
                // Either way the state has changed.
                Pick::Wait(waiting) => drop(waiting.await),
            }
        }
    }

    pub fn oauth2_plugin(&self) -> Result<&Arc<Plugin>, Error> {
        match &self.oauth2 {
            Some((plugin, _)) => Ok(plugin),
            None => Err(Error::illegal_state(
                "the channel has no OAuth2 plugin to fetch a token with",
            )),
        }
    }

    /// Enters a call; the guard leaves it.
    pub(crate) fn enter(self: &Arc<Self>, control: Arc<Control>) -> Result<ActiveCall, Error> {
        let mut calls = lock(&self.calls);
        if calls.closing {
            return Err(Error::shutdown("the channel is closed"));
        }
        let key = calls.running.insert(control);
        if let Ok(subchannel) = &self.subchannel {
            subchannel
                .active_calls
                .store(calls.running.len(), Ordering::Relaxed);
        }
        Ok(ActiveCall {
            channel: Arc::clone(self),
            key,
        })
    }

    /// New calls fail from now on.
    pub fn begin_close(&self) {
        lock(&self.calls).closing = true;
        if let Ok(subchannel) = &self.subchannel {
            subchannel.wake(); // those who only wait for READY end now
        }
    }

    /// Waits for the running calls, `grace` at most (`None`: for ever), and cancels the rest.
    pub async fn finish_close(&self, grace: Option<Duration>) {
        let deadline = async {
            match grace {
                Some(grace) => tokio::time::sleep(grace).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.all_ended() => {}
            () = deadline => {
                let calls = lock(&self.calls).running.iter().map(|(_, call)| Arc::clone(call)).collect::<Vec<_>>();
                for call in calls {
                    call.cancel(Error::cancelled("the channel was closed"));
                }
                self.all_ended().await;
            }
        }
        if let Ok(subchannel) = &self.subchannel {
            subchannel.close();
        }
    }

    async fn all_ended(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if lock(&self.calls).running.is_empty() {
                return;
            }
            idle.await;
        }
    }

    /// The design's JSON; its form is part of the ABI.
    pub fn describe(&self) -> String {
        let setting = |(name, value, origin): &(&'static str, Value, Origin)| {
            (
                (*name).to_owned(),
                json!({"value": value, "origin": origin.to_string()}),
            )
        };
        let settings: serde_json::Map<_, _> = self.settings.shown.iter().map(setting).collect();
        let oauth2 = self.oauth2.as_ref().map(|(plugin, authentication)| {
            let facts = plugin.facts();
            json!({
                "client_authentication": authentication.name(),
                "leeway": self.settings.oauth.as_ref().map(|oauth| oauth.leeway),
                "expire_in": facts.expire_in.map(|duration| duration.as_secs()),
                "granted_scope": facts.granted_scope,
                "state": facts.state,
            })
        });
        json!({
            "version": 1,
            "kind": self.settings.kind.name(),
            "target": self.settings.target.0,
            "security": self.security.name(),
            "settings": settings,
            "channel_options": self.options.describe(),
            "oauth2": oauth2,
            "problem": self.subchannel.as_ref().err().map(|error| error.message().to_owned()),
        })
        .to_string()
    }
}

/// A call that the channel knows of; dropped after its completion was delivered.
#[derive(Debug)]
pub(crate) struct ActiveCall {
    pub(crate) channel: Arc<Channel>,
    key: usize,
}

impl Drop for ActiveCall {
    fn drop(&mut self) {
        let mut calls = lock(&self.channel.calls);
        calls.running.remove(self.key);
        if let Ok(subchannel) = &self.channel.subchannel {
            subchannel
                .active_calls
                .store(calls.running.len(), Ordering::Relaxed);
        }
        if calls.running.is_empty() {
            drop(calls);
            self.channel.idle.notify_waiters();
        }
    }
}

fn duration(options: &ChannelOptions, key: &str, default: i64) -> Duration {
    Duration::from_millis(u64::try_from(options.integer(key, default)).unwrap_or(0))
}

fn bytes_option(options: &ChannelOptions, key: &str, default: i64) -> u32 {
    u32::try_from(options.integer(key, default)).unwrap_or(u32::MAX)
}

fn keepalive(options: &ChannelOptions) -> Keepalive {
    let time = options.integer("grpc.keepalive_time_ms", 45_000);
    Keepalive {
        // INT32_MAX turns it off.
        time: (time != i64::from(i32::MAX))
            .then(|| duration(options, "grpc.keepalive_time_ms", 45_000)),
        timeout: duration(options, "grpc.keepalive_timeout_ms", 20_000),
        without_calls: options.integer("grpc.keepalive_permit_without_calls", 0) == 1,
    }
}

/// The headers that every request carries.
fn request_headers(options: &ChannelOptions) -> HeaderMap {
    let mut agent = String::new();
    let ours = concat!("grpc-c-libzeebe/", env!("CARGO_PKG_VERSION"));
    let parts = [
        options.text("grpc.primary_user_agent"),
        Some(ours),
        options.text("grpc.secondary_user_agent"),
    ];
    for part in parts.into_iter().flatten() {
        if !agent.is_empty() {
            agent.push(' ');
        }
        agent.push_str(part);
    }
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert("te", HeaderValue::from_static("trailers"));
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    // Printable ASCII is checked when the options are made.
    if let Ok(agent) = HeaderValue::from_str(&agent) {
        headers.insert("user-agent", agent);
    }
    headers
}

impl RequestTemplate {
    pub(crate) fn uri(&self, path: &str, authority: Option<&str>) -> Result<Uri, Error> {
        let authority = authority.unwrap_or(&self.authority);
        Uri::builder()
            .scheme(self.scheme)
            .authority(authority)
            .path_and_query(path)
            .build()
            .map_err(|error| {
                Error::invalid_argument(format!(
                    "the method {path:?} at the authority {authority:?} makes no URI: {error}"
                ))
            })
    }
}
