//! What happens to every call around the service: it is counted, admitted or refused, and delayed.

use std::convert::Infallible;

use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::codegen::Service;

use crate::connections::Connection;
use crate::context::Context;
use crate::protocol::gateway_server::GatewayServer;
use crate::rpcs::UNANSWERED;

/// How one listener treats calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Admission {
    /// A token for this audience is required.
    pub(crate) audience: Option<String>,
    /// Every call is answered with a reset of the connection.
    pub(crate) resets: bool,
}

pub(crate) async fn answer(
    admission: &Admission,
    context: &Context,
    connection: &Connection,
    request: Request<Incoming>,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let rpc = path.rsplit_once('/').map_or(path.as_str(), |(_, rpc)| rpc);
    context.counters.count_call(rpc);
    if admission.resets {
        connection.reset.cancel();
        return std::future::pending().await;
    }
    let response = match admit(admission, context, &request, rpc) {
        Err(status) => status.into_http(),
        Ok(()) => serve(context, request).await,
    };
    tokio::time::sleep(context.switches.latency()).await;
    response
}

fn admit(
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
        context
            .tokens
            .check(header, audience)
            .map_err(|refusal| Status::unauthenticated(refusal.to_string()))?;
    }
    if let Some(status) = context.switches.next_failure() {
        return Err(status);
    }
    if UNANSWERED.contains(&rpc) {
        return Err(Status::unimplemented(format!(
            "{rpc} is not implemented by the development gateway"
        )));
    }
    Ok(())
}

async fn serve(context: &Context, request: Request<Incoming>) -> Response<Body> {
    let mut service =
        GatewayServer::new(context.gateway.clone()).accept_compressed(CompressionEncoding::Gzip);
    let answer: Result<_, Infallible> = service.call(request).await;
    match answer {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
