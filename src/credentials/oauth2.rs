//! The client credentials grant (RFC 6749 section 4.4): the request, and who answers it.
//!
//! Written here and not by the `oauth2` crate: a body's order and encoding are the reference's, an answer is judged by
//! `token_answer`, so that nothing of it gets into an error, and the crate would leave copies of the token that nobody overwrites.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::assertion::{ASSERTION_TYPE, Claims};
use super::client_authentication::{ClientAuthentication, form_encoded, is_encoded};
use super::discovery::Discovery;
use super::disk_cache::DiskCache;
use super::fingerprint::fingerprint;
use super::redaction::Redactor;
use super::token::Token;
use super::token_answer::{self, Endpoint, Granted, passing};
use super::token_http::{self, Form};
use super::token_options::EndpointSettings;
use super::token_url;
use crate::error::Error;
use crate::runtime::time::timeout;
use crate::runtime::{blocking, lock};

/// One client at one token endpoint.
pub struct ClientCredentials {
    /// Sent by whichever method; also part of the token file's key.
    pub client_id: String,
    /// Empty if `authentication` needs none.
    pub client_secret: SecretString,
    /// Text until first use: a URL that cannot be used fails calls, not constructors. Without user and password.
    pub authorization_server: String,
    /// `None` and empty: not sent.
    pub scope: Option<String>,
    /// `None` and empty: not sent.
    pub audience: Option<String>,
    /// How the client proves who it is there.
    pub authentication: ClientAuthentication,
    /// Time-outs, TLS, proxy and the rest.
    pub options: EndpointSettings,
    /// By `options.metadata`.
    discovery: Option<Discovery>,
    /// Where it led.
    found: Mutex<Option<Arc<Self>>>,
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
    /// Empty `scope` and `audience` are none; a user and password in the URL are dropped, with a warning.
    pub fn new(
        client_id: String,
        client_secret: SecretString,
        authorization_server: &str,
        scope: Option<String>,
        audience: Option<String>,
        authentication: ClientAuthentication,
        options: EndpointSettings,
    ) -> Self {
        let given = |text: &String| !text.is_empty();
        let given_url = authorization_server.trim();
        let authorization_server = token_url::asked(given_url);
        if authorization_server != given_url {
            tracing::warn!(
                "the user and password in the token URL {:?} are not sent: client id and secret are",
                token_url::shown(given_url)
            );
        }
        Self {
            client_id,
            client_secret,
            authorization_server: authorization_server.into_owned(),
            scope: scope.filter(given),
            audience: audience.filter(given),
            authentication,
            discovery: options.metadata.as_ref().map(Discovery::new),
            found: Mutex::default(),
            options,
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
            && ours.assertion_audience == theirs.assertion_audience
            && ours.proxy == theirs.proxy
            && ours.proxy_choice == theirs.proxy_choice
            && ours.resource == theirs.resource
            && ours.cache_path == theirs.cache_path
    }

    fn shown_url(&self) -> Cow<'_, str> {
        token_url::shown(&self.authorization_server)
    }

    /// Why the URL cannot be used, if it cannot.
    pub fn problem(&self) -> Option<String> {
        let url = self.shown_url();
        match url::Url::parse(&self.authorization_server) {
            Err(_) => Some(format!(
                "the token URL {url:?} cannot be used: it is no URL such as https://host/path"
            )),
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
            self.options.resource.as_deref(),
        ]);
        let key = BASE64_URL_SAFE_NO_PAD.encode(key);
        Some(DiskCache::new(path, key))
    }

    /// One request to the endpoint that is found, which is asked for within the same time-out, and kept while requests to it succeed.
    async fn fetch_where_found(&self, discovery: &Discovery) -> Result<Token, Error> {
        let within = self.options.timeout;
        let fetched = timeout(within, async {
            let found = lock(&self.found).clone();
            let client = match found {
                Some(client) => client,
                None => {
                    let url = discovery.ask(&self.options).await?;
                    lock(&self.found).insert(Arc::new(self.at(&url)?)).clone()
                }
            };
            // Boxed: it is the one that called this.
            Box::pin(client.fetch()).await
        });
        let fetched = fetched.await.unwrap_or_else(|_| {
            Err(passing(format!(
                "no token came within {} ms from where {} leads",
                within.as_millis(),
                discovery.name()
            )))
        });
        if fetched.is_err() {
            *lock(&self.found) = None; // the endpoint may have moved
        }
        fetched
    }

    /// The same client at this endpoint, whose host may have another proxy than who named it.
    fn at(&self, url: &str) -> Result<Self, Error> {
        let choice = self.options.proxy_choice.as_ref();
        let chosen = choice.map_or(Ok(None), |choice| choice.proxy(url));
        let proxy = chosen.map_err(|error| Error::settings_of_call(error.message()))?;
        Ok(Self::new(
            self.client_id.clone(),
            self.client_secret.clone(),
            url,
            self.scope.clone(),
            self.audience.clone(),
            self.authentication,
            EndpointSettings {
                metadata: None,
                proxy,
                ..self.options.clone()
            },
        ))
    }

    /// One request to the endpoint.
    pub(super) async fn fetch(self: Arc<Self>) -> Result<Token, Error> {
        if let Some(problem) = self.problem() {
            return Err(Error::settings_of_call(problem));
        }
        if let Some(discovery) = &self.discovery {
            return self.fetch_where_found(discovery).await;
        }
        let granted = self.exchange().await?;
        if granted.scope.is_some() && granted.scope != self.scope {
            tracing::info!("the token endpoint granted another scope than was asked for");
        }
        let token = granted.access_token.expose_secret();
        Token::new(token, granted.expires_in, granted.scope).map_err(Error::internal)
    }

    /// The body, in the order and encoding of the reference.
    fn body(&self, assertion: &str) -> Zeroizing<String> {
        const GRANT: &str = "grant_type=client_credentials";
        let texts = [
            self.client_id.as_str(),
            self.client_secret.expose_secret(),
            assertion,
            self.scope.as_deref().unwrap_or_default(),
            self.audience.as_deref().unwrap_or_default(),
            self.options.resource.as_deref().unwrap_or_default(),
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
                add("client_assertion", assertion);
            }
            ClientAuthentication::Tls => add("client_id", &self.client_id),
        }
        if let Some(scope) = &self.scope {
            add("scope", scope);
        }
        if let Some(audience) = &self.audience {
            add("audience", audience);
        }
        if let Some(resource) = &self.options.resource {
            add("resource", resource);
        }
        body
    }

    /// Of an assertion.
    fn assertion_audience(&self) -> &str {
        let given = self.options.assertion_audience.as_deref();
        given.unwrap_or(&self.authorization_server)
    }

    fn assertion(&self) -> Result<Zeroizing<String>, Error> {
        let key = self.options.signing_key.as_ref();
        let key = key.ok_or_else(|| Error::internal("private_key_jwt has no key"))?;
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| Error::internal("no randomness for a client assertion"))?;
        key.assertion(Claims {
            client_id: &self.client_id,
            audience: self.assertion_audience(),
            issued: SystemTime::now(),
            jti: &BASE64_URL_SAFE_NO_PAD.encode(random),
        })
        .map(Zeroizing::new)
    }

    async fn exchange(self: &Arc<Self>) -> Result<Granted, Error> {
        let assertion = match self.authentication {
            ClientAuthentication::PrivateKeyJwt => {
                // An RSA signature takes milliseconds: not on an I/O thread.
                let this = Arc::clone(self);
                blocking(move || this.assertion()).await??
            }
            _ => Zeroizing::default(),
        };
        let secret = self.client_secret.expose_secret();
        let form = Form {
            body: Bytes::from_owner(self.body(&assertion)),
            authorization: self.authentication.authorization(&self.client_id, secret),
        };
        let answer = token_http::post(&self.options, &self.authorization_server, form).await?;
        let shown = self.shown_url();
        let mut endpoint = Endpoint {
            name: &format!(
                "the token endpoint {shown}, asked by client {:?},",
                self.client_id
            ),
            url: &shown,
            authentication: self.authentication,
            is_encoded: is_encoded(&self.client_id) || is_encoded(secret),
            assertion_audience: Some(self.assertion_audience()),
            proxy: self.options.proxy.as_ref(),
            by_variables: self.options.by_variables,
            redactor: Redactor::new([secret, assertion.as_str()]),
        };
        endpoint.judge(token_answer::Answer {
            status: answer.status,
            headers: &answer.headers,
            body: &answer.body,
            came: SystemTime::now(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tls::TlsCredentials;
    use super::*;
    use crate::environment::Environment;
    use crate::proxy::{Choice, Proxy, Source};

    #[test]
    fn clients_are_the_same_whatever_their_time_outs() {
        let one = client(ClientAuthentication::Basic);
        let mut other = client(ClientAuthentication::Basic);
        other.options.timeout = Duration::from_secs(1);
        other.options.connect_timeout = Duration::from_secs(1);
        assert!(one.is_same(&other));
        let differences: [fn(&mut ClientCredentials); 12] = [
            |other| other.options.assertion_audience = Some("aud".to_owned()),
            |other| other.authorization_server.push('2'),
            |other| other.client_id.push('2'),
            |other| other.client_secret = "another".into(),
            |other| other.authentication = ClientAuthentication::Body,
            |other| other.scope = None,
            |other| other.audience = None,
            |other| other.options.ca = Some(String::new()),
            |other| other.options.identity = [1; 32],
            |other| other.options.proxy = None,
            |other| other.options.proxy_choice = None,
            |other| other.options.resource = Some("https://a".to_owned()),
        ];
        for (number, differ) in differences.into_iter().enumerate() {
            let mut other = client(ClientAuthentication::Basic);
            differ(&mut other);
            assert!(!one.is_same(&other), "difference {number}");
        }
    }

    fn choice(no_proxy: &str) -> Choice {
        let variable = |name: &str| match name {
            "https_proxy" => Some("http://proxy:1".into()),
            "no_proxy" => Some(no_proxy.into()),
            _ => None,
        };
        Choice::new(None, &Environment(&variable))
    }

    #[test]
    fn an_endpoint_that_is_found_has_the_proxy_of_its_own_host() {
        for (no_proxy, of_issuer, of_found) in [
            ("issuer.example", false, true),
            ("found.example", true, false),
            ("", true, true),
            ("*", false, false),
        ] {
            let choice = choice(no_proxy);
            let mut issuer = client(ClientAuthentication::Basic);
            issuer.options.proxy = choice.proxy("https://issuer.example").unwrap();
            issuer.options.proxy_choice = Some(choice);
            let found = issuer.at("https://found.example/token").unwrap();
            let proxied = [&issuer, &found].map(|client| client.options.proxy.is_some());
            assert_eq!(proxied, [of_issuer, of_found], "{no_proxy:?}");
        }
    }

    fn client(authentication: ClientAuthentication) -> ClientCredentials {
        let options = EndpointSettings {
            connect_timeout: Duration::ZERO,
            timeout: Duration::ZERO,
            ca: None,
            tls: TlsCredentials::platform(),
            identity: [0; 32],
            cache_path: None,
            signing_key: None,
            resource: None,
            by_variables: false,
            metadata: None,
            assertion_audience: None,
            proxy: Some(
                Proxy::parse("user:visible@proxy", Source::Variable("http_proxy")).unwrap(),
            ),
            proxy_choice: Some(choice("")),
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
        let body = client(ClientAuthentication::Body).body("");
        assert_eq!(
            *body,
            "grant_type=client_credentials&client_id=id&client_secret=visible+%C3%A9&scope=a+b&audience=aud"
        );
        let lengths = "id".len() + "a b".len() + "aud".len() + "visible \u{e9}".len();
        assert_eq!(body.capacity(), 256 + 3 * lengths);
    }
}
