//! How calls are authenticated: by a token that is fetched, by HTTP Basic, by a token at hand, or not at all.

use secrecy::SecretString;
use serde_json::json;

use super::super::{
    CLOUD_AUDIENCE, CLOUD_OAUTH_URL, ChannelKind, Credentials, Grant, LEEWAY, Settings,
};
use super::Configuration;
use super::names::{
    AUDIENCE, AUTHENTICATION, BASIC_PASSWORD, BASIC_USERNAME, BEARER_TOKEN, ISSUER_URL,
    OAUTH_DISABLED, RESOURCE, SCOPE, STRATEGY, TOKEN_URL, WELL_KNOWN_URL,
};
use super::variables::Variables;
use crate::credentials::ClientAuthentication;
use crate::environment::{CLIENT_ID, CLIENT_SECRET, CLUSTER_ID, Origin, Setting};
use crate::error::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    None,
    Oauth,
    Basic,
    Bearer,
}

/// What calls carry beside what a token endpoint gives.
#[derive(Debug)]
pub enum CallCredentials {
    /// None, or a token that is fetched.
    None,
    /// HTTP Basic (RFC 7617).
    Basic {
        /// Shown by `describe`.
        username: Setting,
        /// Redacted everywhere.
        password: SecretString,
    },
    /// A token at hand, and the variable that has it.
    Bearer(SecretString, Origin),
}

impl Strategy {
    /// As the Node client has it where a variable says so; else by what is set, OAuth first, as in the Java client.
    pub(super) fn choose(variables: &Variables<'_>) -> Result<Self, Error> {
        if variables.truth(OAUTH_DISABLED)? == Some(true) {
            return Ok(Self::None);
        }
        if let Some((text, origin)) = variables.one(STRATEGY)? {
            return match text.trim().to_ascii_uppercase().as_str() {
                "NONE" => Ok(Self::None),
                "OAUTH" => Ok(Self::Oauth),
                "BASIC" => Ok(Self::Basic),
                "BEARER" => Ok(Self::Bearer),
                "COOKIE" => Err(Error::settings(format!(
                    "COOKIE ({origin}) is not supported: cookies are of Camunda's REST API; OAUTH, BASIC, BEARER and NONE are"
                ))),
                _ => Err(Error::settings(format!(
                    "{text:?} ({origin}) is none of OAUTH, BASIC, BEARER and NONE"
                ))),
            };
        }
        let basic = variables.any_set(&[BASIC_USERNAME, BASIC_PASSWORD]);
        Ok(if variables.any_set(&CLIENT_ID) {
            Self::Oauth
        } else if basic {
            Self::Basic
        } else if variables.is_set(CLUSTER_ID) || variables.any_set(&TOKEN_URL) {
            Self::Oauth
        } else {
            Self::None
        })
    }

    pub(super) fn call_credentials(
        self,
        variables: &Variables<'_>,
        settings: &mut Settings,
    ) -> Result<CallCredentials, Error> {
        match self {
            Self::None | Self::Oauth => Ok(CallCredentials::None),
            Self::Basic => {
                let username = variables.required(&[BASIC_USERNAME])?;
                let (password, origin) = variables.required_secret(&[BASIC_PASSWORD])?;
                settings
                    .shown
                    .push(("username", json!(username.0), username.1));
                settings
                    .shown
                    .push(("password", json!("<redacted>"), origin));
                Ok(CallCredentials::Basic { username, password })
            }
            Self::Bearer => {
                let (token, origin) = variables.required_secret(&[BEARER_TOKEN])?;
                settings.shown.push(("token", json!("<redacted>"), origin));
                Ok(CallCredentials::Bearer(token, origin))
            }
        }
    }
}

/// How the client proves who it is, where a variable says so.
pub(super) fn client_authentication(
    variables: &Variables<'_>,
) -> Result<Option<ClientAuthentication>, Error> {
    let Some((text, origin)) = variables.one(AUTHENTICATION)? else {
        return Ok(None);
    };
    let named = |method: &ClientAuthentication| text.trim().eq_ignore_ascii_case(method.name());
    match ClientAuthentication::all().into_iter().find(named) {
        Some(method) => Ok(Some(method)),
        None => Err(Error::settings(format!(
            "{text:?} ({origin}) is none of {}",
            ClientAuthentication::all()
                .map(ClientAuthentication::name)
                .join(", ")
        ))),
    }
}

/// In the order in which missing ones are reported.
pub(super) fn credentials(
    variables: &Variables<'_>,
    method: Option<ClientAuthentication>,
) -> Result<Credentials, Error> {
    let id = variables.required(&CLIENT_ID)?;
    let secret = match method {
        Some(method) if !method.needs_secret() => {
            for name in CLIENT_SECRET {
                variables.pass_over(
                    name,
                    format!("{AUTHENTICATION} is {}, which needs none", method.name()),
                    "unset one of the two".to_owned(),
                );
            }
            None
        }
        _ => Some(variables.required_secret(&CLIENT_SECRET)?),
    };
    Ok(Credentials { id, secret })
}

/// What a token is asked with, and where the token endpoint is written down if its URL is not known.
pub(super) fn grant(
    variables: &Variables<'_>,
    credentials: Credentials,
    kind: ChannelKind,
) -> Result<(Grant, Option<Configuration>), Error> {
    let (server, configuration) = token_url(variables)?;
    let none = || (String::new(), Origin::Default);
    // Who is asked by another URL knows its audience, or needs none: only Camunda's cloud has one that is known here.
    let default_audience = match kind == ChannelKind::CamundaCloud || is_cloud(&server.0) {
        true => CLOUD_AUDIENCE,
        false => "",
    };
    let default_audience = || (default_audience.to_owned(), Origin::Default);
    let grant = Grant {
        credentials,
        server,
        scope: variables.first(&SCOPE)?.unwrap_or_else(none),
        audience: variables.first(&AUDIENCE)?.unwrap_or_else(default_audience),
        resource: variables.first(&RESOURCE)?,
        leeway: (LEEWAY, Origin::Default),
        expire_in: None,
    };
    Ok((grant, configuration))
}

/// As it is shown, and the metadata that have it, if it is to be discovered.
fn token_url(variables: &Variables<'_>) -> Result<(Setting, Option<Configuration>), Error> {
    let names: Vec<_> = TOKEN_URL
        .into_iter()
        .chain([WELL_KNOWN_URL, ISSUER_URL])
        .collect();
    let Some((text, origin)) = variables.first(&names)? else {
        return Ok(((CLOUD_OAUTH_URL.to_owned(), Origin::Default), None));
    };
    let url = text.trim().to_owned();
    let configuration = match origin {
        Origin::Environment(WELL_KNOWN_URL) => Some(Configuration {
            url: url.clone(),
            issuer: None,
        }),
        Origin::Environment(ISSUER_URL) => Some(Configuration {
            url: format!(
                "{}/.well-known/openid-configuration",
                url.trim_end_matches('/')
            ),
            issuer: Some(url.clone()),
        }),
        _ => None,
    };
    Ok(((url, origin), configuration))
}

fn is_cloud(url: &str) -> bool {
    let host = |url: &str| url::Url::parse(url).ok()?.host_str().map(str::to_owned);
    host(url).is_some_and(|found| Some(found) == host(CLOUD_OAUTH_URL))
}
