//! Connection: one HTTP/2 connection, from READY to its end.
//!
//! Counts its calls, pings its peer, notices that it drains or lies idle. Not here: how it was opened
//! (`connector`), and who gets it (`balancer`).

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::connector::Opened;
use super::idle::{Idle, Lies};
use super::keepalive::{Due, Keepalive, Pings};
use super::transport::Transport;
use crate::runtime::time::{Sleep, sleep_until};

/// A connection that calls can be sent on. The last one's drop lets it end, once its calls have.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) peer: Arc<str>,
    pub(super) transport: Arc<Transport>,
    /// Of the subchannel it belongs to.
    pub(super) subchannel: usize,
    /// Since when it is READY.
    ready: OnceLock<Instant>,
    open: AtomicUsize,
    started: AtomicU64,
}

/// Of all connections of a subchannel.
#[derive(Debug, Default)]
pub(super) struct PingRecord {
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
    pub(super) fn new(transport: &Arc<Transport>, peer: &str, subchannel: usize) -> Arc<Self> {
        Arc::new(Self {
            peer: peer.into(),
            transport: Arc::clone(transport),
            subchannel,
            ready: OnceLock::new(),
            open: AtomicUsize::new(0),
            started: AtomicU64::new(0),
        })
    }

    /// Counts a call in, if the peer allows one more (SETTINGS_MAX_CONCURRENT_STREAMS), and takes what is said to it.
    pub(super) fn admit(&self) -> bool {
        let allowed = self.open.load(Ordering::SeqCst) < self.transport.max_streams();
        let admitted = allowed && !self.transport.is_stuck();
        if admitted {
            self.open.fetch_add(1, Ordering::Relaxed);
            self.started.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// Who then looks whether a call waits sees it, or that call sees this: hence the order.
    pub(super) fn release(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) fn open_calls(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn started_calls(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// It is READY from now on.
    pub(super) fn begins(&self) {
        self.ready.get_or_init(Instant::now);
    }

    /// Taken on and dropped again within `time`, before it was of any use.
    pub(super) fn was_refused_within(&self, time: Duration) -> bool {
        let ready = self.ready.get();
        ready.is_none_or(|ready| ready.elapsed() < time) && self.transport.is_unused()
    }

    /// Whether the peer has said that it speaks HTTP/2.
    pub(crate) fn is_heard(&self) -> bool {
        self.transport.is_ready()
    }

    /// Waits until it has, or will not.
    pub(crate) async fn heard(&self) {
        poll_fn(|context| self.transport.poll_heard(context)).await;
    }

    /// Whether calls can be sent on it, now or once others have ended.
    pub(crate) fn takes_calls(&self) -> bool {
        !self.transport.refuses_streams()
    }

    /// Why it was given up, or what its peer said and did.
    pub(crate) fn why_lost(&self) -> String {
        self.transport.why_lost()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.transport.release();
    }
}

/// Drives the connection to its end. `observe` is told when its streams changed: by the peer's SETTINGS, or, once, since it
/// takes no more.
pub(super) async fn drive(
    opened: Opened,
    connection: Weak<Connection>,
    mut upkeep: Upkeep<'_>,
    mut observe: impl FnMut(&Arc<Connection>, bool),
) -> End {
    let Opened {
        mut drive,
        transport,
        ..
    } = opened;
    let mut drains = false;
    let mut timer = pin!(sleep_until(Instant::now()));
    poll_fn(|context| {
        let ended = drive.as_mut().poll(context);
        let news = transport.take_news();
        if news.streams
            && !drains
            && let Some(connection) = connection.upgrade()
        {
            drains = transport.refuses_streams();
            observe(&connection, drains);
        }
        if let Poll::Ready(in_order) = ended {
            return Poll::Ready(match in_order {
                true => End::Orderly,
                false => End::Lost(transport.why_lost()),
            });
        }
        if news.bytes {
            upkeep.pings.hears();
        }
        if news.pong {
            upkeep.answered();
        }
        if news.pong || timer.as_mut().poll(context).is_ready() {
            return upkeep.look(&connection, &transport, timer.as_mut(), context);
        }
        Poll::Pending
    })
    .await
}

/// What is looked after from time to time.
pub(super) struct Upkeep<'a> {
    pings: Pings,
    idle: Idle,
    /// The time between two pings; `None`: for ever.
    pace: Box<dyn Fn() -> Option<Duration> + Send + 'a>,
    record: &'a PingRecord,
    timeout: Duration,
}

impl<'a> Upkeep<'a> {
    pub(super) fn new(
        keepalive: Keepalive,
        pace: impl Fn() -> Option<Duration> + Send + 'a,
        idle_timeout: Option<Duration>,
        record: &'a PingRecord,
    ) -> Self {
        let now = Instant::now();
        Self {
            pings: Pings::new(keepalive, now),
            idle: Idle::new(idle_timeout, now),
            pace: Box::new(pace),
            record,
            timeout: keepalive.timeout,
        }
    }

    fn answered(&mut self) {
        if let Some(round_trip) = self.pings.answered(Instant::now()) {
            let micros = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
            self.record
                .round_trip
                .store(micros.max(1), Ordering::Relaxed);
        }
    }

    /// Sets the timer to when to look again.
    fn look(
        &mut self,
        connection: &Weak<Connection>,
        transport: &Transport,
        mut timer: std::pin::Pin<&mut Sleep>,
        context: &mut Context<'_>,
    ) -> Poll<End> {
        loop {
            let now = Instant::now();
            // One that nobody holds has calls, or it would have ended.
            let calls = connection.upgrade().map_or((1, 0), |connection| {
                (connection.open_calls(), connection.started_calls())
            });
            if calls.0 == 0 {
                transport.shrink();
            }
            let next = match self.pings.due(now, (self.pace)(), calls.0 > 0) {
                Due::Nothing(until) => until,
                Due::Ping => {
                    self.record.sent.fetch_add(1, Ordering::Relaxed);
                    transport.ping();
                    continue;
                }
                Due::Dead => {
                    let why = format!(
                        "no answer to a keepalive ping, nor anything else, within {} ms",
                        self.timeout.as_millis()
                    );
                    transport.give_up(why.clone());
                    return Poll::Ready(End::Lost(why));
                }
            };
            let next = match self.idle.look(now, calls.0, calls.1) {
                Lies::Used(until) => next.into_iter().chain(until).min(),
                Lies::Idle => return Poll::Ready(End::Idle),
            };
            let Some(next) = next else {
                return Poll::Pending;
            };
            timer.as_mut().reset(next);
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
