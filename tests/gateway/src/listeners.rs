//! The listeners: each accepts connections, with TLS or without, and serves HTTP on them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use socket2::Socket;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tonic::body::Body;

use crate::calls::{self, Admission};
use crate::connections::Connection;
use crate::context::Context;
use crate::sockets::{Listening, Stream};
use crate::token_endpoint::Shown;
use crate::wire::Wire;
use crate::{control, token_endpoint};

/// As gRPC servers have it: a client under valgrind on a busy machine takes its time.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(120);

/// What a listener serves.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) name: &'static str,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) role: Role,
}

#[derive(Debug, Clone)]
pub(crate) enum Role {
    Gateway(Admission),
    /// By its scheme.
    TokenEndpoint(&'static str, Shown),
    Control,
}

impl Endpoint {
    /// Serves connections until the gateway stops.
    pub(crate) async fn run(self, listening: Listening, context: Arc<Context>, tasks: TaskTracker) {
        let endpoint = Arc::new(self);
        let stop = context.stop.clone();
        let serve =
            |stream, handle| Arc::clone(&endpoint).serve(stream, handle, Arc::clone(&context));
        listening.accept_all(&stop, &tasks, serve).await;
    }

    async fn serve(self: Arc<Self>, stream: Stream, handle: Socket, context: Arc<Context>) {
        if let Role::Gateway(_) = self.role {
            let connection = context.connections.open();
            self.hold(
                stream,
                handle,
                Arc::clone(&connection),
                Arc::clone(&context),
            )
            .await;
            context.connections.close(&connection);
        } else {
            self.hold(stream, handle, Arc::default(), context).await;
        }
    }

    /// Serves the connection until it ends or is reset.
    async fn hold(
        self: Arc<Self>,
        stream: Stream,
        handle: Socket,
        connection: Arc<Connection>,
        context: Arc<Context>,
    ) {
        let reset = connection.reset.clone();
        tokio::select! {
            biased;
            // The handle outlives what hyper owns: with no linger, its close is the reset.
            () = reset.cancelled() => drop(handle.set_linger(Some(Duration::ZERO))),
            () = self.secure(stream, connection, context) => {}
        }
    }

    async fn secure(
        self: Arc<Self>,
        stream: Stream,
        connection: Arc<Connection>,
        context: Arc<Context>,
    ) {
        let is_gateway = matches!(self.role, Role::Gateway(_));
        if is_gateway {
            context.connections.thawed().await;
        }
        let Some(tls) = self.tls.clone() else {
            return self.wire(stream, connection, context).await;
        };
        let handshake = TlsAcceptor::from(tls).accept(stream);
        if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
            if is_gateway && let Some(kind) = stream.get_ref().1.handshake_kind() {
                context.counters.count_handshake(kind);
            }
            let shown = stream.get_ref().1.peer_certificates().map_or(0, <[_]>::len);
            connection.certificates.store(shown, Ordering::Relaxed);
            self.wire(stream, connection, context).await;
        }
    }

    async fn wire<S>(self: Arc<Self>, stream: S, connection: Arc<Connection>, context: Arc<Context>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match self.role {
            Role::Gateway(_) => {
                let wire = Wire::new(stream, Arc::clone(&connection), Arc::clone(&context));
                self.speak(wire, connection, context).await;
            }
            _ => self.speak(stream, connection, context).await,
        }
    }

    async fn speak<S>(
        self: Arc<Self>,
        stream: S,
        connection: Arc<Connection>,
        context: Arc<Context>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut http = auto::Builder::new(TokioExecutor::new());
        if let Role::Gateway(admission) = &self.role {
            http = http.http2_only();
            // As Zeebe's own gateway: no limit of calls, and no quarrel with clients that cancel many.
            http.http2()
                .max_concurrent_streams(admission.max_concurrent_streams)
                .max_pending_accept_reset_streams(usize::MAX);
        }
        let go_away = connection.go_away.clone();
        let stop = context.stop.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (endpoint, connection, context) = (
                Arc::clone(&self),
                Arc::clone(&connection),
                Arc::clone(&context),
            );
            async move { endpoint.answer(&connection, &context, request).await }
        });
        let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            // How the peer ended it is of no interest here.
            _ = serving.as_mut() => return,
            () = go_away.cancelled() => {}
            () = stop.cancelled() => {}
        }
        serving.as_mut().graceful_shutdown();
        // As above.
        serving.await.ok();
    }

    /// An error resets the stream with its reason.
    async fn answer(
        &self,
        connection: &Arc<Connection>,
        context: &Context,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, h2::Error> {
        match &self.role {
            Role::Gateway(admission) => {
                calls::answer(self.name, admission, context, connection, request).await
            }
            Role::TokenEndpoint(scheme, shown) => {
                let certificates = connection.certificates.load(Ordering::Relaxed);
                Ok(token_endpoint::answer(context, scheme, *shown, certificates, request).await)
            }
            Role::Control => Ok(control::answer(context, request).await),
        }
    }
}
