//! The command `zeebe-dev-gateway`.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

use std::error::Error;
use std::io::{self, Write};
use std::thread;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use zeebe_dev_gateway::{Options, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let options = Options::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let exits_with_stdin = options.exit_with_stdin;
    let server = Server::start(options).await?;
    writeln!(io::stdout(), "{}", server.ready_line())?;
    io::stdout().flush()?;

    let stop = server.stop();
    if exits_with_stdin {
        cancel_at_end_of_stdin(stop.clone());
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    server.stopped().await;
    Ok(())
}

/// On a thread of its own, as a read of standard input cannot be cancelled and must not delay the exit.
fn cancel_at_end_of_stdin(stop: CancellationToken) {
    thread::spawn(move || {
        // An error, too, means that nobody is there.
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        stop.cancel();
    });
}
