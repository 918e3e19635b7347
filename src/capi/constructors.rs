//! Constructors: the four channels, and the one that chooses among them by the environment.
//!
//! Here arguments become Rust's; what they mean is in `channel::settings` and `channel::arguments`.

use std::sync::Arc;
use std::time::Duration;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::repr_c;
use secrecy::ExposeSecret;

use super::channel::{wait_for_ready, zeebe_channel};
use super::convert::{self, Out};
use super::credentials::zeebe_channel_credentials;
use super::error::zeebe_error;
use super::options::{
    zeebe_camunda_cloud_channel_options, zeebe_channel_option, zeebe_connection_options,
    zeebe_insecure_channel_options, zeebe_oauth2_client_credentials_channel_options,
    zeebe_secure_channel_options,
};
use super::token_arguments::{TokenArguments, lifetime, lifetime_arguments};
use crate::channel::settings::{self, Configuration, FromEnvironment};
use crate::channel::{
    CallDefaults, Channel, ChannelArguments, ChannelKind, ChannelOptions, Materials,
    OauthArguments, OptionValue, Settings,
};
use crate::credentials::{
    ChannelCredentials, ClientAuthentication, ClientCredentials, Discovery, Plugin, Security,
    TlsCredentials, check_token_url, shown_token_url,
};
use crate::environment::{Origin, PROCESS};
use crate::error::Error;
use crate::proxy::Proxy;
use crate::wire::Metadata;

fn channel_options(
    options: *const zeebe_channel_option,
    count: usize,
) -> Result<ChannelOptions, Error> {
    if count > 0 && options.is_null() {
        return Err(Error::invalid_argument(
            "options.channel_options is NULL, but its count is not 0",
        ));
    }
    let mut given = Vec::new();
    for index in 0..count {
        // SAFETY: an array of `count` items, by the header.
        let option = unsafe { options.add(index).read() };
        // SAFETY: a string of the header's contract.
        let key = unsafe { convert::text("options.channel_options[].key", option.key) }?;
        // SAFETY: a string of the header's contract.
        let string = unsafe { convert::optional_text(key, option.string) }?;
        let value = match string {
            Some(text) => OptionValue::Text(text.to_owned().into()),
            None => OptionValue::Integer(option.integer),
        };
        given.push((key.to_owned(), value));
    }
    ChannelOptions::new(given)
}

/// The part of the arguments that every constructor has.
struct Connection {
    connect_address: Option<String>,
    allow_insecure_gateway: bool,
    defaults: CallDefaults,
}

fn connection(options: *const zeebe_connection_options) -> Result<Connection, Error> {
    // SAFETY: an options struct of the header's contract.
    let options = unsafe { convert::options("connection_options", options) }?;
    // SAFETY: a string of the header's contract.
    let address = unsafe {
        convert::given_text(
            "connection_options.connect_address",
            options.connect_address,
        )
    }?;
    // SAFETY: NULL or metadata of ours, by the header.
    let metadata = unsafe { options.metadata.as_ref() };
    let timeout = u64::try_from(options.timeout_ms).map_err(|_| {
        Error::invalid_argument(format!(
            "connection_options.timeout_ms is {}: it is milliseconds; 0: none",
            options.timeout_ms
        ))
    })?;
    Ok(Connection {
        connect_address: address.map(str::to_owned),
        allow_insecure_gateway: convert::flag(
            "connection_options.allow_insecure_gateway",
            options.allow_insecure_gateway,
        )?,
        defaults: CallDefaults {
            metadata: metadata.map_or(Metadata::default(), |given| {
                Metadata::clone(&given.metadata)
            }),
            timeout: (timeout > 0).then(|| Duration::from_millis(timeout)),
            wait_for_ready: wait_for_ready(
                "connection_options.wait_for_ready",
                options.wait_for_ready,
            )?
            .unwrap_or(false),
        },
    })
}

fn secure_credentials(given: *const zeebe_channel_credentials) -> ChannelCredentials {
    // SAFETY: NULL or credentials of ours, by the header.
    match unsafe { given.as_ref() } {
        Some(given) => given.credentials.clone(),
        None => Security::Tls(TlsCredentials::platform()).into(),
    }
}

fn create(
    settings: Settings,
    options: ChannelOptions,
    mut credentials: ChannelCredentials,
    connection: Connection,
    mut token: TokenArguments,
    override_authority: Option<String>,
) -> Result<Option<repr_c::Box<zeebe_channel>>, Error> {
    let mut oauth2 = None;
    let mut token_problem = None;
    if let Some(oauth) = &settings.oauth {
        let authentication = token.authentication.unwrap_or(match settings.kind {
            ChannelKind::CamundaCloud => ClientAuthentication::Body,
            _ => ClientAuthentication::Basic,
        });
        let (url, origin) = &oauth.authorization_server;
        check_token_url(url, token.allow_insecure_url).map_err(|why| {
            let url = shown_token_url(url);
            let message = format!("the token URL {url:?} ({origin}): {why}");
            match origin {
                Origin::Environment(_) => Error::settings(message),
                _ => Error::invalid_argument(message),
            }
        })?;
        let option = token.http_proxy.as_ref().map(|url| url.expose_secret());
        match Proxy::of_token_endpoint(url, option, &PROCESS) {
            Ok(proxy) => token.options.proxy = proxy,
            Err(error) if option.is_some() => return Err(error),
            Err(error) => token_problem = Some(error),
        }
        token.options.resource = oauth.resource.clone();
        let client = ClientCredentials::new(
            oauth.client_id.clone(),
            oauth.client_secret.clone(),
            url,
            oauth.scope.clone(),
            oauth.audience.clone(),
            authentication,
            token.options,
        );
        token_problem = client.problem().map(Error::settings).or(token_problem);
        let lifetime = lifetime(settings.given_leeway(), oauth.expire_in);
        let made = Plugin::client_credentials(client, lifetime);
        credentials.plugins.push(Arc::clone(&made));
        oauth2 = Some((made, authentication));
    }
    let channel = Channel::new(ChannelArguments {
        settings,
        options,
        credentials,
        connect_address: connection.connect_address,
        override_authority,
        allow_insecure_gateway: connection.allow_insecure_gateway,
        defaults: connection.defaults,
        oauth2,
        token_problem,
    })?;
    if token.prefetch {
        channel.oauth2_plugin()?.prefetch()?;
    }
    Ok(Some(Box::new(zeebe_channel { channel }).into()))
}

/// The arguments that both OAuth constructors have.
fn oauth_arguments<'a>(
    client_id: *const c_char,
    client_secret: *const c_char,
    authorization_server: *const c_char,
    scope: *const c_char,
    audience: *const c_char,
    (leeway, expire_in): (i64, i64),
    token: &TokenArguments,
) -> Result<OauthArguments<'a>, Error> {
    // SAFETY: (each) a string of the header's contract, which outlives the constructor's call.
    let text = |name, value| unsafe { convert::optional_text(name, value) };
    let (leeway, expire_in) = lifetime_arguments(leeway, expire_in)?;
    Ok(OauthArguments {
        client_id: text("options.client_id", client_id)?,
        client_secret: text("options.client_secret", client_secret)?,
        without_secret: token.without_secret(),
        authorization_server: text("options.authorization_server", authorization_server)?,
        scope: text("options.scope", scope)?,
        audience: text("options.audience", audience)?,
        leeway,
        expire_in,
    })
}

/// Makes a channel without TLS. NULL options: everything by the environment.
///
/// Does no I/O. The target is `grpc_address`, else `ZEEBE_ADDRESS`, else `localhost:26500`. Free `*channel` with
/// zeebe_channel_free(). A target that cannot be used makes a channel all the same: its calls end at once with
/// INVALID_ARGUMENT, and zeebe_channel_describe() shows why under `problem`.
/// INVALID_ARGUMENT: `channel` is NULL, text is not UTF-8, an option out of range. SETTINGS: a variable is not UTF-8.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_create_insecure_channel(
    options: *const zeebe_insecure_channel_options,
    channel: *mut Option<repr_c::Box<zeebe_channel>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let channel = unsafe { Out::new("channel", channel) }?;
    // SAFETY: an options struct of the header's contract.
    let given = unsafe { convert::options("options", options) }?;
    // SAFETY: a string of the header's contract.
    let address = unsafe { convert::optional_text("options.grpc_address", given.grpc_address) }?;
    channel.write(create(
        settings::insecure(&PROCESS, address)?,
        channel_options(given.channel_options, given.channel_options_count)?,
        Security::Plaintext.into(),
        connection(given.connection_options)?,
        TokenArguments::read(std::ptr::null())?,
        None,
    )?);
    Ok(())
}

/// Makes a channel secured by `channel_credentials`, TLS with the platform's roots by default.
///
/// As zeebe_create_insecure_channel() otherwise. INVALID_ARGUMENT also: a plugin over plaintext beyond loopback without
/// `allow_insecure_gateway` (SETTINGS if the address came from a variable).
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_create_secure_channel(
    options: *const zeebe_secure_channel_options,
    channel: *mut Option<repr_c::Box<zeebe_channel>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let channel = unsafe { Out::new("channel", channel) }?;
    // SAFETY: an options struct of the header's contract.
    let given = unsafe { convert::options("options", options) }?;
    // SAFETY: a string of the header's contract.
    let address = unsafe { convert::optional_text("options.grpc_address", given.grpc_address) }?;
    channel.write(create(
        settings::secure(&PROCESS, address)?,
        channel_options(given.channel_options, given.channel_options_count)?,
        secure_credentials(given.channel_credentials),
        connection(given.connection_options)?,
        TokenArguments::read(std::ptr::null())?,
        None,
    )?);
    Ok(())
}

/// Makes a channel whose every call carries an OAuth2 client-credentials token (Camunda 8 Self-Managed).
///
/// Does no I/O, unless `token_options.prefetch` starts a fetch in the background. Missing values come from the
/// environment, as each option says. Wrong credentials are no error here: they end the first call, or
/// zeebe_channel_retrieve_token().
/// SETTINGS: a required value is neither an argument nor a variable; a value from a variable is refused.
/// INVALID_ARGUMENT: as zeebe_create_secure_channel(); an http:// token URL beyond loopback without `allow_insecure_token_url`;
/// a key or certificate for the token endpoint is missing or of no use. TLS: one of them does not parse.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_create_oauth2_client_credentials_channel(
    options: *const zeebe_oauth2_client_credentials_channel_options,
    channel: *mut Option<repr_c::Box<zeebe_channel>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let channel = unsafe { Out::new("channel", channel) }?;
    // SAFETY: an options struct of the header's contract.
    let given = unsafe { convert::options("options", options) }?;
    // SAFETY: (each) a string of the header's contract.
    let text = |name, value| unsafe { convert::optional_text(name, value) };
    let token = TokenArguments::read(given.token_options)?;
    let arguments = oauth_arguments(
        given.client_id,
        given.client_secret,
        given.authorization_server,
        given.scope,
        given.audience,
        (given.leeway, given.expire_in),
        &token,
    )?;
    let address = text("options.grpc_address", given.grpc_address)?;
    channel.write(create(
        settings::oauth2_client_credentials(&PROCESS, address, arguments)?,
        channel_options(given.channel_options, given.channel_options_count)?,
        secure_credentials(given.channel_credentials),
        connection(given.connection_options)?,
        token,
        None,
    )?);
    Ok(())
}

/// Makes a channel to a cluster in Camunda's cloud; `ZEEBE_ADDRESS` is not read.
///
/// As zeebe_create_oauth2_client_credentials_channel() otherwise.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_create_camunda_cloud_channel(
    options: *const zeebe_camunda_cloud_channel_options,
    channel: *mut Option<repr_c::Box<zeebe_channel>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let channel = unsafe { Out::new("channel", channel) }?;
    // SAFETY: an options struct of the header's contract.
    let given = unsafe { convert::options("options", options) }?;
    // SAFETY: (each) a string of the header's contract.
    let text = |name, value| unsafe { convert::optional_text(name, value) };
    let token = TokenArguments::read(given.token_options)?;
    let arguments = oauth_arguments(
        given.client_id,
        given.client_secret,
        given.authorization_server,
        given.scope,
        given.audience,
        (given.leeway, given.expire_in),
        &token,
    )?;
    let (cluster_id, region) = (
        text("options.cluster_id", given.cluster_id)?,
        text("options.region", given.region)?,
    );
    channel.write(create(
        settings::camunda_cloud(&PROCESS, cluster_id, region, arguments)?,
        channel_options(given.channel_options, given.channel_options_count)?,
        secure_credentials(given.channel_credentials),
        connection(given.connection_options)?,
        token,
        None,
    )?);
    Ok(())
}

/// Makes one of the four channels, by the variables alone; `options` may be NULL.
///
/// Reads every variable of Camunda's official clients that a channel can use; docs/moving.md lists them in their order. One that
/// is empty is not given. Of those that are set and not used, each is logged as a warning and stands in zeebe_channel_describe()
/// under `unused_variables`.
///
/// - Which: a client id, `CAMUNDA_CLUSTER_ID` or a token URL: OAuth, with the cluster id the cloud's;
///   `CAMUNDA_BASIC_AUTH_USERNAME`: HTTP Basic; `CAMUNDA_AUTH_STRATEGY` (NONE, OAUTH, BASIC, BEARER) comes before them.
/// - Address: `CAMUNDA_GRPC_ADDRESS`, `ZEEBE_GRPC_ADDRESS`, `ZEEBE_ADDRESS`, then `ZEEBE_HOST` and `ZEEBE_PORT`, else
///   `localhost:26500`. Its scheme decides between plaintext (grpc, http) and TLS (grpcs, https); without one
///   `CAMUNDA_SECURE_CONNECTION`, then `ZEEBE_INSECURE_CONNECTION`; else TLS.
/// - Token URL: `CAMUNDA_OAUTH_URL`, `CAMUNDA_AUTHORIZATION_SERVER_URL`, `ZEEBE_AUTHORIZATION_SERVER_URL`, else Camunda's cloud.
///   Without an audience none is sent, but to the cloud's. The secret goes in the body, as the official clients send it, unless
///   `ZEEBE_CLIENT_AUTHENTICATION` says otherwise.
/// - Files of certificates and keys are read here, but that of the roots, which is read at the first connect.
///
/// Errors as the four; also SETTINGS: a value that cannot be used, or a file that cannot be read. TLS: its content does not parse.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_create_channel_from_environment(
    options: *const zeebe_connection_options,
    channel: *mut Option<repr_c::Box<zeebe_channel>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let channel = unsafe { Out::new("channel", channel) }?;
    let found = settings::from_environment(&PROCESS)?;
    let materials = Materials::read(&found)?;
    let FromEnvironment {
        settings, official, ..
    } = found;
    let mut token = TokenArguments::read(std::ptr::null())?;
    if let (Some(configuration), Some(oauth)) = (official.configuration, &settings.oauth) {
        let Configuration { url, issuer } = configuration;
        let origin = oauth.authorization_server.1;
        token.options.discovery = Some(Discovery::new(&url, issuer.as_deref(), origin));
    }
    let sent_by_default = ClientAuthentication::OF_OFFICIAL_CLIENTS;
    token.authentication = official.client_authentication.or(Some(sent_by_default));
    token.options.signing_key = materials.signing_key;
    token.options.tls = materials.token_tls;
    token.options.identity = materials.identity;
    if let Some(timeout) = official.connect_timeout {
        token.options.connect_timeout = timeout;
    }
    if let Some(timeout) = official.timeout {
        token.options.timeout = timeout;
    }
    let channel_options = official.channel_options.into_iter();
    channel.write(create(
        settings,
        ChannelOptions::with_origins(
            channel_options
                .map(|(key, value, origin)| (key.to_owned(), OptionValue::Integer(value), origin)),
        )?,
        materials.credentials,
        connection(options)?,
        token,
        official.override_authority,
    )?);
    Ok(())
}
