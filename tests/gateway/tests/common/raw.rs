//! A bare HTTP/2 client, which shows an answer as it came, and a barer one, which shows the frames.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use h2::client::SendRequest;
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Running;

/// Long enough for anything that is to happen.
const PATIENCE: Duration = Duration::from_secs(10);
/// Long enough to believe that nothing happens.
const SILENCE: Duration = Duration::from_millis(200);
/// A message of no bytes: no field is set.
const EMPTY_MESSAGE: &[u8] = &[0; 5];

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, event).await;
    outcome.expect("it does not happen")
}

pub(crate) async fn not_soon<T>(event: impl Future<Output = T>) {
    let outcome = tokio::time::timeout(SILENCE, event).await;
    assert!(outcome.is_err(), "it happens");
}

pub(crate) async fn connect(gateway: &Running, listener: &str) -> Box<dyn Io> {
    match listener {
        "unix" => {
            let path = gateway.path("unix");
            Box::new(UnixStream::connect(path).await.expect("a connection"))
        }
        "plaintext_v6" => Box::new(tcp("::1", gateway.port(listener)).await),
        "tls" => Box::new(tls(gateway, listener, &tls_config(gateway)).await),
        _ => Box::new(tcp("127.0.0.1", gateway.port(listener)).await),
    }
}

pub(crate) async fn tcp(host: &str, port: u16) -> TcpStream {
    let stream = TcpStream::connect((host, port)).await;
    stream.expect("a connection")
}

pub(crate) fn tls_config(gateway: &Running) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(Path::new(&gateway.path("ca"))).expect("the CA");
    roots.add(ca).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

pub(crate) async fn tls(
    gateway: &Running,
    listener: &str,
    config: &Arc<ClientConfig>,
) -> TlsStream<TcpStream> {
    try_tls(gateway, listener, config)
        .await
        .expect("a handshake")
}

pub(crate) async fn try_tls(
    gateway: &Running,
    listener: &str,
    config: &Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = tcp("127.0.0.1", gateway.port(listener)).await;
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(Arc::clone(config));
    connector.connect(name, stream).await
}

/// What came of a call, in order.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) status: Option<u16>,
    pub(crate) headers: HeaderMap,
    /// The response headers ended the stream.
    pub(crate) trailers_only: bool,
    pub(crate) data: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) error: Option<h2::Error>,
}

pub(crate) fn lock(exchange: &Mutex<Exchange>) -> MutexGuard<'_, Exchange> {
    exchange.lock().expect("no panic")
}

/// An HTTP/2 connection on which calls with empty messages are made.
#[derive(Clone)]
pub(crate) struct Raw(pub(crate) SendRequest<Bytes>);

impl Raw {
    pub(crate) async fn connect(gateway: &Running, listener: &str) -> Self {
        let stream = connect(gateway, listener).await;
        let client = h2::client::Builder::new()
            .max_header_list_size(1 << 20)
            .handshake(stream);
        let (client, connection) = client.await.expect("a handshake");
        tokio::spawn(connection);
        Self(client)
    }

    pub(crate) async fn topology(&self) -> Exchange {
        self.call("Topology", &[]).await
    }

    pub(crate) async fn call(&self, rpc: &str, headers: &[(&str, &str)]) -> Exchange {
        let exchange = Mutex::default();
        let outcome = soon(self.exchange(rpc, headers, &exchange)).await;
        let mut exchange = exchange.into_inner().expect("no panic");
        exchange.error = outcome.err();
        exchange
    }

    /// Writes what comes into `into`, so that it is seen at once, and even if the call is given up.
    pub(crate) async fn exchange(
        &self,
        rpc: &str,
        headers: &[(&str, &str)],
        into: &Mutex<Exchange>,
    ) -> Result<(), h2::Error> {
        let mut request = Request::post(format!("http://localhost/gateway_protocol.Gateway/{rpc}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        let mut client = self.0.clone().ready().await?;
        let (response, mut sending) = client.send_request(request, false)?;
        sending.send_data(Bytes::from_static(EMPTY_MESSAGE), true)?;
        let (parts, mut body) = response.await?.into_parts();
        {
            let mut into = lock(into);
            into.status = Some(parts.status.as_u16());
            into.headers = parts.headers;
            into.trailers_only = body.is_end_stream();
        }
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            lock(into).data.extend_from_slice(&data);
        }
        let trailers = body.trailers().await?;
        lock(into).trailers = trailers;
        Ok(())
    }
}

/// A connection seen as frames.
pub(crate) struct Framed(Box<dyn Io>);

#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) payload: Vec<u8>,
}

impl Framed {
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;

    pub(crate) async fn connect(gateway: &Running, listener: &str) -> Self {
        let mut stream = connect(gateway, listener).await;
        let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        stream.write_all(hello).await.expect("a preface");
        Self(stream)
    }

    pub(crate) async fn ping(&mut self) {
        let ping = b"\0\0\x08\x06\0\0\0\0\0pingpong";
        self.0.write_all(ping).await.expect("a ping");
    }

    /// The next frame of this type.
    pub(crate) async fn next(&mut self, kind: u8) -> Frame {
        loop {
            let mut header = [0; 9];
            self.0.read_exact(&mut header).await.expect("a header");
            let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
            let mut payload = vec![0; length as usize];
            self.0.read_exact(&mut payload).await.expect("a payload");
            if header[3] == kind {
                let flags = header[4];
                return Frame {
                    kind,
                    flags,
                    payload,
                };
            }
        }
    }
}
