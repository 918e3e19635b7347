//! `Channel::new`: the parts that a constructor gives, checked, and made into a channel.
//!
//! Pure but for the variables of the proxies. Not here: the settings' own order (`settings`).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;

use super::balancer::{self, Balancer};
use super::connector::Connector;
use super::counters::CallCounters;
use super::options::Values;
use super::receive_limit::ReceiveLimit;
use super::request::{RequestTemplate, USER_AGENT};
use super::resolver::Resolver;
use super::running::Running;
use super::service_config::{ServiceConfig, Throttle};
use super::target::{Address, Scheme, Target, authority_host, is_no_authority, shown, url_scheme};
use super::{Channel, ChannelOptions, Settings};
use crate::credentials::{ChannelCredentials, ClientAuthentication, Plugin, Security};
use crate::deep;
use crate::environment::{Origin, PROCESS};
use crate::error::Error;
use crate::options::{ALLOW_INSECURE_GATEWAY, CONNECT_ADDRESS, grpc};
use crate::proxy::{self, Proxy, Tunnel};
use crate::runtime::Epoch;
use crate::wire::{Metadata, MetadataLimit};

/// What every call of a channel starts from.
#[derive(Debug, Default)]
pub struct CallDefaults {
    /// Sent with each call, but for keys that the call's own metadata has.
    pub metadata: Metadata,
    /// Of a call that does not give one; `None`: no deadline.
    pub timeout: Option<Duration>,
    /// Whether a call waits through TRANSIENT_FAILURE rather than fail with it.
    pub wait_for_ready: bool,
}

/// What a channel is made of.
#[derive(Debug)]
pub struct ChannelParts {
    /// Target and OAuth, with their origins.
    pub settings: Settings,
    /// gRPC's, checked.
    pub options: ChannelOptions,
    /// Security and plugins of every call.
    pub credentials: ChannelCredentials,
    /// A target to dial in place of the settings'.
    pub connect_address: Option<String>,
    /// A variable's; the options that override it come first.
    pub override_authority: Option<String>,
    /// Lets plugins authenticate over plaintext to another host than this.
    pub allow_insecure_gateway: bool,
    /// So many calls wait for a connection; `None`: as many as come.
    pub max_waiting_calls: Option<usize>,
    /// For what a call's options do not say.
    pub defaults: CallDefaults,
    /// The plugin of an OAuth channel and how it authenticates, for `describe` and `retrieve_token`.
    pub oauth2: Option<(Arc<Plugin>, ClientAuthentication)>,
    /// Why the token URL cannot be used, if it cannot.
    pub token_problem: Option<Error>,
}

impl Channel {
    /// Does no I/O. A target or token URL that cannot be used makes a channel whose calls all fail; what else is wrong is
    /// refused here.
    pub fn new(arguments: ChannelParts) -> Result<Arc<Self>, Error> {
        let ChannelParts {
            settings,
            options,
            credentials,
            ..
        } = arguments;
        let security = credentials.security;
        let parsed = Target::parse(&settings.target.0);
        let loopback = parsed.as_ref().is_ok_and(Target::is_loopback);
        let allows_plugins =
            matches!(security, Security::Tls(_)) || loopback || arguments.allow_insecure_gateway;
        if !credentials.plugins.is_empty() && !allows_plugins {
            return Err(readable_by_others(&settings));
        }
        let values = &options.values;
        let service_config = service_config(values)?;
        let target = usable(&settings, &security, parsed);
        let connect_address = arguments
            .connect_address
            .map(|text| {
                Target::parse(&text).map_err(|why| {
                    let text = shown(&text);
                    CONNECT_ADDRESS.refuse(format_args!("{text:?} cannot be used: {why}"))
                })
            })
            .transpose()?;

        let overridden = values
            .default_authority
            .clone()
            .or_else(|| values.ssl_target_name_override.clone())
            .or(arguments.override_authority);
        let target = match &overridden {
            // An option of this kind is refused before; a variable's fails each call.
            Some(authority) if is_no_authority(authority) => Err(Error::invalid_argument(
                "the authority that overrides the target's has a user, a password or a query",
            )),
            _ => target,
        };
        let authority = match (&overridden, &target) {
            (Some(authority), _) => authority.clone(),
            (None, Ok(target)) => target.authority.clone(),
            (None, Err(_)) => String::new(),
        };
        let server_name = values
            .ssl_target_name_override
            .clone()
            .unwrap_or_else(|| authority_host(&authority).to_owned());
        let scheme = match security {
            Security::Tls(_) => "https",
            Security::Plaintext | Security::Local => "http",
        };
        let request = RequestTemplate::new(values, scheme, authority);
        let usable = match (target, arguments.token_problem) {
            (Ok(target), None) => Ok(connect_address.unwrap_or(target)),
            (Err(error), _) | (Ok(_), Some(error)) => Err(error),
        };
        let epoch = Epoch::now();
        let balancer = match usable {
            Ok(dialled) => match proxied(dialled.address, values) {
                // The option's fault is the constructor's; a variable's, each call's.
                Err(error) if values.http_proxy.is_some() => return Err(error),
                dialled => dialled,
            }
            .map(|(address, proxy)| {
                let connector = Connector {
                    resolver: Resolver::new(address, values.dns_interval),
                    proxy,
                    security: security.clone(),
                    server_name,
                    security_hint: settings.security_hint.clone(),
                    certificate_hint: settings.certificate_hint(),
                    max_metadata: values.max_metadata,
                    lookahead_bytes: values.lookahead_bytes,
                };
                let settings = balancer::Settings {
                    policy: service_config.policy.unwrap_or(values.policy),
                    connect_timeout: values.connect_timeout,
                    backoff: values.backoff,
                    idle_timeout: values.idle_timeout,
                    keepalive: values.keepalive,
                    max_waiting: arguments.max_waiting_calls,
                };
                Balancer::new(connector, settings, epoch)
            }),
            Err(error) => Err(error),
        };
        Ok(Arc::new(Self {
            max_receive: ReceiveLimit::new(values),
            max_metadata: MetadataLimit::new(values.max_metadata),
            max_send: values.max_send.unwrap_or(i32::MAX as usize),
            encoding: values.encoding,
            throttle: service_config.throttling.map(Throttle::new),
            retries: values.retries,
            service_config,
            allows_plugins,
            settings,
            options,
            security,
            plugins: credentials.plugins,
            oauth2: arguments.oauth2,
            defaults: arguments.defaults,
            epoch,
            runtime: OnceLock::new(),
            balancer,
            request,
            counters: CallCounters::default(),
            running: Running::default(),
            closing: watch::Sender::new(false),
        }))
    }
}

fn readable_by_others(settings: &Settings) -> Error {
    let (text, origin) = (shown(&settings.target.0), &settings.target.1);
    let message = format!(
        "a token over plaintext to {text} ({origin}), which is not loopback, could be read \
         by others: use TLS, or {ALLOW_INSECURE_GATEWAY}"
    );
    let error = match origin {
        Origin::Environment(_) => Error::settings(message),
        _ => Error::invalid_argument(message),
    };
    error.about(&ALLOW_INSECURE_GATEWAY)
}

/// The target, unless it or its security make the channel useless.
fn usable(
    settings: &Settings,
    security: &Security,
    parsed: Result<Target, String>,
) -> Result<Target, Error> {
    let (text, origin) = &settings.target;
    let target = parsed.and_then(|target| match (security, url_scheme(text)) {
        (Security::Tls(_), Some((Scheme::Plaintext, _))) => {
            Err("its scheme is plaintext, but the channel is secure".to_owned())
        }
        (Security::Plaintext | Security::Local, Some((Scheme::Tls, _))) => {
            Err("its scheme is TLS, but the channel is not secure".to_owned())
        }
        (Security::Local, _) if !target.is_loopback() => {
            Err("local credentials are for loopback and unix: only".to_owned())
        }
        _ => Ok(target),
    });
    target.map_err(|why| {
        let text = shown(text);
        Error::invalid_argument(format!(
            "the target {text:?} ({origin}) cannot be used: {why}"
        ))
    })
}

/// What is dialled: the address itself, or a proxy that is asked to connect to it.
fn proxied(address: Address, values: &Values) -> Result<(Address, Option<Tunnel>), Error> {
    let (host, port) = match &address {
        Address::Unix(_) => return Ok((address, None)),
        Address::Host(host, port) => (host.clone(), *port),
        Address::Sockets(sockets) => {
            let first = sockets[0].address;
            (first.ip().to_string(), first.port())
        }
    };
    let option = values.http_proxy.as_ref().map(|url| url.as_str());
    let enabled = values.http_proxy_by_variables;
    Ok(
        match Proxy::choose(proxy::GATEWAY, option, enabled, &PROCESS, &host)? {
            None => (address, None),
            Some(proxy) => {
                let dialled = Address::Host(proxy.host().to_owned(), proxy.port());
                let tunnel = Tunnel {
                    proxy,
                    host,
                    port,
                    user_agent: USER_AGENT,
                };
                (dialled, Some(tunnel))
            }
        },
    )
}

fn service_config(values: &Values) -> Result<ServiceConfig, Error> {
    let Some(text) = &values.service_config else {
        return Ok(ServiceConfig::default());
    };
    let parsed = deep::with_room(deep::of_json(text), || ServiceConfig::parse(text))?;
    let config = parsed.map_err(|why| {
        Error::invalid_argument(format!(
            "the channel option {}: {why}",
            grpc::SERVICE_CONFIG
        ))
    })?;
    if !config.not_honoured.is_empty() {
        tracing::warn!(
            "of {} this has no effect in this library: {}",
            grpc::SERVICE_CONFIG,
            config.not_honoured.join(", ")
        );
    }
    Ok(config)
}
