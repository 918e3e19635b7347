//! The listeners: each accepts connections, with TLS or without, and serves HTTP on them.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::calls::{self, Admission};
use crate::connections::Connection;
use crate::context::Context;
use crate::{control, token_endpoint};

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A listening socket, and what is served on it.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    socket: TcpListener,
}

/// What a listener serves.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) role: Role,
}

#[derive(Debug, Clone)]
pub(crate) enum Role {
    Gateway(Admission),
    TokenEndpoint,
    Control,
}

impl Listener {
    pub(crate) async fn bind(name: &'static str, port: u16) -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        Ok(Self {
            name,
            address: socket.local_addr()?,
            socket,
        })
    }

    /// Accepts connections until the gateway stops.
    pub(crate) async fn run(self, endpoint: Endpoint, context: Arc<Context>, tasks: TaskTracker) {
        let endpoint = Arc::new(endpoint);
        while let Some(accepted) = context.stop.run_until_cancelled(self.socket.accept()).await {
            match accepted {
                Ok((stream, _)) => {
                    tasks.spawn(Arc::clone(&endpoint).serve(stream, Arc::clone(&context)));
                }
                // Out of descriptors, most likely: a pause gives connections time to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

impl Endpoint {
    async fn serve(self: Arc<Self>, stream: TcpStream, context: Arc<Context>) {
        let connection = match self.role {
            Role::Gateway(_) => context.connections.open(),
            Role::TokenEndpoint | Role::Control => Arc::default(),
        };
        Arc::clone(&self)
            .hold(stream, Arc::clone(&connection), Arc::clone(&context))
            .await;
        if let Role::Gateway(_) = self.role {
            context.connections.close(&connection);
        }
    }

    /// Serves the connection until it ends or is reset.
    async fn hold(
        self: Arc<Self>,
        stream: TcpStream,
        connection: Arc<Connection>,
        context: Arc<Context>,
    ) {
        // The second handle outlives what hyper owns: with no linger, its close is the reset.
        let Ok(handle) = SockRef::from(&stream).try_clone() else {
            return;
        };
        let reset = connection.reset.clone();
        tokio::select! {
            biased;
            () = reset.cancelled() => drop(handle.set_linger(Some(Duration::ZERO))),
            () = self.secure(stream, connection, context) => {}
        }
    }

    async fn secure(
        self: Arc<Self>,
        stream: TcpStream,
        connection: Arc<Connection>,
        context: Arc<Context>,
    ) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let Some(tls) = self.tls.clone() else {
            return self.speak(stream, connection, context).await;
        };
        let handshake = TlsAcceptor::from(tls).accept(stream);
        if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
            self.speak(stream, connection, context).await;
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
        if let Role::Gateway(_) = self.role {
            http = http.http2_only();
            // As Zeebe's own gateway: no limit of calls, and no quarrel with clients that cancel many.
            http.http2()
                .max_concurrent_streams(None)
                .max_pending_accept_reset_streams(10_000);
        }
        let go_away = connection.go_away.clone();
        let stop = context.stop.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (endpoint, connection, context) = (
                Arc::clone(&self),
                Arc::clone(&connection),
                Arc::clone(&context),
            );
            async move {
                Ok::<_, Infallible>(match &endpoint.role {
                    Role::Gateway(admission) => {
                        calls::answer(admission, &context, &connection, request).await
                    }
                    Role::TokenEndpoint => token_endpoint::answer(&context, request).await,
                    Role::Control => control::answer(&context, request).await,
                })
            }
        });
        let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            // How the peer ended it is of no interest here.
            _ = serving.as_mut() => return,
            () = go_away.cancelled() => {}
            () = stop.cancelled() => {}
        }
        serving.as_mut().graceful_shutdown();
        drop(serving.await);
    }
}
