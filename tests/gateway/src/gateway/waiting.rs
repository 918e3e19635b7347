//! The calls that wait: long polls, job streams, and instances whose result is awaited.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tonic::Status;

use super::{Gateway, now, sleep_until};
use crate::protocol::{
    ActivateJobsRequest, ActivateJobsResponse, ActivatedJob,
    CreateProcessInstanceWithResultRequest, CreateProcessInstanceWithResultResponse,
    StreamActivatedJobsRequest,
};
use crate::state::{Rejection, State, Waiter};

const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

impl Gateway {
    /// Jobs at once, or as soon as there are any before the request's time is up.
    pub(super) async fn poll(
        self,
        request: ActivateJobsRequest,
    ) -> Result<Vec<ActivateJobsResponse>, Status> {
        let end = end(request.request_timeout);
        let responses = self.on_state(|state| state.activate_jobs(&request))?;
        if !responses.is_empty() {
            return Ok(responses);
        }
        let number = self.on_state(|state| state.open_poll(&request))?;
        let waiting = self.waiting(Waiter::Poll(number));
        let responses = waiting.until(Some(end), |state| {
            let responses = state.activate_jobs(&request)?;
            Ok((!responses.is_empty()).then_some(responses))
        });
        Ok(responses.await?.unwrap_or_default())
    }

    pub(super) fn open_stream(
        &self,
        request: &StreamActivatedJobsRequest,
    ) -> Result<PushedJobs, Status> {
        let number = self.on_state(|state| state.open_stream(request))?;
        Ok(PushedJobs {
            number,
            waiting: self.waiting(Waiter::Stream(number)),
        })
    }

    pub(super) async fn create_with_result(
        &self,
        request: CreateProcessInstanceWithResultRequest,
    ) -> Result<CreateProcessInstanceWithResultResponse, Status> {
        let end = end(request.request_timeout);
        let creation = request.request.unwrap_or_default();
        let created = self.on_state(|state| state.create_awaited_instance(&creation))?;
        let key = created.process_instance_key;
        let waiting = self.waiting(Waiter::Result(key));
        let result = waiting.until(Some(end), |state| {
            let result = state.result(&created, &request.fetch_variables);
            result.transpose()
        });
        result.await?.ok_or_else(|| {
            Status::deadline_exceeded(format!(
                "the process instance {key} has not ended within the request's time"
            ))
        })
    }

    fn waiting(&self, waiter: Waiter) -> Waiting {
        let bell = Arc::new(Notify::new());
        self.lock().bells.insert(waiter, Arc::clone(&bell));
        let gateway = self.clone();
        Waiting {
            gateway,
            waiter,
            bell,
        }
    }
}

/// When a request ends that asks for this many milliseconds.
fn end(request_timeout: i64) -> i64 {
    let patience = match request_timeout {
        0 => DEFAULT_REQUEST_TIMEOUT.as_millis() as i64,
        timeout => timeout,
    };
    now().saturating_add(patience)
}

/// A call that waits for something in the state; when it is dropped, it does not any more.
struct Waiting {
    gateway: Gateway,
    waiter: Waiter,
    bell: Arc<Notify>,
}

impl Waiting {
    /// Tries until something comes of it, whenever the bell has rung; none if it is too late for that.
    async fn until<T>(
        &self,
        end: Option<i64>,
        mut attempt: impl FnMut(&mut State) -> Result<Option<T>, Rejection>,
    ) -> Result<Option<T>, Status> {
        loop {
            if let Some(outcome) = self.gateway.on_state(&mut attempt)? {
                return Ok(Some(outcome));
            }
            if end.is_some_and(|end| now() >= end) {
                return Ok(None);
            }
            tokio::select! {
                () = self.bell.notified() => {}
                () = sleep_until(end) => {}
                () = self.gateway.shared.stop.cancelled() => {
                    return Err(Status::unavailable("the development gateway is stopping"));
                }
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.gateway.lock().bells.remove(&self.waiter);
        self.gateway.on_state(|state| state.forget(self.waiter));
    }
}

/// A stream of pushed jobs; dropping it closes it in the state.
pub(super) struct PushedJobs {
    number: u64,
    waiting: Waiting,
}

impl PushedJobs {
    /// None never comes: a stream ends by an error, or with its call.
    pub(super) async fn next(&mut self) -> Result<Option<ActivatedJob>, Status> {
        let number = self.number;
        let job = self
            .waiting
            .until(None, |state| Ok(state.next_streamed(number)));
        job.await
    }
}
