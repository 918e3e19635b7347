//! Route: the way to the gateway, a stage at a time, for who looks for the one that fails.
//!
//! On a connection of its own, which is made as those of the channel are, and closed at its end.

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use tokio_rustls::TlsConnector;

use super::connector::Connector;
use super::{Channel, of_call, within};
use crate::credentials::{Security, ShownChain, TlsCredentials};
use crate::dial::{self, BoxStream, Endpoint};
use crate::error::Error;

/// In their order; those that a channel does not need are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Of the name of the gateway, or of the proxy.
    Lookup,
    /// By TCP or a Unix socket, to the first that answers.
    Connect,
    /// The proxy connects to the gateway.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The peer's SETTINGS have come.
    Http2,
}

/// How a stage ended.
#[derive(Debug)]
pub struct Leg {
    /// Which it was.
    pub stage: Stage,
    /// Of this stage alone.
    pub took: Duration,
    /// The addresses that were found, the one that answered, the proxy, the name in the certificate, or the peer.
    pub found: Vec<String>,
    /// What names the proxy, where there is one: then it is what is looked up and connected to.
    pub proxy: Option<String>,
    /// Of the TLS handshake, good or not: what the server showed, as DER, its own first.
    pub certificates: Vec<Vec<u8>>,
    /// No stage follows one that failed.
    pub ended: Result<(), Error>,
}

impl Channel {
    /// Goes the way to the gateway, beside the channel's connections. The receiver gets each stage as it ends, `timeout` at most
    /// for each, and then its own end. Nothing is said to the gateway beyond HTTP/2's preface.
    pub fn walk(self: &Arc<Self>, timeout: Duration) -> Result<mpsc::Receiver<Leg>, Error> {
        let balancer = self.balancer.as_ref().map_err(of_call)?;
        let (told, legs) = mpsc::channel();
        let walk = Walk {
            connector: Arc::clone(balancer.connector()),
            timeout,
            told,
        };
        self.spawn(|_| {
            Ok(Box::pin(async move {
                // What failed was told.
                walk.go().await.ok();
            }))
        })?;
        Ok(legs)
    }
}

/// A stage has failed, and was told.
struct Failed;

struct Walk {
    connector: Arc<Connector>,
    timeout: Duration,
    told: mpsc::Sender<Leg>,
}

impl Walk {
    async fn go(&self) -> Result<(), Failed> {
        let endpoints = self.look_up().await?;
        let connected = self.timed(self.connect(&endpoints)).await;
        let found = |(_, peer): &(BoxStream, String)| vec![peer.clone()];
        let (stream, mut peer) = self.tell(Stage::Connect, connected, found)?;
        let stream = match &self.connector.proxy {
            None => stream,
            Some(tunnel) => {
                let tunnelled = self.timed(tunnel.connect(stream)).await;
                let stream = self.tell(Stage::Proxy, tunnelled, |_| vec![tunnel.to_string()])?;
                peer = tunnel.peer(&peer);
                stream
            }
        };
        let stream: BoxStream = match &self.connector.security {
            Security::Tls(tls) => self.secure(tls, stream, &peer, &endpoints).await?,
            Security::Plaintext | Security::Local => stream,
        };
        let opened = self.timed(self.connector.open(stream, peer, None)).await;
        self.tell(Stage::Http2, opened, |opened| vec![opened.peer.clone()])?;
        Ok(())
    }

    async fn look_up(&self) -> Result<Vec<Endpoint>, Failed> {
        let resolver = &self.connector.resolver;
        let looked_up = self.timed(resolver.endpoints()).await;
        if resolver.name().is_none() && looked_up.1.is_ok() {
            return looked_up.1.map_err(|_| Failed);
        }
        let found = |endpoints: &Vec<Endpoint>| endpoints.iter().map(Endpoint::to_string).collect();
        self.tell(Stage::Lookup, looked_up, found)
    }

    /// To the first that answers.
    async fn connect(&self, endpoints: &[Endpoint]) -> Result<(BoxStream, String), Error> {
        dial::race(endpoints, |endpoint| async {
            let peer = self.connector.peer(endpoint);
            let stream = dial::connect(endpoint, &peer).await?;
            Ok((stream, peer))
        })
        .await
    }

    async fn secure(
        &self,
        tls: &Arc<TlsCredentials>,
        stream: BoxStream,
        peer: &str,
        endpoints: &[Endpoint],
    ) -> Result<BoxStream, Failed> {
        let (took, ended) = self.timed(self.connector.secured(tls, stream, peer)).await;
        let certificates = match &ended {
            Ok(stream) => {
                let shown = stream.get_ref().1.peer_certificates();
                shown.unwrap_or_default().to_vec()
            }
            // Nothing is known of them then, which is no further failure.
            Err(_) => self
                .timed(self.shown(endpoints))
                .await
                .1
                .unwrap_or_default(),
        };
        let (stream, ended) = match ended {
            Ok(stream) => (Some(stream), Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.told_leg(Leg {
            stage: Stage::Tls,
            took,
            found: vec![self.connector.server_name.clone()],
            proxy: self.proxy(),
            certificates: certificates.iter().map(|der| der.to_vec()).collect(),
            ended,
        });
        stream.map(|stream| Box::new(stream) as _).ok_or(Failed)
    }

    /// What the server shows to a handshake that is for nothing else.
    async fn shown(&self, endpoints: &[Endpoint]) -> Result<Vec<CertificateDer<'static>>, Error> {
        let (shown, config) = ShownChain::new()?;
        let (stream, _) = self.connect(endpoints).await?;
        let stream: BoxStream = match &self.connector.proxy {
            None => stream,
            Some(tunnel) => tunnel.connect(stream).await?,
        };
        let name = self.connector.server_name()?;
        // It fails, as it should.
        drop(TlsConnector::from(config).connect(name, stream).await);
        Ok(shown.take())
    }

    /// What became of it within the time that a stage has, and how long it took.
    async fn timed<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> (Duration, Result<T, Error>) {
        let began = Instant::now();
        let way = &self.connector.resolver;
        let ended = within(Some(self.timeout), work, |ms| {
            format!("{way}: no answer within {ms} ms")
        });
        let ended = ended.await;
        (began.elapsed(), ended)
    }

    fn tell<T>(
        &self,
        stage: Stage,
        (took, ended): (Duration, Result<T, Error>),
        found: impl FnOnce(&T) -> Vec<String>,
    ) -> Result<T, Failed> {
        let found = ended.as_ref().map_or_else(|_| Vec::new(), found);
        let (value, ended) = match ended {
            Ok(value) => (Ok(value), Ok(())),
            Err(error) => (Err(Failed), Err(error)),
        };
        self.told_leg(Leg {
            stage,
            took,
            found,
            proxy: self.proxy(),
            certificates: Vec::new(),
            ended,
        });
        value
    }

    fn proxy(&self) -> Option<String> {
        let tunnel = self.connector.proxy.as_ref();
        tunnel.map(|tunnel| tunnel.proxy.source().to_string())
    }

    fn told_leg(&self, leg: Leg) {
        // Who does not listen any more needs no answer.
        self.told.send(leg).ok();
    }
}
