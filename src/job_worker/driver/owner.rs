//! What jobs do to their worker: they end, or are let go of.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Inner, Worker};
use crate::error::Error;
use crate::job_worker::WorkerHandler;
use crate::job_worker::end::End;
use crate::job_worker::events::{Event, JobId, Place};
use crate::job_worker::job::{Owner, Telling};
use crate::job_worker::stats::Count;
use crate::runtime::{Runtime, Slot};

impl<H: WorkerHandler> Worker<H> {
    /// Keeps the worker's task while the program's thread acts: else nobody would be there for what is the library's to do then.
    /// Refused: the runtime ends, and with it the worker, which leaves all jobs to their time-out.
    fn keep_task<'a>(&self, runtime: &'a Runtime) -> Result<Slot<'a>, Error> {
        self.channel.reserve(runtime)
    }

    /// What the program did is noted; does what comes of it, unless the runtime ends.
    fn act_for_program(self: &Arc<Self>) {
        if let Ok(runtime) = self.channel.runtime()
            && let Ok(_kept) = self.keep_task(runtime)
        {
            self.act(Place::Program);
        }
    }

    /// The program works on it no more.
    fn stop_working(&self, id: JobId, inner: &Inner<H>) {
        let now = Instant::now();
        let place = &inner.jobs[id];
        if let Some(since) = place.since {
            self.stats.handler_time.add(now - since);
        }
        if let Some(late) = inner.state.lateness(id, now) {
            self.stats.count(Count::Late);
            tracing::warn!(
                "the job {} of the type {:?} ended {} ms after its deadline: another worker may have it",
                place.key,
                self.options.job_type,
                late.as_millis()
            );
        }
    }
}

impl<H: WorkerHandler> Owner for Worker<H> {
    fn end(self: Arc<Self>, id: JobId, end: End, told: Telling<'_>) -> Result<(), Error> {
        let runtime = self.channel.runtime()?;
        let _kept = self.keep_task(runtime)?;
        let mut inner = self.inner();
        if !inner.state.takes_end(id) {
            return Err(Error::shutdown(
                "the worker has ended: the job was left to its time-out",
            ));
        }
        let told = told()?;
        self.stop_working(id, &inner);
        let place = &mut inner.jobs[id];
        place.end = Some(Arc::new(end));
        place.told = told;
        inner.state.note(Event::Ended(id), Instant::now(), 0.0);
        drop(inner);
        self.act(Place::Program);
        Ok(())
    }

    fn let_go(self: Arc<Self>, id: JobId, key: i64, retries: i32) {
        // One that was on its way to a program that has ended the worker was not begun.
        let leaves = self.options.leaves_freed_jobs || self.signals.cancelled().is_some();
        if !leaves {
            let why = "the handler let go of the job without completing it, failing it or throwing an error";
            let retries = retries.saturating_sub(1).max(0);
            let end = End::fail(key, retries, self.options.retry_backoff, why, "");
            // Refused: the worker has ended, and left it to its time-out.
            self.end(id, end, &mut || Ok(None)).ok();
            return;
        }
        let mut inner = self.inner();
        if !inner.state.takes_end(id) {
            return;
        }
        self.stop_working(id, &inner);
        inner.state.note(Event::Left(id), Instant::now(), 0.0);
        let place = std::mem::take(&mut inner.jobs[id]);
        self.show_here(&inner);
        drop(inner);
        self.stats.count(Count::Left);
        drop(place.held);
        self.act_for_program();
    }

    fn give_back(self: Arc<Self>, id: JobId) {
        // The program's close may not have been noted yet.
        self.note(Event::Close);
        self.note(Event::Returns(id));
        self.act_for_program();
    }

    fn retry_backoff(&self) -> Duration {
        self.options.retry_backoff
    }
}
