//! The calls of a job worker: the ends of jobs, and more time for them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::{Inner, Worker, unix_ms};
use crate::call::{CallOptions, Timeout, start_unary};
use crate::error::{Code, Error, Source};
use crate::job_worker::WorkerHandler;
use crate::job_worker::end::{self, End, UPDATE_JOB_TIMEOUT, judge, milliseconds};
use crate::job_worker::events::{Event, Extension, JobId, Place};
use crate::job_worker::stats::Count;
use crate::wire::Metadata;

impl<H: WorkerHandler> Worker<H> {
    pub(super) fn send(
        self: &Arc<Self>,
        id: JobId,
        patience: Duration,
        mut inner: MutexGuard<'_, Inner<H>>,
    ) {
        let place = &mut inner.jobs[id];
        let (key, retries) = (place.key, place.retries);
        let end = place.end.get_or_insert_with(|| {
            Arc::new(End::give_back(
                key,
                retries,
                "the worker closes: no handler had the job",
            ))
        });
        let end = Arc::clone(end);
        let metadata = place.metadata.as_ref().unwrap_or(&self.options.metadata);
        let options = self.call_options(metadata.clone(), patience);
        if place.error.is_some() {
            self.stats.count(Count::SentAgain);
        }
        drop(inner);
        let started = start_unary(
            &self.channel,
            end.method(),
            &end.message,
            options,
            |control, active, _| {
                let mut inner = self.inner();
                inner.jobs[id].control = Some(Arc::clone(control));
                let is_cut = inner.state.is_cut();
                drop(inner);
                if is_cut {
                    // While there was nothing to cancel yet.
                    control.cancel(Error::cancelled("the worker has ended"));
                }
                let worker = Arc::clone(self);
                Ok(move |answered: Result<_, Error>| {
                    worker.answered(id, answered.err());
                    worker.act(Place::Library);
                    drop(active);
                })
            },
        );
        if let Err(error) = started {
            self.answered(id, Some(error));
        }
    }

    pub(super) fn call_options(&self, metadata: Metadata, patience: Duration) -> CallOptions {
        CallOptions {
            timeout: Timeout::After(patience),
            metadata,
            wait_for_ready: Some(true),
            ..CallOptions::default()
        }
    }

    pub(super) fn answered(&self, id: JobId, error: Option<Error>) {
        let answer = judge(match &error {
            None => Ok(()),
            Some(error) => Err(error),
        });
        let random = fastrand::f64();
        let mut inner = self.inner();
        let place = &mut inner.jobs[id];
        place.control = None;
        place.error = error;
        inner
            .state
            .note(Event::Answered(id, answer), Instant::now(), random);
    }

    pub(super) fn extend(
        self: &Arc<Self>,
        id: JobId,
        ticket: u64,
        inner: MutexGuard<'_, Inner<H>>,
    ) {
        let key = inner.jobs[id].key;
        drop(inner);
        let timeout = self.options.job_timeout;
        let patience = self.options.request_timeout;
        let options = self.call_options(self.options.metadata.clone(), patience);
        let message = end::extension(key, timeout);
        let (since, deadline) = (
            Instant::now(),
            unix_ms().saturating_add(milliseconds(timeout)),
        );
        let started = start_unary(
            &self.channel,
            UPDATE_JOB_TIMEOUT,
            &message,
            options,
            |_, active, _| {
                let worker = Arc::clone(self);
                Ok(move |answered: Result<_, Error>| {
                    worker.extended(id, ticket, since, deadline, answered.err());
                    worker.act(Place::Library);
                    drop(active);
                })
            },
        );
        if let Err(error) = started {
            self.extended(id, ticket, since, deadline, Some(error));
        }
    }

    pub(super) fn extended(
        &self,
        id: JobId,
        ticket: u64,
        since: Instant,
        deadline: i64,
        error: Option<Error>,
    ) {
        let extension = match &error {
            None => Extension::Granted(since),
            Some(error) => refused(error),
        };
        let mut inner = self.inner();
        let key = inner.jobs[id].key;
        let shown = inner.jobs[id].deadline.clone();
        let is_asked = inner.state.is_asked(id, ticket);
        let event = Event::Extended(id, ticket, extension);
        inner.state.note(event, Instant::now(), fastrand::f64());
        drop(inner);
        if !is_asked {
            return; // it has ended since
        }
        match (extension, error) {
            (Extension::Granted(_), _) => {
                self.stats.count(Count::Extended);
                if let Some(shown) = shown {
                    shown.store(deadline, Ordering::Release);
                }
            }
            (Extension::Gone, Some(error)) => {
                if let Some(shown) = shown {
                    shown.fetch_min(unix_ms(), Ordering::AcqRel);
                }
                tracing::warn!("the job {key} is not ours any more, but worked on: {error}");
            }
            (Extension::Unknown, Some(error)) => {
                tracing::warn!("jobs get no more time while they are worked on: {error}");
            }
            (_, error) => {
                let error = error.map_or(String::new(), |error| error.to_string());
                tracing::debug!("the job {key} got no more time yet: {error}");
            }
        }
    }
}

/// What it means that a job got no more time. Only the gateway knows of jobs: a token source, say, may fail with any code.
fn refused(error: &Error) -> Extension {
    match (error.source(), error.code()) {
        (Source::Gateway, Code::Unimplemented) => Extension::Unknown,
        (Source::Gateway, Code::NotFound | Code::FailedPrecondition) => Extension::Gone,
        _ => Extension::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_gateway_says_that_a_job_is_gone_or_that_it_gives_no_time() {
        for (code, of_gateway) in [
            (Code::Unimplemented, Extension::Unknown),
            (Code::NotFound, Extension::Gone),
            (Code::FailedPrecondition, Extension::Gone),
            (Code::Internal, Extension::Failed),
        ] {
            let refused = |source| refused(&Error::rpc(source, code, "no"));
            assert_eq!(refused(Source::Gateway), of_gateway);
            assert_eq!(refused(Source::Caller), Extension::Failed);
        }
    }
}
