//! What a token endpoint's answer means (RFC 6749 sections 5.1 and 5.2; `Differences` in README).
//!
//! Pure: an HTTP answer in, a token or an error out. No body and no secret gets into an error, but
//! for the `error` and `error_description` that the RFC defines for people, without our secret.

use std::time::{Duration, SystemTime};

use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::token::Token;
use crate::error::{Error, Source};
use crate::retry_after::retry_after;
use tonic::Code;

/// What of a token answer is used, in the form the RFC gives it.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) access_token: SecretString,
    pub(super) expires_in: Option<Duration>,
    pub(super) scope: Option<String>,
}

/// Whose answer it is.
pub(super) struct Endpoint<'a> {
    /// As errors say it.
    pub(super) name: &'a str,
    /// Some put what they were sent into their errors.
    pub(super) client_secret: &'a SecretString,
}

impl Endpoint<'_> {
    /// Judges an answer by status and body.
    pub(super) fn judge(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Granted, Error> {
        if status.is_success() {
            return self.granted(status, body);
        }
        let name = self.name;
        if status.is_redirection() {
            let to = headers.get(LOCATION).and_then(|to| to.to_str().ok());
            return Err(unusable(format!(
                "{name} answered {status}, a redirect to {}: redirects are not followed, \
                 set the final URL",
                to.map_or("nowhere".to_owned(), origin)
            )));
        }
        let error = object(body).and_then(|object| self.error_of(&object));
        let said = error
            .as_ref()
            .map_or(String::new(), |text| format!(": {text}"));
        let message = format!("{name} answered {status}{said}");
        match status.as_u16() {
            408 | 429 | 500.. => Err(passing(message).with_retry_after(retry_after(headers, now))),
            400 | 401 | 403 => Err(Error::invalid_oauth_credentials(message)),
            _ if error.is_some() => Err(Error::invalid_oauth_credentials(message)),
            400..500 => Err(Error::settings_of_call(format!(
                "{message}: is the URL of the token endpoint right?"
            ))),
            _ => Err(unusable(message)),
        }
    }

    fn granted(&self, status: StatusCode, body: &[u8]) -> Result<Granted, Error> {
        let name = self.name;
        let mut object = object(body).ok_or_else(|| {
            let what = if body.is_empty() {
                "an empty body"
            } else {
                "what is no JSON object"
            };
            passing(format!("{name} answered {status} with {what}"))
        })?;
        // Moved out, not copied, before anything is refused: so it is overwritten however this ends.
        let access_token = object.remove("access_token").map(|token| match token {
            Value::String(token) => Ok(SecretString::from(token)),
            other => Err(other),
        });
        if let Some(error) = self.error_of(&object) {
            return Err(Error::invalid_oauth_credentials(format!(
                "{name} answered {status} with an error: {error}"
            )));
        }
        let refuse = |why: &str| {
            Err(unusable(format!(
                "{name} gave an answer that cannot be used: {why}"
            )))
        };
        match object.get("token_type") {
            None | Some(Value::Null) => {}
            Some(Value::String(kind)) if kind.is_empty() || kind.eq_ignore_ascii_case("bearer") => {
            }
            Some(Value::String(kind)) => {
                return refuse(&format!(
                    "token_type is {:?}, not bearer",
                    self.printable(kind)
                ));
            }
            Some(_) => return refuse("token_type is no string"),
        }
        let access_token = match access_token {
            Some(Ok(token)) => token,
            None | Some(Err(Value::Null)) => return refuse("it has no access_token"),
            Some(Err(_)) => return refuse("access_token is no string"),
        };
        // Judged here, so that what follows holds only what a header may hold.
        if let Err(why) = Token::new(access_token.expose_secret(), None, None) {
            return refuse(why);
        }
        let scope = match object.get("scope") {
            None | Some(Value::Null) => None,
            Some(Value::String(scope)) => Some(scope.clone()),
            Some(_) => {
                tracing::warn!("the token endpoint's scope is no string: ignored");
                None
            }
        };
        Ok(Granted {
            access_token,
            expires_in: expires_in(object.get("expires_in")),
            scope,
        })
    }

    /// `(invalid_client) description`, if it is an OAuth error object.
    fn error_of(&self, object: &Map<String, Value>) -> Option<String> {
        let error = object
            .get("error")?
            .as_str()
            .filter(|error| !error.is_empty())?;
        let description = object.get("error_description").and_then(Value::as_str);
        Some(self.printable(&format!("({error}) {}", description.unwrap_or_default())))
    }

    /// One line of bounded length without our secret: it is a stranger's text in our error.
    fn printable(&self, text: &str) -> String {
        let text = match self.client_secret.expose_secret() {
            "" => text.to_owned(),
            secret => text.replace(secret, "<redacted>"),
        };
        let line = text
            .trim_end()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c });
        line.take(500).collect()
    }
}

/// The endpoint may answer better later.
pub(super) fn passing(message: impl Into<String>) -> Error {
    Error::rpc(Source::TokenEndpoint, Code::Unavailable, message).retryable(true)
}

/// An answer that will not change by asking again.
fn unusable(message: impl Into<String>) -> Error {
    Error::rpc(Source::TokenEndpoint, Code::Unavailable, message)
}

/// JSON, with or without a byte order mark, else a form.
fn object(body: &[u8]) -> Option<Map<String, Value>> {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if let Ok(value) = serde_json::from_slice::<Value>(text) {
        return match value {
            Value::Object(object) => Some(object),
            _ => None,
        };
    }
    let form: Map<_, _> = url::form_urlencoded::parse(text)
        .map(|(key, value)| (key.into_owned(), Value::String(value.into_owned())))
        .collect();
    (form.contains_key("access_token") || form.contains_key("error")).then_some(form)
}

/// Seconds, as a number or its text; zero and below are a token that has expired already.
fn expires_in(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value {
        None | Some(Value::Null) => return None,
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
        Some(_) => None,
    };
    match seconds.filter(|seconds| seconds.is_finite()) {
        Some(seconds) => {
            // Beyond what a duration holds is for ever.
            Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
        }
        None => {
            tracing::warn!("the token endpoint's expires_in is no number: taken as missing");
            None
        }
    }
}

/// Scheme, host and port: a query may hold what should not be printed.
fn origin(location: &str) -> String {
    match url::Url::parse(location) {
        Ok(url) if url.has_host() => url.origin().ascii_serialization(),
        _ => "a place on the same host".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn answer(status: u16, body: &str) -> Result<Granted, Error> {
        let status = StatusCode::from_u16(status).unwrap();
        let endpoint = Endpoint {
            name: "the endpoint",
            client_secret: &"s3cret".into(),
        };
        endpoint.judge(
            status,
            &HeaderMap::new(),
            body.as_bytes(),
            SystemTime::UNIX_EPOCH,
        )
    }

    fn lifetime(expires_in: &str) -> Option<f64> {
        let body = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
        answer(200, &body)
            .unwrap()
            .expires_in
            .map(|d| d.as_secs_f64())
    }

    #[test]
    fn expires_in_is_a_number_or_its_text() {
        for (text, seconds) in [
            ("3600", Some(3600.0)),
            ("3600.7", Some(3600.7)),
            ("\"3600\"", Some(3600.0)),
            ("\" 3600 \"", Some(3600.0)),
            ("\"soon\"", None),
            ("[1]", None),
            ("{}", None),
            ("true", None),
            ("null", None),
            ("0", Some(0.0)),
            ("-5", Some(0.0)),
        ] {
            assert_eq!(lifetime(text), seconds, "{text}");
        }
    }

    #[test]
    fn refusals_blame_the_credentials_the_url_or_the_moment() {
        let object = r#"{"error":"invalid_client","error_description":"no such client"}"#;
        for (status, body, kind, retryable) in [
            (401, object, Kind::InvalidOauthCredentials, false),
            (400, "", Kind::InvalidOauthCredentials, false),
            (404, object, Kind::InvalidOauthCredentials, false),
            (404, "<html>", Kind::Settings, false),
            (503, object, Kind::Rpc, true),
            (429, object, Kind::Rpc, true),
            (302, object, Kind::Rpc, false),
            (200, object, Kind::InvalidOauthCredentials, false),
            (200, "<html>", Kind::Rpc, true),
            (200, "", Kind::Rpc, true),
            (200, r#"{"access_token":NaN}"#, Kind::Rpc, true),
            (
                200,
                r#"{"access_token":"t","token_type":"mac"}"#,
                Kind::Rpc,
                false,
            ),
            (200, r#"{"access_token":""}"#, Kind::Rpc, false),
            (200, r#"{"access_token":"a b"}"#, Kind::Rpc, false),
            (200, r#"{"access_token":7}"#, Kind::Rpc, false),
            (
                401,
                r#"{"access_token":"t"}"#,
                Kind::InvalidOauthCredentials,
                false,
            ),
        ] {
            let error = answer(status, body).unwrap_err();
            assert_eq!(
                (error.kind(), error.is_retryable()),
                (kind, retryable),
                "{status} {body}"
            );
            assert_eq!(error.source(), Source::TokenEndpoint);
        }
        let error = answer(401, object).unwrap_err();
        assert!(
            error.message().contains("(invalid_client) no such client"),
            "{error}"
        );
    }

    #[test]
    fn a_secret_that_the_endpoint_repeats_is_not_shown() {
        for (status, body) in [
            (
                401,
                r#"{"error":"no","error_description":"not \u00733cret"}"#,
            ),
            (200, r#"{"error":"s3cret"}"#),
            (200, r#"{"access_token":"t","token_type":"s3cret"}"#),
        ] {
            let error = answer(status, body).unwrap_err();
            assert!(error.message().contains("<redacted>"), "{error}");
            assert!(!error.message().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn tokens_come_in_several_wrappings() {
        for body in [
            r#"{"access_token":"t","token_type":"BEARER"}"#,
            r#"{"access_token":"t","token_type":""}"#,
            "\u{feff}{\"access_token\":\"t\"}",
            r#"{"access_token":"t","error":null}"#,
            r#"{"access_token":"t","error":"","scope":["a"],"expires_at":1}"#,
            "access_token=t&expires_in=60",
        ] {
            let granted = answer(200, body).unwrap();
            assert_eq!(granted.access_token.expose_secret(), "t", "{body}");
        }
    }
}
