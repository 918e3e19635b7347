//! Token options: how the token endpoint is asked, of channels and of plugins.

use std::mem::offset_of;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, ffi_export};

use super::convert::{self, Options};
use crate::credentials::{ClientAuthentication, GivenTokenOptions, TokenOptions};
use crate::error::Error;
use crate::options::{self, Spec};

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
    /// Until the endpoint, or its proxy, is connected.
    pub connect_timeout_ms: i64,
    /// Of the whole request.
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

/// What ::ZEEBE_TOKEN_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_token_options_init(options: *mut zeebe_token_options, size: usize) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
}

pub(crate) fn token_options(options: *const zeebe_token_options) -> Result<TokenOptions, Error> {
    // SAFETY: an options struct of the header's contract.
    let given = unsafe { convert::options("token_options", options) }?;
    if given.reserved != 0 || given.reserved_2 != 0 {
        return Err(Error::invalid_argument("token_options.reserved is not 0"));
    }
    // SAFETY: (each) a string of the header's contract, as long as this function runs.
    let text = |option: &'static Spec, value| unsafe { convert::given_text(option, value) };
    // SAFETY: (each) as above.
    let pem = |value| unsafe { convert::given_pem(value) };
    TokenOptions::new(GivenTokenOptions {
        authentication: authentication(given.client_authentication)?,
        allow_insecure_url: options::ALLOW_INSECURE_TOKEN_URL
            .flag(given.allow_insecure_token_url)?,
        prefetch: options::PREFETCH.flag(given.prefetch)?,
        connect_timeout_ms: given.connect_timeout_ms,
        timeout_ms: given.timeout_ms,
        ca: pem(given.token_ca),
        private_key: pem(given.private_key),
        certificate_chain: pem(given.certificate_chain),
        key_id: text(&options::KEY_ID, given.key_id)?,
        http_proxy: text(&options::TOKEN_HTTP_PROXY, given.http_proxy)?,
        cache_path: text(&options::CACHE_PATH, given.cache_path)?,
        assertion_audience: text(&options::ASSERTION_AUDIENCE, given.assertion_audience)?,
        sends_root: options::SEND_ROOT_CERTIFICATE.flag(given.send_root_certificate)?,
    })
}

fn authentication(constant: i32) -> Result<Option<ClientAuthentication>, Error> {
    const DEFAULT: i32 = ZeebeClientAuthentication::Default as i32;
    const BASIC: i32 = ZeebeClientAuthentication::Basic as i32;
    const BASIC_RFC6749: i32 = ZeebeClientAuthentication::BasicRfc6749 as i32;
    const BODY: i32 = ZeebeClientAuthentication::Body as i32;
    const PRIVATE_KEY_JWT: i32 = ZeebeClientAuthentication::PrivateKeyJwt as i32;
    const TLS: i32 = ZeebeClientAuthentication::Tls as i32;
    Ok(Some(match constant {
        DEFAULT => return Ok(None),
        BASIC => ClientAuthentication::Basic,
        BASIC_RFC6749 => ClientAuthentication::BasicRfc6749,
        BODY => ClientAuthentication::Body,
        PRIVATE_KEY_JWT => ClientAuthentication::PrivateKeyJwt,
        TLS => ClientAuthentication::Tls,
        other => {
            let why = format!("{other} is not known to this version");
            return Err(options::CLIENT_AUTHENTICATION.refuse(why).into());
        }
    }))
}
