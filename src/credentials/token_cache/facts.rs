//! What `describe` and `stats` show of a token.

use std::time::Duration;

use crate::error::{Error, Kind};

/// What was done about tokens, since the plugin was made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Fetches that were begun.
    pub requests: u64,
    /// Of the requests, those that a token file answered.
    pub from_file: u64,
    /// Fetches that brought no token.
    pub failures: u64,
    /// Of the failures: the endpoint refused the client, it or its answer was of no use, the settings are wrong.
    pub refused: u64,
    /// The endpoint could not be reached, or was of no use.
    pub unavailable: u64,
    /// The settings are wrong.
    pub settings: u64,
    /// Of the requests, those ahead of expiry.
    pub renewals: u64,
    /// Tokens that a gateway refused, and that were replaced.
    pub rejected: u64,
}

/// What `describe` and `stats` show of a token.
#[derive(Clone, Debug)]
pub struct Facts {
    /// none, fetching, valid, expired or failed.
    pub state: &'static str,
    /// As given: the life of a token whose answer does not say; `None`: not given.
    pub expire_in: Option<Duration>,
    /// Of the stored token, else of the next.
    pub leeway: Duration,
    /// Of the stored token, where the answer said it.
    pub granted_scope: Option<String>,
    /// Since the plugin was made.
    pub counts: Counts,
    /// Who waits for the fetch under way.
    pub waiting: usize,
    /// How long the last fetch took that brought a token.
    pub last_request: Option<Duration>,
    /// Of the stored token; `None`: there is none.
    pub lifetime_left: Option<Duration>,
}

impl Counts {
    pub(super) fn failure(&mut self, error: &Error) {
        self.failures += 1;
        match error.kind() {
            Kind::InvalidOauthCredentials => self.refused += 1,
            Kind::Settings => self.settings += 1,
            Kind::Rpc => self.unavailable += 1,
            _ => {} // of the library or the program, neither of which is a reason of the endpoint's
        }
    }
}
