//! HTTP/1.1 to a token endpoint, which every one speaks: own roots, certificate and proxy, no redirects, bounds in time and bytes.
//!
//! A connection for each request: they are minutes apart, and a server may close one that was kept just as it is used again.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST,
    PROXY_AUTHORIZATION, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError};
use secrecy::ExposeSecret;
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsConnector;
use url::Url;
use zeroize::Zeroizing;

use super::token_answer::{passing, unusable};
use super::token_options::EndpointSettings;
use super::token_url;
use crate::dial::{self, BoxStream};
use crate::error::{Error, chain};
use crate::http_authentication::basic_pair;
use crate::options::{TOKEN_CA, TOKEN_CERTIFICATE_CHAIN};
use crate::proxy::{Tunnel, authority};
use crate::runtime::blocking;
use crate::runtime::time::timeout;

/// The longest answer that is read, as it was before it was compressed.
const MAX_ANSWER: usize = 1 << 20;

/// All that is read of a connection, heads and the framing of chunks included: hyper goes on through interim answers (1xx) and the zeros of a chunk's
/// length for as long as they come.
const MAX_READ: u64 = 2 * MAX_ANSWER as u64;

const AGENT: &str = concat!("libzeebe/", env!("CARGO_PKG_VERSION"));

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

/// Posts the form.
pub(super) async fn post(
    options: &EndpointSettings,
    url: &str,
    form: Form,
) -> Result<Answer, Error> {
    let mut head = HeaderMap::new();
    head.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    if let Some(authorization) = form.authorization {
        head.insert(AUTHORIZATION, authorization);
    }
    Asked { options, url }
        .within_time(Method::POST, head, form.body)
        .await
}

/// Asks for what is no secret.
pub(super) async fn get(options: &EndpointSettings, url: &str) -> Result<Answer, Error> {
    Asked { options, url }
        .within_time(Method::GET, HeaderMap::new(), Bytes::new())
        .await
}

/// One request's endpoint.
struct Asked<'a> {
    options: &'a EndpointSettings,
    url: &'a str,
}

/// Where a URL leads.
struct Place {
    /// Without brackets.
    host: String,
    port: u16,
    /// Of the scheme https.
    is_secure: bool,
}

impl Place {
    /// `None`: it is no URL of HTTP.
    fn of(url: &Url) -> Option<Self> {
        matches!(url.scheme(), "http" | "https").then_some(())?;
        Some(Self {
            host: url.host_str()?.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default()?,
            is_secure: url.scheme() == "https",
        })
    }
}

impl Asked<'_> {
    async fn within_time(
        &self,
        method: Method,
        head: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let limit = self.options.timeout;
        timeout(limit, self.ask(method, head, body))
            .await
            .unwrap_or_else(|_| Err(self.late("no whole answer came", limit)))
    }

    async fn ask(&self, method: Method, head: HeaderMap, body: Bytes) -> Result<Answer, Error> {
        let url = Url::parse(self.url).ok();
        let Some((place, url)) = url.and_then(|url| Some((Place::of(&url)?, url))) else {
            return Err(unusable(self.failed("it is no URL of HTTP")));
        };
        let request = self
            .request(method, head, body, &url, &place)
            .map_err(|_| unusable(self.failed("it makes no HTTP request")))?;
        let limit = self.options.connect_timeout;
        let stream = timeout(limit, self.connect(&place))
            .await
            .unwrap_or_else(|_| Err(self.late("there was no connection", limit)))?;
        self.exchange(stream, request).await
    }

    /// To a proxy that passes it on for http:// the URL goes whole (RFC 9112 section 3.2.2).
    fn request(
        &self,
        method: Method,
        head: HeaderMap,
        body: Bytes,
        url: &Url,
        place: &Place,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let query = url.query().map(|query| format!("?{query}"));
        let path = format!("{}{}", url.path(), query.unwrap_or_default());
        let host = match url.port() {
            Some(port) => authority(&place.host, port),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let forwarding = self.options.proxy.as_ref().filter(|_| !place.is_secure);
        let uri = match forwarding {
            Some(_) => format!("http://{host}{path}"),
            None => path,
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse::<Uri>()?;
        let headers = request.headers_mut();
        *headers = head;
        headers.insert(HOST, host.parse()?);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(CONNECTION, HeaderValue::from_static("close")); // RFC 9112 section 9.6
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(credentials) = forwarding.and_then(|proxy| proxy.credentials()) {
            headers.insert(
                PROXY_AUTHORIZATION,
                basic_pair(credentials.expose_secret())?,
            );
        }
        Ok(request)
    }

    /// Proxy and TLS included.
    async fn connect(&self, place: &Place) -> Result<BoxStream, Error> {
        let proxy = self.options.proxy.as_ref();
        let (host, port) = match proxy {
            Some(proxy) => (proxy.host(), proxy.port()),
            None => (place.host.as_str(), place.port),
        };
        let lost = |error: Error| passing(self.failed(error.message()));
        let endpoints = dial::look_up(host, port).await.map_err(lost)?;
        let name = authority(host, port);
        let connect =
            async |endpoint| dial::connect(endpoint, &format!("{name} ({endpoint})")).await;
        let mut stream = dial::race(&endpoints, connect).await.map_err(lost)?;
        if !place.is_secure {
            return Ok(stream);
        }
        if let Some(proxy) = proxy {
            let tunnel = Tunnel {
                proxy: proxy.clone(),
                host: place.host.clone(),
                port: place.port,
                user_agent: AGENT,
            };
            stream = tunnel.connect(stream).await.map_err(|error| {
                let message = self.failed(error.message());
                match error.is_retryable() {
                    true => passing(message).with_retry_after(error.retry_after()),
                    false => unusable(message),
                }
            })?;
        }
        let tls = Arc::clone(&self.options.tls);
        let tls = blocking(move || tls.http1()).await??;
        let name = ServerName::try_from(place.host.clone())
            .map_err(|_| unusable(self.failed("its host can be no name in a certificate")))?;
        let secured = TlsConnector::from(tls).connect(name, stream).await;
        Ok(Box::new(secured.map_err(|error| self.broken(&error))?))
    }

    async fn exchange(
        &self,
        stream: BoxStream,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, Error> {
        let broken = |error: hyper::Error| self.broken(&error);
        let (reading, writing) = tokio::io::split(stream);
        let stream = tokio::io::join(reading.take(MAX_READ), writing);
        let (mut send, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let answer = async {
            let answer = send.send_request(request).await.map_err(broken)?;
            let (head, body) = answer.into_parts();
            let body = self.whole(body, head.status).await?;
            let body = match is_gzip(&head.headers) {
                true => self.unpacked(&body, head.status)?,
                false => body,
            };
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        tokio::pin!(answer);
        tokio::select! {
            biased;
            ended = &mut answer => ended,
            // All that came was passed on, or it has failed; the answer knows which.
            _ = connection => answer.await,
        }
    }

    async fn whole(
        &self,
        mut body: Incoming,
        status: StatusCode,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        // Long enough at once, where that is known: what grows leaves copies behind.
        let length = body.size_hint().exact().unwrap_or(16 * 1024);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut whole = Zeroizing::new(Vec::with_capacity(length.min(MAX_ANSWER)));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broken(&error))?;
            let data = frame.into_data().unwrap_or_default(); // trailers say nothing
            if whole.len() + data.len() > MAX_ANSWER {
                return Err(self.too_long(status));
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole)
    }

    fn unpacked(&self, packed: &[u8], status: StatusCode) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut body = Zeroizing::new(Vec::with_capacity(16 * 1024));
        let mut unpacking = MultiGzDecoder::new(packed).take(MAX_ANSWER as u64 + 1);
        match unpacking.read_to_end(&mut body) {
            Ok(length) if length > MAX_ANSWER => Err(self.too_long(status)),
            Ok(_) => Ok(body),
            // Its status says enough, of a proxy's page most often.
            Err(_) if packed.is_empty() || !status.is_success() => Ok(Zeroizing::default()),
            Err(error) => {
                let why = format!("it answered {status} with broken gzip: {error}");
                Err(passing(self.failed(&why)))
            }
        }
    }

    fn too_long(&self, status: StatusCode) -> Error {
        let url = token_url::shown(self.url);
        passing(format!(
            "the token endpoint {url} answered {status} with more than {MAX_ANSWER} bytes"
        ))
        .retryable(false)
    }

    /// The request and its way, for errors.
    fn name(&self) -> String {
        let url = token_url::shown(self.url);
        match &self.options.proxy {
            Some(proxy) => format!("the token request to {url} through {proxy}"),
            None => format!("the token request to {url}"),
        }
    }

    fn failed(&self, why: &str) -> String {
        format!("{} failed: {why}", self.name())
    }

    fn late(&self, what: &str, limit: Duration) -> Error {
        let (name, limit) = (self.name(), limit.as_millis());
        passing(format!(
            "{name} did not answer in time: {what} within {limit} ms"
        ))
    }

    /// By the peer, or on the way to it.
    fn broken(&self, error: &(dyn std::error::Error + 'static)) -> Error {
        let message = self.failed(&chain(error));
        let hint = causes(error).find_map(|error| match error.downcast_ref()? {
            rustls::Error::InvalidCertificate(why) => Some(theirs(why, self.options)),
            rustls::Error::AlertReceived(alert) => ours(*alert, self.options),
            _ => None,
        });
        match hint {
            Some(hint) => unusable(message).noting(&hint),
            None => passing(message),
        }
    }
}

/// RFC 9110, section 8.4.1.3.
fn is_gzip(headers: &HeaderMap) -> bool {
    let encoding = headers.get(CONTENT_ENCODING);
    encoding.is_some_and(|encoding| {
        let encoding = encoding.as_bytes();
        encoding.eq_ignore_ascii_case(b"gzip") || encoding.eq_ignore_ascii_case(b"x-gzip")
    })
}

/// The error and all that brought it about. An I/O error hides what it wraps.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
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
