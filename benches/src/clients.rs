//! Who is compared: the programs, and how one is run.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::ValueEnum;
use zeebe_benches::Outcome;
use zeebe_benches::run::{Kind, Measurement};

use crate::rows::{Row, Security};
use crate::server::Server;

#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    program: PathBuf,
    /// What comes before the arguments that all clients have.
    first_argument: Option<&'static str>,
}

/// What ratios are to, but for the row of job workers.
pub(crate) const REFERENCE: &str = "tonic";
pub(crate) const ZEEBE: &str = "zeebe";
pub(crate) const QUEUE: &str = "zeebe-queue";
pub(crate) const DRIVEN: &str = "zeebe-driven";
const TONIC_RAW: &str = "tonic-raw";
pub(crate) const ZEEBE_JAVA: &str = "zeebe-java";
pub(crate) const GRPC_JAVA: &str = "grpc-java";
/// The workers of others.
pub(crate) const CAMUNDA_JAVA: &str = "camunda-java";
pub(crate) const PYZEEBE: &str = "pyzeebe";
const DEFAULT: [&str; 14] = [
    ZEEBE,
    QUEUE,
    DRIVEN,
    REFERENCE,
    TONIC_RAW,
    "grpc-c++",
    "grpc-go",
    "zeebe-go",
    ZEEBE_JAVA,
    GRPC_JAVA,
    "zeebe-python",
    "grpc-python",
    CAMUNDA_JAVA,
    PYZEEBE,
];
/// Only when asked for: there to show which of its runtimes is the better one for tonic.
const ON_REQUEST: [&str; 1] = ["tonic-multi-thread"];

impl Client {
    /// Those asked for, else the usual ones; in the order of the list, and without those not built.
    pub(crate) fn named(names: &[String]) -> Outcome<Vec<Self>> {
        let all = DEFAULT.iter().chain(&ON_REQUEST);
        if let Some(unknown) = names
            .iter()
            .find(|name| !all.clone().any(|known| known == name))
        {
            let known: Vec<&str> = all.copied().collect();
            return Err(format!(
                "no client is called {unknown:?}; there are {}",
                known.join(", ")
            )
            .into());
        }
        let mut clients = Vec::new();
        for name in all {
            let is_asked_for = if names.is_empty() {
                DEFAULT.contains(name)
            } else {
                names.iter().any(|asked| asked == name)
            };
            if !is_asked_for {
                continue;
            }
            let client = Self::new(name)?;
            if client.program.exists() {
                clients.push(client);
            } else {
                crate::progress(&format!(
                    "{name} is left out: {} is not built",
                    client.program.display()
                ));
            }
        }
        Ok(clients)
    }

    /// The usual ones, built or not.
    #[cfg(test)]
    pub(crate) fn all() -> Outcome<Vec<Self>> {
        DEFAULT.into_iter().map(Self::new).collect()
    }

    fn new(name: &'static str) -> Outcome<Self> {
        let is_tonic = name.starts_with("tonic");
        Ok(Self {
            name,
            program: if is_tonic {
                sibling("tonic-client")?
            } else {
                sibling("../drivers")?.join(name)
            },
            first_argument: is_tonic.then_some(name),
        })
    }

    /// A queue is for calls; a slow receiver is one that takes from a queue. Java and Python have few rows, and workers their own.
    pub(crate) fn runs(&self, row: &Row) -> bool {
        let is_worker = [CAMUNDA_JAVA, PYZEEBE].contains(&self.name);
        if is_worker || row.kind == Kind::Jobs {
            return row.kind == Kind::Jobs && (is_worker || self.name == ZEEBE);
        }
        if self.is_java() {
            let is_of_goals = row.in_flight != 16 && !row.has_token;
            let is_plaintext = row.security == Security::Plaintext;
            let has_kind = [Kind::Unary, Kind::Stream, Kind::Cold].contains(&row.kind);
            return is_plaintext && is_of_goals && has_kind;
        }
        if self.name.ends_with("-python") {
            let is_unary = row.kind == Kind::Unary && row.in_flight <= 64;
            return is_unary || [Kind::Stream, Kind::Cold, Kind::Idle].contains(&row.kind);
        }
        match row.kind {
            Kind::Unary | Kind::Stream => true,
            Kind::Slow => self.name == QUEUE,
            Kind::Cold | Kind::Idle => ![QUEUE, DRIVEN].contains(&self.name),
            // Others do not say when their calls are sent.
            Kind::Held => [ZEEBE, REFERENCE, TONIC_RAW].contains(&self.name),
            Kind::Jobs => false, // above
        }
    }

    /// Java only in every other round, for each of its runs warms up for long.
    pub(crate) fn takes_part_in(&self, round: usize) -> bool {
        !self.is_java() || round % 2 == 1
    }

    fn is_java(&self) -> bool {
        [ZEEBE_JAVA, GRPC_JAVA, CAMUNDA_JAVA].contains(&self.name)
    }

    pub(crate) fn run(&self, server: &Server, row: &Row, seconds: f64) -> Outcome<Measurement> {
        let mut command = Command::new("timeout");
        command
            .arg(format!("{}", 60.0 + 3.0 * seconds))
            .args(["taskset", "--cpu-list", "1"])
            .arg(&self.program)
            .args(self.first_argument)
            .arg(server.address(row)?)
            .arg(server.ca(row))
            .arg(
                row.kind
                    .to_possible_value()
                    .ok_or("a row has no name")?
                    .get_name(),
            )
            .arg(row.in_flight.to_string())
            .arg(seconds.to_string());
        // Proxies, addresses and tuning of the one who runs it are not what is measured.
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default());
        if row.has_token {
            command.env("TOKEN", token());
        }
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}: {}", output.status, said.trim()).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// As long as tokens of authorization servers are, and as little to be compressed.
fn token() -> String {
    const LENGTH: usize = 907;
    const BASE64_URL: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = 1_u64;
    let character = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(BASE64_URL[(state >> 58) as usize])
    };
    std::iter::repeat_with(character).take(LENGTH).collect()
}

/// A path beside this program.
pub(crate) fn sibling(path: &str) -> Outcome<PathBuf> {
    let this = env::current_exe()?;
    let directory = this.parent().ok_or("this program is in no directory")?;
    Ok(directory.join(path))
}
