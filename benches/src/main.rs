//! `make bench`: runs clients of a Zeebe gateway in turn against one server on loopback, and says how
//! they compare. The server has a core to itself, and so have the clients, one at a time.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod clients;
mod goals;
mod report;
mod rows;
mod samples;
mod server;
mod watch;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use zeebe_benches::Outcome;

use clients::Client;
use report::picture;
use rows::Row;
use samples::{Sample, Samples};
use server::Server;
use watch::Watch;

/// Compares clients of a Zeebe gateway side by side.
#[derive(Debug, Parser)]
struct Options {
    /// Rows to run, by how their names begin, such as `unary-64,tls-unary`
    #[arg(long, env = "ROWS", value_delimiter = ',')]
    rows: Vec<String>,
    /// Clients to run, by their names
    #[arg(long, env = "CLIENTS", value_delimiter = ',')]
    clients: Vec<String>,
    /// How often each client runs each row
    #[arg(long, env = "BENCH_ROUNDS", default_value_t = 5)]
    rounds: usize,
    /// How long it is measured
    #[arg(long, env = "BENCH_SECONDS", default_value_t = 0.8)]
    seconds: f64,
    /// Where the report goes, and its picture beside it; only of all rows and clients
    #[arg(long)]
    write: Option<PathBuf>,
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    let rows = Row::named(&options.rows)?;
    let clients = Client::named(&options.clients)?;
    let is_complete = options.rows.is_empty() && options.clients.is_empty();
    // For the thousand channels of a row, and as many connections of the server.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;

    let mut server = Server::start()?;
    let watch = Watch::start()?;
    let mut samples = Samples::default();
    let mut failures = 0;
    for (number, row) in rows.iter().enumerate() {
        for round in 1..=options.rounds {
            progress(&format!(
                "{} ({} of {}), round {round} of {}",
                row.name(),
                number + 1,
                rows.len(),
                options.rounds
            ));
            for client in clients
                .iter()
                .filter(|client| client.runs(row) && client.takes_part_in(round))
            {
                let (server_cpu, outcome) =
                    server.cpu_while(|server| client.run(server, row, options.seconds))?;
                match outcome {
                    Ok(measurement) => {
                        let sample = Sample {
                            measurement,
                            server_cpu,
                        };
                        progress(&format!("  {:11} {}", client.name, report::line(&sample)));
                        samples.add(row, client, round, sample);
                    }
                    Err(error) => {
                        failures += 1;
                        progress(&format!("  {:11} FAILED: {error}", client.name));
                    }
                }
            }
        }
    }

    let others = watch.others(server.cpu_us()?)?;
    let report = report::markdown(&rows, &clients, &samples, &options, others);
    writeln!(io::stdout(), "{report}")?;
    if failures > 0 {
        return Err(format!("{failures} runs failed, see above; no report was written").into());
    }
    if let Some(path) = options.write.filter(|_| is_complete) {
        fs::write(&path, report)?;
        let picture = path.with_file_name(picture::NAME);
        fs::write(&picture, picture::svg(&rows, &clients, &samples)?)?;
        progress(&format!(
            "written to {} and {}",
            path.display(),
            picture.display()
        ));
    }
    Ok(())
}

fn progress(line: &str) {
    // A closed terminal is no reason to stop.
    writeln!(io::stderr(), "{line}").ok();
}
