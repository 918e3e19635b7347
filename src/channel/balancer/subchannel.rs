//! Subchannel: one connection of a channel, made when wanted and made again when lost.
//!
//! Here are the attempts, the pauses between them, and the connection's drive; what follows for the channel,
//! the balancer decides.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::AbortHandle;
use serde_json::{Value, json};

use super::Balancer;
use crate::backoff::Backoff;
use crate::channel::connection::{self, Connection, End, PingRecord, Upkeep};
use crate::channel::connectivity::Connectivity;
use crate::channel::connector::{Connector, Early, Opened};
use crate::channel::traffic::Traffic;
use crate::channel::transport::Transport;
use crate::dial::Endpoint;
use crate::error::Error;
use crate::runtime::caught;
use crate::runtime::time::{sleep, timeout};

pub(in crate::channel) enum State {
    Idle,
    /// With a connection, its peer has not answered yet: calls may go out with the first that this side says.
    Connecting(Option<Arc<Connection>>),
    Ready(Arc<Connection>),
    TransientFailure,
}

pub(in crate::channel) struct Subchannel {
    pub(in crate::channel) id: usize,
    /// `None`: all of the target's, raced.
    pub(in crate::channel) endpoint: Option<Endpoint>,
    pub(in crate::channel) state: State,
    /// The last attempt failed.
    pub(in crate::channel) is_doubtful: bool,
    /// Its last connection processed none of its calls, and was made again for them at once.
    pub(in crate::channel) was_turned_away: bool,
    pub(in crate::channel) backoff: Backoff,
    /// The attempts, the pauses between them, and the connection.
    pub(in crate::channel) task: Option<AbortHandle>,
    pub(in crate::channel) record: Arc<Record>,
}

/// What is counted of a subchannel.
#[derive(Debug, Default)]
pub(in crate::channel) struct Record {
    pub(in crate::channel) traffic: Arc<Traffic>,
    pub(in crate::channel) pings: PingRecord,
    pub(in crate::channel) connected: AtomicU64,
    pub(in crate::channel) failed: AtomicU64,
}

impl Subchannel {
    /// Ends an attempt or a pause; a connection ends by itself, once its calls and handles are gone.
    pub(in crate::channel) fn stop(&self) {
        if !matches!(self.state, State::Ready(_))
            && let Some(task) = &self.task
        {
            task.abort();
        }
    }

    /// An attempt failed, or what it brought was no connection. Returns the pause before the next one.
    pub(in crate::channel) fn fails(&mut self, error: &Error) -> Duration {
        self.record.failed.fetch_add(1, Ordering::Relaxed);
        self.is_doubtful = true;
        let pause = self.backoff.pause(fastrand::f64());
        tracing::warn!("{error}; the next attempt is in {} ms", pause.as_millis());
        let failed = std::mem::replace(&mut self.state, State::TransientFailure);
        if let State::Connecting(Some(early)) = failed {
            early.transport.give_up(error.message().to_owned()); // for the calls that went out on it
        }
        pause
    }

    pub(in crate::channel) fn state(&self) -> Connectivity {
        match &self.state {
            State::Idle => Connectivity::Idle,
            State::Connecting(_) => Connectivity::Connecting,
            State::Ready(_) => Connectivity::Ready,
            State::TransientFailure => Connectivity::TransientFailure,
        }
    }

    pub(in crate::channel) fn stats(&self) -> Value {
        let connection = match &self.state {
            State::Ready(connection) => Some(connection),
            _ => None,
        };
        let Record {
            traffic,
            pings,
            connected,
            failed,
        } = &*self.record;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let round_trip = count(&pings.round_trip);
        json!({
            "endpoint": self.endpoint.as_ref().map(ToString::to_string),
            "state": self.state().name(),
            "peer": connection.map(|connection| &*connection.peer),
            "open_calls": connection.map_or(0, |connection| connection.open_calls()),
            "connections": count(connected),
            "failed_attempts": count(failed),
            "bytes_sent": count(&traffic.sent),
            "bytes_received": count(&traffic.received),
            "pings": count(&pings.sent),
            "round_trip_us": (round_trip > 0).then_some(round_trip),
        })
    }
}

/// Attempts, the first after a pause if there is one, until one succeeds or nobody wants it any more, then drives the connection to
/// its end.
pub(in crate::channel) async fn attempts(
    balancer: Weak<Balancer>,
    connector: Arc<Connector>,
    id: usize,
    endpoint: Option<Endpoint>,
    record: Arc<Record>,
    mut pause: Option<Duration>,
) {
    loop {
        if let Some(pause) = pause {
            sleep(pause).await;
            let again = |this: Arc<Balancer>| this.pause_over(id);
            if !balancer.upgrade().is_some_and(again) {
                return;
            }
        }
        let Some(this) = balancer.upgrade() else {
            return;
        };
        let limit = this.connect_timeout();
        let this_one_alone = endpoint.is_none();
        drop(this); // an attempt keeps no channel alive
        let attempt = async {
            let endpoints = match &endpoint {
                Some(endpoint) => vec![endpoint.clone()],
                None => connector.resolver.endpoints().await?,
            };
            let early = |transport: &Arc<Transport>, peer: &str| {
                if let Some(this) = balancer.upgrade() {
                    this.begins(id, transport, peer);
                }
            };
            // Another may be there sooner: then no call is to hang on the first.
            let early = (this_one_alone && endpoints.len() == 1).then_some(&early as Early<'_>);
            connector.connect(&endpoints, &record.traffic, early).await
        };
        let attempted = timeout(limit, caught(attempt)).await;
        let attempted = attempted.map_or_else(
            |_| {
                Err(Error::unavailable(format!(
                    "connecting to {} took longer than {} ms",
                    match &endpoint {
                        Some(endpoint) => endpoint.to_string(),
                        None => connector.resolver.to_string(),
                    },
                    limit.as_millis()
                )))
            },
            |attempted| attempted.unwrap_or_else(Err),
        );
        let error = match attempted {
            Ok(opened) => {
                drive(&balancer, id, opened, &record).await;
                return;
            }
            Err(error) => error,
        };
        pause = balancer.upgrade().and_then(|this| this.failed(id, error));
        if pause.is_none() {
            return;
        }
    }
}

/// `None`: nobody wants the connection, or there is nobody to tell of its end.
async fn drive(
    balancer: &Weak<Balancer>,
    id: usize,
    opened: Opened,
    record: &Record,
) -> Option<()> {
    let this = balancer.upgrade()?;
    let connection = Arc::downgrade(&this.connected(id, &opened)?);
    let (keepalive, idle_timeout) = this.upkeep();
    drop(this);
    let pace = || balancer.upgrade()?.ping_time();
    let observe = |connection: &Arc<Connection>, drains: bool| {
        if let Some(this) = balancer.upgrade() {
            match drains {
                true => this.drains(connection),
                false => this.serve_waiting(), // SETTINGS may have made room
            }
        }
    };
    let end = caught(connection::drive(
        opened,
        connection.clone(),
        Upkeep::new(keepalive, pace, idle_timeout, &record.pings),
        observe,
    ))
    .await
    .unwrap_or_else(|error| End::Lost(error.to_string()));
    balancer.upgrade()?.lost(&connection.upgrade()?, &end);
    Some(())
}
