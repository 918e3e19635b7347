//! The small HTTP requests and answers of the token endpoint and the control port.

use std::collections::HashMap;
use std::str::FromStr;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use tonic::body::Body;

/// More than any request to these ports needs, and enough for an oversized token answer.
const BODY_LIMIT: usize = 16 << 20;

pub(crate) fn answer(
    status: StatusCode,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(whole(body.into()));
    *response.status_mut() = status;
    if let Ok(value) = content_type.parse() {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

pub(crate) fn whole(body: Bytes) -> Body {
    Body::new(Full::new(body))
}

pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response<Body> {
    answer(status, "application/json", body.to_string())
}

pub(crate) fn error_answer(status: StatusCode, reason: &str) -> Response<Body> {
    json_answer(status, &json!({ "error": reason }))
}

pub(crate) async fn read(body: Incoming) -> Result<Bytes, String> {
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(format!("the body cannot be read: {error}")),
    }
}

/// The pairs of a query or a form; a name that comes twice is an error.
pub(crate) fn parameters(encoded: &[u8]) -> Result<HashMap<String, String>, String> {
    let mut parameters = HashMap::new();
    for (name, value) in form_urlencoded::parse(encoded) {
        if parameters
            .insert(name.to_string(), value.into_owned())
            .is_some()
        {
            return Err(format!("{name} comes twice"));
        }
    }
    Ok(parameters)
}

/// The parameters of a request to the control port.
pub(crate) struct Query(HashMap<String, String>);

impl Query {
    pub(crate) fn of(encoded: Option<&str>) -> Result<Self, String> {
        parameters(encoded.unwrap_or("").as_bytes()).map(Self)
    }

    /// What is misspelt must not pass unseen.
    pub(crate) fn check(&self, path: &str, known: &[&str]) -> Result<(), String> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) if known.is_empty() => Err(format!("{path} has no parameters, not {name}")),
            Some(name) => {
                let known = known.join(", ");
                Err(format!("{name} is not known to {path}, but {known}"))
            }
        }
    }

    pub(crate) fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let parse = |text: &String| text.parse().map_err(|_| format!("{name} cannot be {text}"));
        self.0.get(name).map(parse).transpose()
    }

    pub(crate) fn required<T: FromStr>(&self, name: &str) -> Result<T, String> {
        self.optional(name)?
            .ok_or_else(|| format!("{name} is missing"))
    }
}
