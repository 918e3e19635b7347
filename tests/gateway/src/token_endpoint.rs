//! The OAuth2 token endpoint (RFC 6749): client credentials in, tokens out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    PRAGMA, WWW_AUTHENTICATE,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tonic::body::Body;

use crate::assertions;
use crate::context::Context;
use crate::http;
use crate::options::Client;
use crate::token_answer::TokenAnswer;
use crate::tokens::Grant;

const PATH: &str = "/oauth/token";
/// The metadata of the server whose issuer is the root.
const CONFIGURATION_PATH: &str = "/.well-known/openid-configuration";

/// The last request, secrets included, for tests that want to see what came.
#[derive(Debug, Default)]
pub(crate) struct LastRequest(Mutex<Value>);

impl LastRequest {
    fn keep(&self, parts: &Parts, body: &[u8], certificates: usize) {
        let header = |name: &HeaderName| {
            let value = parts.headers.get(name).map(HeaderValue::as_bytes);
            value.map(String::from_utf8_lossy)
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = json!({
            "version": format!("{:?}", parts.version),
            "authorization": header(&AUTHORIZATION),
            "content_type": header(&CONTENT_TYPE),
            "accept": header(&ACCEPT),
            "body": String::from_utf8_lossy(body),
            "certificates": certificates,
        });
    }

    pub(crate) fn last(&self) -> Value {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }
}

/// What a client has shown of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// What is in its request.
    Request,
    /// A certificate too, which the listener has checked (RFC 8705 section 2.1).
    Certificate,
}

/// An error answer of RFC 6749, section 5.2.
struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl Refusal {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            description: description.into(),
        }
    }

    fn invalid_client(description: &str) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            ..Self::new("invalid_client", description)
        }
    }
}

pub(crate) async fn answer(
    context: &Context,
    scheme: &str,
    shown: Shown,
    certificates: usize,
    request: Request<Incoming>,
) -> Response<Body> {
    if request.uri().path() == CONFIGURATION_PATH {
        return configuration(context, scheme, &request).await;
    }
    if request.uri().path() != PATH {
        return http::error_answer(StatusCode::NOT_FOUND, "the token endpoint is /oauth/token");
    }
    if request.method() != Method::POST {
        let mut response = http::error_answer(
            StatusCode::METHOD_NOT_ALLOWED,
            "a token is asked for with POST",
        );
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    context.counters.count_token_request();
    let (parts, body) = request.into_parts();
    let body = match http::read(body).await {
        Ok(body) => body,
        Err(reason) => return http::error_answer(StatusCode::BAD_REQUEST, &reason),
    };
    context.token_request.keep(&parts, &body, certificates);
    if let Some(answer) = context.switches.next_token_answer() {
        return given(context, answer).await;
    }
    let mut response = match token(context, shown, &parts, &body) {
        Ok(response) => response,
        Err(refusal) => http::json_answer(
            refusal.status,
            &json!({ "error": refusal.error, "error_description": refusal.description }),
        ),
    };
    let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    if unauthorized {
        let challenge = HeaderValue::from_static(r#"Basic realm="zeebe-dev-gateway""#);
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

async fn configuration(
    context: &Context,
    scheme: &str,
    request: &Request<Incoming>,
) -> Response<Body> {
    if let Some(answer) = context.switches.next_discovery_answer() {
        return given(context, answer).await;
    }
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    let issuer = format!("{scheme}://{}", authority.or(host).unwrap_or_default());
    let metadata = json!({ "issuer": issuer, "token_endpoint": format!("{issuer}{PATH}") });
    http::json_answer(StatusCode::OK, &metadata)
}

/// What the control port prescribes, when it is time.
async fn given(context: &Context, answer: TokenAnswer) -> Response<Body> {
    if let Some(held) = &answer.held {
        context.stop.run_until_cancelled(held.cancelled()).await;
    }
    answer.response()
}

fn token(
    context: &Context,
    shown: Shown,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<Body>, Refusal> {
    let media_type = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let media_type = media_type.split(';').next().unwrap_or("").trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::new(
            "invalid_request",
            "the body is not a URL-encoded form",
        ));
    }
    let invalid = |reason| Refusal::new("invalid_request", reason);
    let form = http::parameters(body).map_err(invalid)?;
    authenticate(context, shown, parts, &form)?;
    match form.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        Some(_) => {
            let reason = "client_credentials is the only grant here";
            return Err(Refusal::new("unsupported_grant_type", reason));
        }
        None => return Err(Refusal::new("invalid_request", "grant_type is missing")),
    }
    let given = |name| form.get(name).filter(|value| !value.is_empty());
    let audience = given("audience").unwrap_or(&context.options.audience);
    let lifetime = context.options.token_lifetime;
    let token = context
        .tokens
        .issue(Grant {
            audience,
            scope: given("scope").map_or("", String::as_str),
            lifetime,
            ahead: context.options.clock_ahead,
        })
        .ok_or_else(|| Refusal::new("server_error", "no randomness for a token"))?;
    let mut answer = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
    });
    if let Some(scope) = given("scope") {
        answer["scope"] = json!(scope);
    }
    Ok(http::json_answer(StatusCode::OK, &answer))
}

/// By an assertion, by the certificate, or by id and secret.
fn authenticate(
    context: &Context,
    shown: Shown,
    parts: &Parts,
    form: &HashMap<String, String>,
) -> Result<(), Refusal> {
    let options = &context.options;
    let id = form.get("client_id");
    if let Some(kind) = form.get("client_assertion_type") {
        if kind != assertions::TYPE {
            return Err(Refusal::new(
                "invalid_request",
                "client_assertion_type is unknown",
            ));
        }
        let assertion = form.get("client_assertion").map_or("", String::as_str);
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        let here = format!("{}{PATH}", authority.or(host).unwrap_or_default());
        let is_endpoint = |audience: &str| {
            audience
                .split_once("://")
                .is_some_and(|(_, rest)| rest == here)
        };
        let client = context
            .assertions
            .client(
                &options.client_keys,
                assertion,
                is_endpoint,
                SystemTime::now(),
            )
            .map_err(|why| Refusal::invalid_client(&format!("the client assertion: {why}")))?;
        return match id {
            Some(id) if *id != client => Err(Refusal::invalid_client(
                "client_id is not whom the assertion is from",
            )),
            _ => Ok(()),
        };
    }
    if shown == Shown::Certificate
        && !form.contains_key("client_secret")
        && !parts.headers.contains_key(AUTHORIZATION)
    {
        let known = options.clients.iter().map(|client| &client.id);
        let mut known = known.chain(options.client_keys.iter().map(|key| &key.id));
        return match id {
            Some(id) if known.any(|known| known == id) => Ok(()),
            _ => Err(Refusal::invalid_client("no client has this id")),
        };
    }
    let shown = credentials(&parts.headers, form)?;
    if options.clients.iter().any(|client| shown.contains(client)) {
        return Ok(());
    }
    Err(Refusal::invalid_client("no client has this id and secret"))
}

/// The credentials in the header or the form. In the header they may or may not be form-encoded: RFC 6749
/// wants it, many clients do not do it, so both readings are returned.
fn credentials(
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Result<Vec<Client>, Refusal> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        let (Some(id), Some(secret)) = (form.get("client_id"), form.get("client_secret")) else {
            return Err(Refusal::invalid_client(
                "the client's id or secret is missing",
            ));
        };
        return Ok(vec![Client {
            id: id.clone(),
            secret: secret.clone(),
        }]);
    };
    if form.contains_key("client_secret") {
        let reason = "the client's secret is both in the header and in the body";
        return Err(Refusal::new("invalid_request", reason));
    }
    let (id, secret) = basic(header)
        .ok_or_else(|| Refusal::invalid_client("the authorization is not Basic id:secret"))?;
    let decoded = Client {
        id: form_decoded(&id),
        secret: form_decoded(&secret),
    };
    Ok(vec![Client { id, secret }, decoded])
}

fn basic(header: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn form_decoded(text: &str) -> String {
    // One nameless value: `=` and `&` are encoded in it, if it is encoded at all.
    form_urlencoded::parse(format!("v={text}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: &str) -> HeaderMap {
        let encoded = BASE64_STANDARD.encode(value);
        let mut headers = HeaderMap::new();
        headers.insert(
            AUTHORIZATION,
            format!("Basic {encoded}").parse().expect("a header"),
        );
        headers
    }

    fn client(id: &str, secret: &str) -> Client {
        Client {
            id: id.to_owned(),
            secret: secret.to_owned(),
        }
    }

    #[test]
    fn basic_credentials_are_read_both_ways() {
        let shown = credentials(&header("caf\u{e9}:a%3Ab+c"), &HashMap::new()).ok();
        let expected = vec![client("caf\u{e9}", "a%3Ab+c"), client("caf\u{e9}", "a:b c")];
        assert_eq!(shown, Some(expected));
    }

    #[test]
    fn a_secret_comes_only_once() {
        let form = HashMap::from([("client_secret".to_owned(), "s".to_owned())]);
        let refusal = credentials(&header("a:s"), &form).err();
        assert_eq!(
            refusal.map(|refusal| refusal.error),
            Some("invalid_request")
        );
    }

    #[test]
    fn missing_credentials_are_an_invalid_client() {
        let refusal = credentials(&HeaderMap::new(), &HashMap::new()).err();
        assert_eq!(refusal.map(|refusal| refusal.error), Some("invalid_client"));
    }
}
