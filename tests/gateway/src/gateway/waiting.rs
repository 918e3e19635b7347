//! The calls that wait: long polls, job streams, and instances whose result is awaited.

use std::time::Duration;

use tonic::Status;

use super::{Gateway, now};
use crate::protocol::{
    ActivateJobsRequest, ActivateJobsResponse, ActivatedJob, CreateProcessInstanceResponse,
    CreateProcessInstanceWithResultRequest, CreateProcessInstanceWithResultResponse,
    StreamActivatedJobsRequest,
};

const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

impl Gateway {
    /// Jobs at once, or as soon as there are any before the request's time is up.
    pub(super) async fn poll(
        self,
        request: ActivateJobsRequest,
    ) -> Result<Vec<ActivateJobsResponse>, Status> {
        let responses = self.until(Some(end(request.request_timeout)), |state| {
            let responses = state.activate_jobs(&request)?;
            Ok((!responses.is_empty()).then_some(responses))
        });
        let responses = responses.await?;
        if responses.is_some() {
            // There are new deadlines to wait for.
            self.shared.changed.send_replace(());
        }
        Ok(responses.unwrap_or_default())
    }

    pub(super) fn open_stream(
        &self,
        request: &StreamActivatedJobsRequest,
    ) -> Result<PushedJobs, Status> {
        let number = self.change(|state| state.open_stream(request))?;
        Ok(PushedJobs {
            gateway: self.clone(),
            number: number.into_inner(),
        })
    }

    pub(super) async fn create_with_result(
        &self,
        request: CreateProcessInstanceWithResultRequest,
    ) -> Result<CreateProcessInstanceWithResultResponse, Status> {
        let end = end(request.request_timeout);
        let creation = request.request.unwrap_or_default();
        let created = self.change(|state| state.create_awaited_instance(&creation))?;
        let awaited = Awaited {
            gateway: self.clone(),
            created: created.into_inner(),
        };
        let result = self.until(Some(end), |state| {
            let result = state.result(&awaited.created, &request.fetch_variables);
            result.transpose()
        });
        result.await?.ok_or_else(|| {
            let key = awaited.created.process_instance_key;
            Status::deadline_exceeded(format!(
                "the process instance {key} has not ended within the request's time"
            ))
        })
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

/// A stream of pushed jobs; dropping it closes it in the state.
pub(super) struct PushedJobs {
    gateway: Gateway,
    number: u64,
}

impl PushedJobs {
    /// None never comes: a stream ends by an error, or with its call.
    pub(super) async fn next(&mut self) -> Result<Option<ActivatedJob>, Status> {
        let number = self.number;
        let job = self
            .gateway
            .until(None, |state| Ok(state.next_streamed(number)));
        job.await
    }
}

impl Drop for PushedJobs {
    fn drop(&mut self) {
        self.gateway.lock().at(now()).close_stream(self.number);
        self.gateway.shared.changed.send_replace(());
    }
}

/// An instance whose result is awaited; when it is dropped, it is not any more.
struct Awaited {
    gateway: Gateway,
    created: CreateProcessInstanceResponse,
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let key = self.created.process_instance_key;
        self.gateway.lock().forget_result(key);
    }
}
