//! Connection: one HTTP/2 connection, from READY to its end.
//!
//! Counts its calls, pings its peer, notices that it drains or lies idle. Not here: how it was opened
//! (`connector`), and who gets it (`balancer`).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::time::{Instant, sleep, timeout};

use super::connector::Opened;
use super::heard::Heard;
use super::keepalive::Keepalive;

/// A connection that calls can be sent on.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) send: SendRequest<Bytes>,
    pub(crate) peer: Arc<str>,
    /// Of the subchannel it belongs to.
    pub(super) subchannel: usize,
    open: AtomicUsize,
    started: AtomicU64,
    /// What h2 cannot say to the calls that were on it.
    end: OnceLock<String>,
    pub(super) heard: Arc<Heard>,
}

/// Of all connections of a subchannel.
#[derive(Debug, Default)]
pub(super) struct Pings {
    pub(super) sent: AtomicU64,
    /// Microseconds, of the last one answered; 0: none was.
    pub(super) round_trip: AtomicU64,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// By our wish, or with a GOAWAY after its last call.
    Orderly,
    /// No call for as long as `grpc.client_idle_timeout_ms` says.
    Idle,
    Lost(String),
}

impl Connection {
    pub(super) fn new(opened: &Opened, subchannel: usize) -> Arc<Self> {
        Arc::new(Self {
            send: opened.send.clone(),
            peer: opened.peer.as_str().into(),
            subchannel,
            open: AtomicUsize::new(0),
            started: AtomicU64::new(0),
            end: OnceLock::new(),
            heard: Arc::clone(&opened.heard),
        })
    }

    /// Counts a call in, if the peer allows one more (SETTINGS_MAX_CONCURRENT_STREAMS).
    pub(super) fn admit(&self) -> bool {
        let admitted = self.open.load(Ordering::Relaxed) < self.send.current_max_send_streams();
        if admitted {
            self.open.fetch_add(1, Ordering::Relaxed);
            self.started.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    pub(super) fn release(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn open_calls(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn started_calls(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// Why it was given up, or what its peer said and did; `error` is what HTTP/2 knows of it.
    pub(crate) fn why_lost(&self, error: &h2::Error) -> String {
        match self.end.get() {
            Some(end) => end.clone(),
            None => self.heard.why_lost(error),
        }
    }

    /// The GOAWAY that came, or what else keeps new calls off.
    fn refuses_calls(&self, context: &mut Context<'_>) -> Option<h2::Error> {
        match self.send.clone().poll_ready(context) {
            Poll::Ready(Err(error)) => Some(error),
            _ => None,
        }
    }
}

/// Drives the connection to its end. `observe` is told after each turn, until it is told why no more calls can be
/// sent on it.
pub(super) async fn drive(
    opened: Opened,
    connection: Weak<Connection>,
    keepalive: Keepalive,
    ping_time: impl Fn() -> Option<Duration>,
    pings: &Pings,
    idle_timeout: Option<Duration>,
    mut observe: impl FnMut(&Arc<Connection>, Option<h2::Error>),
) -> End {
    let Opened {
        send,
        mut drive,
        ping,
        heard,
        ..
    } = opened;
    drop(send); // the last handle's drop lets the connection end
    let mut drains = false;
    let transport = poll_fn(|context| {
        let polled = Pin::new(&mut drive).poll(context);
        if !drains && let Some(connection) = connection.upgrade() {
            let refusal = connection.refuses_calls(context);
            drains = refusal.is_some();
            observe(&connection, refusal);
        }
        polled
    });
    let alive = async {
        match ping {
            Some(ping) => keep_alive(ping, ping_time, &keepalive, &connection, pings).await,
            None => std::future::pending().await,
        }
    };
    let idle = async {
        match idle_timeout {
            Some(timeout) => lies_idle(&connection, timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = transport => match ended {
            Ok(()) => End::Orderly,
            Err(error) => End::Lost(heard.why_lost(&error)),
        },
        dead = alive => {
            if let Some(connection) = connection.upgrade() {
                // Nobody else sets it.
                let _: Result<(), _> = connection.end.set(dead.clone());
            }
            End::Lost(dead)
        }
        () = idle => End::Idle,
    }
}

/// Returns once the peer is dead.
async fn keep_alive(
    mut ping: h2::PingPong,
    time: impl Fn() -> Option<Duration>,
    keepalive: &Keepalive,
    connection: &Weak<Connection>,
    pings: &Pings,
) -> String {
    loop {
        match time() {
            Some(time) => sleep(time).await,
            None => std::future::pending().await,
        }
        // One that drains has calls, or it would have ended.
        let calls = connection
            .upgrade()
            .is_none_or(|connection| connection.open_calls() > 0);
        if !calls && !keepalive.without_calls {
            continue;
        }
        pings.sent.fetch_add(1, Ordering::Relaxed);
        let sent = Instant::now();
        match timeout(keepalive.timeout, ping.ping(h2::Ping::opaque())).await {
            Ok(Ok(_)) => {
                let round_trip = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
                pings.round_trip.store(round_trip.max(1), Ordering::Relaxed);
            }
            // The connection is ending, and its own future says why.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => {
                return format!(
                    "no answer to a keepalive ping within {} ms",
                    keepalive.timeout.as_millis()
                );
            }
        }
    }
}

/// Returns when a whole `timeout` passed without a call.
async fn lies_idle(connection: &Weak<Connection>, timeout: Duration) {
    let mut before = 0;
    loop {
        sleep(timeout).await;
        let Some(connection) = connection.upgrade() else {
            return std::future::pending().await; // it ends with its last call
        };
        let started = connection.started_calls();
        if connection.open_calls() == 0 && started == before {
            return;
        }
        before = started;
    }
}
