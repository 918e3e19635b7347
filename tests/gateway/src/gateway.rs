//! The gateway: the state behind a lock, and who waits for it to change.

mod service;
mod waiting;

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

use crate::options::Options;
use crate::protocol::{DeployResourceRequest, Resource, TopologyResponse};
use crate::state::{Rejection, State, Waiter};
use crate::topology;

#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<Waited>,
    /// When something happens by itself, if ever; told if it becomes earlier.
    due: watch::Sender<Option<i64>>,
    stop: CancellationToken,
    topology: TopologyResponse,
}

/// The state, and a bell for each call that waits.
#[derive(Debug)]
struct Waited {
    state: State,
    bells: HashMap<Waiter, Arc<Notify>>,
}

impl Gateway {
    pub(crate) fn new(options: &Options, port: u16, stop: CancellationToken) -> Self {
        let shared = Shared {
            state: Mutex::new(Waited {
                state: State::new(options.partitions, options.first_key),
                bells: HashMap::new(),
            }),
            due: watch::Sender::new(None),
            stop,
            topology: topology::describe(options, port),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Deploys all of these at once, in the default tenant.
    pub(crate) fn seed(&self, resources: Vec<Resource>) -> Result<(), Rejection> {
        let request = DeployResourceRequest {
            resources,
            tenant_id: String::new(),
        };
        self.on_state(|state| state.deploy(&request).map(drop))
    }

    /// The incidents, as JSON for the control port.
    pub(crate) fn incidents(&self) -> Value {
        self.on_state(|state| state.incidents())
    }

    /// All of the state, as JSON for the control port.
    pub(crate) fn dump(&self) -> Value {
        self.on_state(|state| state.dump())
    }

    pub(crate) fn mute_streams(&self, muted: bool) {
        self.on_state(|state| state.mute_streams(muted));
    }

    /// Lets happen what is due without a request, until the gateway stops.
    pub(crate) async fn keep_time(self) {
        let mut due = self.shared.due.subscribe();
        loop {
            let next = *due.borrow_and_update();
            tokio::select! {
                // The sender lives as long as this gateway.
                _ = due.changed() => {}
                () = sleep_until(next) => self.on_state(|_| ()),
                () = self.shared.stop.cancelled() => return,
            }
        }
    }

    /// Carries out something on the state as it is now, and wakes those who get something of what comes of it.
    fn on_state<T>(&self, operation: impl FnOnce(&mut State) -> T) -> T {
        let mut waited = self.lock();
        let Waited { state, bells } = &mut *waited;
        let outcome = operation(state.at(now()));
        state.settle();
        for bell in state.woken().filter_map(|waiter| bells.get(&waiter)) {
            bell.notify_one();
        }
        let next = state.next_due();
        self.shared.due.send_if_modified(|due| {
            let before = mem::replace(due, next);
            next.is_some_and(|next| before.is_none_or(|before| next < before))
        });
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Waited> {
        let state = &self.shared.state;
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out a request on the state.
    fn change<T>(
        &self,
        operation: impl FnOnce(&mut State) -> Result<T, Rejection>,
    ) -> Result<Response<T>, Status> {
        Ok(Response::new(self.on_state(operation)?))
    }

    /// As `change`, for a request whose answer says nothing.
    fn obey<T: Default>(
        &self,
        operation: impl FnOnce(&mut State) -> Result<(), Rejection>,
    ) -> Result<Response<T>, Status> {
        self.change(|state| operation(state).map(|()| T::default()))
    }
}

impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::InvalidArgument(reason) => Self::invalid_argument(reason),
            Rejection::NotFound(reason) => Self::not_found(reason),
            Rejection::FailedPrecondition(reason) => Self::failed_precondition(reason),
            Rejection::AlreadyExists(reason) => Self::already_exists(reason),
        }
    }
}

/// Unix milliseconds.
fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

async fn sleep_until(time: Option<i64>) {
    match time {
        Some(time) => {
            let ms = u64::try_from(time.saturating_sub(now()))
                .unwrap_or(0)
                .max(1);
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        None => std::future::pending().await,
    }
}
