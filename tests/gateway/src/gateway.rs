//! The gateway: the state behind a lock, and who waits for it to change.

mod service;
mod waiting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

use crate::options::Options;
use crate::protocol::{DeployResourceRequest, Resource, TopologyResponse};
use crate::state::{Rejection, State};
use crate::topology;

#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told whenever something may have happened that someone waits for.
    changed: watch::Sender<()>,
    stop: CancellationToken,
    topology: TopologyResponse,
}

impl Gateway {
    pub(crate) fn new(options: &Options, port: u16, stop: CancellationToken) -> Self {
        let shared = Shared {
            state: Mutex::new(State::new(options.partitions, options.first_key)),
            changed: watch::Sender::new(()),
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
        self.lock().at(now()).deploy(&request).map(drop)
    }

    /// The incidents, as JSON for the control port.
    pub(crate) fn incidents(&self) -> Value {
        self.lock().incidents()
    }

    /// All of the state, as JSON for the control port.
    pub(crate) fn dump(&self) -> Value {
        self.lock().at(now()).dump()
    }

    pub(crate) fn mute_streams(&self, muted: bool) {
        self.lock().at(now()).mute_streams(muted);
        self.shared.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out a request on the state, and wakes those who wait for what comes of it.
    fn change<T>(
        &self,
        operation: impl FnOnce(&mut State) -> Result<T, Rejection>,
    ) -> Result<Response<T>, Status> {
        let outcome = operation(self.lock().at(now()));
        self.shared.changed.send_replace(());
        Ok(Response::new(outcome?))
    }

    /// As `change`, for a request whose answer says nothing.
    fn obey<T: Default>(
        &self,
        operation: impl FnOnce(&mut State) -> Result<(), Rejection>,
    ) -> Result<Response<T>, Status> {
        self.change(|state| operation(state).map(|()| T::default()))
    }

    /// Tries until something comes of it, whenever the state has changed; none if it is too late for that.
    async fn until<T>(
        &self,
        end: Option<i64>,
        mut attempt: impl FnMut(&mut State) -> Result<Option<T>, Rejection>,
    ) -> Result<Option<T>, Status> {
        let mut changes = self.shared.changed.subscribe();
        loop {
            let due = {
                let mut state = self.lock();
                let state = state.at(now());
                if let Some(outcome) = attempt(state)? {
                    return Ok(Some(outcome));
                }
                state.next_due()
            };
            if end.is_some_and(|end| now() >= end) {
                return Ok(None);
            }
            tokio::select! {
                // The sender lives as long as the gateway.
                _ = changes.changed() => {}
                () = sleep_until(due.into_iter().chain(end).min()) => {}
                () = self.shared.stop.cancelled() => {
                    return Err(Status::unavailable("the development gateway is stopping"));
                }
            }
        }
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
