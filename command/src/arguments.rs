//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Looks at a Zeebe gateway, talks to it, and says why that fails.
///
/// Where the gateway is, and how to prove who asks, is said by the variables that every client of Camunda 8 reads: ZEEBE_ADDRESS,
/// ZEEBE_INSECURE_CONNECTION, CAMUNDA_CLIENT_ID, CAMUNDA_CLIENT_SECRET, CAMUNDA_OAUTH_URL, CAMUNDA_TOKEN_AUDIENCE, CAMUNDA_CLUSTER_ID
/// and others.
#[derive(Debug, Parser)]
#[command(name = "zeebe", version, term_width = 80, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Print JSON, errors on standard error included
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// How long a call or a step of the doctor may take [default: 10], and how long jobs are shown [default: until it is stopped]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What a script may rely on; `failure` says which error is which.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done, and all is well
  1  the gateway has refused or failed the call
  2  the arguments, a file or JSON that was given cannot be used
  3  a variable is missing, or its value cannot be used
  4  the gateway, the token endpoint or a named file cannot be reached in time
  5  the client's credentials are not taken, or allow too little";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look for what is wrong, from the settings to a job stream, and say which variable to change
    Doctor,

    /// Make any call, from JSON to JSON
    Call {
        /// Its name, such as Topology or PublishMessage
        #[arg(value_name = "RPC")]
        rpc: String,

        /// The request, - to read it from standard input, or @FILE
        #[arg(value_name = "JSON", default_value = "{}")]
        request: String,
    },

    /// Show the brokers and their partitions
    Topology,

    /// Deploy processes, decisions and forms, all of them or none
    Deploy(Deploy),

    /// Start an instance of a process
    Create(Create),

    /// Show the jobs of a type as they come; they are taken, for --job-timeout
    Jobs(Jobs),

    /// Write the man page and the completions of shells below a directory
    #[command(hide = true)]
    Manual {
        /// As PREFIX/share is
        #[arg(value_name = "DIRECTORY")]
        share: PathBuf,
    },

    /// Ask the token endpoint for a token, and say how long it is good; the token is never shown
    Token,
}

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// .bpmn, .dmn and .form files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// The tenant, where there are several
    #[arg(long, value_name = "ID")]
    pub(crate) tenant: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The process, by its BPMN id
    #[arg(value_name = "PROCESS_ID")]
    pub(crate) process_id: String,

    /// A JSON object, - to read it from standard input, or @FILE
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) variables: String,

    /// A version of the process [default: the latest]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) version: Option<i32>,

    /// The tenant, where there are several
    #[arg(long, value_name = "ID")]
    pub(crate) tenant: Option<String>,

    /// Wait until the instance has ended, --timeout at most, and show its variables
    #[arg(long)]
    pub(crate) result: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Jobs {
    /// The type of the jobs
    #[arg(value_name = "TYPE")]
    pub(crate) job_type: String,

    /// End after so many jobs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,

    /// A job that is shown is nobody else's for so long, and comes again then
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) job_timeout: Duration,
}

/// From a millisecond to a day.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    seconds
        .filter(|seconds| (0.001..=86_400.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "expected seconds, from 0.001 to 86400".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn seconds_have_bounds() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["", "0", "-1", "nan", "inf", "1e9", "10s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
