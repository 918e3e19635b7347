//! Authorization servers whose tokens are taken beside the gateway's own: signed JWTs (RFC 9068), checked by the keys
//! that the server publishes (OpenID Connect Discovery).

use std::time::{SystemTime, UNIX_EPOCH};

use hyper::header::HOST;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::http;
use crate::jwks::{self, Key};
use crate::jwt::Jwt;
use crate::tokens::{self, Refusal};

#[derive(Debug)]
pub(crate) struct Issuers(Vec<Issuer>);

#[derive(Debug)]
struct Issuer {
    /// As tokens have it in `iss`.
    url: String,
    /// Fetched at first need, and again when a token names one that is not among them.
    keys: Mutex<Vec<Key>>,
}

impl Issuers {
    pub(crate) fn new(urls: &[String]) -> Self {
        let issuer = |url: &String| Issuer {
            url: url.clone(),
            keys: Mutex::default(),
        };
        Self(urls.iter().map(issuer).collect())
    }

    /// Checks a token that the gateway did not issue itself.
    pub(crate) async fn check(&self, token: &str, audience: &str) -> Result<(), Refusal> {
        let jwt = Jwt::of(token).map_err(|_| Refusal::Unknown)?;
        let claimed = jwt.claims["iss"].as_str().unwrap_or_default();
        if claimed == tokens::ISSUER {
            return Err(Refusal::Unknown); // it was the gateway's own
        }
        let issuer = self.0.iter().find(|issuer| issuer.url == claimed);
        let issuer = issuer.ok_or_else(|| Refusal::OtherIssuer(claimed.to_owned()))?;
        issuer.check_signature(&jwt).await?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        check_claims(&jwt.claims, audience, now.as_secs_f64())
    }
}

impl Issuer {
    async fn check_signature(&self, jwt: &Jwt<'_>) -> Result<(), Refusal> {
        let id = jwt.header["kid"].as_str();
        let mut keys = self.keys.lock().await;
        if !keys.iter().any(|key| key.is(id)) {
            *keys = self.fetch_keys().await.map_err(Refusal::NoKeys)?;
        }
        let algorithm = jwt.header["alg"].as_str().unwrap_or_default();
        let verifies =
            |key: &Key| key.is(id) && key.verifies(algorithm, jwt.signed, &jwt.signature);
        match keys.iter().any(verifies) {
            true => Ok(()),
            false => Err(Refusal::BadSignature {
                algorithm: algorithm.to_owned(),
                key: id.unwrap_or_default().to_owned(),
            }),
        }
    }

    async fn fetch_keys(&self) -> Result<Vec<Key>, String> {
        let url = format!(
            "{}/.well-known/openid-configuration",
            self.url.trim_end_matches('/')
        );
        let configuration = get(&url).await?;
        let place = configuration["jwks_uri"]
            .as_str()
            .ok_or_else(|| format!("{url} names no jwks_uri"))?;
        Ok(jwks::keys(&get(place).await?))
    }
}

/// A JSON document over plain HTTP.
async fn get(url: &str) -> Result<Value, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{url}: {error}");
    let uri: Uri = url.parse().map_err(|error| failed(&error))?;
    let authority = match (uri.scheme_str(), uri.authority()) {
        (Some("http"), Some(authority)) => authority.as_str(),
        _ => return Err(failed(&"it is not http://host")),
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| failed(&error))?;
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    tokio::spawn(connection); // ends with `send`
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority)
        .body(String::new())
        .map_err(|error| failed(&error))?;
    let response = send
        .send_request(request)
        .await
        .map_err(|error| failed(&error))?;
    if response.status() != StatusCode::OK {
        return Err(failed(&response.status()));
    }
    let body = http::read(response.into_body())
        .await
        .map_err(|error| failed(&error))?;
    serde_json::from_slice(&body).map_err(|error| failed(&error))
}

/// `now` in seconds since 1970, as `exp` and `nbf`.
fn check_claims(claims: &Value, audience: &str, now: f64) -> Result<(), Refusal> {
    if claims["exp"].as_f64().is_none_or(|expires| expires <= now) {
        return Err(Refusal::Expired);
    }
    if claims["nbf"].as_f64().is_some_and(|begins| begins > now) {
        return Err(Refusal::TooEarly);
    }
    let issued = &claims["aud"];
    let is_ours = |value: &Value| value == audience;
    if !is_ours(issued) && !issued.as_array().is_some_and(|all| all.iter().any(is_ours)) {
        return Err(Refusal::OtherAudience {
            issued: issued
                .as_str()
                .map_or_else(|| issued.to_string(), str::to_owned),
            required: audience.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::json;

    #[test]
    fn claims_are_good_for_an_audience_and_a_time() {
        let claims = json!({"exp": 20, "nbf": 10, "aud": ["a", "b"]});
        assert_eq!(check_claims(&claims, "b", 10.0), Ok(()));
        assert_eq!(check_claims(&claims, "b", 19.9), Ok(()));
        assert_eq!(check_claims(&claims, "b", 20.0), Err(Refusal::Expired));
        assert_eq!(check_claims(&claims, "b", 9.0), Err(Refusal::TooEarly));
        let refusal = check_claims(&claims, "c", 10.0).expect_err("another audience");
        assert!(refusal.to_string().contains(r#"["a","b"], not for c"#));
        assert_eq!(
            check_claims(&json!({"aud": "a"}), "a", 0.0),
            Err(Refusal::Expired)
        );
        assert_eq!(
            check_claims(&json!({"aud": "a", "exp": 1}), "a", 0.0),
            Ok(())
        );
    }

    #[tokio::test]
    async fn a_token_of_nobody_known_is_refused_unread() {
        let issuers = Issuers::new(&["http://127.0.0.1:1".to_owned()]);
        let part = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let token = |issuer: &str| {
            let header = part(json!({"alg": "none"}));
            format!("{header}.{}.", part(json!({"iss": issuer})))
        };
        let refusal = issuers.check(&token("http://other"), "a").await;
        assert_eq!(
            refusal,
            Err(Refusal::OtherIssuer("http://other".to_owned()))
        );
        assert_eq!(issuers.check("opaque", "a").await, Err(Refusal::Unknown));
        let refusal = issuers.check(&token("http://127.0.0.1:1"), "a").await;
        assert!(matches!(refusal, Err(Refusal::NoKeys(_))), "{refusal:?}");
    }
}
