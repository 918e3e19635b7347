//! A plugin of the client credentials grant, by what a program gives: no variable is read.

use std::sync::Arc;
use std::time::Duration;

use super::client_authentication::ClientAuthentication;
use super::oauth2::ClientCredentials;
use super::plugin::Plugin;
use super::token::Lifetime;
use super::token_options::TokenOptions;
use super::token_url::refuse_readable;
use crate::environment::Environment;
use crate::error::Error;
use crate::options::{self, Given, Refusal, Spec};

/// Empty texts are not given.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct GivenClient<'a> {
    /// Required.
    pub client_id: Option<&'a str>,
    /// Required where [`ClientAuthentication::needs_secret`].
    pub client_secret: Option<&'a str>,
    /// The token endpoint's URL; required.
    pub authorization_server: Option<&'a str>,
    /// `None`: the request has no `scope`.
    pub scope: Option<&'a str>,
    /// `None`: the request has no `audience`.
    pub audience: Option<&'a str>,
    /// When a token counts as expired.
    pub lifetime: Lifetime,
    /// How the endpoint is asked, checked.
    pub token: TokenOptions,
}

impl Lifetime {
    /// Both in seconds, as their options say it.
    pub fn given(leeway: i64, expire_in: i64) -> Result<Self, Refusal> {
        let seconds = |given| match given {
            Given::Not => None,
            Given::None => Some(Duration::ZERO),
            Given::Number(seconds) => Some(Duration::from_secs(seconds)),
        };
        Ok(Self {
            leeway: seconds(options::LEEWAY.given(leeway)?),
            expire_in: seconds(options::EXPIRE_IN.given(expire_in)?),
        })
    }
}

impl Plugin {
    /// By arguments alone: no variable is read. Does no I/O, but that `prefetch` starts.
    pub fn new_client_credentials(given: GivenClient<'_>) -> Result<Arc<Self>, Error> {
        let mut token = given.token;
        let authentication = token.authentication.unwrap_or(ClientAuthentication::Basic);
        let id = required(&options::CLIENT_ID, given.client_id)?;
        let secret = match authentication.needs_secret() {
            true => required(&options::CLIENT_SECRET, given.client_secret)?,
            false => "",
        };
        let url = required(&options::AUTHORIZATION_SERVER, given.authorization_server)?;
        if let Some(error) = token.choose_proxy(url, &Environment(&|_| None))? {
            return Err(error);
        }
        refuse_readable(url, None, token.allow_insecure_url)?;
        let client = ClientCredentials::new(
            id.to_owned(),
            secret.to_owned().into(),
            url,
            given.scope.map(str::to_owned),
            given.audience.map(str::to_owned),
            authentication,
            token.endpoint,
        );
        let made = Self::client_credentials(client, given.lifetime);
        if token.prefetch {
            made.tokens()?.prefetch()?;
        }
        Ok(made)
    }
}

fn required<'a>(option: &'static Spec, given: Option<&'a str>) -> Result<&'a str, Refusal> {
    given.ok_or_else(|| option.refuse("is missing"))
}
