//! Constructors: the four channels, and the one that chooses among them by the environment.
//!
//! Here arguments become Rust's; what they mean is in `channel::create`.

use std::mem::offset_of;
use std::sync::Arc;
use std::time::Duration;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::call::wait_for_ready;
use super::channel::zeebe_channel;
use super::convert::{self, Options, Out};
use super::credentials::zeebe_channel_credentials;
use super::error::zeebe_error;
use super::metadata::zeebe_metadata;
use super::token_options::{token_options, zeebe_token_options};
use crate::channel::create::{self, Common, ConnectionOptions};
use crate::channel::{CallDefaults, Channel, OauthOptions, OptionValue};
use crate::credentials::{Lifetime, TokenOptions};
use crate::error::Error;
use crate::options::{self, Given, Spec};
use crate::wire::Metadata;

/// A channel option: a gRPC channel argument. Never changes.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_channel_option {
    /// Such as `grpc.keepalive_time_ms`. Not NULL.
    pub key: *const c_char,
    /// The value, if it is a string; else NULL.
    pub string: *const c_char,
    /// The value, if `string` is NULL; within 32 bits.
    pub integer: i64,
}

/// How a channel connects, and what every call of it starts from. Initialise it with ::ZEEBE_CONNECTION_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_connection_options {
    /// `sizeof(zeebe_connection_options)`.
    pub size: usize,
    /// `host:port` or `unix:path` to dial in place of the target's address; TLS name and authority stay the target's. NULL: the target's.
    pub connect_address: *const c_char,
    /// Sent with every call. Copied. NULL: none.
    pub metadata: *const zeebe_metadata,
    /// Of every call that does not set its own. ZEEBE_TIMEOUT_NONE, as anything < 0, is INVALID_ARGUMENT here.
    pub timeout_ms: i64,
    /// One of the ZEEBE_WAIT_FOR_READY_ constants, for every call that does not set its own.
    pub wait_for_ready: i32,
    /// 1: tokens may be sent in plaintext beyond loopback. They can be read on the way.
    pub allow_insecure_gateway: i32,
    /// The limit of calls that wait for a connection, or for a stream where the gateway allows no more; others fail at once with RESOURCE_EXHAUSTED.
    pub max_waiting_calls: i64,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_connection_options {
    const FIRST_SIZE: usize = offset_of!(Self, max_waiting_calls) + size_of::<i64>();
}
const _: () = assert!(size_of::<zeebe_connection_options>() == 48);

/// What ::ZEEBE_CONNECTION_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_connection_options_init(
    options: *mut zeebe_connection_options,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
}

/// Of zeebe_create_insecure_channel(). Initialise it with ::ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_insecure_channel_options {
    /// `sizeof(zeebe_insecure_channel_options)`.
    pub size: usize,
    /// The target: `host:port`, `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:…` or a URL. NULL: by the environment.
    pub grpc_address: *const c_char,
    /// An array of `channel_options_count`; may be NULL when that is 0. Of duplicates the first counts.
    pub channel_options: *const zeebe_channel_option,
    /// How many.
    pub channel_options_count: usize,
    /// NULL: the defaults.
    pub connection_options: *const zeebe_connection_options,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_insecure_channel_options {
    const FIRST_SIZE: usize =
        offset_of!(Self, connection_options) + size_of::<*const zeebe_connection_options>();
}
const _: () = assert!(size_of::<zeebe_insecure_channel_options>() == 40);

/// What ::ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_insecure_channel_options_init(
    options: *mut zeebe_insecure_channel_options,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
}

/// Of zeebe_create_secure_channel(). Initialise it with ::ZEEBE_SECURE_CHANNEL_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_secure_channel_options {
    /// `sizeof(zeebe_secure_channel_options)`.
    pub size: usize,
    /// The target: `host:port`, `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:…` or a URL. NULL: by the environment.
    pub grpc_address: *const c_char,
    /// An array of `channel_options_count`; may be NULL when that is 0. Of duplicates the first counts.
    pub channel_options: *const zeebe_channel_option,
    /// How many.
    pub channel_options_count: usize,
    /// NULL: ssl credentials with the platform's roots.
    pub channel_credentials: *const zeebe_channel_credentials,
    /// NULL: the defaults.
    pub connection_options: *const zeebe_connection_options,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_secure_channel_options {
    const FIRST_SIZE: usize =
        offset_of!(Self, connection_options) + size_of::<*const zeebe_connection_options>();
}
const _: () = assert!(size_of::<zeebe_secure_channel_options>() == 48);

/// What ::ZEEBE_SECURE_CHANNEL_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_secure_channel_options_init(
    options: *mut zeebe_secure_channel_options,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
}

/// Of zeebe_create_oauth2_client_credentials_channel(). Initialise it with ::ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_oauth2_client_credentials_channel_options {
    /// `sizeof(zeebe_oauth2_client_credentials_channel_options)`.
    pub size: usize,
    /// The target: `host:port`, `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:…` or a URL. NULL: by the environment.
    pub grpc_address: *const c_char,
    /// NULL: `CAMUNDA_CLIENT_ID`, `ZEEBE_CLIENT_ID`.
    pub client_id: *const c_char,
    /// NULL: `CAMUNDA_CLIENT_SECRET`, `ZEEBE_CLIENT_SECRET`. Ignored where `client_authentication` needs none.
    pub client_secret: *const c_char,
    /// The token URL. NULL: `CAMUNDA_OAUTH_URL`, `ZEEBE_AUTHORIZATION_SERVER_URL`.
    pub authorization_server: *const c_char,
    /// NULL or "": none.
    pub scope: *const c_char,
    /// NULL: `CAMUNDA_TOKEN_AUDIENCE`, `ZEEBE_TOKEN_AUDIENCE`. "": none.
    pub audience: *const c_char,
    /// NULL: ssl credentials with the platform's roots.
    pub channel_credentials: *const zeebe_channel_credentials,
    /// An array of `channel_options_count`; may be NULL when that is 0. Of duplicates the first counts.
    pub channel_options: *const zeebe_channel_option,
    /// How many.
    pub channel_options_count: usize,
    /// How long before its expiry a token counts as expired; where it is not given, at most half of the token's life.
    /// ZEEBE_LEEWAY_NONE: not before.
    pub leeway: i64,
    /// How long a token is good that does not say so itself.
    pub expire_in: i64,
    /// NULL: the defaults.
    pub token_options: *const zeebe_token_options,
    /// NULL: the defaults.
    pub connection_options: *const zeebe_connection_options,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_oauth2_client_credentials_channel_options {
    const FIRST_SIZE: usize =
        offset_of!(Self, connection_options) + size_of::<*const zeebe_connection_options>();
}
const _: () = assert!(size_of::<zeebe_oauth2_client_credentials_channel_options>() == 112);

/// What ::ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_oauth2_client_credentials_channel_options_init(
    options: *mut zeebe_oauth2_client_credentials_channel_options,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
}

/// Of zeebe_create_camunda_cloud_channel(). Initialise it with ::ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_camunda_cloud_channel_options {
    /// `sizeof(zeebe_camunda_cloud_channel_options)`.
    pub size: usize,
    /// NULL: `CAMUNDA_CLUSTER_ID`.
    pub cluster_id: *const c_char,
    /// NULL: `CAMUNDA_CLUSTER_REGION`, `bru-2`.
    pub region: *const c_char,
    /// The rest, but for its grpc_address, which is the cluster's and must be NULL. What is not given is also Camunda's: the token URL,
    /// and the audience `zeebe.camunda.io`. It stays last, for it may grow.
    pub oauth2: zeebe_oauth2_client_credentials_channel_options,
}

// SAFETY: `repr(C)`, integers, pointers and a struct of which the same is true, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_camunda_cloud_channel_options {
    const FIRST_SIZE: usize =
        offset_of!(Self, oauth2) + zeebe_oauth2_client_credentials_channel_options::FIRST_SIZE;
}
const _: () = assert!(size_of::<zeebe_camunda_cloud_channel_options>() == 24 + 112);

/// What ::ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_camunda_cloud_channel_options_init(
    options: *mut zeebe_camunda_cloud_channel_options,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) };
    if options.is_null() {
        return;
    }
    let offset = offset_of!(zeebe_camunda_cloud_channel_options, oauth2);
    let oauth2 = options.wrapping_byte_add(offset);
    let oauth2: *mut zeebe_oauth2_client_credentials_channel_options = oauth2.cast();
    // SAFETY: what of those bytes is behind the offset.
    unsafe { convert::initialise(oauth2, size.saturating_sub(offset)) }
}

fn channel_options(
    array: *const zeebe_channel_option,
    count: usize,
) -> Result<Vec<(String, OptionValue)>, Error> {
    let option = &options::CHANNEL_OPTIONS;
    if count > 0 && array.is_null() {
        return Err(option.refuse("is NULL, but its count is not 0").into());
    }
    let mut given = Vec::new();
    for index in 0..count {
        // SAFETY: an array of `count` items, by the header.
        let item = unsafe { array.wrapping_add(index).read() };
        let named = format!("{option}[].key");
        // SAFETY: a string of the header's contract.
        let key = unsafe { convert::text(&*named, item.key) }.map_err(|e| e.about(option))?;
        // SAFETY: a string of the header's contract.
        let string = unsafe { convert::optional_text(key, item.string) }?;
        let value = match string {
            Some(text) => OptionValue::Text(text.to_owned().into()),
            None => OptionValue::Integer(item.integer),
        };
        given.push((key.to_owned(), value));
    }
    Ok(given)
}

fn connection(given: *const zeebe_connection_options) -> Result<ConnectionOptions, Error> {
    // SAFETY: an options struct of the header's contract.
    let given = unsafe { convert::options("connection_options", given) }?;
    // SAFETY: a string of the header's contract.
    let address = unsafe { convert::given_text(&options::CONNECT_ADDRESS, given.connect_address) }?;
    // SAFETY: NULL or metadata of ours, by the header.
    let metadata = unsafe { given.metadata.as_ref() };
    Ok(ConnectionOptions {
        connect_address: address.map(str::to_owned),
        defaults: CallDefaults {
            metadata: metadata.map_or(Metadata::default(), |given| {
                Metadata::clone(&given.metadata)
            }),
            timeout: match options::CONNECTION_TIMEOUT.given(given.timeout_ms)? {
                Given::Number(ms) => Some(Duration::from_millis(ms)),
                Given::Not | Given::None => None,
            },
            wait_for_ready: wait_for_ready(
                &options::CONNECTION_WAIT_FOR_READY,
                given.wait_for_ready,
            )?
            .unwrap_or(false),
        },
        allow_insecure_gateway: options::ALLOW_INSECURE_GATEWAY
            .flag(given.allow_insecure_gateway)?,
        max_waiting_calls: options::MAX_WAITING_CALLS.limit(given.max_waiting_calls)?,
    })
}

/// What the constructors have in common.
fn common(
    options: (*const zeebe_channel_option, usize),
    connection_options: *const zeebe_connection_options,
    credentials: *const zeebe_channel_credentials,
) -> Result<Common, Error> {
    // SAFETY: NULL or credentials of ours, by the header.
    let credentials = unsafe { credentials.as_ref() };
    Ok(Common {
        channel_options: channel_options(options.0, options.1)?,
        connection: connection(connection_options)?,
        credentials: credentials.map(|given| given.credentials.clone()),
    })
}

/// What both OAuth constructors have.
fn oauth2<'a>(
    given: &zeebe_oauth2_client_credentials_channel_options,
) -> Result<(OauthOptions<'a>, TokenOptions, Common), Error> {
    let token = token_options(given.token_options)?;
    let arguments = OauthOptions {
        client_id: text(&options::CLIENT_ID, given.client_id)?,
        client_secret: text(&options::CLIENT_SECRET, given.client_secret)?,
        without_secret: token.without_secret(),
        authorization_server: text(&options::AUTHORIZATION_SERVER, given.authorization_server)?,
        scope: text(&options::SCOPE, given.scope)?,
        audience: text(&options::AUDIENCE, given.audience)?,
        lifetime: Lifetime::given(given.leeway, given.expire_in)?,
    };
    let common = common(
        (given.channel_options, given.channel_options_count),
        given.connection_options,
        given.channel_credentials,
    )?;
    Ok((arguments, token, common))
}

fn boxed(channel: Arc<Channel>) -> Option<repr_c::Box<zeebe_channel>> {
    Some(Box::new(zeebe_channel { channel }).into())
}

/// The result lives as long as C lends the text, which is as long as a constructor runs.
fn text<'a>(option: &'static Spec, value: *const c_char) -> Result<Option<&'a str>, Error> {
    // SAFETY: a string of the header's contract.
    unsafe { convert::optional_text(option, value) }
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
    let address = text(&options::GRPC_ADDRESS, given.grpc_address)?;
    let common = common(
        (given.channel_options, given.channel_options_count),
        given.connection_options,
        std::ptr::null(),
    )?;
    channel.write(boxed(create::insecure(address, common)?));
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
    let address = text(&options::GRPC_ADDRESS, given.grpc_address)?;
    let common = common(
        (given.channel_options, given.channel_options_count),
        given.connection_options,
        given.channel_credentials,
    )?;
    channel.write(boxed(create::secure(address, common)?));
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
    let address = text(&options::GRPC_ADDRESS, given.grpc_address)?;
    let (arguments, token, common) = oauth2(&given)?;
    let made = create::oauth2_client_credentials(address, arguments, token, common)?;
    channel.write(boxed(made));
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
    // SAFETY: `options` is NULL or points to options of the header's contract, and so does what stands at its end.
    let oauth: zeebe_oauth2_client_credentials_channel_options = unsafe {
        convert::embedded(
            "options.oauth2",
            options,
            offset_of!(zeebe_camunda_cloud_channel_options, oauth2),
        )
    }?;
    if text(&options::GRPC_ADDRESS, oauth.grpc_address)?.is_some_and(|text| !text.is_empty()) {
        let why = "is given: the address is by cluster and region";
        return Err(options::GRPC_ADDRESS.refuse(why).into());
    }
    let (arguments, token, common) = oauth2(&oauth)?;
    channel.write(boxed(create::camunda_cloud(
        text(&options::CLUSTER_ID, given.cluster_id)?,
        text(&options::REGION, given.region)?,
        arguments,
        token,
        common,
    )?));
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
    channel.write(boxed(create::from_environment(connection(options)?)?));
    Ok(())
}
