//! Metadata plugins: what authenticates each call, a value of the program's own or a token that is fetched.

use std::fmt;
use std::sync::{Arc, Mutex};

use http::HeaderValue;

use super::authorization::Authorization;
use super::host::TokenSource;
use super::oauth2::ClientCredentials;
use super::token::{Lifetime, Token};
use super::token_provider::TokenProvider;
use crate::completion::owed;
use crate::error::Error;
use crate::http_authentication;
use crate::runtime::{self, Epoch, Runtime, lock};
use crate::wire::Metadata;

/// Says what stands in `authorization`. Channels and calls share it by `Arc`.
pub struct Plugin {
    source: Source,
    epoch: Epoch,
}

enum Source {
    /// What the program gives, and may replace.
    Fixed(Mutex<HeaderValue>),
    Tokens(Arc<TokenProvider>),
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Fixed(_) => f.write_str("Plugin(<redacted>)"),
            Source::Tokens(tokens) => tokens.fmt(f),
        }
    }
}

impl Plugin {
    /// Equal ones share their token while one of them lives.
    pub fn client_credentials(client: ClientCredentials, lifetime: Lifetime) -> Arc<Self> {
        let tokens = TokenProvider::client_credentials(client, lifetime);
        Self::new(Source::Tokens(tokens))
    }

    /// Tokens of the program's own source, one fetch at a time.
    pub fn host(source: TokenSource, lifetime: Lifetime) -> Arc<Self> {
        Self::new(Source::Tokens(TokenProvider::host(source, lifetime)))
    }

    /// A bearer token of the program's own (RFC 6750).
    pub fn bearer(token: &str) -> Result<Arc<Self>, Error> {
        Ok(Self::new(Source::Fixed(Mutex::new(bearer(token)?))))
    }

    /// HTTP Basic (RFC 7617).
    pub fn basic(username: &str, password: &str) -> Result<Arc<Self>, Error> {
        if username.contains(':') {
            return Err(Error::invalid_argument(
                "username has a colon, which HTTP Basic cannot carry",
            ));
        }
        let value = http_authentication::basic(username, password)
            .map_err(|_| Error::internal("username and password make no header"))?; // base64 always fits
        Ok(Self::new(Source::Fixed(Mutex::new(value))))
    }

    fn new(source: Source) -> Arc<Self> {
        let epoch = Epoch::now();
        Arc::new(Self { source, epoch })
    }

    /// For calls that start from now on.
    pub fn set_bearer(&self, token: &str) -> Result<(), Error> {
        match &self.source {
            Source::Fixed(value) if lock(value).as_bytes().starts_with(b"Bearer ") => {
                *lock(value) = bearer(token)?;
                Ok(())
            }
            _ => Err(Error::illegal_state("the plugin is no bearer plugin")),
        }
    }

    /// An error: it has none to fetch.
    pub fn tokens(&self) -> Result<&Arc<TokenProvider>, Error> {
        match &self.source {
            Source::Fixed(_) => Err(Error::illegal_state("the plugin fetches no token")),
            Source::Tokens(tokens) => Ok(tokens),
        }
    }

    /// The runtime's that it was made in; later ones refuse it with SHUTDOWN.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The value of `authorization` for a call: at once if it is at hand and good, else fetched. A call that is
    /// `patient` waits through failures that may pass.
    pub(crate) fn authorization(&self, patient: bool) -> Authorization {
        match &self.source {
            Source::Fixed(value) => Authorization::AtHand(lock(value).clone()),
            Source::Tokens(tokens) => tokens.authorization(patient),
        }
    }

    /// The gateway refused this `authorization`: whether the call may be sent again, with another.
    pub(crate) fn rejected(&self, authorization: &HeaderValue) -> bool {
        match &self.source {
            Source::Fixed(value) => *lock(value) != authorization,
            Source::Tokens(tokens) => tokens.rejected(authorization),
        }
    }

    /// What may be wrong with the token's scope, for an error of a gateway that refuses it.
    pub(crate) fn scope_note(&self) -> Option<String> {
        self.tokens().ok()?.scope_note()
    }

    /// What it adds to a call. What `prepare` gives gets it, once.
    pub(crate) fn metadata<F>(
        self: &Arc<Self>,
        prepare: impl FnOnce(&Arc<Runtime>) -> Result<F, Error>,
    ) -> Result<(), Error>
    where
        F: FnOnce(Result<Metadata, Error>) + Send + 'static,
    {
        let plugin = Arc::clone(self);
        let metadata = Box::pin(async move {
            let header = match plugin.authorization(false) {
                Authorization::AtHand(value) => value,
                Authorization::Fetched(value) => value.await?,
            };
            let mut metadata = Metadata::default();
            let added = metadata.add("authorization", header.as_bytes());
            added.map_err(Error::invalid_argument)?;
            Ok(metadata)
        });
        runtime::spawn(self.epoch, |runtime| Ok(owed(metadata, prepare(runtime)?)))
    }
}

fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let token = Token::new(token, None, None).map_err(Error::invalid_argument)?;
    Ok(token.header())
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, Engine};

    use super::*;

    #[test]
    fn plugins_show_nothing_of_what_they_carry() {
        let plugins = [
            Plugin::bearer("visible").unwrap(),
            Plugin::basic("user", "visible").unwrap(),
        ];
        let shown = format!("{plugins:?}");
        let encoded = BASE64_STANDARD.encode("user:visible");
        assert!(
            !shown.contains("visible") && !shown.contains(&encoded),
            "{shown}"
        );
    }
}
