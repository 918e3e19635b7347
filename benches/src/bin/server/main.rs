//! The server of the benchmark: as much of HTTP/2 and gRPC as its clients need, and no more, so
//! that it is not the limit. It does not decode what a request says: which port it comes to
//! decides what is answered, but for the port of job workers.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod answer;
mod certificate;
mod connection;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::{process, thread};

use clap::Parser;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use zeebe_benches::Outcome;
use zeebe_benches::meter::cpu_us;

use answer::Answer;

/// Prints its ports as JSON, then its processor time in microseconds for each line of its standard
/// input, and ends with that.
#[derive(Debug, Parser)]
struct Options {
    /// Where the certificate goes that clients shall trust
    ca: PathBuf,
    /// Answer in lockstep, so that a client has the same work each time however busy the machine is: calls when so
    /// many of a connection wait, all in one write, and of a long answer the next write when the last one was read
    #[arg(long, value_name = "CALLS")]
    lockstep: Option<usize>,
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    thread::spawn(|| {
        if let Err(error) = answer_asks() {
            complain(&error);
        }
        process::exit(0);
    });
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(options))
}

fn answer_asks() -> io::Result<()> {
    for line in io::stdin().lines() {
        line?;
        writeln!(io::stdout(), "{}", cpu_us()?)?;
    }
    Ok(())
}

async fn serve(options: Options) -> Outcome<()> {
    let tls = TlsAcceptor::from(certificate::create(&options.ca)?);
    let mut ports = serde_json::Map::new();
    for (security, tls) in [("plaintext", None), ("tls", Some(tls))] {
        let mut answers = serde_json::Map::new();
        for (name, mut answer) in Answer::all() {
            if let Some(calls) = options.lockstep {
                answer.in_lockstep(calls);
            }
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            answers.insert(name.to_owned(), listener.local_addr()?.port().into());
            tokio::spawn(listen(listener, tls.clone(), Arc::new(answer)));
        }
        ports.insert(security.to_owned(), answers.into());
    }
    writeln!(io::stdout(), "{}", serde_json::Value::from(ports))?;
    std::future::pending().await
}

async fn listen(listener: TcpListener, tls: Option<TlsAcceptor>, answer: Arc<Answer>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                complain(&error);
                continue;
            }
        };
        let (tls, answer) = (tls.clone(), Arc::clone(&answer));
        tokio::spawn(async move {
            let served = async {
                stream.set_nodelay(true)?;
                match tls {
                    Some(tls) => connection::serve(tls.accept(stream).await?, &answer).await,
                    None => connection::serve(stream, &answer).await,
                }
            };
            if let Err(error) = served.await
                && !is_abrupt_end(&error)
            {
                complain(&error);
            }
        });
    }
}

/// Clients end their connections as they like.
fn is_abrupt_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

fn complain(error: &io::Error) {
    // A closed terminal is no reason to stop.
    writeln!(io::stderr(), "server: {error}").ok();
}
