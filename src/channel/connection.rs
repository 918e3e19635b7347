//! Connecting: addresses, TCP or a Unix socket, TLS, and the HTTP/2 handshake.
//!
//! Not here: when to connect, and how often (`subchannel`).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::target::{Address, Target};
use crate::credentials::Security;
use crate::error::{Error, chain};

/// What a peer may send ahead of its reader: per stream, and for all of them.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// Everything a connection attempt needs.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) target: Target,
    /// Dialled instead of the target's address; name and authority stay the target's.
    pub(super) connect_address: Option<Target>,
    pub(super) security: Security,
    /// The name that the gateway's certificate must have.
    pub(super) server_name: String,
    pub(super) max_metadata_size: u32,
    pub(super) lookahead_bytes: Option<u32>,
    pub(super) keepalive: Keepalive,
}

/// Pings on a connection (gRPC's keepalive document).
#[derive(Clone, Copy, Debug)]
pub(super) struct Keepalive {
    /// `None`: never.
    pub(super) time: Option<Duration>,
    pub(super) timeout: Duration,
    pub(super) without_calls: bool,
}

/// An open connection and the future that drives it, to be spawned.
pub(super) struct Opened {
    pub(super) send: SendRequest<Bytes>,
    pub(super) peer: String,
    pub(super) drive: std::pin::Pin<Box<dyn Future<Output = Result<(), h2::Error>> + Send>>,
    pub(super) ping: Option<h2::PingPong>,
}

impl Connector {
    /// Tries the addresses one after the other; the error names each with its reason.
    pub(super) async fn connect(&self) -> Result<Opened, Error> {
        let dialled = self.connect_address.as_ref().unwrap_or(&self.target);
        let addresses = match &dialled.address {
            Address::Unix(path) => {
                let peer = format!("unix:{}", path.display());
                return match UnixStream::connect(path).await {
                    Ok(stream) => self.secure(stream, peer).await,
                    Err(error) => Err(failed(&peer, &error)),
                };
            }
            Address::Sockets(addresses) => addresses.clone(),
            Address::Host(host, port) => lookup_host((host.as_str(), *port))
                .await
                .map_err(|error| {
                    Error::unavailable(format!("cannot resolve {host}: {}", chain(&error)))
                })?
                .collect(),
        };
        let mut failures: Vec<Error> = Vec::new();
        for address in addresses {
            let peer = match &dialled.address {
                Address::Host(host, port) if host.parse::<std::net::IpAddr>().is_err() => {
                    format!("{host}:{port} ({address})")
                }
                _ => address.to_string(),
            };
            let connected = match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Only a socket that is broken already refuses this; the handshake will tell.
                    let _: Result<(), _> = stream.set_nodelay(true);
                    self.secure(stream, peer).await
                }
                Err(error) => Err(failed(&peer, &error)),
            };
            match connected {
                Ok(opened) => return Ok(opened),
                Err(error) => failures.push(error),
            }
        }
        match failures.len() {
            0 => Err(Error::unavailable(format!(
                "{} has no address",
                dialled.authority
            ))),
            1 => Err(failures.remove(0)),
            _ => {
                let texts: Vec<_> = failures.iter().map(Error::message).collect();
                Err(Error::unavailable(texts.join("; ")))
            }
        }
    }

    async fn secure<S>(&self, stream: S, peer: String) -> Result<Opened, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Security::Tls(tls) = &self.security else {
            return self.handshake(stream, peer).await;
        };
        let config = match tls.http2_ready() {
            Some(config) => config,
            None => {
                let tls = Arc::clone(tls);
                tokio::task::spawn_blocking(move || tls.http2())
                    .await
                    .map_err(|error| Error::internal(format!("reading certificates: {error}")))??
            }
        };
        let name = ServerName::try_from(self.server_name.clone()).map_err(|_| {
            Error::unavailable(format!(
                "{:?} can be no name in a certificate",
                self.server_name
            ))
        })?;
        let stream = TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| {
                Error::unavailable(format!(
                    "the TLS handshake with {peer} as {} failed: {}",
                    self.server_name,
                    chain(&error)
                ))
            })?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(Error::unavailable(format!(
                "{peer} does not speak HTTP/2 over TLS: it did not choose h2 by ALPN"
            )));
        }
        self.handshake(stream, peer).await
    }

    /// Ready once the peer's SETTINGS came: what does not speak HTTP/2 is found out here.
    async fn handshake<S>(&self, stream: S, peer: String) -> Result<Opened, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let failed = |error: h2::Error| {
            Error::unavailable(format!(
                "the HTTP/2 handshake with {peer} failed: {}",
                chain(&error)
            ))
        };
        let window = self.lookahead_bytes.unwrap_or(STREAM_WINDOW);
        let (send, mut connection): (SendRequest<Bytes>, Connection<S, Bytes>) =
            h2::client::Builder::new()
                .initial_window_size(window)
                .initial_connection_window_size(CONNECTION_WINDOW.max(window))
                .max_header_list_size(self.max_metadata_size)
                .enable_push(false)
                // No stream before SETTINGS: this is also how their arrival shows.
                .initial_max_send_streams(0)
                .handshake(stream)
                .await
                .map_err(failed)?;
        let ping = connection.ping_pong();
        std::future::poll_fn(|context| {
            use std::task::Poll;
            match std::pin::Pin::new(&mut connection).poll(context) {
                Poll::Ready(Ok(())) => Poll::Ready(Err(Error::unavailable(format!(
                    "{peer} closed the connection during the HTTP/2 handshake"
                )))),
                Poll::Ready(Err(error)) => Poll::Ready(Err(failed(error))),
                Poll::Pending if send.current_max_send_streams() > 0 => Poll::Ready(Ok(())),
                Poll::Pending => Poll::Pending,
            }
        })
        .await?;
        Ok(Opened {
            send,
            drive: Box::pin(connection),
            ping,
            peer,
        })
    }
}

fn failed(peer: &str, error: &io::Error) -> Error {
    Error::unavailable(format!("cannot connect to {peer}: {error}"))
}
