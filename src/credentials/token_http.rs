//! The HTTP client of a token endpoint, by HTTP/1.1, which every one speaks: own roots, certificate and proxy, no redirects, bounds in time and bytes.

use std::error::Error as _;
use std::io;
use std::net::ToSocketAddrs;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::{AlertDescription, CertificateError};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::token_answer::{denied_by, passing, unusable};
use super::token_options::EndpointSettings;
use super::token_url;
use crate::error::{Error, chain};
use crate::options::{TOKEN_CA, TOKEN_CERTIFICATE_CHAIN};
use crate::proxy::{Proxy, authority};
use crate::runtime::{blocking, lock};

/// The longest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// What is posted to the endpoint.
pub(super) struct Form {
    pub(super) body: Bytes,
    pub(super) authorization: Option<HeaderValue>,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// A connection for each request: they are minutes apart, and a server may close one that was kept just as it is used again.
#[derive(Default)]
pub(super) struct TokenHttp(Mutex<Option<reqwest::Client>>);

impl TokenHttp {
    /// Posts the form.
    pub(super) async fn post(
        &self,
        options: &EndpointSettings,
        url: &str,
        form: Form,
    ) -> Result<Answer, Error> {
        let request = self.client(options).await?.post(url);
        let mut request = request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(form.body);
        if let Some(authorization) = form.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        read(options, url, request.send().await).await
    }

    /// Asks for what is no secret.
    pub(super) async fn get(&self, options: &EndpointSettings, url: &str) -> Result<Answer, Error> {
        let request = self.client(options).await?.get(url);
        let sent = request.header(ACCEPT, "application/json").send().await;
        read(options, url, sent).await
    }

    /// Made at the first request: it may read certificates.
    async fn client(&self, options: &EndpointSettings) -> Result<reqwest::Client, Error> {
        if let Some(http) = &*lock(&self.0) {
            return Ok(http.clone());
        }
        let http = client(options).await?;
        Ok(lock(&self.0).get_or_insert(http).clone())
    }
}

/// The whole answer, unless it is too long.
async fn read(
    options: &EndpointSettings,
    url: &str,
    sent: reqwest::Result<reqwest::Response>,
) -> Result<Answer, Error> {
    let failed = |error| failed(url, options, error);
    let mut response = sent.map_err(failed)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(passing(format!(
                "the token endpoint {} answered {status} with more than {MAX_ANSWER} bytes",
                token_url::shown(url)
            ))
            .retryable(false));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}

async fn client(options: &EndpointSettings) -> Result<reqwest::Client, Error> {
    let tls = Arc::clone(&options.tls);
    let tls = blocking(move || tls.http1()).await??;
    let mut builder = reqwest::Client::builder().no_proxy().dns_resolver(Resolver);
    if let Some(proxy) = &options.proxy {
        builder = builder.proxy(through(proxy)?);
    }
    builder
        .tls_backend_preconfigured(rustls::ClientConfig::clone(&tls))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(options.connect_timeout)
        .timeout(options.timeout)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("libzeebe/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::internal(format!("HTTP client: {}", chain(&error))))
}

/// By the blocking threads that are there: tokio's, which reqwest would use, may not be had.
struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = (name.as_str().to_owned(), 0);
            let found = blocking(move || name.to_socket_addrs()).await??;
            Ok(Box::new(found) as Addrs)
        })
    }
}

fn through(proxy: &Proxy) -> Result<reqwest::Proxy, Error> {
    let url = format!("http://{}", authority(proxy.host(), proxy.port()));
    let made = reqwest::Proxy::all(url)
        .map_err(|error| Error::internal(format!("{proxy}: {}", chain(&error))))?;
    Ok(match proxy.credentials() {
        None => made,
        Some(credentials) => {
            let credentials = credentials.expose_secret();
            let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
            made.basic_auth(user, password)
        }
    })
}

fn failed(url: &str, options: &EndpointSettings, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let url = token_url::shown(url);
    if sources(&error).any(is_denied_by_proxy) {
        let why = denied_by(options.proxy.as_ref());
        return unusable(format!("the token request to {url} failed: {why}"));
    }
    let what = if error.is_timeout() {
        "did not answer in time"
    } else {
        "failed"
    };
    let through = options.proxy.as_ref();
    let through = through.map_or(String::new(), |proxy| format!(" through {proxy}"));
    let message = format!(
        "the token request to {url}{through} {what}: {}",
        chain(&error)
    );
    let hint = sources(&error).find_map(|error| match error.downcast_ref()? {
        rustls::Error::InvalidCertificate(why) => Some(theirs(why, options)),
        rustls::Error::AlertReceived(alert) => ours(*alert, options),
        _ => None,
    });
    match hint {
        Some(hint) => unusable(message).noting(&hint),
        None => passing(message),
    }
}

/// All that brought the error about. An I/O error hides what it wraps.
fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&error| {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}

/// The tunnel's error has no public type.
fn is_denied_by_proxy(error: &(dyn std::error::Error + 'static)) -> bool {
    error.to_string().contains("proxy authorization required")
}

/// The endpoint's certificate, which stays as it is when asked again.
fn theirs(why: &CertificateError, options: &EndpointSettings) -> String {
    let setting = match options.by_variables {
        true => "CAMUNDA_CA_CERTIFICATE_PATH".to_owned(),
        false => TOKEN_CA.to_string(),
    };
    match why {
        CertificateError::UnknownIssuer => format!(
            "its certificate is from no issuer that is trusted here: {setting} says which are"
        ),
        _ => "it is the token endpoint's certificate that cannot be used".to_owned(),
    }
}

/// An alert about a certificate means ours.
fn ours(alert: AlertDescription, options: &EndpointSettings) -> Option<String> {
    let is_ours = matches!(
        alert,
        AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::NoCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate
    );
    let what = match options.tls.shows_certificate() {
        true => "does not take it",
        false => "asks for one, and none was given",
    };
    let setting = match options.by_variables {
        true => "CAMUNDA_CUSTOM_CERT_CHAIN_PATH".to_owned(),
        false => TOKEN_CERTIFICATE_CHAIN.to_string(),
    };
    is_ours.then(|| format!("our certificate is meant, {setting}: the token endpoint {what}"))
}
