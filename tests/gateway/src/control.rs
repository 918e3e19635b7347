//! The control port: HTTP requests by which tests make the gateway misbehave, and read what came. The command line can
//! make some of them, too.

use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode, Uri};
use serde_json::{Value, json};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::context::Context;
use crate::faults::Fault;
use crate::frames;
use crate::http::{self, Query};
use crate::rpcs::is_known;
use crate::switches::ForCalls;
use crate::token_answer::TokenAnswer;

/// The highest stream of all (RFC 9113, section 6.8): nothing is refused.
const LAST_STREAM_ID: u32 = (1 << 31) - 1;
const UNKNOWN: &str = "the control port does not know this";

pub(crate) async fn answer(context: &Context, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let outcome = match http::read(body).await {
        Ok(body) => obey(context, &parts.method, &parts.uri, body).await,
        Err(reason) => Err(reason),
    };
    match outcome {
        Ok(Some(answer)) => http::json_answer(StatusCode::OK, &answer),
        Ok(None) => http::error_answer(StatusCode::NOT_FOUND, UNKNOWN),
        Err(reason) => http::error_answer(StatusCode::BAD_REQUEST, &reason),
    }
}

/// Obeys what the command line asks for: each a target, and after a space the body.
pub(crate) async fn obey_all(context: &Context, requests: &[String]) -> Result<(), String> {
    for request in requests {
        let refused = |reason: String| format!("--misbehave {request}: {reason}");
        let (target, body) = request.split_once(' ').unwrap_or((request, ""));
        let target: Uri = target
            .parse()
            .map_err(|error| refused(format!("{error}")))?;
        let body = Bytes::from(body.to_owned());
        let answer = obey(context, &Method::POST, &target, body).await;
        answer
            .map_err(refused)?
            .ok_or_else(|| refused(UNKNOWN.to_owned()))?;
    }
    Ok(())
}

/// None if there is no such request.
async fn obey(
    context: &Context,
    method: &Method,
    target: &Uri,
    body: Bytes,
) -> Result<Option<Value>, String> {
    let query = Query::of(target.query())?;
    query.check(target.path(), parameters(target.path()))?;
    let answer = match (method, target.path()) {
        (&Method::GET, "/counters") => counters(context),
        (&Method::GET, "/token-request") => context.token_request.last(),
        (&Method::GET, "/incidents") => context.gateway.incidents(),
        (&Method::GET, "/state") => context.gateway.dump(),
        (&Method::POST, "/reset-connections") => {
            json!({ "reset": context.connections.reset().await })
        }
        (&Method::GET, "/calls") => {
            let count = query.optional("last")?.unwrap_or(usize::MAX);
            context.calls.last(count, known_rpc(&query)?.as_deref())
        }
        (&Method::POST, "/goaway") => json!({ "goaway": go_away(context, &query)? }),
        (&Method::POST, "/inject") => {
            json!({ "injected": context.connections.inject(&body) })
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
            let number = query.required("status")?;
            let code = Code::from_i32(number);
            if code as i32 != number {
                return Err(format!(
                    "status cannot be {number}, which gRPC does not have"
                ));
            }
            let message = query.optional::<String>("message")?.unwrap_or_default();
            let failure = for_calls(&query, Status::new(code, message))?;
            let count = count(&query)?;
            context.switches.fail(failure, count);
            json!({ "status": code as i32, "count": count })
        }
        (&Method::POST, "/fault") => {
            let fault = for_calls(&query, Fault::of(&query, &body)?)?;
            let count = count(&query)?;
            context.switches.misbehave(fault, count);
            json!({ "count": count })
        }
        (&Method::POST, "/token-answer") => {
            let answer = TokenAnswer::of(&query, body)?;
            let (status, count) = (answer.status(), count(&query)?);
            context.switches.answer_tokens(answer, count);
            json!({ "status": status, "count": count })
        }
        (&Method::POST, "/discovery-answer") => {
            let answer = TokenAnswer::of(&query, body)?;
            let (status, count) = (answer.status(), count(&query)?);
            context.switches.answer_discovery(answer, count);
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

fn parameters(path: &str) -> &'static [&'static str] {
    match path {
        "/calls" => &["last", "rpc"],
        "/goaway" => &["code", "last_stream_id", "debug", "close"],
        "/latency" => &["ms"],
        "/fail" => &["status", "count", "rpc", "message"],
        "/fault" => &[
            "kind",
            "at",
            "count",
            "rpc",
            "reason",
            "status",
            "content_type",
            "ms",
            "bytes",
        ],
        "/token-answer" | "/discovery-answer" => &[
            "status",
            "count",
            "content_type",
            "retry_after",
            "header",
            "encoding",
            "framing",
            "hold",
        ],
        "/mute-streams" => &["on"],
        "/renew-certificates" => &["lifetime"],
        _ => &[],
    }
}

fn counters(context: &Context) -> Value {
    let mut counters = context.counters.to_json();
    counters["open_connections"] = json!(context.connections.count());
    counters["accepted_connections"] = json!(context.connections.accepted());
    counters
}

/// With parameters the frame is raw, and the connections stay open, unless they are to be closed.
fn go_away(context: &Context, query: &Query) -> Result<usize, String> {
    let code = query.optional("code")?;
    let last_stream_id = query.optional("last_stream_id")?;
    if code.is_none() && last_stream_id.is_none() {
        return Ok(context.connections.go_away());
    }
    let debug_data = query.optional::<String>("debug")?.unwrap_or_default();
    let last_stream_id = last_stream_id.unwrap_or(LAST_STREAM_ID);
    let frame = frames::go_away(code.unwrap_or(0), last_stream_id, &debug_data);
    let frame = frame.ok_or("debug is too long for a frame")?;
    let count = context.connections.inject(&frame);
    if query
        .optional::<u8>("close")?
        .is_some_and(|close| close != 0)
    {
        context.connections.close_all();
    }
    Ok(count)
}

fn count(query: &Query) -> Result<u64, String> {
    Ok(query.optional("count")?.unwrap_or(1))
}

fn for_calls<T>(query: &Query, what: T) -> Result<ForCalls<T>, String> {
    let rpc = known_rpc(query)?;
    Ok(ForCalls { rpc, what })
}

fn known_rpc(query: &Query) -> Result<Option<String>, String> {
    let rpc = query.optional::<String>("rpc")?;
    match rpc.as_deref().filter(|rpc| !is_known(rpc)) {
        Some(unknown) => Err(format!(
            "rpc cannot be {unknown}, which the gateway does not have"
        )),
        None => Ok(rpc),
    }
}
