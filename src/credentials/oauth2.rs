//! The client credentials grant (RFC 6749 section 4.4): the request, and who answers it.
//!
//! The `oauth2` crate models grant and token. Its HTTP client is ours, which writes body and
//! `Authorization` as the reference does (the crate's order and encoding differ) and judges the
//! answer by `token_answer`, so that no answer body gets into an error. The token goes past the crate,
//! whose copies nobody would overwrite.

use std::borrow::Cow;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use oauth2::basic::BasicClient;
use oauth2::{ClientId, HttpRequest, HttpResponse, TokenUrl};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::assertion::{ASSERTION_TYPE, Claims, SigningKey};
use super::client_authentication::{ClientAuthentication, form_encoded};
use super::disk_cache::DiskCache;
use super::fingerprint::{Fingerprint, fingerprint};
use super::tls::TlsCredentials;
use super::token::Token;
use super::token_answer::{self, Granted};
use super::token_url;
use crate::error::{Error, chain};
use crate::proxy::{Proxy, authority};
use crate::runtime::lock;

/// The longest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// By ALPN.
const HTTP_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";

/// How the endpoint is reached, and what the client shows of itself there.
#[derive(Clone, Debug)]
pub struct TokenOptions {
    pub connect_timeout: Duration,
    pub timeout: Duration,
    /// The roots as PEM text; `None`: the platform's.
    pub ca: Option<String>,
    pub tls: Arc<TlsCredentials>,
    /// Signs the assertions of `private_key_jwt`.
    pub signing_key: Option<Arc<SigningKey>>,
    /// Of key, certificate and key id.
    pub identity: Fingerprint,
    pub(crate) proxy: Option<Proxy>,
    /// The token file that processes share.
    pub cache_path: Option<PathBuf>,
}

/// One client at one token endpoint.
pub struct ClientCredentials {
    pub client_id: String,
    /// Empty if `authentication` needs none.
    pub client_secret: SecretString,
    /// Text until first use: a URL that cannot be used fails calls, not constructors.
    pub authorization_server: String,
    /// `None` and empty: not sent.
    pub scope: Option<String>,
    pub audience: Option<String>,
    pub authentication: ClientAuthentication,
    pub options: TokenOptions,
    http: Mutex<Option<reqwest::Client>>,
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ClientCredentials({} at {})",
            self.client_id,
            self.shown_url()
        )
    }
}

impl ClientCredentials {
    #[allow(
        clippy::too_many_arguments,
        reason = "a constructor with one argument a field"
    )]
    pub fn new(
        client_id: String,
        client_secret: SecretString,
        authorization_server: &str,
        scope: Option<String>,
        audience: Option<String>,
        authentication: ClientAuthentication,
        options: TokenOptions,
    ) -> Self {
        let given = |text: &String| !text.is_empty();
        Self {
            client_id,
            client_secret,
            authorization_server: authorization_server.trim().to_owned(),
            scope: scope.filter(given),
            audience: audience.filter(given),
            authentication,
            options,
            http: Mutex::new(None),
        }
    }

    /// Whether the same request would go to the same endpoint in the same way. For how long it may take is nothing of
    /// the token's.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.options, &other.options);
        self.client_id == other.client_id
            && self.client_secret.expose_secret() == other.client_secret.expose_secret()
            && self.authorization_server == other.authorization_server
            && self.scope == other.scope
            && self.audience == other.audience
            && self.authentication == other.authentication
            && ours.ca == theirs.ca
            && ours.identity == theirs.identity
            && ours.proxy == theirs.proxy
            && ours.cache_path == theirs.cache_path
    }

    fn shown_url(&self) -> Cow<'_, str> {
        token_url::shown(&self.authorization_server)
    }

    /// Why the URL cannot be used, if it cannot.
    pub fn problem(&self) -> Option<String> {
        let url = self.shown_url();
        match url::Url::parse(&self.authorization_server) {
            Err(error) => Some(format!("the token URL {url:?} cannot be used: {error}")),
            Ok(parsed) if !matches!(parsed.scheme(), "http" | "https") => Some(format!(
                "the token URL {url:?} is neither https:// nor http://"
            )),
            Ok(parsed)
                if parsed.scheme() == "http"
                    && self.authentication == ClientAuthentication::Tls =>
            {
                Some(format!(
                    "the token URL {url:?} is http://, where no client certificate can be shown"
                ))
            }
            Ok(_) => None,
        }
    }

    /// The client's part of its token file.
    pub(super) fn disk_cache(&self) -> Option<DiskCache> {
        let path = self.options.cache_path.as_deref()?;
        let key = fingerprint(&[
            Some(&self.authorization_server),
            Some(&self.client_id),
            Some(self.authentication.name()),
            self.scope.as_deref(),
            self.audience.as_deref(),
        ]);
        let key = BASE64_URL_SAFE_NO_PAD.encode(key);
        Some(DiskCache::new(path, key))
    }

    /// One request to the endpoint.
    pub(super) async fn fetch(self: Arc<Self>) -> Result<Token, Error> {
        if let Some(problem) = self.problem() {
            return Err(Error::settings_of_call(problem));
        }
        let url = TokenUrl::new(self.authorization_server.clone())
            .map_err(|error| Error::settings_of_call(format!("token URL: {error}")))?;
        let http = self.http().await?;
        let client = BasicClient::new(ClientId::new(self.client_id.clone())).set_token_uri(url);
        let granted = Arc::new(Mutex::new(None));
        let (this, slot) = (Arc::clone(&self), Arc::clone(&granted));
        let send = move |request| Arc::clone(&this).send(http.clone(), request, Arc::clone(&slot));
        let answer = client
            .exchange_client_credentials()
            .request_async(&send)
            .await;
        match answer {
            Ok(_) => {
                let granted: Option<Granted> = lock(&granted).take();
                let granted = granted.ok_or_else(|| Error::internal("a token came and is gone"))?;
                if granted.scope.is_some() && granted.scope != self.scope {
                    tracing::info!("the token endpoint granted another scope than was asked for");
                }
                let token = granted.access_token.expose_secret();
                Token::new(token, granted.expires_in, granted.scope).map_err(Error::internal)
            }
            Err(oauth2::RequestTokenError::Request(Failed(error))) => Err(error),
            Err(error) => Err(Error::internal(format!("token answer: {}", chain(&error)))),
        }
    }

    /// The body, in the order and encoding of the reference.
    fn body(&self) -> Result<Zeroizing<String>, Error> {
        const GRANT: &str = "grant_type=client_credentials";
        let assertion = match self.authentication {
            ClientAuthentication::PrivateKeyJwt => self.assertion()?,
            _ => Zeroizing::default(),
        };
        let texts = [
            self.client_id.as_str(),
            self.client_secret.expose_secret(),
            &assertion,
            self.scope.as_deref().unwrap_or_default(),
            self.audience.as_deref().unwrap_or_default(),
        ];
        // Long enough at once, each byte as %XX: a text that grows leaves copies behind.
        let length: usize = texts.into_iter().map(|text| 3 * text.len()).sum();
        let mut body = Zeroizing::new(String::with_capacity(256 + length));
        body.push_str(GRANT);
        let mut add = |key: &str, value: &str| {
            body.push('&');
            body.push_str(key);
            body.push('=');
            body.push_str(&form_encoded(value));
        };
        match self.authentication {
            ClientAuthentication::Basic | ClientAuthentication::BasicRfc6749 => {}
            ClientAuthentication::Body => {
                add("client_id", &self.client_id);
                add("client_secret", self.client_secret.expose_secret());
            }
            ClientAuthentication::PrivateKeyJwt => {
                add("client_id", &self.client_id);
                add("client_assertion_type", ASSERTION_TYPE);
                add("client_assertion", &assertion);
            }
            ClientAuthentication::Tls => add("client_id", &self.client_id),
        }
        if let Some(scope) = &self.scope {
            add("scope", scope);
        }
        if let Some(audience) = &self.audience {
            add("audience", audience);
        }
        Ok(body)
    }

    fn assertion(&self) -> Result<Zeroizing<String>, Error> {
        let key = self.options.signing_key.as_ref();
        let key = key.ok_or_else(|| Error::internal("private_key_jwt has no key"))?;
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| Error::internal("no randomness for a client assertion"))?;
        key.assertion(Claims {
            client_id: &self.client_id,
            audience: &self.authorization_server,
            issued: SystemTime::now(),
            jti: &BASE64_URL_SAFE_NO_PAD.encode(random),
        })
        .map(Zeroizing::new)
    }

    /// Made at the first fetch: it may read certificates.
    async fn http(&self) -> Result<reqwest::Client, Error> {
        if let Some(http) = &*lock(&self.http) {
            return Ok(http.clone());
        }
        let http = self.client(&[HTTP_2, HTTP_1]).await?;
        Ok(lock(&self.http).get_or_insert(http).clone())
    }

    /// Over TLS the endpoint chooses one of the protocols.
    async fn client(&self, protocols: &[&[u8]]) -> Result<reqwest::Client, Error> {
        let tls = Arc::clone(&self.options.tls);
        let tls = tokio::task::spawn_blocking(move || tls.any_protocol())
            .await
            .map_err(|error| Error::internal(format!("reading certificates: {error}")))??;
        let mut tls = rustls::ClientConfig::clone(&tls);
        tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let mut builder = reqwest::Client::builder().no_proxy();
        if let Some(proxy) = &self.options.proxy {
            builder = builder.proxy(through(proxy)?);
        }
        builder
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.options.connect_timeout)
            .timeout(self.options.timeout)
            .pool_idle_timeout(Duration::from_secs(5)) // requests are minutes apart
            .user_agent(concat!("libzeebe/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::internal(format!("HTTP client: {}", chain(&error))))
    }

    /// The crate's request says where to; what is sent is ours, and so is the judgement.
    async fn send(
        self: Arc<Self>,
        http: reqwest::Client,
        request: HttpRequest,
        slot: Arc<Mutex<Option<Granted>>>,
    ) -> Result<HttpResponse, Failed> {
        const STAND_IN: &[u8] = br#"{"access_token":"-","token_type":"bearer"}"#;
        let granted = self
            .exchange(&http, request.uri().to_string())
            .await
            .map_err(Failed)?;
        *lock(&slot) = Some(granted);
        let mut response = HttpResponse::new(STAND_IN.to_vec());
        *response.status_mut() = StatusCode::OK;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        Ok(response)
    }

    async fn request(
        self: &Arc<Self>,
        http: &reqwest::Client,
        url: &str,
    ) -> Result<reqwest::RequestBuilder, Error> {
        // An RSA signature takes milliseconds: not on an I/O thread.
        let this = Arc::clone(self);
        let body = tokio::task::spawn_blocking(move || this.body())
            .await
            .map_err(|error| Error::internal(format!("the token request: {error}")))??;
        let request = http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(Bytes::from_owner(body));
        let secret = self.client_secret.expose_secret();
        let authorization = self.authentication.authorization(&self.client_id, secret);
        Ok(match authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization),
            None => request,
        })
    }

    async fn exchange(
        self: Arc<Self>,
        http: &reqwest::Client,
        url: String,
    ) -> Result<Granted, Error> {
        let began = Instant::now();
        let failed = |error: reqwest::Error| {
            let error = error.without_url();
            let what = if error.is_timeout() {
                "did not answer in time"
            } else {
                "failed"
            };
            token_answer::passing(format!(
                "the token request to {} {what}: {}",
                self.shown_url(),
                chain(&error)
            ))
        };
        let mut sent = self.request(http, &url).await?.send().await;
        if sent.as_ref().is_err_and(is_broken_off) {
            // Of HTTP/2 nobody learns why its connection has ended, by a missing certificate, say. HTTP/1.1 tells.
            let http = self.client(&[HTTP_1]).await?;
            let left = self.options.timeout.saturating_sub(began.elapsed());
            sent = self.request(&http, &url).await?.timeout(left).send().await;
        }
        let mut response = sent.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let (at, client) = (self.shown_url(), &self.client_id);
        let endpoint = format!("the token endpoint {at}, asked by client {client:?},");
        let mut answer = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if answer.len() + chunk.len() > MAX_ANSWER {
                return Err(token_answer::passing(format!(
                    "{endpoint} answered {status} with more than {MAX_ANSWER} bytes"
                ))
                .retryable(false));
            }
            answer.extend_from_slice(&chunk);
        }
        token_answer::judge(&endpoint, status, &headers, &answer, SystemTime::now())
    }
}

/// The connection ended before the answer, as HTTP/2 puts it.
fn is_broken_off(error: &reqwest::Error) -> bool {
    let mut sources = std::iter::successors(error.source(), |&error| error.source());
    sources.any(|error| {
        let canceled = error.downcast_ref().is_some_and(hyper::Error::is_canceled);
        let written = error.downcast_ref().map(io::Error::kind);
        canceled || written == Some(io::ErrorKind::BrokenPipe)
    })
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

/// Carries our error through the crate's.
#[derive(Debug)]
struct Failed(Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Failed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_the_same_whatever_their_time_outs() {
        let one = client(ClientAuthentication::Basic);
        let mut other = client(ClientAuthentication::Basic);
        other.options.timeout = Duration::from_secs(1);
        other.options.connect_timeout = Duration::from_secs(1);
        assert!(one.is_same(&other));
        let differences: [fn(&mut ClientCredentials); 9] = [
            |other| other.authorization_server.push('2'),
            |other| other.client_id.push('2'),
            |other| other.client_secret = "another".into(),
            |other| other.authentication = ClientAuthentication::Body,
            |other| other.scope = None,
            |other| other.audience = None,
            |other| other.options.ca = Some(String::new()),
            |other| other.options.identity = [1; 32],
            |other| other.options.proxy = None,
        ];
        for (number, differ) in differences.into_iter().enumerate() {
            let mut other = client(ClientAuthentication::Basic);
            differ(&mut other);
            assert!(!one.is_same(&other), "difference {number}");
        }
    }

    fn client(authentication: ClientAuthentication) -> ClientCredentials {
        let options = TokenOptions {
            connect_timeout: Duration::ZERO,
            timeout: Duration::ZERO,
            ca: None,
            tls: TlsCredentials::platform(),
            identity: [0; 32],
            cache_path: None,
            signing_key: None,
            proxy: Some(Proxy::parse("user:visible@proxy", "option").unwrap()),
        };
        ClientCredentials::new(
            "id".to_owned(),
            "visible \u{e9}".into(),
            "https://a/t",
            Some("a b".to_owned()),
            Some("aud".to_owned()),
            authentication,
            options,
        )
    }

    #[test]
    fn a_client_shows_neither_its_secret_nor_its_proxys() {
        let client = client(ClientAuthentication::Basic);
        let shown = format!("{client:?} {:?} {:?}", client.options, client.client_secret);
        assert!(!shown.contains("visible"), "{shown}");
        let authorization = client.authentication.authorization("id", "visible");
        let shown = format!("{authorization:?}");
        assert_eq!(shown, "Some(Sensitive)");
    }

    #[test]
    fn the_body_does_not_move_as_it_grows() {
        let body = client(ClientAuthentication::Body).body().unwrap();
        assert_eq!(
            *body,
            "grant_type=client_credentials&client_id=id&client_secret=visible+%C3%A9&scope=a+b&audience=aud"
        );
        let lengths = "id".len() + "a b".len() + "aud".len() + "visible \u{e9}".len();
        assert_eq!(body.capacity(), 256 + 3 * lengths);
    }
}
