//! The control port: HTTP requests by which tests make the gateway misbehave, and read what came.

use std::collections::HashMap;
use std::str::FromStr;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::context::Context;
use crate::http;
use crate::switches::TokenAnswer;

pub(crate) async fn answer(context: &Context, request: Request<Incoming>) -> Response<Body> {
    match obey(context, request).await {
        Ok(Some(answer)) => http::json_answer(StatusCode::OK, &answer),
        Ok(None) => {
            http::error_answer(StatusCode::NOT_FOUND, "the control port does not know this")
        }
        Err(reason) => http::error_answer(StatusCode::BAD_REQUEST, &reason),
    }
}

async fn obey(context: &Context, request: Request<Incoming>) -> Result<Option<Value>, String> {
    let (parts, body) = request.into_parts();
    let query = Query(http::parameters(
        parts.uri.query().unwrap_or("").as_bytes(),
    )?);
    let answer = match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/counters") => counters(context),
        (&Method::GET, "/incidents") => context.gateway.incidents(),
        (&Method::POST, "/reset-connections") => {
            json!({ "reset": context.connections.reset().await })
        }
        (&Method::POST, "/goaway") => json!({ "goaway": context.connections.go_away() }),
        (&Method::POST, "/revoke-tokens") => json!({ "revoked": context.tokens.revoke_all() }),
        (&Method::POST, "/latency") => {
            let ms = query.required("ms")?;
            context.switches.set_latency(ms);
            json!({ "ms": ms })
        }
        (&Method::POST, "/fail") => {
            let code = Code::from_i32(query.required("status")?);
            let count = query.optional("count")?.unwrap_or(1);
            let message = query.optional::<String>("message")?.unwrap_or_default();
            context.switches.fail(Status::new(code, message), count);
            json!({ "status": code as i32, "count": count })
        }
        (&Method::POST, "/token-answer") => {
            let status: u16 = query.required("status")?;
            let answer = TokenAnswer {
                status: StatusCode::from_u16(status).map_err(|error| error.to_string())?,
                content_type: query
                    .optional("content_type")?
                    .unwrap_or_else(|| "application/json".to_owned()),
                retry_after: query.optional("retry_after")?,
                body: http::read(body).await?,
            };
            let count = query.optional("count")?.unwrap_or(1);
            context.switches.answer_tokens(answer, count);
            json!({ "status": status, "count": count })
        }
        (&Method::POST, "/stop") => {
            context.stop.cancel();
            json!({ "stopping": true })
        }
        _ => return Ok(None),
    };
    Ok(Some(answer))
}

fn counters(context: &Context) -> Value {
    json!({
        "calls": context.counters.calls(),
        "token_requests": context.counters.token_requests(),
        "open_connections": context.connections.count(),
        "accepted_connections": context.connections.accepted(),
    })
}

struct Query(HashMap<String, String>);

impl Query {
    fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let parse = |text: &String| text.parse().map_err(|_| format!("{name} cannot be {text}"));
        self.0.get(name).map(parse).transpose()
    }

    fn required<T: FromStr>(&self, name: &str) -> Result<T, String> {
        self.optional(name)?
            .ok_or_else(|| format!("{name} is missing"))
    }
}
