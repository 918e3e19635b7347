//! The gRPC service: it translates between calls and the state, and waits where a call has to.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::options::Options;
use crate::protocol::gateway_server;
use crate::protocol::*;
use crate::state::{Rejection, State};
use crate::topology;

const DEFAULT_REQUEST_TIMEOUT: i64 = 10_000;

type ResponseStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told whenever jobs may have become free.
    changed: watch::Sender<()>,
    stop: CancellationToken,
    topology: TopologyResponse,
}

impl Gateway {
    pub(crate) fn new(options: &Options, port: u16, stop: CancellationToken) -> Self {
        let shared = Shared {
            state: Mutex::new(State::new(options.partitions)),
            changed: watch::Sender::new(()),
            stop,
            topology: topology::describe(options, port),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The incidents, as JSON for the control port.
    pub(crate) fn incidents(&self) -> Value {
        let state = self.lock();
        let incidents = state.incidents().iter().map(|(key, incident)| {
            json!({
                "key": key,
                "process_instance_key": incident.process_instance_key,
                "element_id": incident.element_id,
                "job_key": incident.job_key,
                "error_type": incident.error_type,
                "message": incident.message,
            })
        });
        incidents.collect()
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

    /// Carries out a request on the state, and wakes those who wait for jobs.
    fn change<T>(
        &self,
        operation: impl FnOnce(&mut State) -> Result<T, Rejection>,
    ) -> Result<Response<T>, Status> {
        let outcome = operation(self.lock().at(now()));
        self.shared.changed.send_replace(());
        Ok(Response::new(outcome?))
    }

    /// Jobs at once, or as soon as there are any before the request's time is up.
    async fn poll(self, request: ActivateJobsRequest) -> Result<Vec<ActivateJobsResponse>, Status> {
        let patience = match request.request_timeout {
            0 => DEFAULT_REQUEST_TIMEOUT,
            timeout => timeout,
        };
        let until = now().saturating_add(patience);
        let mut changes = self.shared.changed.subscribe();
        loop {
            let (responses, due) = {
                let mut state = self.lock();
                let state = state.at(now());
                (state.activate_jobs(&request)?, state.next_due())
            };
            if !responses.is_empty() {
                // There are new deadlines to wait for.
                self.shared.changed.send_replace(());
                return Ok(responses);
            }
            if now() >= until {
                return Ok(responses);
            }
            self.wait(&mut changes, Some(due.map_or(until, |due| due.min(until))))
                .await?;
        }
    }

    async fn wait(
        &self,
        changes: &mut watch::Receiver<()>,
        until: Option<i64>,
    ) -> Result<(), Status> {
        tokio::select! {
            _ = changes.changed() => Ok(()),
            () = sleep_until(until) => Ok(()),
            () = self.shared.stop.cancelled() => {
                Err(Status::unavailable("the development gateway is stopping"))
            }
        }
    }
}

/// A stream of pushed jobs; dropping it closes it in the state.
struct PushedJobs {
    gateway: Gateway,
    number: u64,
    changes: watch::Receiver<()>,
}

impl PushedJobs {
    async fn next(&mut self) -> Result<ActivatedJob, Status> {
        loop {
            let (job, due) = {
                let mut state = self.gateway.lock();
                let state = state.at(now());
                (state.next_streamed(self.number), state.next_due())
            };
            match job {
                Some(job) => return Ok(job),
                None => self.gateway.wait(&mut self.changes, due).await?,
            }
        }
    }
}

impl Drop for PushedJobs {
    fn drop(&mut self) {
        self.gateway.lock().at(now()).close_stream(self.number);
        self.gateway.shared.changed.send_replace(());
    }
}

#[tonic::async_trait]
impl gateway_server::Gateway for Gateway {
    async fn topology(
        &self,
        _: Request<TopologyRequest>,
    ) -> Result<Response<TopologyResponse>, Status> {
        Ok(Response::new(self.shared.topology.clone()))
    }

    async fn deploy_resource(
        &self,
        request: Request<DeployResourceRequest>,
    ) -> Result<Response<DeployResourceResponse>, Status> {
        self.change(|state| state.deploy(request.get_ref()))
    }

    async fn create_process_instance(
        &self,
        request: Request<CreateProcessInstanceRequest>,
    ) -> Result<Response<CreateProcessInstanceResponse>, Status> {
        self.change(|state| state.create_instance(request.get_ref()))
    }

    async fn activate_jobs(
        &self,
        request: Request<ActivateJobsRequest>,
    ) -> Result<Response<ResponseStream<ActivateJobsResponse>>, Status> {
        let polled = stream::once(self.clone().poll(request.into_inner()));
        let responses = polled.flat_map(|polled| {
            stream::iter(match polled {
                Ok(responses) => responses.into_iter().map(Ok).collect(),
                Err(status) => vec![Err(status)],
            })
        });
        Ok(Response::new(Box::pin(responses)))
    }

    async fn stream_activated_jobs(
        &self,
        request: Request<StreamActivatedJobsRequest>,
    ) -> Result<Response<ResponseStream<ActivatedJob>>, Status> {
        let changes = self.shared.changed.subscribe();
        let number = self
            .change(|state| state.open_stream(request.get_ref()))?
            .into_inner();
        let pushed = PushedJobs {
            gateway: self.clone(),
            number,
            changes,
        };
        let jobs = stream::try_unfold(pushed, |mut pushed| async {
            let job = pushed.next().await?;
            Ok(Some((job, pushed)))
        });
        Ok(Response::new(Box::pin(jobs)))
    }

    async fn complete_job(
        &self,
        request: Request<CompleteJobRequest>,
    ) -> Result<Response<CompleteJobResponse>, Status> {
        self.change(|state| {
            state
                .complete_job(request.get_ref())
                .map(|()| CompleteJobResponse {})
        })
    }

    async fn fail_job(
        &self,
        request: Request<FailJobRequest>,
    ) -> Result<Response<FailJobResponse>, Status> {
        self.change(|state| {
            state
                .fail_job(request.get_ref())
                .map(|()| FailJobResponse {})
        })
    }

    async fn throw_error(
        &self,
        request: Request<ThrowErrorRequest>,
    ) -> Result<Response<ThrowErrorResponse>, Status> {
        self.change(|state| {
            state
                .throw_error(request.get_ref())
                .map(|()| ThrowErrorResponse {})
        })
    }

    async fn publish_message(
        &self,
        request: Request<PublishMessageRequest>,
    ) -> Result<Response<PublishMessageResponse>, Status> {
        self.change(|state| state.publish(request.get_ref()))
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
