//! The command `zeebe-dev-gateway`.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::thread;

use clap::{CommandFactory, Parser};
use clap_mangen::Man;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use zeebe_dev_gateway::{Options, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let options = Options::parse();
    if let Some(share) = &options.manual {
        return Ok(write_manual(share)?);
    }
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

fn write_manual(share: &Path) -> io::Result<()> {
    let mut page = Vec::new();
    Man::new(Options::command()).render(&mut page)?;
    let pages = share.join("man/man1");
    fs::create_dir_all(&pages)?;
    fs::write(pages.join("zeebe-dev-gateway.1"), page)
}

/// On a thread of its own, as a read of standard input cannot be cancelled and must not delay the exit.
fn cancel_at_end_of_stdin(stop: CancellationToken) {
    thread::spawn(move || {
        // An error, too, means that nobody is there.
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        stop.cancel();
    });
}
