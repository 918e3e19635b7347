//! Connector: from endpoints to an open HTTP/2 connection: TCP or a Unix socket, proxy, TLS, SETTINGS.
//!
//! Of several endpoints the first that is ready wins, whole handshake included. Not here: how they are raced (`dial`), when to
//! connect, and how often (`balancer`).

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::drive::Drive;
use super::heard::Expected;
use super::resolver::Resolver;
use super::tap::Tap;
use super::traffic::{Metered, Traffic};
use super::transport::Transport;
use crate::credentials::{Security, TlsCredentials};
use crate::dial::{self, BoxStream, Endpoint};
use crate::error::{Error, chain};
use crate::http2;
use crate::proxy::Tunnel;
use crate::runtime::blocking;
use crate::runtime::time::yield_now;
use crate::wire::is_reserved;

/// What a peer may send ahead of all of a connection's readers: so many that a few dozen that stand still do not hold up the others.
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;

/// Of an answer's headers so much is kept; `grpc.max_metadata_size` is far below.
const HEADERS: usize = 1024 * 1024;
/// Of gRPC's own so much, whatever others there are: a status is not lost by them.
const OWN_HEADERS: usize = 8 * 1024 * 1024;
/// A block of headers that is longer ends the connection.
const BLOCK: usize = 16 * 1024 * 1024;

/// Everything a connection attempt needs.
#[derive(Debug)]
pub(super) struct Connector {
    /// Of the proxy, where there is one, else of the target or `connect_address`.
    pub(super) resolver: Resolver,
    pub(super) proxy: Option<Tunnel>,
    pub(super) security: Security,
    /// The name that the gateway's certificate must have.
    pub(super) server_name: String,
    /// What a peer may send ahead of a stream's reader.
    pub(super) lookahead_bytes: u32,
    /// What a user may do if the peer speaks TLS and this side does not, or the other way round.
    pub(super) security_hint: Option<String>,
    /// The same if certificates are what fails.
    pub(super) certificate_hint: Option<String>,
    /// `grpc.max_metadata_size`.
    pub(super) max_metadata: usize,
}

/// An open connection and the future that drives it.
pub(super) struct Opened {
    pub(super) transport: Arc<Transport>,
    pub(super) peer: String,
    /// Ready at its end, with whether that was in order.
    pub(super) drive: Pin<Box<dyn Future<Output = bool> + Send>>,
}

/// Told of a connection, and its peer's name, before the first is said on it: what opens streams at once says that with it.
pub(super) type Early<'a> = &'a (dyn Fn(&Arc<Transport>, &str) + Sync);

impl Connector {
    /// Races the endpoints; the error names each with its reason.
    pub(super) async fn connect(
        &self,
        endpoints: &[Endpoint],
        traffic: &Arc<Traffic>,
        early: Option<Early<'_>>,
    ) -> Result<Opened, Error> {
        dial::race(endpoints, |endpoint| self.attempt(endpoint, traffic, early)).await
    }

    /// An endpoint as errors call it.
    pub(super) fn peer(&self, endpoint: &Endpoint) -> String {
        match self.resolver.name() {
            Some(name) => format!("{name} ({endpoint})"),
            None => endpoint.to_string(),
        }
    }

    /// The name that the gateway's certificate must have.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, Error> {
        ServerName::try_from(self.server_name.clone()).map_err(|_| {
            Error::unavailable(format!(
                "{:?} can be no name in a certificate",
                self.server_name
            ))
        })
    }

    async fn attempt(
        &self,
        endpoint: &Endpoint,
        traffic: &Arc<Traffic>,
        early: Option<Early<'_>>,
    ) -> Result<Opened, Error> {
        let mut peer = self.peer(endpoint);
        let stream = dial::connect(endpoint, &peer).await?;
        let mut stream: BoxStream = Box::new(Metered::new(stream, traffic));
        if let Some(tunnel) = &self.proxy {
            peer = tunnel.peer(&peer);
            stream = tunnel.connect(stream).await?;
        }
        if let Security::Tls(tls) = &self.security {
            stream = Box::new(self.secured(tls, stream, &peer).await?);
        }
        self.open(stream, peer, early).await
    }

    /// TLS, and HTTP/2 agreed on.
    pub(super) async fn secured(
        &self,
        tls: &Arc<TlsCredentials>,
        stream: BoxStream,
        peer: &str,
    ) -> Result<TlsStream<Tap<BoxStream>>, Error> {
        let config = match tls.http2_ready() {
            Some(config) => config,
            None => {
                let tls = Arc::clone(tls);
                blocking(move || tls.http2()).await??
            }
        };
        let name = self.server_name()?;
        let (stream, heard) = Tap::new(stream);
        let stream = TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| {
                let why = heard.other_protocol(Expected::Tls);
                let ended = || heard.end().filter(|_| error.get_ref().is_none());
                let failed = Error::unavailable(format!(
                    "the TLS handshake with {peer} as {} failed: {}",
                    self.server_name,
                    why.or_else(ended).unwrap_or_else(|| chain(&error))
                ));
                match speaks_tls(&error) {
                    true => noting(failed, &self.certificate_hint),
                    false => noting(failed, &self.security_hint),
                }
            })?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(Error::unavailable(format!(
                "{peer} does not speak HTTP/2 over TLS: it did not choose h2 by ALPN"
            )));
        }
        Ok(stream)
    }

    /// HTTP/2 over what is secured as it is to be.
    pub(super) async fn open(
        &self,
        stream: BoxStream,
        peer: String,
        early: Option<Early<'_>>,
    ) -> Result<Opened, Error> {
        let opened = self.handshake(stream, peer, early).await;
        let hint = match &self.security {
            // By TLS 1.3 a peer says only now that it wants a certificate.
            Security::Tls(_) => &self.certificate_hint,
            Security::Plaintext | Security::Local => &self.security_hint,
        };
        opened.map_err(|error| noting(error, hint))
    }

    /// Ready once the peer's SETTINGS came: what does not speak HTTP/2 is found out here.
    async fn handshake(
        &self,
        stream: BoxStream,
        peer: String,
        early: Option<Early<'_>>,
    ) -> Result<Opened, Error> {
        let window = self.lookahead_bytes;
        let transport = Transport::new(http2::Config {
            stream_window: window,
            connection_window: CONNECTION_WINDOW.max(window),
            headers: self.header_limits(),
        });
        let mut drive = Box::pin(Drive::new(stream, &transport));
        if let Some(early) = early {
            early(&transport, &peer);
            // Who waited for a connection has its turn before the first write.
            yield_now().await;
        }
        let ended = poll_fn(|context| match drive.as_mut().poll(context) {
            _ if transport.is_ready() => Poll::Ready(false),
            ended => ended.map(|_| true),
        });
        if ended.await {
            let why = transport.heard.other_protocol(Expected::Http2);
            return Err(Error::unavailable(format!(
                "the HTTP/2 handshake with {peer} failed: {}",
                why.unwrap_or_else(|| transport.why_lost())
            )));
        }
        Ok(Opened {
            transport,
            drive,
            peer,
        })
    }

    fn header_limits(&self) -> http2::Limits {
        http2::Limits {
            fields: HEADERS.max(self.max_metadata.saturating_mul(2)),
            kept_fields: OWN_HEADERS,
            keeps: is_reserved,
            block: BLOCK,
        }
    }
}

fn noting(error: Error, hint: &Option<String>) -> Error {
    match hint {
        Some(hint) => error.noting(hint),
        None => error,
    }
}

/// Whether the peer did, for all that the handshake tells: it failed by what TLS says.
fn speaks_tls(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|error| error.downcast_ref());
    tls.is_some_and(|error| !matches!(error, rustls::Error::InvalidMessage(_)))
}
