//! The command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;

use crate::assertions::ClientKey;
use crate::rpcs::{ANSWERED, UNANSWERED};

/// The audience of Camunda's own cloud, which the `cloud` listener requires.
pub(crate) const CLOUD_AUDIENCE: &str = "zeebe.camunda.io";

/// A Zeebe gateway for development and tests. It is no engine: it keeps the jobs of simple processes in
/// memory, checks tokens, and misbehaves when told to.
#[derive(Debug, Clone, Parser)]
#[command(name = "zeebe-dev-gateway", version, after_help = rpcs())]
pub struct Options {
    /// Write the ports, the certificates' paths and the process id here, as JSON, once everything listens
    #[arg(long, value_name = "PATH")]
    pub ports_file: Option<PathBuf>,

    /// Deploy these at start: BPMN processes, DMN decisions, forms
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub seed: Vec<PathBuf>,

    /// Write every call with its metadata here, a line of JSON each, or on standard output with -; tokens are left out
    #[arg(long, value_name = "PATH")]
    pub call_log: Option<PathBuf>,

    /// Write the certificates into this directory [default: a temporary one, removed at a clean exit]
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,

    /// A client that the token endpoint knows; may be repeated
    #[arg(
        long = "client",
        value_name = "ID:SECRET",
        default_value = "demo-client:demo-secret"
    )]
    pub clients: Vec<Client>,

    /// A client that signs assertions, and the file with its public key; may be repeated
    #[arg(long = "client-key", value_name = "ID:PEMFILE")]
    pub client_keys: Vec<ClientKey>,

    /// The audience that the `*_oauth` listeners require, and that of a token asked for without one
    #[arg(long, default_value = "zeebe-api")]
    pub audience: String,

    /// How long an issued token is good
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = seconds)]
    pub token_lifetime: Duration,

    /// How long the servers' certificates are good, which renewed ones are, too [default: for ever]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub certificate_lifetime: Option<Duration>,

    /// A scope that the `*_oauth` listeners require of the gateway's own tokens
    #[arg(long)]
    pub scope: Option<String>,

    /// The servers' certificates and the tokens are good from so long after now, as if the client's clock were slow
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub clock_ahead: Duration,

    /// An authorization server whose signed tokens are taken, too: what they have in `iss`; may be repeated
    #[arg(long = "issuer", value_name = "URL", value_parser = plain_http)]
    pub issuers: Vec<String>,

    /// A request to the control port that is carried out before the first call, as /latency?ms=50; what follows a space
    /// is its body; may be repeated
    #[arg(long, value_name = "REQUEST")]
    pub misbehave: Vec<String>,

    /// The cluster's id; the cloud listener is `{cluster id}.{region}.zeebe.camunda.io`
    #[arg(long, default_value = "demo-cluster")]
    pub cluster_id: String,

    /// The region of the cloud listener's host name
    #[arg(long, default_value = "bru-2")]
    pub region: String,

    /// How many partitions the topology shows and jobs are spread over
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=1024))]
    pub partitions: i32,

    /// Keys begin here: one that is started again forgets what it gave, but may go on with others, as a cluster would
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..1 << 40))]
    pub first_key: i64,

    /// The port of the plaintext listener; 0 is any free one, as for all others
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub plaintext_port: u16,

    /// Stop when standard input is closed, so that no test leaves the gateway behind
    #[arg(long)]
    pub exit_with_stdin: bool,

    /// Write the man page below this directory, and do no more; make runs this
    #[arg(long, hide = true, value_name = "SHARE")]
    pub manual: Option<PathBuf>,
}

/// What a client shows to the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub id: String,
    pub secret: String,
}

impl FromStr for Client {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((id, secret)) if !id.is_empty() => Ok(Self {
                id: id.to_owned(),
                secret: secret.to_owned(),
            }),
            _ => Err("expected ID:SECRET".to_owned()),
        }
    }
}

/// So many that every clock and calendar can hold their end.
fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<u32>()
        .map(|seconds| Duration::from_secs(seconds.into()))
        .map_err(|_| format!("expected whole seconds, up to {}", u32::MAX))
}

/// The keys are fetched without TLS: from this machine, as a rule.
fn plain_http(text: &str) -> Result<String, String> {
    match text.strip_prefix("http://") {
        Some(rest) if !rest.is_empty() => Ok(text.to_owned()),
        _ => Err("expected http://host:port and perhaps a path".to_owned()),
    }
}

fn rpcs() -> String {
    format!(
        "RPCs that are real, on in-memory state:\n  {}\n\nRPCs that answer UNIMPLEMENTED:\n  {}",
        ANSWERED.join(", "),
        UNANSWERED.join(", ")
    )
}
