//! How the token endpoint is asked: what a program gives, checked, and the settings that come of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::assertion::SigningKey;
use super::client_authentication::ClientAuthentication;
use super::fingerprint::{Fingerprint, fingerprint_of_bytes};
use super::tls::{PemOptions, TlsCredentials};
use crate::environment::{Environment, Origin};
use crate::error::Error;
use crate::options::{self, Refusal};
use crate::proxy::{Choice, Proxy};

/// How the endpoint is reached, and what the client shows of itself there.
#[derive(Clone, Debug)]
pub struct EndpointSettings {
    /// To connect, TLS and proxy included.
    pub connect_timeout: Duration,
    /// Of a whole request, connecting included.
    pub timeout: Duration,
    /// The roots as PEM text; `None`: the platform's.
    pub ca: Option<String>,
    /// Its roots, and the certificate that is shown.
    pub tls: Arc<TlsCredentials>,
    /// Signs the assertions of `private_key_jwt`.
    pub signing_key: Option<Arc<SigningKey>>,
    /// Their `aud`; `None`: the token URL.
    pub assertion_audience: Option<String>,
    /// Of key, certificate and key id.
    pub identity: Fingerprint,
    pub(crate) proxy: Option<Proxy>,
    /// Of an endpoint that is found elsewhere.
    pub(crate) proxy_choice: Option<Choice>,
    /// What the token is for (RFC 8707 section 2).
    pub resource: Option<String>,
    /// Variables gave all of it, so that errors name those and no options.
    pub by_variables: bool,
    /// Where the endpoint is to be found, if its URL is not known.
    pub metadata: Option<ServerMetadata>,
    /// The token file that processes share.
    pub cache_path: Option<PathBuf>,
}

/// Where an authorization server says of itself where its token endpoint is.
#[derive(Clone, Debug)]
pub struct ServerMetadata {
    /// Of the document itself.
    pub url: String,
    /// Whose they must be (RFC 8414 section 3.3); `None`: not known.
    pub issuer: Option<String>,
    /// For errors: which variable led here.
    pub origin: Origin,
}

/// What a program gives; empty texts are not given.
#[derive(Clone, Copy, Default)]
#[allow(missing_debug_implementations, reason = "it holds a key")]
pub struct GivenTokenOptions<'a> {
    /// `None`: the constructor's default.
    pub authentication: Option<ClientAuthentication>,
    /// Lets secrets go over plaintext beyond loopback.
    pub allow_insecure_url: bool,
    /// Fetches a token when the plugin is made, before a call needs one.
    pub prefetch: bool,
    /// 0: the default, as for the next.
    pub connect_timeout_ms: i64,
    /// Of a whole request.
    pub timeout_ms: i64,
    /// PEM, as the next two.
    pub ca: Option<&'a [u8]>,
    /// Of the certificate, or of assertions.
    pub private_key: Option<&'a [u8]>,
    /// Of the TLS connection, the leaf first.
    pub certificate_chain: Option<&'a [u8]>,
    /// The assertion's `kid`.
    pub key_id: Option<&'a str>,
    /// Of the token endpoint alone: a URL, perhaps with a password.
    pub http_proxy: Option<&'a str>,
    /// A file that processes share their tokens in.
    pub cache_path: Option<&'a str>,
    /// Of `private_key_jwt` only.
    pub assertion_audience: Option<&'a str>,
    /// Whether a chain that goes up to its root is sent whole.
    pub sends_root: bool,
}

/// The same, checked.
#[derive(Debug)]
pub struct TokenOptions {
    /// `None`: the constructor's default.
    pub authentication: Option<ClientAuthentication>,
    /// Lets secrets go over plaintext beyond loopback.
    pub allow_insecure_url: bool,
    /// Fetches a token when the plugin is made.
    pub prefetch: bool,
    /// Its proxy is chosen later, with the URL at hand.
    pub endpoint: EndpointSettings,
    /// To be chosen with the URL at hand. It may hold a password.
    http_proxy: Option<SecretString>,
}

impl TokenOptions {
    /// Parses keys and certificates; an error names the option.
    pub fn new(given: GivenTokenOptions<'_>) -> Result<Self, Error> {
        let signs = given.authentication == Some(ClientAuthentication::PrivateKeyJwt);
        check_identity(&given, signs)?;
        if given.assertion_audience.is_some() && !signs {
            return Err(options::ASSERTION_AUDIENCE
                .refuse("is given, which only private_key_jwt uses")
                .into());
        }
        let (key, chain) = (given.private_key, given.certificate_chain);
        // A key without a certificate only signs.
        let tls_key = key.filter(|_| chain.is_some());
        let tls = TlsCredentials::from_pem(&PemOptions::OF_TOKEN, given.ca, tls_key, chain)?;
        let tls = match given.sends_root {
            true => tls,
            false => tls.without_root(),
        };
        let signing_key = match key {
            Some(key) if signs => {
                let option = &options::TOKEN_PRIVATE_KEY;
                let key = SigningKey::from_pem(&option.to_string(), key, given.key_id)
                    .map_err(|error| error.about(option))?;
                Some(Arc::new(match tls.own_certificate() {
                    Some(certificate) => key.with_certificate(certificate),
                    None => key,
                }))
            }
            _ => None,
        };
        Ok(Self {
            authentication: given.authentication,
            allow_insecure_url: given.allow_insecure_url,
            prefetch: given.prefetch,
            endpoint: EndpointSettings {
                connect_timeout: options::TOKEN_CONNECT_TIMEOUT
                    .milliseconds(given.connect_timeout_ms)?,
                timeout: options::TOKEN_TIMEOUT.milliseconds(given.timeout_ms)?,
                ca: given.ca.map(|ca| String::from_utf8_lossy(ca).into_owned()),
                tls,
                signing_key,
                identity: fingerprint_of_bytes(&[
                    key,
                    chain,
                    given.key_id.map(str::as_bytes),
                    given.sends_root.then_some(&b"root"[..]),
                ]),
                assertion_audience: given.assertion_audience.map(str::to_owned),
                proxy: None,
                proxy_choice: None,
                resource: None,
                by_variables: false,
                metadata: None,
                cache_path: given.cache_path.map(PathBuf::from),
            },
            http_proxy: given.http_proxy.map(SecretString::from),
        })
    }

    /// Whether no secret is looked for.
    pub fn without_secret(&self) -> bool {
        self.authentication
            .is_some_and(|method| !method.needs_secret())
    }

    /// The proxy for `url`, by the options or by variables; one of a variable that cannot be used is what `Ok` holds, for the
    /// calls to say.
    pub(crate) fn choose_proxy(
        &mut self,
        url: &str,
        environment: &Environment<'_>,
    ) -> Result<Option<Error>, Error> {
        let option = self.http_proxy.as_ref().map(|url| url.expose_secret());
        let choice = Choice::new(option, environment);
        let chosen = choice.proxy(url);
        self.endpoint.proxy_choice = self.endpoint.metadata.is_some().then_some(choice);
        match chosen {
            Ok(proxy) => {
                self.endpoint.proxy = proxy;
                Ok(None)
            }
            Err(error) if option.is_some() => Err(error),
            Err(error) => Ok(Some(error)),
        }
    }
}

fn check_identity(given: &GivenTokenOptions<'_>, signs: bool) -> Result<(), Refusal> {
    use options::{KEY_ID, TOKEN_CERTIFICATE_CHAIN as CHAIN, TOKEN_PRIVATE_KEY as KEY};
    let shows = given.authentication == Some(ClientAuthentication::Tls);
    Err(
        match (
            given.private_key.is_some(),
            given.certificate_chain.is_some(),
        ) {
            (false, _) if signs => KEY.refuse("is missing, which private_key_jwt signs with"),
            (false, false) if shows => KEY.refuse(format_args!(
                "and {CHAIN} are missing, which client authentication by TLS shows"
            )),
            (true, false) if !signs => {
                CHAIN.refuse(format_args!("is missing, to which {KEY} belongs"))
            }
            (false, true) => KEY.refuse(format_args!("is missing, to which {CHAIN} belongs")),
            _ if given.key_id.is_some() && !signs => {
                KEY_ID.refuse("is given, which only private_key_jwt uses")
            }
            _ => return Ok(()),
        },
    )
}
