//! `zeebe`: looks at a Zeebe gateway, talks to it, and says why that fails. It reads the variables that a channel reads, and no others.
//!
//! What it prints is for people, or with `--json` for programs. No output has a secret or a token in it.

// A panic is no answer. Tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod advice;
mod arguments;
mod call;
mod certificates;
mod create;
mod deploy;
mod doctor;
mod failure;
mod gateway;
mod jobs;
mod manual;
mod output;
mod settings;
mod stream;
mod token;
mod topology;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Failure;
use output::Output;

/// As the help says.
const TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    match run(&arguments, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(arguments.json);
            ExitCode::from(failure.exit)
        }
    }
}

fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let timeout = arguments.timeout.unwrap_or(TIMEOUT);
    match &arguments.command {
        Command::Call { rpc, request } => call::run(rpc, request, timeout, output),
        Command::Topology => topology::run(timeout, output),
        Command::Deploy(what) => deploy::run(what, timeout, output),
        Command::Create(what) => create::run(what, timeout, output),
        Command::Doctor => doctor::run(timeout, output),
        Command::Jobs(jobs) => jobs::run(jobs, arguments.timeout, output),
        Command::Manual { share } => manual::run(share),
        Command::Token => token::run(output),
    }
}
