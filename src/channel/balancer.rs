//! Balancer: the subchannels of a channel, and which of them a call gets (pick_first, round_robin).
//!
//! A subchannel is IDLE, CONNECTING, READY or TRANSIENT_FAILURE, and so is the channel, as gRPC's connectivity
//! document has it. Calls that wait for a connection get one in the order they came; so many wait as `max_waiting_calls` says.
//!
//! Which connections there are, the policy decides (`policy`): pick_first has one, raced over all endpoints, and opens another
//! when every stream that the peers allow is in use: long polls hold their streams for long, and a job's completion must not
//! wait for them. round_robin has one for each endpoint.
//!
//! Threads: any. The lock is held for a few instructions, never across an await or a callback.

mod connections;
mod lease;
mod lookup;
mod policy;
mod pool;
mod subchannel;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{AbortHandle, abortable};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use lease::Granted;
pub(crate) use lease::{Lease, Pick};
use policy::Start;
use pool::Pool;
use subchannel::{State, Subchannel, attempts};

use super::connection::Connection;
use super::connectivity::Connectivity;
use super::connector::Connector;
use super::keepalive::{Keepalive, Pace};
use super::service_config::Policy;
use crate::backoff::Backoff;
use crate::dial::Endpoint;
use crate::error::Error;
use crate::runtime::{self, Epoch, Runtime, lock};

/// The options of a channel that say when to do what.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) policy: Policy,
    pub(super) connect_timeout: Duration,
    pub(super) backoff: Backoff,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) keepalive: Keepalive,
    /// Calls that may wait for a connection; `None`: no limit.
    pub(super) max_waiting: Option<usize>,
}

pub(super) struct Balancer {
    connector: Arc<Connector>,
    settings: Settings,
    pace: Mutex<Pace>,
    epoch: Epoch,
    /// The I/O thread it lives on, chosen at the first call.
    home: OnceLock<usize>,
    pool: Mutex<Pool>,
    /// Calls may wait in the pool: so that who gives a stream back can tell without the lock.
    is_awaited: AtomicBool,
    state: watch::Sender<Connectivity>,
}

impl std::fmt::Debug for Balancer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Balancer({:?})", self.state())
    }
}

impl Balancer {
    pub(super) fn new(connector: Connector, settings: Settings, epoch: Epoch) -> Arc<Self> {
        let pace = Mutex::new(Pace::new(&settings.keepalive));
        let pool = Mutex::new(Pool::new(settings.max_waiting));
        Arc::new(Self {
            connector: Arc::new(connector),
            settings,
            pace,
            epoch,
            home: OnceLock::new(),
            pool,
            is_awaited: AtomicBool::new(false),
            state: watch::Sender::new(Connectivity::Idle),
        })
    }

    pub(super) fn connector(&self) -> &Arc<Connector> {
        &self.connector
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
        lock(&self.pool).last_error.clone()
    }

    /// For a call: a stream, a place in the queue for one, or why there is none.
    pub(super) fn pick(self: &Arc<Self>, wait_for_ready: bool) -> Pick {
        let mut pool = lock(&self.pool);
        if pool.closed {
            return Pick::Fail(Error::shutdown("the channel is closed"));
        }
        if self.settings.policy.keeps_all()
            && pool.has(Connectivity::Idle)
            && let Err(error) = self.want(&mut pool)
        {
            return Pick::Fail(error);
        }
        // Who waits comes first.
        if !pool.is_awaited()
            && let Some(connection) = pool.admit(self.settings.policy, wait_for_ready)
        {
            return Pick::Ready(self.lease(connection));
        }
        pool.last_wanted = Instant::now();
        if let Err(error) = self.want(&mut pool) {
            return Pick::Fail(error);
        }
        if !wait_for_ready && pool.state() == Connectivity::TransientFailure {
            return Pick::Fail(pool.failure());
        }
        let place = pool.wait(wait_for_ready);
        self.is_awaited.store(true, Ordering::SeqCst);
        drop(pool);
        // What was given back before that was said.
        self.serve_waiting();
        place
    }

    /// A stream was given back, after its connection was told.
    fn given_back(self: &Arc<Self>) {
        if self.is_awaited.load(Ordering::SeqCst) {
            self.serve_waiting();
        }
    }

    /// Leaves IDLE, as a call would.
    pub(super) fn try_to_connect(self: &Arc<Self>) -> Result<(), Error> {
        let mut pool = lock(&self.pool);
        pool.last_wanted = Instant::now();
        match pool.state() {
            Connectivity::Idle => self.want(&mut pool),
            _ => Ok(()),
        }
    }

    /// A call found the connection unusable: it drains, or is gone.
    pub(super) fn retire(self: &Arc<Self>, connection: &Arc<Connection>) {
        self.leave(connection, false);
    }

    /// No more connections; those there are live on for their calls.
    pub(super) fn close(&self) {
        let mut pool = lock(&self.pool);
        pool.close();
        let waiting = pool.take_waiting(true);
        self.announce(&pool);
        drop(pool);
        refuse(waiting, &Error::shutdown("the channel is closed"));
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        self.settings.connect_timeout
    }

    /// How a new connection is kept alive, and for how long it may lie idle.
    pub(super) fn upkeep(&self) -> (Keepalive, Option<Duration>) {
        (self.settings.keepalive, self.settings.idle_timeout)
    }

    /// How long to wait before the next ping; `None`: for ever.
    pub(super) fn ping_time(&self) -> Option<Duration> {
        lock(&self.pace).time(Instant::now())
    }

    fn lease(self: &Arc<Self>, connection: Arc<Connection>) -> Lease {
        Lease {
            connection,
            balancer: Arc::clone(self),
        }
    }

    fn announce(&self, pool: &Pool) {
        let now = pool.state();
        self.state.send_if_modified(|state| {
            let changed = *state != now;
            *state = now;
            changed
        });
    }

    /// Gives free streams to who waits, in order.
    pub(super) fn serve_waiting(self: &Arc<Self>) {
        loop {
            let mut pool = lock(&self.pool);
            let Some((connection, grant)) = pool.next_grant(self.settings.policy) else {
                let is_awaited = pool.is_awaited();
                self.is_awaited.store(is_awaited, Ordering::SeqCst);
                return;
            };
            drop(pool);
            // Who gives up at this very moment drops the lease, and the next gets it.
            grant.send(Ok(self.lease(connection))).ok();
        }
    }

    /// Somebody wants a connection that is not there: starts what is not under way.
    fn want(self: &Arc<Self>, pool: &mut Pool) -> Result<(), Error> {
        let states: Vec<_> = pool.subchannels.iter().map(Subchannel::state).collect();
        for start in self.settings.policy.want(&states) {
            match start {
                Start::Connect(place) => self.connect(pool, place)?,
                Start::LookUp => self.look_up(pool)?,
                Start::Add => {
                    pool.subchannels.push(self.subchannel(None));
                    let last = pool.subchannels.len() - 1;
                    if let Err(error) = self.connect(pool, last) {
                        pool.subchannels.pop();
                        return Err(error);
                    }
                }
            }
        }
        self.announce(pool);
        Ok(())
    }

    fn subchannel(&self, endpoint: Option<Endpoint>) -> Subchannel {
        Subchannel {
            id: runtime::unique_key(),
            endpoint,
            state: State::Idle,
            is_doubtful: false,
            was_turned_away: false,
            backoff: self.settings.backoff,
            task: None,
            record: Arc::default(),
        }
    }

    /// Runs `task` on this channel's I/O thread, until it is aborted.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Result<AbortHandle, Error> {
        let runtime = runtime::get(self.epoch)?;
        let slot = runtime.reserve(self.home(&runtime))?;
        let (task, abort) = abortable(task);
        slot.spawn(Box::pin(task.map(drop)));
        Ok(abort)
    }

    fn connect(self: &Arc<Self>, pool: &mut Pool, index: usize) -> Result<(), Error> {
        let subchannel = &mut pool.subchannels[index];
        self.attempt(subchannel, None)?;
        subchannel.state = State::Connecting(None);
        Ok(())
    }

    /// Begins attempts, after a pause if there is one.
    fn attempt(
        self: &Arc<Self>,
        subchannel: &mut Subchannel,
        pause: Option<Duration>,
    ) -> Result<(), Error> {
        subchannel.task = Some(self.spawn(attempts(
            Arc::downgrade(self),
            Arc::clone(&self.connector),
            subchannel.id,
            subchannel.endpoint.clone(),
            Arc::clone(&subchannel.record),
            pause,
        ))?);
        Ok(())
    }

    fn lies_idle(&self, pool: &Pool) -> bool {
        let idle = self.settings.idle_timeout;
        pool.closed
            || (pool.waiting_calls() == 0
                && idle.is_some_and(|timeout| pool.last_wanted.elapsed() >= timeout))
    }

    /// Ends the calls that do not wait through failures, once the channel has failed.
    fn fail_waiting(&self, mut pool: MutexGuard<'_, Pool>, error: Error) {
        pool.last_error = Some(error.clone());
        self.announce(&pool);
        if pool.state() != Connectivity::TransientFailure {
            return;
        }
        let waiting = pool.take_waiting(false);
        drop(pool);
        refuse(waiting, &error);
    }

    /// Counters by subchannel, for `zeebe_channel_stats`.
    pub(super) fn stats(&self) -> Value {
        let pool = lock(&self.pool);
        let subchannels: Vec<_> = pool.subchannels.iter().map(Subchannel::stats).collect();
        json!({
            "state": pool.state().name(),
            "last_error": pool.last_error.as_ref().map(Error::message),
            "waiting_calls": pool.waiting_calls(),
            "subchannels": subchannels,
        })
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let pool = self.pool.get_mut();
        pool.unwrap_or_else(PoisonError::into_inner).close();
    }
}

/// Ends calls that wait; who gave up waiting needs no answer.
fn refuse(waiting: Vec<oneshot::Sender<Granted>>, error: &Error) {
    for grant in waiting {
        grant.send(Err(error.clone())).ok();
    }
}
