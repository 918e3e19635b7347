//! What a token endpoint's answer means (RFC 6749 sections 5.1 and 5.2; `Differences` in README).
//!
//! Pure: an HTTP answer in, a token or an error out. Of a body only what its server wrote for people gets into an error
//! (`words`), and all of that goes through the redactor, which knows what was sent. What to do about it, `hints` says.

mod hints;
#[cfg(test)]
mod tests;
mod words;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tonic::Code;

use super::client_authentication::ClientAuthentication;
use super::redaction::Redactor;
use super::token::Token;
use crate::error::{Error, Source};
use crate::proxy::Proxy;
use crate::retry_after::retry_after_of;
pub(super) use hints::{denied_by, is_rate_limit, redirected};
use words::Words;

/// What of a token answer is used, in the form the RFC gives it.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) access_token: SecretString,
    pub(super) expires_in: Option<Duration>,
    pub(super) scope: Option<String>,
}

/// Whose answer it is, and to what.
pub(super) struct Endpoint<'a> {
    /// As errors say it.
    pub(super) name: &'a str,
    /// Without user and password.
    pub(super) url: &'a str,
    pub(super) authentication: ClientAuthentication,
    /// Form-encoding changes id or secret.
    pub(super) is_encoded: bool,
    /// `aud` of the assertion, if one was sent.
    pub(super) assertion_audience: Option<&'a str>,
    pub(super) proxy: Option<&'a Proxy>,
    /// Hints name variables, and no options.
    pub(super) by_variables: bool,
    /// Knows what was sent: some put that into their errors.
    pub(super) redactor: Redactor,
}

/// An answer as it came.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) came: SystemTime,
}

impl Endpoint<'_> {
    /// Judges an answer by status and body.
    pub(super) fn judge(&mut self, answer: Answer<'_>) -> Result<Granted, Error> {
        let mut object = object(answer.body);
        // Moved out, not copied, before anything is refused: so it is overwritten however this ends. From here on nothing
        // that repeats it gets into an error, of whatever status.
        let access_token = object
            .as_mut()
            .and_then(|object| object.remove("access_token"))
            .map(|token| match token {
                Value::String(token) => Ok(SecretString::from(token)),
                other => Err(other),
            });
        if let Some(Ok(token)) = &access_token {
            self.redactor.add(token.expose_secret());
        }
        let words = Words::of(answer, object.as_ref());
        if answer.status.is_success() {
            return self.granted(answer, object, access_token, &words);
        }
        Err(self.refusal(answer, &words))
    }

    fn refusal(&self, answer: Answer<'_>, words: &Words) -> Error {
        let (name, status) = (self.name, answer.status);
        if status.is_redirection() {
            let to = hints::redirected(self.url, answer.headers);
            return unusable(format!(
                "{name} answered {status}, a redirect to {}: redirects are not followed, set the final URL",
                to.map_or("nowhere".to_owned(), |to| self.redactor.line(&to))
            ));
        }
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return unusable(format!(
                "the token request to {} failed: {}",
                self.url,
                denied_by(self.proxy)
            ));
        }
        let said = words.said(&self.redactor);
        let said = said.map_or(String::new(), |said| format!(": {said}"));
        let message = format!("{name} answered {status}{said}");
        let error = match status.as_u16() {
            408 | 429 | 500.. => passing(message),
            _ if words.is_passing() => passing(message),
            403 if hints::is_rate_limit(answer.headers) => passing(message),
            400 | 401 | 403 => Error::invalid_oauth_credentials(message),
            _ if words.is_oauth() => Error::invalid_oauth_credentials(message),
            400..500 => Error::settings_of_call(message),
            _ => unusable(message),
        };
        let error = match error.is_retryable() {
            true => error.with_retry_after(retry_after_of(answer.headers, answer.came)),
            false => error,
        };
        self.hinting(error, answer, words)
    }

    /// With what may be done about it.
    fn hinting(&self, error: Error, answer: Answer<'_>, words: &Words) -> Error {
        let hints = hints::of(self, answer, words, error.is_retryable());
        hints.iter().fold(error, |error, hint| error.noting(hint))
    }

    fn granted(
        &self,
        answer: Answer<'_>,
        object: Option<Map<String, Value>>,
        access_token: Option<Result<SecretString, Value>>,
        words: &Words,
    ) -> Result<Granted, Error> {
        let (name, status) = (self.name, answer.status);
        let Some(object) = object else {
            let what = if answer.body.is_empty() {
                "an empty body"
            } else {
                "what is no JSON object"
            };
            let title = words.said(&self.redactor).filter(|_| words.is_html());
            let title = title.map_or(String::new(), |title| format!(": {title}"));
            let error = passing(format!("{name} answered {status} with {what}{title}"));
            // A page is for people who took a wrong turn.
            let error = error.retryable(!words.is_html());
            return Err(self.hinting(error, answer, words));
        };
        let is_error = match &access_token {
            Some(_) => is_given(object.get("error")),
            None => words.is_some(),
        };
        if is_error {
            let said = words.said(&self.redactor).unwrap_or_default();
            let message = format!("{name} answered {status} with an error: {said}");
            let error = if words.is_passing() {
                let pause = retry_after_of(answer.headers, answer.came);
                passing(message).with_retry_after(pause)
            } else {
                Error::invalid_oauth_credentials(message)
            };
            return Err(self.hinting(error, answer, words));
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
                    self.redactor.line(kind)
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
            Some(Value::String(scope)) => Some(self.redactor.redacted(scope)),
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
}

/// The endpoint may answer better later.
pub(super) fn passing(message: impl Into<String>) -> Error {
    Error::rpc(Source::TokenEndpoint, Code::Unavailable, message).retryable(true)
}

/// An answer that will not change by asking again.
pub(super) fn unusable(message: impl Into<String>) -> Error {
    Error::rpc(Source::TokenEndpoint, Code::Unavailable, message)
}

fn is_given(error: Option<&Value>) -> bool {
    matches!(error, Some(Value::String(error)) if !error.is_empty())
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
