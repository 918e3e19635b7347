//! A channel by variables alone: those of the reference, and all that Camunda's official clients read.
//!
//! Pure. What the variables mean is one module a question: `gateway`, `authentication`; their names are in `names`.

mod authentication;
mod gateway;
mod names;
#[cfg(test)]
mod tests;
mod variables;

use std::time::Duration;

use serde_json::json;

pub use authentication::CallCredentials;
use authentication::Strategy;
use names::{
    AUTHENTICATION, AUTHORITY, CA, CERTIFICATE, CONNECT_TIMEOUT, GRPC_CA, KEEPALIVE,
    KEEPALIVE_TIMEOUT, KEY, TIMEOUT,
};
use variables::Variables;

use super::{CLOUD_REGION, ChannelKind, Credentials, Settings, of_cluster, of_target};
use crate::channel::target::shown;
use crate::credentials::ClientAuthentication;
use crate::environment::{
    self, CLUSTER_ID, CLUSTER_REGION, Environment, Origin, Setting, shown_path,
};
use crate::error::Error;
use crate::options::grpc;

/// What [`from_environment`] found.
#[derive(Debug)]
pub struct FromEnvironment {
    /// As those of the constructor that was chosen, with what the variables add.
    pub settings: Settings,
    /// Whether the gateway is reached without TLS.
    pub plaintext: bool,
    /// What that constructor has no argument for.
    pub official: Official,
}

/// What only [`from_environment`] reads.
#[derive(Debug)]
pub struct Official {
    /// A path, or certificates if that is what its variable holds.
    pub ca: Option<Setting>,
    /// Paths.
    pub certificate: Option<Setting>,
    /// A path; of a key alone, where it only signs assertions.
    pub key: Option<Setting>,
    /// A name for the gateway's certificate and `:authority`.
    pub override_authority: Option<String>,
    /// gRPC's keys that variables set, each with its variable.
    pub channel_options: Vec<(&'static str, i64, Origin)>,
    /// Of calls without a token of an authorization server.
    pub call_credentials: CallCredentials,
    /// `None`: no variable says, and the clients' default counts.
    pub client_authentication: Option<ClientAuthentication>,
    /// Of the token endpoint.
    pub connect_timeout: Option<Duration>,
    /// Of the whole token request.
    pub timeout: Option<Duration>,
    /// Where the token endpoint's URL is to be found, if no variable has it.
    pub configuration: Option<Configuration>,
}

/// The metadata of an authorization server.
#[derive(Debug)]
pub struct Configuration {
    /// Of the document itself, not of the server.
    pub url: String,
    /// Whose they are; `None`: no variable says so.
    pub issuer: Option<String>,
}

impl Official {
    /// Whether the platform's roots count beside them: `SSL_CERT_FILE` of the same machine may mean more.
    pub fn beside_platform(origin: Origin) -> bool {
        origin == Origin::Environment(GRPC_CA)
    }

    /// Whether the path is none: the variable has the certificates themselves.
    pub fn is_text(origin: Origin) -> bool {
        origin == Origin::Environment(names::CA_STRING)
    }

    fn show_in(&self, settings: &mut Settings) {
        for (name, found) in [
            ("ca_certificate", &self.ca),
            ("certificate_chain", &self.certificate),
            ("private_key", &self.key),
        ] {
            if let Some((path, origin)) = found {
                let shown = match Self::is_text(*origin) {
                    true => "<PEM>",
                    false => shown_path(path),
                };
                settings.shown.push((name, json!(shown), *origin));
            }
        }
    }
}

/// One of the four channels, by the variables.
pub fn from_environment(environment: &Environment<'_>) -> Result<FromEnvironment, Error> {
    let variables = Variables::new(environment);
    let strategy = Strategy::choose(&variables)?;
    let oauth = strategy == Strategy::Oauth;
    let client_authentication = match oauth {
        true => authentication::client_authentication(&variables)?,
        false => None,
    };
    let credentials = match oauth {
        true => Some(authentication::credentials(
            &variables,
            client_authentication,
        )?),
        false => None,
    };

    let (mut settings, plaintext) = gateway_settings(&variables, credentials.as_ref())?;
    let mut configuration = None;
    if let Some(credentials) = credentials {
        let (grant, found) = authentication::grant(&variables, credentials, settings.kind)?;
        grant.add_to(&mut settings);
        configuration = found;
    }
    let call_credentials = strategy.call_credentials(&variables, &mut settings)?;
    let over_tls = !plaintext || token_over_tls(&settings);
    let (certificate, key) = own_certificate(&variables, client_authentication, over_tls)?;
    let mut official = Official {
        ca: match over_tls {
            true => certificates_of_authorities(&variables)?,
            false => None,
        },
        certificate,
        key,
        override_authority: None,
        channel_options: channel_options(&variables)?,
        call_credentials,
        client_authentication,
        connect_timeout: None,
        timeout: None,
        configuration,
    };
    if let Some((authority, origin)) = variables.first(&AUTHORITY)? {
        settings
            .shown
            .push(("override_authority", json!(shown(&authority)), origin));
        official.override_authority = Some(authority);
    }
    if oauth {
        let mut time = |name, names| token_time(&variables, &mut settings, name, names);
        official.connect_timeout = time("connect_timeout_ms", &CONNECT_TIMEOUT)?;
        official.timeout = time("timeout_ms", &TIMEOUT)?;
    }
    official.show_in(&mut settings);
    settings.unused_variables = variables.unused();
    for unused in &settings.unused_variables {
        tracing::warn!(
            "the environment variable {} is not used: {}; {}",
            unused.name,
            unused.why,
            unused.hint
        );
    }
    Ok(FromEnvironment {
        settings,
        plaintext,
        official,
    })
}

/// Where the channel goes, of which kind it is, and whether it is plaintext.
fn gateway_settings(
    variables: &Variables<'_>,
    credentials: Option<&Credentials>,
) -> Result<(Settings, bool), Error> {
    if let Some(cluster_id) = variables.one(CLUSTER_ID)? {
        let region = variables.one(CLUSTER_REGION)?;
        let region = region.unwrap_or_else(|| (CLOUD_REGION.to_owned(), Origin::Default));
        let address = environment::camunda_address(Some(&cluster_id.0), Some(&region.0))?;
        let settings = match credentials {
            Some(credentials) => of_cluster(address, cluster_id, region, credentials),
            None => of_target(ChannelKind::Secure, (address, cluster_id.1)),
        };
        return Ok((settings, false));
    }
    let target = gateway::address(variables)?;
    let (plaintext, hint) = gateway::plaintext(variables, &target)?;
    let kind = match (credentials, plaintext) {
        (Some(_), _) => ChannelKind::Oauth2ClientCredentials,
        (None, true) => ChannelKind::Insecure,
        (None, false) => ChannelKind::Secure,
    };
    let mut settings = of_target(kind, target);
    settings.security_hint = Some(hint);
    if let Some(credentials) = credentials {
        credentials.show_in(&mut settings);
    }
    Ok((settings, plaintext))
}

/// A time-out of the token endpoint, by the name of its option.
fn token_time(
    variables: &Variables<'_>,
    settings: &mut Settings,
    name: &'static str,
    names: &[&'static str],
) -> Result<Option<Duration>, Error> {
    let Some((number, origin)) = variables.milliseconds(names, 1)? else {
        return Ok(None);
    };
    settings.shown.push((name, json!(number), origin));
    Ok(Some(Duration::from_millis(number)))
}

fn certificates_of_authorities(variables: &Variables<'_>) -> Result<Option<Setting>, Error> {
    match variables.first(&CA)? {
        Some(found) => Ok(Some(found)),
        None => variables.one(GRPC_CA),
    }
}

/// As far as the variables say: where an endpoint is discovered, its metadata count.
fn token_over_tls(settings: &Settings) -> bool {
    let url = settings
        .oauth
        .as_ref()
        .map(|oauth| &oauth.authorization_server.0);
    url.is_some_and(|url| !url.to_ascii_lowercase().starts_with("http://"))
}

/// Paths of the certificate that is shown to gateway and token endpoint and of its key, which may also only sign.
fn own_certificate(
    variables: &Variables<'_>,
    method: Option<ClientAuthentication>,
    over_tls: bool,
) -> Result<(Option<Setting>, Option<Setting>), Error> {
    let signs = method == Some(ClientAuthentication::PrivateKeyJwt);
    if !over_tls && !signs && method != Some(ClientAuthentication::Tls) {
        return Ok((None, None));
    }
    let (certificate, key) = (variables.one(CERTIFICATE)?, variables.one(KEY)?);
    let lacks = |name: &str, for_what: &str| {
        Err(Error::settings(format!(
            "No {name} provided, which {for_what}!"
        )))
    };
    match (&certificate, &key) {
        (_, None) if signs => lacks(KEY, &format!("{AUTHENTICATION}=private_key_jwt signs with")),
        (None, None) if method == Some(ClientAuthentication::Tls) => {
            lacks(CERTIFICATE, &format!("{AUTHENTICATION}=tls shows"))
        }
        (Some(_), None) => lacks(KEY, &format!("belongs to {CERTIFICATE}")),
        (None, Some(_)) if !signs => lacks(CERTIFICATE, &format!("belongs to {KEY}")),
        _ => Ok((certificate, key)),
    }
}

fn channel_options(variables: &Variables<'_>) -> Result<Vec<(&'static str, i64, Origin)>, Error> {
    let mut options = Vec::new();
    for (key, names, at_least) in [
        (grpc::KEEPALIVE_TIME.name, &KEEPALIVE[..], 0),
        (grpc::KEEPALIVE_TIMEOUT.name, &[KEEPALIVE_TIMEOUT], 1),
    ] {
        if let Some((number, origin)) = variables.milliseconds(names, at_least)? {
            // Within 32 bits, as `milliseconds` sees to it.
            options.push((key, i64::try_from(number).unwrap_or(i64::MAX), origin));
        }
    }
    Ok(options)
}
