//! Balancer: the subchannels of a channel, and which of them a call gets (pick_first, round_robin).
//!
//! A subchannel is IDLE, CONNECTING, READY or TRANSIENT_FAILURE, and so is the channel, as gRPC's connectivity
//! document has it. Calls that wait for a connection get one in the order they came; at most 4096 wait.
//!
//! pick_first has one connection, raced over all endpoints, and opens another when every stream that the
//! peers allow is in use: long polls hold their streams for long, and a job's completion must not wait for them.
//! round_robin has one connection for each endpoint.
//!
//! Threads: any. The lock is held for a few instructions, never across an await or a callback.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tonic::Code;

use super::backoff::Backoff;
use super::connection::{Connection, End, Keepalive};
use super::connectivity::Connectivity;
use super::connector::{Connector, Opened};
use super::resolver::Endpoint;
use super::service_config::Policy;
use super::subchannel::{State, Subchannel, attempts};
use crate::error::{Error, Source, chain};
use crate::runtime::{self, Epoch, Runtime, lock};

const MAX_WAITING: usize = 4096;
/// Of pick_first, when one connection's streams do not suffice.
const MAX_CONNECTIONS: usize = 8;

/// A call's right to one stream of a connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) connection: Arc<Connection>,
    balancer: Weak<Balancer>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.connection.release();
        if let Some(balancer) = self.balancer.upgrade() {
            balancer.serve_waiting();
        }
    }
}

type Granted = Result<Lease, Error>;

/// What a call finds.
#[derive(Debug)]
pub(crate) enum Pick {
    Ready(Lease),
    Wait(oneshot::Receiver<Granted>),
    Fail(Error),
}

/// The options of a channel that say when to do what.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) policy: Policy,
    pub(super) connect_timeout: Duration,
    pub(super) backoff: Backoff,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) keepalive: Keepalive,
}

pub(super) struct Balancer {
    connector: Arc<Connector>,
    settings: Settings,
    /// Grows when a gateway complains of pings (gRFC A8); milliseconds.
    keepalive_time: AtomicU64,
    epoch: Epoch,
    /// The I/O thread it lives on, chosen at the first call.
    home: OnceLock<usize>,
    inner: Mutex<Inner>,
    state: watch::Sender<Connectivity>,
}

struct Inner {
    subchannels: Vec<Subchannel>,
    /// Whose turn it is in round_robin.
    turn: usize,
    waiting: VecDeque<Waiting>,
    /// round_robin looks its endpoints up apart from connecting to them.
    lookup: Lookup,
    last_error: Option<Error>,
    last_wanted: Instant,
    closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lookup {
    None,
    Running,
    /// Runs again after a pause.
    Failed,
}

struct Waiting {
    grant: oneshot::Sender<Granted>,
    wait_for_ready: bool,
}

impl std::fmt::Debug for Balancer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Balancer({:?})", self.state())
    }
}

impl Balancer {
    pub(super) fn new(connector: Connector, settings: Settings, epoch: Epoch) -> Arc<Self> {
        let keepalive_time = settings.keepalive.time.map_or(0, millis);
        Arc::new(Self {
            connector: Arc::new(connector),
            settings,
            keepalive_time: AtomicU64::new(keepalive_time),
            epoch,
            home: OnceLock::new(),
            inner: Mutex::new(Inner {
                subchannels: Vec::new(),
                turn: 0,
                waiting: VecDeque::new(),
                lookup: Lookup::None,
                last_error: None,
                last_wanted: Instant::now(),
                closed: false,
            }),
            state: watch::Sender::new(Connectivity::Idle),
        })
    }

    /// The I/O thread of this channel's connections and calls.
    pub(super) fn home(&self, runtime: &Runtime) -> usize {
        *self.home.get_or_init(|| runtime.next_thread())
    }

    pub(super) fn state(&self) -> Connectivity {
        *self.state.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Connectivity> {
        self.state.subscribe()
    }

    pub(super) fn last_error(&self) -> Option<Error> {
        lock(&self.inner).last_error.clone()
    }

    /// For a call: a stream, a place in the queue for one, or why there is none.
    pub(super) fn pick(self: &Arc<Self>, wait_for_ready: bool) -> Pick {
        let mut inner = lock(&self.inner);
        if inner.closed {
            return Pick::Fail(Error::shutdown("the channel is closed"));
        }
        // round_robin lets none of its connections lie idle while another is used.
        if self.settings.policy == Policy::RoundRobin
            && inner.has_idle()
            && let Err(error) = self.want(&mut inner)
        {
            return Pick::Fail(error);
        }
        // Who waits comes first.
        if inner.waiting.is_empty()
            && let Some(connection) = inner.admit(self.settings.policy)
        {
            return Pick::Ready(self.lease(connection));
        }
        inner.last_wanted = Instant::now();
        if let Err(error) = self.want(&mut inner) {
            return Pick::Fail(error);
        }
        if !wait_for_ready && inner.state() == Connectivity::TransientFailure {
            return Pick::Fail(inner.failure());
        }
        if inner.waiting.len() >= MAX_WAITING {
            inner.waiting.retain(|waiting| !waiting.grant.is_closed());
        }
        if inner.waiting.len() >= MAX_WAITING {
            return Pick::Fail(Error::rpc(
                Source::Library,
                Code::ResourceExhausted,
                format!("{MAX_WAITING} calls wait for a connection already"),
            ));
        }
        let (grant, granted) = oneshot::channel();
        inner.waiting.push_back(Waiting {
            grant,
            wait_for_ready,
        });
        Pick::Wait(granted)
    }

    /// Leaves IDLE, as a call would.
    pub(super) fn try_to_connect(self: &Arc<Self>) -> Result<(), Error> {
        let mut inner = lock(&self.inner);
        inner.last_wanted = Instant::now();
        match inner.state() {
            Connectivity::Idle => self.want(&mut inner),
            _ => Ok(()),
        }
    }

    /// A call found the connection unusable: it drains, or is gone.
    pub(super) fn retire(self: &Arc<Self>, connection: &Arc<Connection>) {
        self.leave(connection, false);
    }

    /// No more connections; those there are live on for their calls.
    pub(super) fn close(&self) {
        let mut inner = lock(&self.inner);
        inner.closed = true;
        inner.stop();
        let waiting = std::mem::take(&mut inner.waiting);
        self.announce(&inner);
        drop(inner);
        for waiting in waiting {
            // Who gave up waiting needs no answer.
            let _: Result<(), _> = waiting
                .grant
                .send(Err(Error::shutdown("the channel is closed")));
        }
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        self.settings.connect_timeout
    }

    /// How a new connection is kept alive, and for how long it may lie idle.
    pub(super) fn upkeep(&self) -> (Keepalive, Option<Duration>) {
        let given = self.settings.keepalive;
        let time = Duration::from_millis(self.keepalive_time.load(Ordering::Relaxed));
        let keepalive = Keepalive {
            time: given.time.map(|_| time),
            ..given
        };
        (keepalive, self.settings.idle_timeout)
    }

    fn lease(self: &Arc<Self>, connection: Arc<Connection>) -> Lease {
        Lease {
            connection,
            balancer: Arc::downgrade(self),
        }
    }

    fn announce(&self, inner: &Inner) {
        let now = inner.state();
        self.state.send_if_modified(|state| {
            let changed = *state != now;
            *state = now;
            changed
        });
    }

    /// Gives free streams to who waits, in order.
    fn serve_waiting(self: &Arc<Self>) {
        loop {
            let mut inner = lock(&self.inner);
            while inner
                .waiting
                .front()
                .is_some_and(|waiting| waiting.grant.is_closed())
            {
                inner.waiting.pop_front();
            }
            if inner.waiting.is_empty() {
                return;
            }
            let Some(connection) = inner.admit(self.settings.policy) else {
                return;
            };
            let lease = self.lease(connection);
            let Some(waiting) = inner.waiting.pop_front() else {
                return;
            };
            drop(inner);
            // Who gives up at this very moment drops the lease, and the next gets it.
            let _: Result<(), _> = waiting.grant.send(Ok(lease));
        }
    }

    /// Somebody wants a connection that is not there: starts what is not under way.
    fn want(self: &Arc<Self>, inner: &mut Inner) -> Result<(), Error> {
        match self.settings.policy {
            Policy::PickFirst => {
                let under_way = |subchannel: &Subchannel| {
                    matches!(
                        subchannel.state,
                        State::Connecting | State::TransientFailure
                    )
                };
                if inner.subchannels.iter().any(under_way) {
                    return Ok(());
                }
                let is_idle = |subchannel: &Subchannel| matches!(subchannel.state, State::Idle);
                match inner.subchannels.iter().position(is_idle) {
                    Some(index) => self.connect(inner, index)?,
                    None if inner.subchannels.len() < MAX_CONNECTIONS => {
                        inner.subchannels.push(self.subchannel(None));
                        let last = inner.subchannels.len() - 1;
                        if let Err(error) = self.connect(inner, last) {
                            inner.subchannels.pop();
                            return Err(error);
                        }
                    }
                    None => {}
                }
            }
            Policy::RoundRobin if inner.subchannels.is_empty() => self.look_up(inner)?,
            Policy::RoundRobin => {
                for index in 0..inner.subchannels.len() {
                    if matches!(inner.subchannels[index].state, State::Idle) {
                        self.connect(inner, index)?;
                    }
                }
            }
        }
        self.announce(inner);
        Ok(())
    }

    fn subchannel(&self, endpoint: Option<Endpoint>) -> Subchannel {
        Subchannel {
            id: runtime::unique_key(),
            endpoint,
            state: State::Idle,
            backoff: self.settings.backoff,
            task: None,
            record: Arc::default(),
        }
    }

    /// Runs `task` on this channel's I/O thread; `keep` gets its handle.
    fn spawn(
        self: &Arc<Self>,
        task: impl Future<Output = ()> + Send + 'static,
        keep: impl FnOnce(&mut Inner, AbortHandle) + Send + 'static,
    ) -> Result<(), Error> {
        let runtime = runtime::get(self.epoch)?;
        let slot = runtime.reserve(self.home(&runtime))?;
        let this = Arc::downgrade(self);
        slot.spawn(async move {
            // A task of its own, so that it can be aborted from outside.
            let task = tokio::spawn(task);
            match this.upgrade() {
                Some(this) => keep(&mut lock(&this.inner), task.abort_handle()),
                None => task.abort(),
            }
        });
        Ok(())
    }

    fn connect(self: &Arc<Self>, inner: &mut Inner, index: usize) -> Result<(), Error> {
        let subchannel = &mut inner.subchannels[index];
        let id = subchannel.id;
        let attempts = attempts(
            Arc::downgrade(self),
            Arc::clone(&self.connector),
            id,
            subchannel.endpoint.clone(),
            Arc::clone(&subchannel.record),
        );
        self.spawn(attempts, move |inner, task| {
            if let Some(subchannel) = inner.subchannel(id) {
                subchannel.task = Some(task);
            } else {
                task.abort();
            }
        })?;
        inner.subchannels[index].state = State::Connecting;
        Ok(())
    }

    fn look_up(self: &Arc<Self>, inner: &mut Inner) -> Result<(), Error> {
        if inner.lookup == Lookup::None {
            let task = look_up(Arc::downgrade(self), Arc::clone(&self.connector));
            self.spawn(task, |_, _| ())?;
            inner.lookup = Lookup::Running;
        }
        Ok(())
    }

    /// A connection failed: perhaps the gateways have moved.
    fn look_up_again(self: &Arc<Self>, inner: &mut Inner) {
        if let Err(error) = self.look_up(inner) {
            tracing::debug!("not looked up: {error}"); // the runtime ends
        }
    }

    /// round_robin's new endpoints; connections to others end with their calls.
    fn resolved(self: &Arc<Self>, endpoints: &[Endpoint]) {
        let mut inner = lock(&self.inner);
        inner.lookup = Lookup::None;
        if inner.closed {
            return;
        }
        let gone = |subchannel: &Subchannel| {
            !subchannel
                .endpoint
                .as_ref()
                .is_some_and(|endpoint| endpoints.contains(endpoint))
        };
        inner
            .subchannels
            .extract_if(.., |subchannel| gone(subchannel))
            .for_each(|subchannel| subchannel.stop());
        for endpoint in endpoints {
            let known = |subchannel: &Subchannel| subchannel.endpoint.as_ref() == Some(endpoint);
            if !inner.subchannels.iter().any(known) {
                inner
                    .subchannels
                    .push(self.subchannel(Some(endpoint.clone())));
            }
        }
        if let Err(error) = self.want(&mut inner) {
            inner.last_error = Some(error);
        }
        self.announce(&inner);
    }

    /// Returns the pause before the next lookup, if anybody still wants one.
    fn unresolved(&self, error: Error, backoff: &mut Backoff) -> Option<Duration> {
        let pause = backoff.pause(fastrand::f64());
        tracing::warn!("{error}; the next attempt is in {} ms", pause.as_millis());
        let mut inner = lock(&self.inner);
        inner.lookup = if inner.subchannels.is_empty() && !self.lies_idle(&inner) {
            Lookup::Failed
        } else {
            Lookup::None // what was found before goes on
        };
        let again = inner.lookup == Lookup::Failed;
        self.fail_waiting(inner, error);
        again.then_some(pause)
    }

    fn lies_idle(&self, inner: &Inner) -> bool {
        let idle = self.settings.idle_timeout;
        inner.closed
            || (inner.waiting.is_empty()
                && idle.is_some_and(|timeout| inner.last_wanted.elapsed() >= timeout))
    }

    pub(super) fn connected(
        self: &Arc<Self>,
        id: usize,
        opened: &Opened,
    ) -> Option<Arc<Connection>> {
        tracing::debug!("connected to {}", opened.peer);
        let connection = Connection::new(opened, id);
        let mut inner = lock(&self.inner);
        if inner.closed {
            return None;
        }
        let subchannel = inner.subchannel(id)?;
        subchannel.record.connected.fetch_add(1, Ordering::Relaxed);
        subchannel.state = State::Ready(Arc::clone(&connection));
        self.announce(&inner);
        drop(inner);
        self.serve_waiting();
        Some(connection)
    }

    /// Returns the pause before the next attempt.
    pub(super) fn failed(self: &Arc<Self>, id: usize, error: Error) -> Option<Duration> {
        let mut inner = lock(&self.inner);
        let subchannel = inner.subchannel(id)?;
        subchannel.record.failed.fetch_add(1, Ordering::Relaxed);
        let pause = subchannel.backoff.pause(fastrand::f64());
        subchannel.state = State::TransientFailure;
        tracing::warn!("{error}; the next attempt is in {} ms", pause.as_millis());
        if self.settings.policy == Policy::RoundRobin {
            self.look_up_again(&mut inner);
        }
        self.fail_waiting(inner, error);
        Some(pause)
    }

    /// Ends the calls that do not wait through failures, once the channel has failed.
    fn fail_waiting(&self, mut inner: MutexGuard<'_, Inner>, error: Error) {
        inner.last_error = Some(error.clone());
        self.announce(&inner);
        if inner.state() != Connectivity::TransientFailure {
            return;
        }
        let (stay, fail): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut inner.waiting)
            .into_iter()
            .partition(|waiting| waiting.wait_for_ready);
        inner.waiting = stay;
        drop(inner);
        for waiting in fail {
            // Who gave up waiting needs no answer.
            let _: Result<(), _> = waiting.grant.send(Err(error.clone()));
        }
    }

    /// Whether to connect again.
    pub(super) fn pause_over(&self, id: usize) -> bool {
        let mut inner = lock(&self.inner);
        let idle = self.lies_idle(&inner);
        let spare = inner.subchannels.len() > 1 && self.settings.policy == Policy::PickFirst;
        if spare && inner.waiting.is_empty() {
            inner.subchannels.retain(|subchannel| subchannel.id != id);
        }
        let Some(subchannel) = inner.subchannel(id) else {
            return false;
        };
        subchannel.state = if idle { State::Idle } else { State::Connecting };
        self.announce(&inner);
        !idle
    }

    /// No more calls can be sent on it; those under way may finish.
    pub(super) fn drains(self: &Arc<Self>, connection: &Arc<Connection>, error: &h2::Error) {
        tracing::debug!("{} takes no more calls: {}", connection.peer, chain(error));
        if error.is_remote() && error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM) {
            let before = self.keepalive_time.load(Ordering::Relaxed);
            self.keepalive_time
                .store(before.saturating_mul(2), Ordering::Relaxed);
            tracing::warn!(
                "{} had enough of this client's pings; they come half as often now",
                connection.peer
            );
        }
        self.leave(connection, false);
    }

    /// Returns the pause before the next attempt, if one follows.
    pub(super) fn lost(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        end: &End,
        lived: Duration,
    ) -> Option<Duration> {
        tracing::debug!("the connection to {} ended: {end:?}", connection.peer);
        let peer = &connection.peer;
        let error = match end {
            End::Lost(text) => format!("the connection to {peer} was lost: {text}"),
            End::Orderly => format!("{peer} closed the connection"),
            End::Idle => {
                self.leave(connection, true);
                return None;
            }
        };
        let mut inner = lock(&self.inner);
        // Taken on and dropped at once is a failed attempt, or it would go round and round.
        let refused = connection.started_calls() == 0 && lived < self.settings.backoff.initial();
        if refused && inner.current(connection).is_some() {
            drop(inner);
            return self.failed(connection.subchannel, Error::unavailable(error));
        }
        if matches!(end, End::Lost(_)) {
            inner.last_error = Some(Error::unavailable(error));
        }
        if let Some(subchannel) = inner.subchannel(connection.subchannel) {
            subchannel.backoff.reset();
        }
        drop(inner);
        self.leave(connection, false);
        None
    }

    /// The connection is no more READY; another is made if somebody waits, or round_robin wants it.
    fn leave(self: &Arc<Self>, connection: &Arc<Connection>, idle: bool) {
        let mut inner = lock(&self.inner);
        let Some(subchannel) = inner.current(connection) else {
            return;
        };
        subchannel.state = State::Idle;
        let mut wanted = !inner.waiting.is_empty();
        match self.settings.policy {
            Policy::PickFirst if inner.subchannels.len() > 1 => {
                let left = connection.subchannel;
                inner.subchannels.retain(|subchannel| subchannel.id != left);
            }
            Policy::PickFirst => {}
            Policy::RoundRobin if idle => {}
            Policy::RoundRobin => {
                wanted = true;
                self.look_up_again(&mut inner);
            }
        }
        if wanted
            && !inner.closed
            && let Err(error) = self.want(&mut inner)
        {
            inner.last_error = Some(error);
        }
        self.announce(&inner);
    }

    /// Counters by subchannel, for `zeebe_channel_stats`.
    pub(super) fn stats(&self) -> Value {
        let inner = lock(&self.inner);
        let subchannels: Vec<_> = inner.subchannels.iter().map(Subchannel::stats).collect();
        json!({
            "state": inner.state().name(),
            "last_error": inner.last_error.as_ref().map(Error::message),
            "waiting_calls": inner.waiting.iter().filter(|waiting| !waiting.grant.is_closed()).count(),
            "subchannels": subchannels,
        })
    }
}

impl Inner {
    fn state(&self) -> Connectivity {
        let any = |wanted: fn(&State) -> bool| {
            self.subchannels
                .iter()
                .any(|subchannel| wanted(&subchannel.state))
        };
        if self.closed {
            Connectivity::Shutdown
        } else if any(|state| matches!(state, State::Ready(_))) {
            Connectivity::Ready
        } else if any(|state| matches!(state, State::Connecting)) {
            Connectivity::Connecting
        } else if self.subchannels.is_empty() {
            match self.lookup {
                Lookup::None => Connectivity::Idle,
                Lookup::Running => Connectivity::Connecting,
                Lookup::Failed => Connectivity::TransientFailure,
            }
        } else if self.has_idle() {
            Connectivity::Idle
        } else {
            Connectivity::TransientFailure
        }
    }

    fn has_idle(&self) -> bool {
        let idle = |subchannel: &Subchannel| matches!(subchannel.state, State::Idle);
        self.subchannels.iter().any(idle)
    }

    fn subchannel(&mut self, id: usize) -> Option<&mut Subchannel> {
        self.subchannels
            .iter_mut()
            .find(|subchannel| subchannel.id == id)
    }

    /// The subchannel whose connection this still is.
    fn current(&mut self, connection: &Arc<Connection>) -> Option<&mut Subchannel> {
        let found = self.subchannel(connection.subchannel)?;
        match &found.state {
            State::Ready(current) if Arc::ptr_eq(current, connection) => Some(found),
            _ => None,
        }
    }

    fn failure(&self) -> Error {
        let error = self.last_error.clone();
        error.unwrap_or_else(|| Error::unavailable("not connected"))
    }

    /// A READY connection that takes one more call, which is counted in.
    fn admit(&mut self, policy: Policy) -> Option<Arc<Connection>> {
        let count = self.subchannels.len();
        let first = match policy {
            Policy::PickFirst => 0,
            Policy::RoundRobin => self.turn,
        };
        for index in (first..first + count).map(|index| index % count) {
            if let State::Ready(connection) = &self.subchannels[index].state
                && connection.admit()
            {
                self.turn = index + 1;
                return Some(Arc::clone(connection));
            }
        }
        None
    }

    fn stop(&self) {
        for subchannel in &self.subchannels {
            subchannel.stop();
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let inner = self.inner.get_mut();
        inner.unwrap_or_else(PoisonError::into_inner).stop();
    }
}

/// Looks up round_robin's endpoints, until they are found or nobody wants them any more.
async fn look_up(balancer: Weak<Balancer>, connector: Arc<Connector>) {
    let mut backoff = match balancer.upgrade() {
        Some(this) => this.settings.backoff,
        None => return,
    };
    loop {
        let found = connector.resolver.endpoints().await;
        let Some(this) = balancer.upgrade() else {
            return;
        };
        let error = match found {
            Ok(endpoints) => return this.resolved(&endpoints),
            Err(error) => error,
        };
        let Some(pause) = this.unresolved(error, &mut backoff) else {
            return;
        };
        drop(this);
        sleep(pause).await;
        if let Some(this) = balancer.upgrade() {
            lock(&this.inner).lookup = Lookup::Running;
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
