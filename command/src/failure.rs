//! Failures: what is printed on standard error, and the exit code.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use zeebe::error::{Code, Error, Kind};

use crate::advice::Advice;
use crate::output::{row, wrapped};
use crate::settings::Settings;

/// Why the command did not do what it was to do.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    /// Of an error of the library.
    error: Option<Error>,
    /// Of a channel that was made.
    settings: Option<Settings>,
    pub(crate) exit: u8,
    /// All was said.
    is_told: bool,
}

/// Of the library's errors; the numbers are in the help and the man page.
pub(crate) fn exit_code(error: &Error) -> u8 {
    match (error.kind(), error.code()) {
        (Kind::InvalidArgument, _) => 2,
        // A state is what the variables made of the channel: without OAuth there is no token to ask for.
        (Kind::Settings | Kind::Tls | Kind::IllegalState, _) => 3,
        (Kind::InvalidOauthCredentials, _) => 5,
        (_, Code::Unavailable | Code::DeadlineExceeded) => 4,
        (_, Code::Unauthenticated | Code::PermissionDenied) => 5,
        _ => 1,
    }
}

impl Failure {
    /// Of what the user gave.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            error: None,
            settings: None,
            exit: 2,
            is_told: false,
        }
    }

    /// There is no channel.
    pub(crate) fn without_channel(error: Error) -> Self {
        Self {
            exit: exit_code(&error),
            error: Some(error),
            ..Self::usage("the variables make no channel")
        }
    }

    /// Of a channel, in doing `what`.
    pub(crate) fn of(what: &str, error: Error, settings: Settings) -> Self {
        Self {
            settings: Some(settings),
            exit: exit_code(&error),
            error: Some(error),
            ..Self::usage(format!("{what} failed"))
        }
    }

    /// What is to be said is said already.
    pub(crate) fn told(exit: u8) -> Self {
        Self {
            exit,
            is_told: true,
            ..Self::usage("")
        }
    }

    fn advice(&self) -> Option<Advice> {
        let (error, settings) = (self.error.as_ref()?, self.settings.as_ref()?);
        Some(Advice::of(error, settings)).filter(|advice| !advice.text.is_empty())
    }

    /// On standard error.
    pub(crate) fn print(&self, json: bool) {
        if self.is_told {
            return;
        }
        let text = match json {
            true => self.json().to_string(),
            false => self.text(),
        };
        // Where standard error is closed, the exit code says it.
        writeln!(io::stderr(), "{text}").ok();
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        let said = match &self.error {
            Some(error) => format!("{}: {error}", self.message),
            None => self.message.clone(),
        };
        lines.push(format!("zeebe: {}", wrapped(&said, 7)));
        if let Some(settings) = &self.settings {
            lines.push(row("  gateway", &settings.address()));
        }
        if let Some(advice) = self.advice() {
            lines.push(row("  to do", &advice.text));
            lines.push(row(
                "  more",
                "zeebe doctor says which step of the way fails",
            ));
        }
        lines.join("\n")
    }

    fn json(&self) -> Value {
        let mut error = Map::new();
        let mut add = |name: &str, value: Value| {
            error.insert(name.to_owned(), value);
        };
        add("what", json!(self.message));
        if let Some(error) = &self.error {
            add("message", json!(error.message()));
            add("status", json!(error.status()));
            add("retryable", json!(error.is_retryable()));
        }
        if let Some(settings) = &self.settings {
            add("target", json!(settings.target()));
            let origin = settings.origin(settings.address_setting());
            add("target_origin", json!(origin));
        }
        let advice = self.advice().unwrap_or_default();
        add("advice", json!(advice.text));
        add("variables", json!(advice.variables));
        add("exit_code", json!(self.exit));
        json!({ "error": error })
    }
}
