//! Parsers of credentials and tokens, for `crate::any_bytes`.

use std::time::SystemTime;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

use super::client_authentication::ClientAuthentication;
use super::discovery::Discovery;
use super::pem;
use super::redaction::Redactor;
use super::token_answer::{Answer, Endpoint};
use super::token_file::TokenFile;
use super::token_http;
use super::token_options::ServerMetadata;
use crate::environment::Origin;
use crate::loopback::is_loopback_host;

const SECRET: &str = "s3cret";

/// A token endpoint's answer, after its status and a header; no error repeats the client's secret.
pub fn token_answer(bytes: &[u8]) {
    let [first, second, rest @ ..] = bytes else {
        return;
    };
    let status = 100 + u16::from_be_bytes([*first, *second]) % 900;
    let Ok(status) = StatusCode::from_u16(status) else {
        return;
    };
    let mut lines = rest.splitn(2, |byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    if let Some(Ok(value)) = lines.next().map(HeaderValue::from_bytes) {
        headers.insert(WWW_AUTHENTICATE, value);
    }
    let mut endpoint = Endpoint {
        name: "the endpoint",
        url: "https://login.example/oauth/token",
        authentication: ClientAuthentication::Basic,
        is_encoded: false,
        assertion_audience: None,
        proxy: None,
        by_variables: false,
        redactor: Redactor::new([SECRET]),
    };
    let judged = endpoint.judge(Answer {
        status,
        headers: &headers,
        body: lines.next().unwrap_or_default(),
        came: SystemTime::UNIX_EPOCH,
    });
    if let Err(error) = judged {
        assert!(!error.message().contains(SECRET), "{error}");
    }
}

/// An authorization server's metadata; the endpoint that is found is one that a secret may go to.
pub fn discovery(body: &[u8]) {
    let discovery = Discovery::new(&ServerMetadata {
        url: "https://login.example/.well-known/openid-configuration".to_owned(),
        issuer: Some("https://login.example".to_owned()),
        origin: Origin::Argument,
    });
    let found = discovery.token_endpoint(&token_http::Answer {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.to_vec().into(),
    });
    if let Ok(text) = found
        && let Ok(url) = Url::parse(text.trim())
        && url.scheme() == "http"
    {
        let host = url.host_str().unwrap_or_default();
        assert!(is_loopback_host(host.trim_matches(['[', ']'])), "{text}");
    }
}

/// Certificates and keys, as files and programs give them.
pub fn pem(bytes: &[u8]) {
    if let Ok(certificates) = pem::certificates("the certificates", bytes) {
        assert!(!certificates.is_empty());
    }
    drop(pem::private_key("the key", bytes));
}

/// A file of tokens that other processes write; what is read is written the same.
pub fn token_file(bytes: &[u8]) {
    if let Some(file) = TokenFile::parse(bytes) {
        let written = file.content();
        let again = TokenFile::parse(&written).map(|file| file.content());
        assert_eq!(Some(written), again);
    }
}
