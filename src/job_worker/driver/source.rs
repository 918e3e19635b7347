//! What the stream of a job worker brings.

use std::sync::Arc;

use bytes::Bytes;

use super::Worker;
use crate::call::{Handler, Held};
use crate::channel::ActiveCall;
use crate::error::Error;
use crate::job_stream::{Failure, JobHandler};
use crate::job_worker::WorkerHandler;
use crate::job_worker::events::{Event, Place};
use crate::wire::Metadata;

/// What its stream brings.
pub(super) struct Source<H: WorkerHandler> {
    worker: Arc<Worker<H>>,
    /// For its channel the stream has ended once its end was noted.
    _active: ActiveCall,
}

impl<H: WorkerHandler> Source<H> {
    pub(super) fn new(worker: Arc<Worker<H>>, active: ActiveCall) -> Self {
        Self {
            worker,
            _active: active,
        }
    }
}

impl<H: WorkerHandler> Handler for Source<H> {
    async fn initial_metadata(self: &Arc<Self>, _: Metadata) {}

    /// Jobs come by [`JobHandler::job`].
    async fn message(self: &Arc<Self>, _: Bytes) {}

    async fn ready(self: &Arc<Self>) {}

    fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
        self.worker.note(Event::StreamEnded(ended.map(drop)));
        self.worker.act(Place::Library);
    }
}

impl<H: WorkerHandler> JobHandler for Source<H> {
    async fn job(self: &Arc<Self>, job: Bytes, held: Held) {
        self.worker.arrive(job, held);
    }

    async fn failed(self: &Arc<Self>, failure: Failure) {
        let handler = self.worker.inner().handler.clone();
        if let Some(handler) = handler {
            handler.failed(failure).await;
        }
    }
}
