//! The control port: HTTP requests by which tests make the gateway misbehave, and read what came.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::context::Context;
use crate::faults::Fault;
use crate::frames;
use crate::http::{self, Query};
use crate::switches::ForCalls;
use crate::token_answer::TokenAnswer;

/// The highest stream of all (RFC 9113, section 6.8): nothing is refused.
const LAST_STREAM_ID: u32 = (1 << 31) - 1;

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
    let query = Query::of(parts.uri.query())?;
    let answer = match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/counters") => counters(context),
        (&Method::GET, "/token-request") => context.token_request.last(),
        (&Method::GET, "/incidents") => context.gateway.incidents(),
        (&Method::GET, "/state") => context.gateway.dump(),
        (&Method::POST, "/reset-connections") => {
            json!({ "reset": context.connections.reset().await })
        }
        (&Method::GET, "/calls") => context
            .calls
            .last(query.optional("last")?.unwrap_or(usize::MAX)),
        (&Method::POST, "/goaway") => json!({ "goaway": go_away(context, &query)? }),
        (&Method::POST, "/inject") => {
            json!({ "injected": context.connections.inject(&http::read(body).await?) })
        }
        (&Method::POST, "/freeze") => json!({ "frozen": context.connections.freeze(true) }),
        (&Method::POST, "/thaw") => json!({ "thawed": context.connections.freeze(false) }),
        (&Method::POST, "/revoke-tokens") => json!({ "revoked": context.tokens.revoke_all() }),
        (&Method::POST, "/latency") => {
            let ms = query.required("ms")?;
            context.switches.set_latency(ms);
            json!({ "ms": ms })
        }
        (&Method::POST, "/fail") => {
            let code = Code::from_i32(query.required("status")?);
            let message = query.optional::<String>("message")?.unwrap_or_default();
            let failure = for_calls(&query, Status::new(code, message))?;
            let count = count(&query)?;
            context.switches.fail(failure, count);
            json!({ "status": code as i32, "count": count })
        }
        (&Method::POST, "/fault") => {
            let fault = for_calls(&query, Fault::of(&query)?)?;
            let count = count(&query)?;
            context.switches.misbehave(fault, count);
            json!({ "count": count })
        }
        (&Method::POST, "/token-answer") => {
            let answer = TokenAnswer::of(&query, http::read(body).await?)?;
            let (status, count) = (answer.status(), count(&query)?);
            context.switches.answer_tokens(answer, count);
            json!({ "status": status, "count": count })
        }
        (&Method::POST, "/mute-streams") => {
            let muted = query.required::<u8>("on")? != 0;
            context.gateway.mute_streams(muted);
            json!({ "muted": muted })
        }
        (&Method::POST, "/renew-certificates") => {
            let seconds = query.optional("lifetime")?;
            let lifetime = seconds.map(Duration::from_secs);
            let lifetime = lifetime.or(context.options.certificate_lifetime);
            let renewed = context.certificates.renew(lifetime);
            renewed.map_err(|error| error.to_string())?;
            json!({ "lifetime": lifetime.map(|lifetime| lifetime.as_secs()) })
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
    let mut counters = context.counters.to_json();
    counters["open_connections"] = json!(context.connections.count());
    counters["accepted_connections"] = json!(context.connections.accepted());
    counters
}

/// With parameters the frame is raw, and the connections stay open.
fn go_away(context: &Context, query: &Query) -> Result<usize, String> {
    let code = query.optional("code")?;
    let last_stream_id = query.optional("last_stream_id")?;
    if code.is_none() && last_stream_id.is_none() {
        return Ok(context.connections.go_away());
    }
    let frame = frames::go_away(code.unwrap_or(0), last_stream_id.unwrap_or(LAST_STREAM_ID));
    Ok(context.connections.inject(&frame))
}

fn count(query: &Query) -> Result<u64, String> {
    Ok(query.optional("count")?.unwrap_or(1))
}

fn for_calls<T>(query: &Query, what: T) -> Result<ForCalls<T>, String> {
    let rpc = query.optional("rpc")?;
    Ok(ForCalls { rpc, what })
}
