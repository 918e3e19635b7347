//! The task of a job worker, on its channel's I/O thread: minds what the program wants, and what is due.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Instant;

use super::Worker;
use crate::error::Error;
use crate::job_worker::WorkerHandler;
use crate::job_worker::events::{Event, Place};
use crate::runtime::time::sleep_until;

/// Dropped with the task, at the end of the runtime too.
pub(in crate::job_worker) struct Task<H: WorkerHandler>(pub(super) Arc<Worker<H>>);

impl<H: WorkerHandler> Task<H> {
    pub(in crate::job_worker) async fn run(self) {
        let worker = &self.0;
        let mut timer = pin!(sleep_until(Instant::now().into()));
        poll_fn(|context| {
            worker.signals.waker.register(context.waker());
            if worker.signals.closes.load(Ordering::Acquire) {
                worker.note(Event::Close);
            }
            worker.act(Place::Library);
            loop {
                let due = {
                    let mut inner = worker.inner();
                    if inner.has_ended {
                        return Poll::Ready(());
                    }
                    inner.armed = inner.state.due();
                    inner.armed
                };
                let Some(due) = due else {
                    return Poll::Pending;
                };
                timer.as_mut().reset(due.into());
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                worker.act(Place::Library);
            }
        })
        .await;
    }
}

impl<H: WorkerHandler> Drop for Task<H> {
    fn drop(&mut self) {
        self.0.note(Event::Cancel(Error::given_up()));
        self.0.act(Place::Library);
    }
}
