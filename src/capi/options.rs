//! Options structs: what C fills in, field by field.

use std::mem::offset_of;

use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, ffi_export};

use super::convert::Options;
use super::credentials::zeebe_channel_credentials;
use super::library::zeebe_destroy;
use super::metadata::zeebe_metadata;
use super::plugin::zeebe_metadata_plugin;
use super::streaming_call::{
    zeebe_close_callback, zeebe_initial_metadata_callback, zeebe_message_callback,
    zeebe_ready_callback,
};
use super::token_request::{zeebe_retrieve_callback, zeebe_retrieve_cancel_callback};

/// Whether a call waits while the gateway cannot be reached, or fails with the reason.
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeWaitForReady {
    /// The channel's default, which is NO.
    Default = 0,
    /// Waits until its deadline.
    Yes = 1,
    /// Fails with the last connection error.
    No = 2,
}

/// How messages are compressed.
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeCompression {
    /// The channel's default.
    Default = 0,
    /// Not at all.
    Identity = 1,
    /// With gzip.
    Gzip = 2,
}

/// How the client proves who it is to the token endpoint.
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeClientAuthentication {
    /// BASIC for OAuth channels, BODY for Camunda's cloud and zeebe_create_channel_from_environment().
    Default = 0,
    /// HTTP Basic of id and secret as they are.
    Basic = 1,
    /// HTTP Basic of id and secret, each form-encoded first (RFC 6749 section 2.3.1), a space as `%20`.
    BasicRfc6749 = 2,
    /// client_id and client_secret in the body.
    Body = 3,
    /// An assertion that `private_key` signs (RFC 7523): RS256 or ES256. No client_secret is needed or looked for.
    PrivateKeyJwt = 4,
    /// client_id in the body, and `certificate_chain` on the TLS connection (RFC 8705). No client_secret is needed or looked for.
    Tls = 5,
}

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
    /// Of every call that does not set its own, in milliseconds; 0: none, so that ZEEBE_TIMEOUT_NONE, as anything < 0, is INVALID_ARGUMENT here.
    pub timeout_ms: i64,
    /// One of the ZEEBE_WAIT_FOR_READY_ constants, for every call that does not set its own.
    pub wait_for_ready: i32,
    /// 1: tokens may be sent in plaintext beyond loopback. They can be read on the way.
    pub allow_insecure_gateway: i32,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_connection_options {
    const FIRST_SIZE: usize = offset_of!(Self, allow_insecure_gateway) + size_of::<i32>();
}
const _: () = assert!(size_of::<zeebe_connection_options>() == 40);

/// How the token endpoint is asked. Certificates are PEM text, not paths. Initialise it with ::ZEEBE_TOKEN_OPTIONS_INIT.
///
/// Channels and plugins of a process share their token while one of them lives, if URL, id, secret, method, scope, audience and
/// what stands here are equal, time-outs and `prefetch` aside. Each keeps its own leeway and `expire_in`; a request goes by the
/// time-outs of the one that began it.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_token_options {
    /// `sizeof(zeebe_token_options)`.
    pub size: usize,
    /// One of the ZEEBE_CLIENT_AUTHENTICATION_ constants.
    pub client_authentication: i32,
    /// 1: an http:// URL beyond loopback is allowed. The secret can be read on the way.
    pub allow_insecure_token_url: i32,
    /// 1: the token is fetched when the channel is made, in the background.
    pub prefetch: i32,
    /// Must be 0.
    pub reserved: u32,
    /// 0: 10 000.
    pub connect_timeout_ms: i64,
    /// Of the whole request; 0: 30 000.
    pub timeout_ms: i64,
    /// Roots that the endpoint's certificate is checked against, or that it shows itself; NULL: the platform's.
    pub token_ca: *const c_char,
    /// The client's own: PKCS#8, PKCS#1 or SEC1. A secret. Signs with PRIVATE_KEY_JWT, where it is RSA of 2048 bits or more, or
    /// P-256. Belongs to `certificate_chain` if that is given, with PRIVATE_KEY_JWT too: one key for both. NULL: none.
    pub private_key: *const c_char,
    /// Shown on the TLS connection to the endpoint, whatever the method; its own certificate first. Needs `private_key`. NULL: none.
    pub certificate_chain: *const c_char,
    /// `kid` of what PRIVATE_KEY_JWT signs, and only for that. NULL: not sent.
    pub key_id: *const c_char,
    /// `http://[user:password@]host:port`; NULL: for channels, the variables `https_proxy` or `http_proxy`, by the URL,
    /// and `no_proxy`, each also in upper case, loopback excepted. Not that of the gateway: `grpc.http_proxy`.
    pub http_proxy: *const c_char,
    /// A file that tokens are kept in, for other processes and for the next start; beside it come one that ends in `.lock` and,
    /// for moments, one in `.new`. Of processes that need a token at once, one asks for it and the others wait, as long as
    /// `timeout_ms`. The lock is one for the whole file: clients that should not wait for each other need files of their own. Only its owner may read it (mode 600); what is there and is another's, readable by others, a symbolic link or no
    /// token file is left alone, with a warning. Tokens are found by URL, id, method, scope and audience, not by secret: after a change of
    /// the secret alone the old token serves until its end. What the gateway refuses goes. NULL: tokens stay in memory.
    pub cache_path: *const c_char,
    /// `aud` of what PRIVATE_KEY_JWT signs, and only for that: what the server calls its token endpoint, or its issuer, where that is
    /// not the URL that it is asked by (RFC 7523 section 3). NULL: the token URL, without user and password.
    pub assertion_audience: *const c_char,
    /// 1: of a `certificate_chain` that ends in a root, the root is shown, too. 0: it is left out, which a server has or does not
    /// trust (RFC 8446 section 4.4.2); some count certificates. One that stands alone is shown in any case.
    pub send_root_certificate: i32,
    /// Must be 0.
    pub reserved_2: u32,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_token_options {
    const FIRST_SIZE: usize = offset_of!(Self, cache_path) + size_of::<*const c_char>();
}
const _: () = assert!(size_of::<zeebe_token_options>() == 104);

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
    /// Seconds before its expiry from which a token counts as expired; 0: 60, and at most half of its life, ZEEBE_LEEWAY_NONE: none.
    pub leeway: i64,
    /// Seconds a token is good for that does not say so itself; 0: not given.
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

/// Of zeebe_create_camunda_cloud_channel(). Initialise it with ::ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_camunda_cloud_channel_options {
    /// `sizeof(zeebe_camunda_cloud_channel_options)`.
    pub size: usize,
    /// NULL: `CAMUNDA_CLIENT_ID`, `ZEEBE_CLIENT_ID`.
    pub client_id: *const c_char,
    /// NULL: `CAMUNDA_CLIENT_SECRET`, `ZEEBE_CLIENT_SECRET`. Ignored where `client_authentication` needs none.
    pub client_secret: *const c_char,
    /// NULL: `CAMUNDA_CLUSTER_ID`.
    pub cluster_id: *const c_char,
    /// NULL: `CAMUNDA_CLUSTER_REGION`, `bru-2`.
    pub region: *const c_char,
    /// The token URL. NULL: `CAMUNDA_OAUTH_URL`, `ZEEBE_AUTHORIZATION_SERVER_URL`, Camunda's.
    pub authorization_server: *const c_char,
    /// NULL or "": none.
    pub scope: *const c_char,
    /// NULL: `CAMUNDA_TOKEN_AUDIENCE`, `ZEEBE_TOKEN_AUDIENCE`, `zeebe.camunda.io`. "": none.
    pub audience: *const c_char,
    /// NULL: ssl credentials with the platform's roots.
    pub channel_credentials: *const zeebe_channel_credentials,
    /// An array of `channel_options_count`; may be NULL when that is 0. Of duplicates the first counts.
    pub channel_options: *const zeebe_channel_option,
    /// How many.
    pub channel_options_count: usize,
    /// Seconds before its expiry from which a token counts as expired; 0: 60, and at most half of its life, ZEEBE_LEEWAY_NONE: none.
    pub leeway: i64,
    /// Seconds a token is good for that does not say so itself; 0: not given.
    pub expire_in: i64,
    /// NULL: the defaults.
    pub token_options: *const zeebe_token_options,
    /// NULL: the defaults.
    pub connection_options: *const zeebe_connection_options,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_camunda_cloud_channel_options {
    const FIRST_SIZE: usize =
        offset_of!(Self, connection_options) + size_of::<*const zeebe_connection_options>();
}
const _: () = assert!(size_of::<zeebe_camunda_cloud_channel_options>() == 120);

/// Of zeebe_ssl_channel_credentials_new(): PEM text, not paths. Initialise it with ::ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_ssl_channel_credentials_options {
    /// `sizeof(zeebe_ssl_channel_credentials_options)`.
    pub size: usize,
    /// A server may also show one of these itself: it is trusted if its name and its time fit. NULL: the platform's; `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` are honoured.
    pub root_certificates: *const c_char,
    /// With `certificate_chain`: the program's own, for mutual TLS. A secret.
    pub private_key: *const c_char,
    /// NULL: none.
    pub certificate_chain: *const c_char,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_ssl_channel_credentials_options {
    const FIRST_SIZE: usize = offset_of!(Self, certificate_chain) + size_of::<*const c_char>();
}
const _: () = assert!(size_of::<zeebe_ssl_channel_credentials_options>() == 32);

/// Of zeebe_oauth2_client_credentials_metadata_plugin_new(), which reads no environment. Initialise it with ::ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_oauth2_client_credentials_metadata_plugin_options {
    /// `sizeof(zeebe_oauth2_client_credentials_metadata_plugin_options)`.
    pub size: usize,
    /// Required.
    pub client_id: *const c_char,
    /// Required, unless `client_authentication` needs none.
    pub client_secret: *const c_char,
    /// The token URL. Required.
    pub authorization_server: *const c_char,
    /// NULL or "": none.
    pub scope: *const c_char,
    /// NULL or "": none.
    pub audience: *const c_char,
    /// Seconds before its expiry from which a token counts as expired; 0: 60, and at most half of its life, ZEEBE_LEEWAY_NONE: none.
    pub leeway: i64,
    /// Seconds a token is good for that does not say so itself; 0: not given.
    pub expire_in: i64,
    /// NULL: the defaults.
    pub token_options: *const zeebe_token_options,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_oauth2_client_credentials_metadata_plugin_options {
    const FIRST_SIZE: usize =
        offset_of!(Self, token_options) + size_of::<*const zeebe_token_options>();
}
const _: () = assert!(size_of::<zeebe_oauth2_client_credentials_metadata_plugin_options>() == 72);

/// Of zeebe_oauth2_metadata_plugin_new(). Initialise it with ::ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_oauth2_metadata_plugin_options {
    /// `sizeof(zeebe_oauth2_metadata_plugin_options)`.
    pub size: usize,
    /// Asked for a token. Required.
    pub retrieve: zeebe_retrieve_callback,
    /// Told that a request is late; may be NULL.
    pub cancel: zeebe_retrieve_cancel_callback,
    /// May be NULL.
    pub destroy: zeebe_destroy,
    /// Seconds before its expiry from which a token counts as expired; 0: 60, and at most half of its life, ZEEBE_LEEWAY_NONE: none.
    pub leeway: i64,
    /// Seconds a token is good for that does not say so itself; 0: not given.
    pub expire_in: i64,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_oauth2_metadata_plugin_options {
    const FIRST_SIZE: usize = offset_of!(Self, expire_in) + size_of::<i64>();
}
const _: () = assert!(size_of::<zeebe_oauth2_metadata_plugin_options>() == 48);

/// A bearer token, as a host's token source gives it. Initialise it with ::ZEEBE_TOKEN_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_token {
    /// `sizeof(zeebe_token)`.
    pub size: usize,
    /// Printable ASCII without spaces. A secret.
    pub access_token: *const c_char,
    /// What was granted; may be NULL.
    pub scope: *const c_char,
    /// Seconds from now; 0: unknown; < 0: it has ended, so that the calls that wait for it get it, and no other.
    pub expires_in: i64,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_token {
    const FIRST_SIZE: usize = offset_of!(Self, expires_in) + size_of::<i64>();
}
const _: () = assert!(size_of::<zeebe_token>() == 32);

/// Of one call. Initialise it with ::ZEEBE_CALL_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_call_options {
    /// `sizeof(zeebe_call_options)`.
    pub size: usize,
    /// Of the whole call, in milliseconds; 0: the channel's default, ZEEBE_TIMEOUT_NONE: none.
    pub timeout_ms: i64,
    /// Copied. A key here replaces the channel's and a plugin's. NULL: none.
    pub metadata: *const zeebe_metadata,
    /// For this call, after the channel's. NULL: none.
    pub credentials: *const zeebe_metadata_plugin,
    /// What `:authority` says. NULL: the channel's.
    pub authority: *const c_char,
    /// In bytes, up to 2 147 483 647; 0: the channel's; -1: no limit.
    pub max_receive_message_length: i64,
    /// One of the ZEEBE_WAIT_FOR_READY_ constants.
    pub wait_for_ready: i32,
    /// One of the ZEEBE_COMPRESSION_ constants; DEFAULT is the channel's. Compressed answers are always taken.
    pub compression: i32,
    /// 1: messages come only as zeebe_call_request() asks for them.
    pub manual_requests: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_call_options {
    const FIRST_SIZE: usize = offset_of!(Self, reserved) + size_of::<u32>();
}
const _: () = assert!(size_of::<zeebe_call_options>() == 64);

/// What is told about a call of zeebe_channel_start_call(). All run in order, never two at once, on library threads. Initialise it with ::ZEEBE_CALL_HANDLER_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_call_handler {
    /// `sizeof(zeebe_call_handler)`.
    pub size: usize,
    /// May be NULL.
    pub on_initial_metadata: zeebe_initial_metadata_callback,
    /// May be NULL.
    pub on_message: zeebe_message_callback,
    /// More may be sent; advice. May be NULL.
    pub on_ready: zeebe_ready_callback,
    /// Once, last. Required.
    pub on_close: zeebe_close_callback,
    /// After on_close; may be NULL.
    pub destroy: zeebe_destroy,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_call_handler {
    const FIRST_SIZE: usize = offset_of!(Self, destroy) + size_of::<zeebe_destroy>();
}
const _: () = assert!(size_of::<zeebe_call_handler>() == 48);
