//! The four constructors' settings: argument, then environment, then default.
//!
//! Pure: no file is read and nothing is connected. Not here: the variables' names (`environment`).

use secrecy::SecretString;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::target::{Scheme, url_scheme};
use crate::credentials::shown_token_url;
use crate::environment::{
    self, CLIENT_ID, CLIENT_SECRET, CLUSTER_ID, CLUSTER_REGION, Environment, OAUTH_URL, Origin,
    Setting, TOKEN_AUDIENCE, given,
};
use crate::error::Error;

const CLOUD_REGION: &str = "bru-2";
const CLOUD_OAUTH_URL: &str = "https://login.cloud.camunda.io/oauth/token";
const CLOUD_AUDIENCE: &str = "zeebe.camunda.io";
const LEEWAY: u64 = 60;

/// Which constructor made the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    Insecure,
    Secure,
    Oauth2ClientCredentials,
    CamundaCloud,
}

impl ChannelKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Insecure => "insecure",
            Self::Secure => "secure",
            Self::Oauth2ClientCredentials => "oauth2_client_credentials",
            Self::CamundaCloud => "camunda_cloud",
        }
    }
}

/// The arguments of the OAuth constructors; `None` is not given.
#[derive(Clone, Copy, Debug, Default)]
pub struct OauthArguments<'a> {
    pub client_id: Option<&'a str>,
    pub client_secret: Option<&'a str>,
    /// The client proves who it is without a secret: none is looked for.
    pub without_secret: bool,
    pub authorization_server: Option<&'a str>,
    /// `Some("")` is none, for these two.
    pub scope: Option<&'a str>,
    pub audience: Option<&'a str>,
    /// Seconds.
    pub leeway: Option<u64>,
    pub expire_in: Option<u64>,
}

/// The OAuth settings of a channel.
#[derive(Debug)]
pub struct Oauth {
    pub client_id: String,
    /// Empty: none is needed.
    pub client_secret: SecretString,
    pub authorization_server: Setting,
    pub scope: Option<String>,
    pub audience: Option<String>,
    pub leeway: u64,
    pub expire_in: Option<u64>,
}

/// What a constructor made of its arguments and the environment.
#[derive(Debug)]
pub struct Settings {
    pub kind: ChannelKind,
    pub target: Setting,
    /// By the reference's argument names, for `describe`; secrets are redacted already.
    pub shown: Vec<(&'static str, Value, Origin)>,
    pub oauth: Option<Oauth>,
    /// Plaintext, where a variable decides it.
    pub plaintext: bool,
}

fn argument(text: Option<&str>) -> Option<Setting> {
    given(text).map(|text| (text.to_owned(), Origin::Argument))
}

pub fn insecure(environment: &Environment<'_>, address: Option<&str>) -> Result<Settings, Error> {
    plain(ChannelKind::Insecure, environment, address)
}

pub fn secure(environment: &Environment<'_>, address: Option<&str>) -> Result<Settings, Error> {
    plain(ChannelKind::Secure, environment, address)
}

fn plain(
    kind: ChannelKind,
    environment: &Environment<'_>,
    address: Option<&str>,
) -> Result<Settings, Error> {
    let target = match argument(address) {
        Some(address) => address,
        None => environment.zeebe_address(None)?,
    };
    Ok(of_target(kind, target))
}

fn of_target(kind: ChannelKind, target: Setting) -> Settings {
    Settings {
        kind,
        shown: vec![("grpc_address", json!(target.0), target.1)],
        target,
        oauth: None,
        plaintext: kind == ChannelKind::Insecure,
    }
}

pub fn oauth2_client_credentials(
    environment: &Environment<'_>,
    address: Option<&str>,
    arguments: OauthArguments<'_>,
) -> Result<Settings, Error> {
    let credentials = Credentials::resolve(environment, arguments)?;
    let server = required(
        environment,
        arguments.authorization_server,
        &OAUTH_URL,
        None,
    )?;
    let audience = audience(environment, arguments.audience, None)?;
    let target = match argument(address) {
        Some(address) => address,
        None => oauth_address(environment)?,
    };
    let mut settings = of_target(ChannelKind::Oauth2ClientCredentials, target);
    credentials.add_to(&mut settings);
    add_oauth(&mut settings, credentials, arguments, server, audience);
    Ok(settings)
}

pub fn camunda_cloud(
    environment: &Environment<'_>,
    cluster_id: Option<&str>,
    region: Option<&str>,
    arguments: OauthArguments<'_>,
) -> Result<Settings, Error> {
    let credentials = Credentials::resolve(environment, arguments)?;
    let cluster_id = required(environment, cluster_id, &[CLUSTER_ID], None)?;
    let region = required(environment, region, &[CLUSTER_REGION], Some(CLOUD_REGION))?;
    let server = required(
        environment,
        arguments.authorization_server,
        &OAUTH_URL,
        Some(CLOUD_OAUTH_URL),
    )?;
    let audience = audience(environment, arguments.audience, Some(CLOUD_AUDIENCE))?;
    let address = environment::camunda_address(Some(&cluster_id.0), Some(&region.0))?;
    let mut settings = of_target(ChannelKind::CamundaCloud, (address, cluster_id.1));
    settings.shown.clear();
    credentials.add_to(&mut settings);
    settings
        .shown
        .push(("cluster_id", json!(cluster_id.0), cluster_id.1));
    settings.shown.push(("region", json!(region.0), region.1));
    add_oauth(&mut settings, credentials, arguments, server, audience);
    Ok(settings)
}

/// One of the four, by the variables; reads the official clients' names too. Returns also the
/// variables that only this constructor reads.
pub fn from_environment(
    environment: &Environment<'_>,
) -> Result<(Settings, OfficialVariables), Error> {
    let official = OfficialVariables {
        ca_certificate_path: environment
            .variable(CA_CERTIFICATE_PATH)?
            .map(|found| found.0),
        override_authority: environment
            .variable(OVERRIDE_AUTHORITY)?
            .map(|found| found.0),
    };
    let insecure = environment
        .variable("ZEEBE_INSECURE_CONNECTION")?
        .is_some_and(|(value, _)| value.eq_ignore_ascii_case("true"));
    let none = OauthArguments::default();
    if environment.variable(CLUSTER_ID)?.is_some() {
        return Ok((camunda_cloud(environment, None, None, none)?, official));
    }
    let address = match environment.variable(environment::ZEEBE_ADDRESS)? {
        Some(address) => Some(address),
        None => environment.variable("ZEEBE_GRPC_ADDRESS")?,
    };
    // Here alone a scheme decides: the official clients' variable holds a URL.
    let http = address.as_ref().is_some_and(|(text, origin)| {
        *origin == Origin::Environment("ZEEBE_GRPC_ADDRESS")
            && matches!(url_scheme(text), Some((Scheme::Plaintext, _)))
    });
    let plaintext = insecure || http;
    let oauth =
        environment.first(&OAUTH_URL)?.is_some() || environment.first(&CLIENT_ID)?.is_some();
    let mut settings = if oauth {
        oauth2_client_credentials(environment, None, none)?
    } else {
        let kind = if plaintext {
            ChannelKind::Insecure
        } else {
            ChannelKind::Secure
        };
        plain(kind, environment, None)?
    };
    if let Some((text, origin)) = address {
        settings.shown[0] = ("grpc_address", json!(text), origin);
        settings.target = (text, origin);
    }
    settings.plaintext = plaintext;
    Ok((settings, official))
}

pub const CA_CERTIFICATE_PATH: &str = "ZEEBE_CA_CERTIFICATE_PATH";
const OVERRIDE_AUTHORITY: &str = "ZEEBE_OVERRIDE_AUTHORITY";

/// What only [`from_environment`] reads.
#[derive(Debug)]
pub struct OfficialVariables {
    pub ca_certificate_path: Option<String>,
    pub override_authority: Option<String>,
}

fn oauth_address(environment: &Environment<'_>) -> Result<Setting, Error> {
    if let Some(address) = environment.variable(environment::ZEEBE_ADDRESS)? {
        return Ok(address);
    }
    let cluster_id = environment.variable(CLUSTER_ID)?;
    let region = environment.variable(CLUSTER_REGION)?;
    match (cluster_id, region) {
        (Some((cluster_id, origin)), Some((region, _))) => Ok((
            environment::camunda_address(Some(&cluster_id), Some(&region))?,
            origin,
        )),
        _ => Ok((environment::DEFAULT_ADDRESS.to_owned(), Origin::Default)),
    }
}

struct Credentials {
    id: Setting,
    /// `None`: none is needed.
    secret: Option<(SecretString, Origin)>,
}

impl Credentials {
    /// In the order in which missing ones are reported.
    fn resolve(
        environment: &Environment<'_>,
        arguments: OauthArguments<'_>,
    ) -> Result<Self, Error> {
        let id = required(environment, arguments.client_id, &CLIENT_ID, None)?;
        let secret = || {
            let (text, origin) =
                required(environment, arguments.client_secret, &CLIENT_SECRET, None)?;
            let text = Zeroizing::new(text);
            Ok((SecretString::from(text.as_str()), origin))
        };
        Ok(Self {
            id,
            secret: (!arguments.without_secret).then(secret).transpose()?,
        })
    }

    fn add_to(&self, settings: &mut Settings) {
        settings
            .shown
            .push(("client_id", json!(self.id.0), self.id.1));
        let (secret, origin) = match &self.secret {
            Some((_, origin)) => (json!("<redacted>"), *origin),
            None => (Value::Null, Origin::Default),
        };
        settings.shown.push(("client_secret", secret, origin));
    }
}

fn required(
    environment: &Environment<'_>,
    given: Option<&str>,
    names: &[&'static str],
    default: Option<&str>,
) -> Result<Setting, Error> {
    match argument(given) {
        Some(setting) => Ok(setting),
        None => environment.required(names, default),
    }
}

/// An argument of "" means none, and the environment is not read.
fn audience(
    environment: &Environment<'_>,
    given: Option<&str>,
    default: Option<&str>,
) -> Result<Setting, Error> {
    match given {
        Some(audience) => Ok((audience.to_owned(), Origin::Argument)),
        None => environment.required(&TOKEN_AUDIENCE, default),
    }
}

fn add_oauth(
    settings: &mut Settings,
    credentials: Credentials,
    arguments: OauthArguments<'_>,
    authorization_server: Setting,
    (audience, audience_origin): Setting,
) {
    let origin = |given: bool| {
        if given {
            Origin::Argument
        } else {
            Origin::Default
        }
    };
    let none_if_empty = |text: String| Some(text).filter(|text| !text.is_empty());
    let scope = arguments.scope.map(str::to_owned).and_then(none_if_empty);
    let audience = none_if_empty(audience);
    let leeway = arguments.leeway.unwrap_or(LEEWAY);
    settings.shown.extend([
        (
            "authorization_server",
            json!(shown_token_url(&authorization_server.0)),
            authorization_server.1,
        ),
        ("scope", json!(scope), origin(arguments.scope.is_some())),
        ("audience", json!(audience), audience_origin),
        ("leeway", json!(leeway), origin(arguments.leeway.is_some())),
        (
            "expire_in",
            json!(arguments.expire_in),
            origin(arguments.expire_in.is_some()),
        ),
    ]);
    settings.oauth = Some(Oauth {
        client_id: credentials.id.0,
        client_secret: credentials
            .secret
            .map(|(secret, _)| secret)
            .unwrap_or_default(),
        authorization_server,
        scope,
        audience,
        leeway,
        expire_in: arguments.expire_in,
    });
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn chosen(variables: &[(&str, &str)]) -> (Settings, OfficialVariables) {
        let read = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        from_environment(&Environment(&read)).unwrap()
    }

    const OAUTH: [(&str, &str); 4] = [
        ("CAMUNDA_CLIENT_ID", "id"),
        ("CAMUNDA_CLIENT_SECRET", "secret"),
        ("CAMUNDA_OAUTH_URL", "https://login.example/token"),
        ("CAMUNDA_TOKEN_AUDIENCE", "zeebe-api"),
    ];

    #[test]
    fn the_variables_choose_the_channel() {
        let insecure = ("ZEEBE_INSECURE_CONNECTION", "TRUE");
        let cluster = ("CAMUNDA_CLUSTER_ID", "c");
        let oauth = |more: &[(&'static str, &'static str)]| [&OAUTH[..], more].concat();
        for (variables, kind, plaintext) in [
            (vec![], ChannelKind::Secure, false),
            (vec![insecure], ChannelKind::Insecure, true),
            (
                vec![("ZEEBE_INSECURE_CONNECTION", "1")],
                ChannelKind::Secure,
                false,
            ),
            (oauth(&[]), ChannelKind::Oauth2ClientCredentials, false),
            (
                oauth(&[insecure]),
                ChannelKind::Oauth2ClientCredentials,
                true,
            ),
            (oauth(&[cluster]), ChannelKind::CamundaCloud, false),
            (
                oauth(&[cluster, insecure]),
                ChannelKind::CamundaCloud,
                false,
            ),
        ] {
            let (settings, _) = chosen(&variables);
            assert_eq!(
                (settings.kind, settings.plaintext),
                (kind, plaintext),
                "{variables:?}"
            );
        }
    }

    #[test]
    fn the_official_clients_address_is_a_url_and_comes_second() {
        let url = ("ZEEBE_GRPC_ADDRESS", "http://zeebe.example:26500");
        let (settings, _) = chosen(&[url]);
        assert_eq!(settings.kind, ChannelKind::Insecure);
        assert_eq!(settings.target.0, "http://zeebe.example:26500");
        let (settings, _) = chosen(&[url, ("ZEEBE_ADDRESS", "http://other.example:1")]);
        assert_eq!(settings.kind, ChannelKind::Secure);
        assert_eq!(settings.target.0, "http://other.example:1");
    }

    #[test]
    fn certificate_path_and_authority_are_read_here() {
        let (_, official) = chosen(&[
            ("ZEEBE_CA_CERTIFICATE_PATH", "/ca.pem"),
            ("ZEEBE_OVERRIDE_AUTHORITY", "zeebe.example"),
        ]);
        assert_eq!(official.ca_certificate_path.as_deref(), Some("/ca.pem"));
        assert_eq!(
            official.override_authority.as_deref(),
            Some("zeebe.example")
        );
    }

    #[test]
    fn a_built_address_has_the_origin_of_its_cluster_id() {
        let (settings, _) = chosen(&[&OAUTH[..], &[("CAMUNDA_CLUSTER_ID", "c")]].concat());
        let origin = Origin::Environment("CAMUNDA_CLUSTER_ID");
        assert_eq!(
            settings.target,
            ("c.bru-2.zeebe.camunda.io:443".to_owned(), origin)
        );
    }
}
