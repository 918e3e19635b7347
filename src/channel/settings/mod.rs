//! The constructors' settings: argument, then environment, then default.
//!
//! Pure: no file is read and nothing is connected. Not here: the variables' names (`environment`), and the
//! constructor that goes by variables alone (`official`).

mod official;

use super::target;
pub use official::{CallCredentials, Configuration, FromEnvironment, Official, from_environment};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::credentials::{Lifetime, shown_token_url};
use crate::environment::{
    self, CLIENT_ID, CLIENT_SECRET, CLUSTER_ID, CLUSTER_REGION, Environment, OAUTH_URL, Origin,
    Setting, TOKEN_AUDIENCE, given,
};
use crate::error::Error;
use crate::options;

const CLOUD_REGION: &str = "bru-2";
const CLOUD_OAUTH_URL: &str = "https://login.cloud.camunda.io/oauth/token";
const CLOUD_AUDIENCE: &str = "zeebe.camunda.io";
const LEEWAY: u64 = options::LEEWAY.default_number();

/// Which constructor made the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// Plaintext, without a token.
    Insecure,
    /// TLS or the program's credentials, without a token of its own.
    Secure,
    /// With a token of any authorization server.
    Oauth2ClientCredentials,
    /// With a token of Camunda's, for a cluster by id and region.
    CamundaCloud,
}

impl ChannelKind {
    /// As `describe` has it: part of the ABI.
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
#[derive(Clone, Copy, Default)]
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct OauthOptions<'a> {
    /// Empty counts as not given: then a variable is read.
    pub client_id: Option<&'a str>,
    /// As `client_id`; a `SecretString` in the settings.
    pub client_secret: Option<&'a str>,
    /// The client proves who it is without a secret: none is looked for.
    pub without_secret: bool,
    /// The token endpoint's URL, or none: by the variables, else the cloud's own.
    pub authorization_server: Option<&'a str>,
    /// `Some("")` is none, for these two.
    pub scope: Option<&'a str>,
    /// `Some("")` is none, here too.
    pub audience: Option<&'a str>,
    /// What a program says of a token's life.
    pub lifetime: Lifetime,
}

/// The OAuth settings of a channel.
#[derive(Debug)]
pub struct Oauth {
    /// Public: errors and `describe` show it.
    pub client_id: String,
    /// Empty: none is needed.
    pub client_secret: SecretString,
    /// The token endpoint's URL, as given.
    pub authorization_server: Setting,
    /// As the request sends it; `None`: it has no such parameter.
    pub scope: Option<String>,
    /// As the request sends it; `None`: it has no such parameter.
    pub audience: Option<String>,
    /// RFC 8707.
    pub resource: Option<String>,
    /// Seconds before its expiry from which a token counts as expired.
    pub leeway: u64,
    /// Seconds that a token lives whose answer does not say; `None`: the library's five minutes.
    pub expire_in: Option<u64>,
}

impl Unused {
    /// As `describe` has it.
    pub fn json(&self) -> Value {
        json!({"name": self.name, "why": self.why, "hint": self.hint})
    }
}

/// What a constructor made of its arguments and the environment.
#[derive(Debug)]
pub struct Settings {
    /// For `describe`, and for what errors advise.
    pub kind: ChannelKind,
    /// As given, or built of the cluster's id and region.
    pub target: Setting,
    /// By the reference's argument names, for `describe`; secrets are redacted already.
    pub shown: Vec<(&'static str, Value, Origin)>,
    /// `None`: the channel has no token of an authorization server.
    pub oauth: Option<Oauth>,
    /// What a user may do about it if the gateway turns out to speak TLS, or not to.
    pub security_hint: Option<String>,
    /// Of `from_environment` only.
    pub unused_variables: Vec<Unused>,
}

/// A variable of an official client that is set, and that the channel does not use.
#[derive(Debug, PartialEq, Eq)]
pub struct Unused {
    /// The variable's.
    pub name: &'static str,
    /// The reason, in words for people.
    pub why: String,
    /// What to do about it.
    pub hint: String,
}

impl Settings {
    /// What a user may do about it if certificates are what fails: some are in stores that are not read.
    pub fn certificate_hint(&self) -> Option<String> {
        let is_store = |unused: &&Unused| unused.name.ends_with("STORE_PATH");
        let hints: Vec<_> = self
            .unused_variables
            .iter()
            .filter(is_store)
            .map(|unused| {
                format!(
                    "{} is not used, for {}: {}",
                    unused.name, unused.why, unused.hint
                )
            })
            .collect();
        (!hints.is_empty()).then(|| hints.join("; "))
    }

    /// In seconds; `None`: the default, which is shorter for tokens that live shortly.
    pub fn given_leeway(&self) -> Option<u64> {
        let is_given = |(name, _, origin): &&(&str, Value, Origin)| {
            *name == "leeway" && *origin != Origin::Default
        };
        self.shown.iter().find(is_given)?.1.as_u64()
    }
}

fn argument(text: Option<&str>) -> Option<Setting> {
    given(text).map(|text| (text.to_owned(), Origin::Argument))
}

/// The settings of [`super::create::insecure`].
pub fn insecure(environment: &Environment<'_>, address: Option<&str>) -> Result<Settings, Error> {
    plain(ChannelKind::Insecure, environment, address)
}

/// The settings of [`super::create::secure`].
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
        shown: vec![("grpc_address", json!(target::shown(&target.0)), target.1)],
        target,
        oauth: None,
        security_hint: None,
        unused_variables: Vec::new(),
    }
}

/// The settings of [`super::create::oauth2_client_credentials`]; fails where id, secret, URL or audience is not to be had.
pub fn oauth2_client_credentials(
    environment: &Environment<'_>,
    address: Option<&str>,
    arguments: OauthOptions<'_>,
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
    credentials.show_in(&mut settings);
    arguments
        .grant(credentials, server, audience)
        .add_to(&mut settings);
    Ok(settings)
}

/// The settings of [`super::create::camunda_cloud`]; fails where id, secret or cluster is not to be had.
pub fn camunda_cloud(
    environment: &Environment<'_>,
    cluster_id: Option<&str>,
    region: Option<&str>,
    arguments: OauthOptions<'_>,
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
    let mut settings = of_cluster(address, cluster_id, region, &credentials);
    arguments
        .grant(credentials, server, audience)
        .add_to(&mut settings);
    Ok(settings)
}

fn of_cluster(
    address: String,
    cluster_id: Setting,
    region: Setting,
    credentials: &Credentials,
) -> Settings {
    let mut settings = of_target(ChannelKind::CamundaCloud, (address, cluster_id.1));
    settings.shown.clear();
    credentials.show_in(&mut settings);
    settings
        .shown
        .push(("cluster_id", json!(cluster_id.0), cluster_id.1));
    settings.shown.push(("region", json!(region.0), region.1));
    settings
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
    fn resolve(environment: &Environment<'_>, arguments: OauthOptions<'_>) -> Result<Self, Error> {
        let id = required(environment, arguments.client_id, &CLIENT_ID, None)?;
        let secret = || {
            required(environment, arguments.client_secret, &CLIENT_SECRET, None)
                .map(environment::secret)
        };
        Ok(Self {
            id,
            secret: (!arguments.without_secret).then(secret).transpose()?,
        })
    }

    fn show_in(&self, settings: &mut Settings) {
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

/// What was not given has its default.
fn or_default<T>(given: Option<T>, default: T) -> (T, Origin) {
    match given {
        Some(value) => (value, Origin::Argument),
        None => (default, Origin::Default),
    }
}

impl OauthOptions<'_> {
    /// With the credentials and the rest of what a token is asked with.
    fn grant(self, credentials: Credentials, server: Setting, audience: Setting) -> Grant {
        Grant {
            credentials,
            server,
            scope: or_default(self.scope.map(str::to_owned), String::new()),
            audience,
            resource: None,
            leeway: or_default(self.lifetime.leeway.map(|leeway| leeway.as_secs()), LEEWAY),
            expire_in: self.lifetime.expire_in.map(|time| time.as_secs()),
        }
    }
}

/// What a token is asked with. An empty text is none.
struct Grant {
    credentials: Credentials,
    server: Setting,
    scope: Setting,
    audience: Setting,
    /// Only variables give one.
    resource: Option<Setting>,
    leeway: (u64, Origin),
    expire_in: Option<u64>,
}

impl Grant {
    fn add_to(self, settings: &mut Settings) {
        let none_if_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        let (scope, audience) = (none_if_empty(self.scope.0), none_if_empty(self.audience.0));
        let server = shown_token_url(&self.server.0);
        let (expire_in, expire_in_origin) = or_default(self.expire_in.map(Some), None);
        settings.shown.extend([
            ("authorization_server", json!(server), self.server.1),
            ("scope", json!(scope), self.scope.1),
            ("audience", json!(audience), self.audience.1),
            ("leeway", json!(self.leeway.0), self.leeway.1),
            ("expire_in", json!(expire_in), expire_in_origin),
        ]);
        if let Some((resource, origin)) = &self.resource {
            settings.shown.push(("resource", json!(resource), *origin));
        }
        settings.oauth = Some(Oauth {
            client_id: self.credentials.id.0,
            client_secret: self
                .credentials
                .secret
                .map(|(secret, _)| secret)
                .unwrap_or_default(),
            authorization_server: self.server,
            scope,
            audience,
            resource: self.resource.map(|(resource, _)| resource),
            leeway: self.leeway.0,
            expire_in,
        });
    }
}
