//! The calls of gRPC's interoperability service that its compression cases and tests/c/peers.c need, on a free loopback port,
//! which is printed. Ends with its standard input.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod flags;
mod messages;
mod service;

use std::convert::Infallible;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;
use std::{process, thread};

use clap::Parser;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};

#[derive(Debug, Parser)]
struct Options {
    /// PEM file of the certificate; without it there is no TLS.
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    /// PEM file of the certificate's key.
    #[arg(long)]
    key: Option<PathBuf>,
    /// How long a connection lives before it is drained, in milliseconds.
    #[arg(long)]
    max_connection_age: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let mut server = Server::builder();
    if let (Some(certificate), Some(key)) = (options.certificate, options.key) {
        let identity = Identity::from_pem(fs::read(certificate)?, fs::read(key)?);
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    if let Some(age) = options.max_connection_age {
        server = server.max_connection_age(Duration::from_millis(age));
    }
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
    writeln!(io::stdout(), "{}", incoming.local_addr()?.port())?;
    let service =
        tower::service_fn(async |request| Ok::<_, Infallible>(service::answer(request).await));
    // On a thread of its own, as a read of standard input cannot be cancelled. An error, too, means that nobody is there.
    thread::spawn(|| {
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        process::exit(0);
    });
    server.serve_with_incoming(service, incoming).await?;
    Ok(())
}
