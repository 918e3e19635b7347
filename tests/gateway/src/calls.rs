//! What happens to every call around the service: it is counted, admitted or refused, spoilt, and delayed.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::codegen::Service;

use crate::connections::Connection;
use crate::context::Context;
use crate::counters::OpenCall;
use crate::protocol::gateway_server::GatewayServer;
use crate::rpcs::UNANSWERED;
use crate::tokens::{Refusal, bearer};

/// The service `grpc.health.v1.Health`.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// How one listener treats calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Admission {
    /// A token for this audience is required.
    pub(crate) audience: Option<String>,
    /// Every call is answered with a reset of the connection.
    pub(crate) resets: bool,
    /// Answers are compressed for clients that can read them.
    pub(crate) compresses: bool,
    /// The most calls at once on a connection.
    pub(crate) max_concurrent_streams: Option<u32>,
}

/// An error resets the stream with its reason.
pub(crate) async fn answer(
    listener: &'static str,
    admission: &Admission,
    context: &Context,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Body>, h2::Error> {
    let path = request.uri().path().to_owned();
    let rpc = path.rsplit_once('/').map_or(path.as_str(), |(_, rpc)| rpc);
    let open = note(listener, rpc, context, &request);
    if admission.resets {
        connection.reset.cancel();
        return std::future::pending().await;
    }
    let response = match admit(admission, context, &request, rpc).await {
        Err(status) => status.into_http(),
        Ok(()) => {
            let real = serve(admission, context, request, rpc);
            match context.switches.next_fault(rpc) {
                Some(fault) => fault.answer(connection, real).await?,
                None => real.await,
            }
        }
    };
    tokio::time::sleep(context.switches.latency()).await;
    Ok(held(response, open))
}

fn note(
    listener: &'static str,
    rpc: &str,
    context: &Context,
    request: &Request<Incoming>,
) -> OpenCall {
    let headers = request.headers();
    context.calls.add(rpc, listener, headers);
    if let Some(attempts) = headers.get("grpc-previous-rpc-attempts") {
        let attempts = String::from_utf8_lossy(attempts.as_bytes()).into_owned();
        context.counters.count_previous_attempts(attempts);
    }
    context.counters.count_call(rpc)
}

async fn admit(
    admission: &Admission,
    context: &Context,
    request: &Request<Incoming>,
    rpc: &str,
) -> Result<(), Status> {
    if let Some(audience) = &admission.audience {
        let header = request
            .headers()
            .get(AUTHORIZATION)
            .map(|value| value.as_bytes());
        let checked = match context
            .tokens
            .check(header, audience, context.options.scope.as_deref())
        {
            Err(Refusal::Unknown) => context.issuers.check(bearer(header)?, audience).await,
            own => own,
        };
        checked?;
    }
    match context.switches.next_failure(rpc) {
        Some(status) => Err(status),
        None => Ok(()),
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        Self::unauthenticated(refusal.to_string())
    }
}

async fn serve(
    admission: &Admission,
    context: &Context,
    request: Request<Incoming>,
    rpc: &str,
) -> Response<Body> {
    if request.uri().path().starts_with(HEALTH) {
        let answer: Result<_, Infallible> = context.health.clone().call(request).await;
        return match answer {
            Ok(response) => response,
            Err(never) => match never {},
        };
    }
    if UNANSWERED.contains(&rpc) {
        let status = Status::unimplemented(format!(
            "{rpc} is not implemented by the development gateway"
        ));
        return status.into_http();
    }
    let mut service = GatewayServer::new(context.gateway.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        // As a gateway whose limit was raised, for jobs that a client takes, and that it does not.
        .max_decoding_message_size(16 * 1024 * 1024);
    if admission.compresses {
        service = service.send_compressed(CompressionEncoding::Gzip);
    }
    let answer: Result<_, Infallible> = service.call(request).await;
    match answer {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The call is open until its body is dropped.
fn held(response: Response<Body>, open: OpenCall) -> Response<Body> {
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _open = &open;
            frame
        }))
    })
}
