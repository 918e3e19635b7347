//! Subchannel: one connection, made when needed and made again when lost.
//!
//! IDLE, CONNECTING, READY, TRANSIENT_FAILURE as gRPC's connectivity document has them. Calls that
//! wait for a connection are woken in order, and at most 4096 of them wait.
//!
//! Threads: any. The lock is held for a few instructions, never across an await or a callback.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tonic::Code;

use super::backoff::Backoff;
use super::connection::{Connector, Keepalive, Opened};
use crate::error::{Error, Source, chain};
use crate::runtime::{self, Epoch, lock};

const MAX_WAITING: usize = 4096;

/// gRPC's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    Idle = 0,
    Connecting = 1,
    Ready = 2,
    TransientFailure = 3,
    Shutdown = 4,
}

/// A connection that calls can be sent on.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    id: usize,
    pub(crate) send: SendRequest<Bytes>,
    pub(crate) peer: Arc<str>,
}

enum State {
    Idle,
    Connecting,
    Ready(Connection),
    TransientFailure,
}

/// What a call finds.
pub(crate) enum Pick {
    Ready(Connection),
    /// Ask again when this answers or hangs up.
    Wait(oneshot::Receiver<()>),
    Fail(Error),
}

#[derive(Debug)]
pub(super) struct Timing {
    pub(super) connect_timeout: Duration,
    pub(super) backoff: Backoff,
}

pub(super) struct Subchannel {
    connector: Connector,
    connect_timeout: Duration,
    epoch: Epoch,
    /// The I/O thread it lives on, chosen at the first connect.
    home: std::sync::OnceLock<usize>,
    inner: Mutex<Inner>,
    /// Calls under way, for keepalive.
    pub(super) active_calls: AtomicUsize,
}

struct Inner {
    state: State,
    backoff: Backoff,
    waiting: VecDeque<oneshot::Sender<()>>,
    last_error: Option<Error>,
    /// The connection attempt, the pause after it, or the connection.
    task: Option<AbortHandle>,
    closed: bool,
}

impl std::fmt::Debug for Subchannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Subchannel({}, {:?})",
            self.connector.target.authority,
            self.state()
        )
    }
}

impl Subchannel {
    pub(super) fn new(connector: Connector, timing: Timing, epoch: Epoch) -> Arc<Self> {
        Arc::new(Self {
            connector,
            connect_timeout: timing.connect_timeout,
            epoch,
            home: std::sync::OnceLock::new(),
            inner: Mutex::new(Inner {
                state: State::Idle,
                backoff: timing.backoff,
                waiting: VecDeque::new(),
                last_error: None,
                task: None,
                closed: false,
            }),
            active_calls: AtomicUsize::new(0),
        })
    }

    /// The I/O thread of this subchannel's connection and calls.
    pub(super) fn home(&self, runtime: &runtime::Runtime) -> usize {
        *self.home.get_or_init(|| runtime.next_thread())
    }

    pub(super) fn state(&self) -> Connectivity {
        let inner = lock(&self.inner);
        match inner.state {
            _ if inner.closed => Connectivity::Shutdown,
            State::Idle => Connectivity::Idle,
            State::Connecting => Connectivity::Connecting,
            State::Ready(_) => Connectivity::Ready,
            State::TransientFailure => Connectivity::TransientFailure,
        }
    }

    pub(super) fn last_error(&self) -> Option<Error> {
        lock(&self.inner).last_error.clone()
    }

    /// For a call: a connection, a place in the queue for one, or why there is none.
    pub(super) fn pick(self: &Arc<Self>, wait_for_ready: bool) -> Pick {
        let mut inner = lock(&self.inner);
        if inner.closed {
            return Pick::Fail(Error::shutdown("the channel is closed"));
        }
        match &inner.state {
            State::Ready(connection) => return Pick::Ready(connection.clone()),
            State::TransientFailure if !wait_for_ready => {
                let error = inner.last_error.clone();
                return Pick::Fail(error.unwrap_or_else(|| Error::unavailable("not connected")));
            }
            State::Idle => {
                if let Err(error) = self.connect(&mut inner) {
                    return Pick::Fail(error);
                }
            }
            State::Connecting | State::TransientFailure => {}
        }
        inner.waiting.retain(|waiting| !waiting.is_closed());
        if inner.waiting.len() >= MAX_WAITING {
            return Pick::Fail(Error::rpc(
                Source::Library,
                Code::ResourceExhausted,
                format!("{MAX_WAITING} calls wait for a connection already"),
            ));
        }
        let (sender, receiver) = oneshot::channel();
        inner.waiting.push_back(sender);
        Pick::Wait(receiver)
    }

    /// Leaves IDLE, as a call would.
    pub(super) fn try_to_connect(self: &Arc<Self>) -> Result<(), Error> {
        let mut inner = lock(&self.inner);
        match inner.state {
            State::Idle if !inner.closed => self.connect(&mut inner),
            _ => Ok(()),
        }
    }

    /// A call found the connection unusable: it goes away, or is gone.
    pub(super) fn retire(&self, connection: &Connection) {
        let mut inner = lock(&self.inner);
        if matches!(&inner.state, State::Ready(current) if current.id == connection.id) {
            inner.state = State::Idle;
        }
    }

    /// Those who wait look again.
    pub(super) fn wake(&self) {
        lock(&self.inner).wake_all();
    }

    /// No more connections; the one there is lives on for its calls.
    pub(super) fn close(&self) {
        let mut inner = lock(&self.inner);
        inner.closed = true;
        if !matches!(inner.state, State::Ready(_))
            && let Some(task) = inner.task.take()
        {
            task.abort();
        }
        inner.state = State::Idle;
        inner.wake_all();
    }

    fn connect(self: &Arc<Self>, inner: &mut Inner) -> Result<(), Error> {
        let runtime = runtime::get(self.epoch)?;
        let slot = runtime.reserve(self.home(&runtime))?;
        inner.state = State::Connecting;
        let this = Arc::downgrade(self);
        slot.spawn(async move {
            // Its own task, so that it can be aborted from outside.
            let task = tokio::spawn(run(Weak::clone(&this)));
            if let Some(this) = this.upgrade() {
                lock(&this.inner).task = Some(task.abort_handle());
            }
        });
        Ok(())
    }

    fn connected(&self, opened: &Opened) -> Connection {
        let connection = Connection {
            id: runtime::unique_key(),
            send: opened.send.clone(),
            peer: opened.peer.as_str().into(),
        };
        let mut inner = lock(&self.inner);
        inner.backoff.reset();
        if !inner.closed {
            inner.state = State::Ready(connection.clone());
        }
        inner.wake_all();
        tracing::debug!("connected to {}", opened.peer);
        connection
    }

    /// Returns the pause before the next attempt.
    fn failed(&self, error: Error) -> Duration {
        let mut inner = lock(&self.inner);
        let pause = inner.backoff.pause(fastrand::f64());
        tracing::warn!("{error}; the next attempt is in {} ms", pause.as_millis());
        inner.last_error = Some(error);
        inner.state = State::TransientFailure;
        inner.wake_all();
        pause
    }

    /// Whether to connect again at once: somebody waits.
    fn pause_over(&self) -> bool {
        let mut inner = lock(&self.inner);
        inner.waiting.retain(|waiting| !waiting.is_closed());
        let again = !inner.waiting.is_empty() && !inner.closed;
        inner.state = if again {
            State::Connecting
        } else {
            State::Idle
        };
        again
    }

    fn lost(&self, connection: &Connection, error: Option<String>) {
        tracing::debug!("the connection to {} ended: {error:?}", connection.peer);
        if let Some(text) = error {
            let error = Error::unavailable(format!(
                "the connection to {} was lost: {text}",
                connection.peer
            ));
            lock(&self.inner).last_error = Some(error);
        }
        self.retire(connection);
    }
}

impl Inner {
    fn wake_all(&mut self) {
        for waiting in self.waiting.drain(..) {
            // Who gave up waiting needs no wake-up.
            let _: Result<(), _> = waiting.send(());
        }
    }
}

impl Drop for Subchannel {
    fn drop(&mut self) {
        let inner = self
            .inner
            .get_mut()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        // A connection ends by itself once its calls and handles are gone; an attempt would go on.
        if !matches!(inner.state, State::Ready(_))
            && let Some(task) = inner.task.take()
        {
            task.abort();
        }
    }
}

/// Attempts until one succeeds or nobody waits, then drives the connection to its end.
async fn run(subchannel: Weak<Subchannel>) {
    loop {
        let Some(this) = subchannel.upgrade() else {
            return;
        };
        let authority = this.connector.target.authority.clone();
        let attempt = match timeout(this.connect_timeout, this.connector.connect()).await {
            Ok(attempt) => attempt,
            Err(_) => Err(Error::unavailable(format!(
                "connecting to {authority} took longer than {} ms",
                this.connect_timeout.as_millis()
            ))),
        };
        match attempt {
            Ok(opened) => {
                let connection = this.connected(&opened);
                let keepalive = this.connector.keepalive;
                drop(this);
                let error = drive(opened, keepalive, &subchannel).await;
                if let Some(this) = subchannel.upgrade() {
                    this.lost(&connection, error);
                }
                return;
            }
            Err(error) => {
                let pause = this.failed(error);
                drop(this);
                sleep(pause).await;
                match subchannel.upgrade() {
                    Some(this) if this.pause_over() => {}
                    _ => return,
                }
            }
        }
    }
}

/// Why the connection ended, if not by our wish.
async fn drive(
    opened: Opened,
    keepalive: Keepalive,
    subchannel: &Weak<Subchannel>,
) -> Option<String> {
    let Opened {
        drive, ping, send, ..
    } = opened;
    drop(send); // the last handle's drop lets the connection end
    let ping = async {
        match (ping, keepalive.time) {
            (Some(ping), Some(time)) => keep_alive(ping, time, keepalive, subchannel).await,
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = drive => ended.err().map(|error| chain(&error)),
        dead = ping => Some(dead),
    }
}

/// Returns once the peer is dead.
async fn keep_alive(
    mut ping: h2::PingPong,
    time: Duration,
    keepalive: Keepalive,
    subchannel: &Weak<Subchannel>,
) -> String {
    loop {
        sleep(time).await;
        let calls = subchannel
            .upgrade()
            .is_some_and(|this| this.active_calls.load(Ordering::Relaxed) > 0);
        if !calls && !keepalive.without_calls {
            continue;
        }
        match timeout(keepalive.timeout, ping.ping(h2::Ping::opaque())).await {
            Ok(Ok(_)) => {}
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
