//! The server of the benchmark: as much of HTTP/2 and gRPC as its clients need, and no more, so
//! that it is not the limit. It does not decode what a request says: which port it comes to
//! decides what is answered.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod answer;
mod certificate;
mod connection;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, process, thread};

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use zeebe_benches::Outcome;
use zeebe_benches::meter::cpu_us;

use answer::Answer;

/// Prints its ports as JSON, then its processor time in microseconds for each line of its standard
/// input, and ends with that. Its one argument is the file for the certificate that clients shall trust.
fn main() -> Outcome<()> {
    let ca = PathBuf::from(env::args_os().nth(1).ok_or("usage: server CA_FILE")?);
    thread::spawn(|| {
        if let Err(error) = answer_asks() {
            complain(&error);
        }
        process::exit(0);
    });
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(ca))
}

fn answer_asks() -> io::Result<()> {
    for line in io::stdin().lines() {
        line?;
        writeln!(io::stdout(), "{}", cpu_us()?)?;
    }
    Ok(())
}

async fn serve(ca: PathBuf) -> Outcome<()> {
    let tls = TlsAcceptor::from(certificate::create(&ca)?);
    let mut ports = serde_json::Map::new();
    for (security, tls) in [("plaintext", None), ("tls", Some(tls))] {
        let mut answers = serde_json::Map::new();
        for (name, answer) in Answer::all() {
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
