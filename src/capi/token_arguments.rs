//! What the token options and the lifetimes say, field by field checked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use safer_ffi::c_char;
use secrecy::SecretString;

use super::convert;
use super::options::{ZeebeClientAuthentication, zeebe_token_options};
use crate::credentials::{
    ClientAuthentication, Lifetime, SigningKey, TlsCredentials, TokenOptions, fingerprint_of_bytes,
};
use crate::error::Error;

/// `leeway` and `expire_in` as C gives them, in seconds.
pub(crate) fn lifetime_arguments(
    leeway: i64,
    expire_in: i64,
) -> Result<(Option<u64>, Option<u64>), Error> {
    let leeway = match leeway {
        0 => None,
        -1 => Some(0), // ZEEBE_LEEWAY_NONE
        given => Some(u64::try_from(given).map_err(|_| {
            Error::invalid_argument(format!(
                "options.leeway is {given}: it is seconds, or ZEEBE_LEEWAY_NONE"
            ))
        })?),
    };
    let expire_in = match expire_in {
        0 => None,
        given => Some(u64::try_from(given).map_err(|_| {
            Error::invalid_argument(format!("options.expire_in is {given}: it is seconds"))
        })?),
    };
    Ok((leeway, expire_in))
}

pub(crate) fn lifetime(leeway: Option<u64>, expire_in: Option<u64>) -> Lifetime {
    Lifetime {
        leeway: leeway.map(Duration::from_secs),
        expire_in: expire_in.map(Duration::from_secs),
    }
}

/// What the token options say.
#[derive(Debug)]
pub(crate) struct TokenArguments {
    /// `None`: the constructor's default.
    pub(crate) authentication: Option<ClientAuthentication>,
    pub(crate) allow_insecure_url: bool,
    pub(crate) prefetch: bool,
    pub(crate) options: TokenOptions,
    /// To be chosen with the URL at hand. It may hold a password.
    pub(crate) http_proxy: Option<SecretString>,
}

impl TokenArguments {
    pub(crate) fn read(options: *const zeebe_token_options) -> Result<Self, Error> {
        // SAFETY: an options struct of the header's contract.
        let options = unsafe { convert::options("token_options", options) }?;
        let authentication = authentication(options.client_authentication)?;
        if options.reserved != 0 || options.reserved_2 != 0 {
            return Err(Error::invalid_argument("token_options.reserved is not 0"));
        }
        let ca = pem(&options.token_ca);
        let key = pem(&options.private_key);
        let chain = pem(&options.certificate_chain);
        let key_id = text("key_id", &options.key_id)?;
        check_identity(authentication, key, chain, key_id)?;
        let assertion_audience = text("assertion_audience", &options.assertion_audience)?;
        if assertion_audience.is_some()
            && authentication != Some(ClientAuthentication::PrivateKeyJwt)
        {
            return Err(Error::invalid_argument(
                "token_options.assertion_audience is given, which only private_key_jwt uses",
            ));
        }
        let sends_root = convert::flag(
            "token_options.send_root_certificate",
            options.send_root_certificate,
        )?;
        // A key without a certificate only signs.
        let tls_key = key.filter(|_| chain.is_some());
        let tls = TlsCredentials::from_pem("token_options", ("token_ca", ca), tls_key, chain)?;
        let tls = match sends_root {
            true => tls,
            false => tls.without_root(),
        };
        let signing_key = match (authentication, key) {
            (Some(ClientAuthentication::PrivateKeyJwt), Some(key)) => {
                let key = SigningKey::from_pem("token_options.private_key", key, key_id)?;
                Some(Arc::new(match tls.own_certificate() {
                    Some(certificate) => key.with_certificate(certificate),
                    None => key,
                }))
            }
            _ => None,
        };
        Ok(Self {
            authentication,
            allow_insecure_url: convert::flag(
                "token_options.allow_insecure_token_url",
                options.allow_insecure_token_url,
            )?,
            prefetch: convert::flag("token_options.prefetch", options.prefetch)?,
            options: TokenOptions {
                connect_timeout: time("connect_timeout_ms", options.connect_timeout_ms, 10_000)?,
                timeout: time("timeout_ms", options.timeout_ms, 30_000)?,
                ca: ca.map(|ca| String::from_utf8_lossy(ca).into_owned()),
                tls,
                signing_key,
                identity: fingerprint_of_bytes(&[
                    key,
                    chain,
                    key_id.map(str::as_bytes),
                    sends_root.then_some(&b"root"[..]),
                ]),
                assertion_audience: assertion_audience.map(str::to_owned),
                proxy: None,
                resource: None,
                discovery: None,
                cache_path: text("cache_path", &options.cache_path)?.map(PathBuf::from),
            },
            http_proxy: text("http_proxy", &options.http_proxy)?.map(SecretString::from),
        })
    }

    /// Whether no secret is looked for.
    pub(crate) fn without_secret(&self) -> bool {
        self.authentication
            .is_some_and(|method| !method.needs_secret())
    }
}

/// The result lives as long as the place of the pointer, which is shorter than C lends the text.
fn text<'a>(name: &str, value: &'a *const c_char) -> Result<Option<&'a str>, Error> {
    // SAFETY: a string of the header's contract.
    unsafe { convert::given_text(&format!("token_options.{name}"), *value) }
}

/// The same for PEM.
fn pem(value: &*const c_char) -> Option<&[u8]> {
    // SAFETY: a string of the header's contract.
    unsafe { convert::given_pem(*value) }
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
            return Err(Error::invalid_argument(format!(
                "token_options.client_authentication {other} is not known to this version"
            )));
        }
    }))
}

fn check_identity(
    authentication: Option<ClientAuthentication>,
    key: Option<&[u8]>,
    chain: Option<&[u8]>,
    key_id: Option<&str>,
) -> Result<(), Error> {
    let signs = authentication == Some(ClientAuthentication::PrivateKeyJwt);
    let refusal = match (key.is_some(), chain.is_some()) {
        (false, _) if signs => {
            "token_options.private_key is missing, which private_key_jwt signs with"
        }
        (false, false) if authentication == Some(ClientAuthentication::Tls) => {
            "token_options.private_key and token_options.certificate_chain are missing, which client authentication by TLS shows"
        }
        (true, false) if !signs => {
            "token_options.certificate_chain is missing, to which token_options.private_key belongs"
        }
        (false, true) => {
            "token_options.private_key is missing, to which token_options.certificate_chain belongs"
        }
        _ if key_id.is_some() && !signs => {
            "token_options.key_id is given, which only private_key_jwt uses"
        }
        _ => return Ok(()),
    };
    Err(Error::invalid_argument(refusal))
}

fn time(name: &str, value: i64, default: u64) -> Result<Duration, Error> {
    match u64::try_from(value) {
        Ok(0) => Ok(Duration::from_millis(default)),
        Ok(value) => Ok(Duration::from_millis(value)),
        Err(_) => Err(Error::invalid_argument(format!(
            "token_options.{name} is {value}: it is milliseconds, 0 for {default}"
        ))),
    }
}
