#!/usr/bin/env bash
# A write of 60 000 bytes to a TLS connection that is lost after 40 000: tokio-rustls says that it failed, and the server has read 32 768 of them.
#
# tokio has it that after an error of write() no bytes were written, so that a client of HTTP/2 or gRPC may take a request for one that never left, and
# send it again over another connection. rustls cuts a write into records of 16 KiB; tokio-rustls sends them in several writes, and passes on the error
# of a later one, though the earlier ones are gone, decrypted, and perhaps acted upon: the request is done twice. rustls' own blocking Stream, on the
# same connection, says Ok and has the error come with the next write. As long as requests fit into one record, and the socket takes all, nobody sees a difference: a
# part of a record is nothing that can be read. Real sockets show it only where the loss comes between two writes of one call.
# libzeebe takes nothing for unsent that was in a failed write of more than a record, or behind one that was still under way.
#
# Seen: tokio-rustls 0.26.6, rustls 0.23.46 with ring, tokio 1.54.1 (Rust 1.95.0).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src

cat > Cargo.toml <<'T'
[package]
name = "cut"
version = "0.0.0"
edition = "2024"

[dependencies]
rcgen = { version = "=0.14.10", default-features = false, features = ["ring"] }
rustls = { version = "=0.23.46", default-features = false, features = ["ring", "std", "tls12"] }
tokio = { version = "=1.54.1", features = ["io-util", "macros", "net", "rt"] }
tokio-rustls = { version = "=0.26.6", default-features = false, features = ["ring", "tls12"] }
T
cat > src/main.rs <<'T'
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};

use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// How much the connection takes until it is lost.
const TAKES: usize = 40_000;
const WRITTEN: usize = 60_000;

/// Of the connection's life what is left.
#[derive(Clone)]
struct Left(Arc<AtomicUsize>);

impl Left {
    fn of(&self, length: usize) -> io::Result<usize> {
        match self.0.load(Ordering::Relaxed).min(length) {
            0 => Err(io::ErrorKind::ConnectionReset.into()),
            now => Ok(now),
        }
    }
    fn went(&self, length: usize) {
        self.0.fetch_sub(length, Ordering::Relaxed);
    }
}

struct Cut<S>(S, Left);

impl<S: Read> Read for Cut<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Write> Write for Cut<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let now = self.1.of(bytes.len())?;
        let written = self.0.write(&bytes[..now])?;
        self.1.went(written);
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Cut<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cut<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let now = self.1.of(bytes.len())?;
        let written = Pin::new(&mut self.0).poll_write(context, &bytes[..now]);
        if let Poll::Ready(Ok(length)) = written {
            self.1.went(length);
        }
        written
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Says how many bytes it could read until the connection was gone.
fn serve(config: Arc<ServerConfig>) -> (std::net::SocketAddr, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (say, read) = mpsc::channel();
    std::thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        let mut stream = rustls::StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
        let (mut sum, mut buffer) = (0, vec![0; WRITTEN]);
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            sum += length;
        }
        say.send(sum).unwrap();
    });
    (address, read)
}

fn shown(written: io::Result<usize>) -> String {
    written.map_or_else(|error| format!("Err({:?})", error.kind()), |length| format!("Ok({length})"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let server = Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let client = Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
    let name = ServerName::try_from("localhost").unwrap();
    let bytes = vec![7; WRITTEN];

    let (address, read) = serve(Arc::clone(&server));
    let left = Left(Arc::new(AtomicUsize::new(usize::MAX)));
    let mut connection = ClientConnection::new(Arc::clone(&client), name.clone()).unwrap();
    let mut socket = Cut(TcpStream::connect(address).unwrap(), left.clone());
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).unwrap();
    }
    left.0.store(TAKES, Ordering::Relaxed);
    let written = rustls::Stream::new(&mut connection, &mut socket).write(&bytes);
    drop(socket);
    println!("rustls::Stream: {}, the server reads {}", shown(written), read.recv().unwrap());

    let (address, read) = serve(server);
    let left = Left(Arc::new(AtomicUsize::new(usize::MAX)));
    let socket = Cut(tokio::net::TcpStream::connect(address).await.unwrap(), left.clone());
    let mut stream = tokio_rustls::TlsConnector::from(client).connect(name, socket).await.unwrap();
    left.0.store(TAKES, Ordering::Relaxed);
    let written = stream.write(&bytes).await;
    drop(stream);
    println!("tokio_rustls: {}, the server reads {}", shown(written), read.recv().unwrap());
}
T
cargo run --quiet | tee seen

diff seen - <<'T' && echo "as it was seen"
rustls::Stream: Ok(60000), the server reads 32768
tokio_rustls: Err(ConnectionReset), the server reads 32768
T
