//! The constructors: what each is given, with variables and defaults, made into a channel.

use std::sync::Arc;
use std::time::Duration;

use super::settings::{self, FromEnvironment};
use super::{
    CallDefaults, Channel, ChannelKind, ChannelOptions, ChannelParts, Materials, OauthOptions,
    OptionValue, Settings,
};
use crate::credentials::{
    ChannelCredentials, ClientAuthentication, ClientCredentials, GivenTokenOptions, Lifetime,
    Plugin, Security, ServerMetadata, TlsCredentials, TokenOptions, refuse_readable_token_url,
};
use crate::environment::PROCESS;
use crate::error::Error;

/// How a channel connects, and what every call of it starts from.
#[derive(Debug, Default)]
pub struct ConnectionOptions {
    /// A target to dial in place of the channel's, which keeps authority and certificate's name.
    pub connect_address: Option<String>,
    /// Lets tokens and the like go over plaintext to another host than this.
    pub allow_insecure_gateway: bool,
    /// So many calls wait for a connection; `None`: as many as come.
    pub max_waiting_calls: Option<usize>,
    /// For what a call's options do not say.
    pub defaults: CallDefaults,
}

/// What every constructor but that by variables has.
#[derive(Debug)]
pub struct Common {
    /// The program's, in its order.
    pub channel_options: Vec<(String, OptionValue)>,
    /// Where and how to connect, by the program.
    pub connection: ConnectionOptions,
    /// `None`: TLS with the platform's roots; ignored by an insecure channel.
    pub credentials: Option<ChannelCredentials>,
}

/// Plaintext, to `address`, else to what the variables say, else `localhost:26500`.
pub fn insecure(address: Option<&str>, common: Common) -> Result<Arc<Channel>, Error> {
    let settings = settings::insecure(&PROCESS, address)?;
    let plaintext = Some(Security::Plaintext.into());
    Parts::new(settings, common)?.make(plaintext, None)
}

/// TLS, unless `common` has other credentials; the address as of [`insecure`].
pub fn secure(address: Option<&str>, mut common: Common) -> Result<Arc<Channel>, Error> {
    let settings = settings::secure(&PROCESS, address)?;
    let credentials = common.credentials.take();
    Parts::new(settings, common)?.make(credentials, None)
}

/// With a token of an authorization server in every call.
pub fn oauth2_client_credentials(
    address: Option<&str>,
    arguments: OauthOptions<'_>,
    token: TokenOptions,
    mut common: Common,
) -> Result<Arc<Channel>, Error> {
    let settings = settings::oauth2_client_credentials(&PROCESS, address, arguments)?;
    let credentials = common.credentials.take();
    Parts::new(settings, common)?.make(credentials, Some(token))
}

/// A cluster of Camunda's SaaS: address and token endpoint come of its id and region.
pub fn camunda_cloud(
    cluster_id: Option<&str>,
    region: Option<&str>,
    arguments: OauthOptions<'_>,
    token: TokenOptions,
    mut common: Common,
) -> Result<Arc<Channel>, Error> {
    let settings = settings::camunda_cloud(&PROCESS, cluster_id, region, arguments)?;
    let credentials = common.credentials.take();
    Parts::new(settings, common)?.make(credentials, Some(token))
}

/// One of the four, by variables alone.
pub fn from_environment(connection: ConnectionOptions) -> Result<Arc<Channel>, Error> {
    let found = settings::from_environment(&PROCESS)?;
    let materials = Materials::read(&found)?;
    let FromEnvironment {
        settings, official, ..
    } = found;
    let mut token = TokenOptions::new(GivenTokenOptions::default())?;
    if let (Some(found), Some(oauth)) = (official.configuration, &settings.oauth) {
        token.endpoint.metadata = Some(ServerMetadata {
            url: found.url,
            issuer: found.issuer,
            origin: oauth.authorization_server.1,
        });
    }
    let sent_by_default = ClientAuthentication::OF_OFFICIAL_CLIENTS;
    token.authentication = official.client_authentication.or(Some(sent_by_default));
    token.endpoint.signing_key = materials.signing_key;
    token.endpoint.tls = materials.token_tls;
    token.endpoint.identity = materials.identity;
    token.endpoint.by_variables = true;
    if let Some(timeout) = official.connect_timeout {
        token.endpoint.connect_timeout = timeout;
    }
    if let Some(timeout) = official.timeout {
        token.endpoint.timeout = timeout;
    }
    let options = official.channel_options.into_iter();
    let options =
        options.map(|(key, value, origin)| (key.to_owned(), OptionValue::Integer(value), origin));
    Parts {
        settings,
        options: ChannelOptions::with_origins(options)?,
        connection,
        override_authority: official.override_authority,
    }
    .make(Some(materials.credentials), Some(token))
}

struct Parts {
    settings: Settings,
    options: ChannelOptions,
    connection: ConnectionOptions,
    override_authority: Option<String>,
}

impl Parts {
    fn new(settings: Settings, common: Common) -> Result<Self, Error> {
        Ok(Self {
            settings,
            options: ChannelOptions::new(common.channel_options)?,
            connection: common.connection,
            override_authority: None,
        })
    }

    /// `token` counts where the settings have OAuth.
    fn make(
        self,
        credentials: Option<ChannelCredentials>,
        token: Option<TokenOptions>,
    ) -> Result<Arc<Channel>, Error> {
        let platform = || Security::Tls(TlsCredentials::platform()).into();
        let mut credentials = credentials.unwrap_or_else(platform);
        let source = match token {
            Some(token) => token_source(&self.settings, token)?,
            None => None,
        };
        let source = source.unwrap_or_default();
        let oauth2 = source.plugin;
        credentials
            .plugins
            .extend(oauth2.iter().map(|(plugin, _)| Arc::clone(plugin)));
        let channel = Channel::new(ChannelParts {
            settings: self.settings,
            options: self.options,
            credentials,
            connect_address: self.connection.connect_address,
            override_authority: self.override_authority,
            allow_insecure_gateway: self.connection.allow_insecure_gateway,
            max_waiting_calls: self.connection.max_waiting_calls,
            defaults: self.connection.defaults,
            oauth2,
            token_problem: source.problem,
        })?;
        if source.prefetch {
            channel.tokens()?.prefetch()?;
        }
        Ok(channel)
    }
}

/// What fetches a channel's tokens.
#[derive(Default)]
struct Tokens {
    plugin: Option<(Arc<Plugin>, ClientAuthentication)>,
    /// Why the token URL cannot be used, if it cannot.
    problem: Option<Error>,
    prefetch: bool,
}

/// The plugin of settings that have OAuth.
fn token_source(settings: &Settings, mut token: TokenOptions) -> Result<Option<Tokens>, Error> {
    let Some(oauth) = &settings.oauth else {
        return Ok(None);
    };
    let authentication = token.authentication.unwrap_or(match settings.kind {
        ChannelKind::CamundaCloud => ClientAuthentication::Body,
        _ => ClientAuthentication::Basic,
    });
    let (url, origin) = &oauth.authorization_server;
    refuse_readable_token_url(url, Some(*origin), token.allow_insecure_url)?;
    let problem = token.choose_proxy(url, &PROCESS)?;
    let prefetch = token.prefetch;
    let mut endpoint = token.endpoint;
    endpoint.resource = oauth.resource.clone();
    let client = ClientCredentials::new(
        oauth.client_id.clone(),
        oauth.client_secret.clone(),
        url,
        oauth.scope.clone(),
        oauth.audience.clone(),
        authentication,
        endpoint,
    );
    let problem = client.problem().map(Error::settings).or(problem);
    let lifetime = Lifetime {
        leeway: settings.given_leeway().map(Duration::from_secs),
        expire_in: oauth.expire_in.map(Duration::from_secs),
    };
    Ok(Some(Tokens {
        plugin: Some((Plugin::client_credentials(client, lifetime), authentication)),
        problem,
        prefetch,
    }))
}
