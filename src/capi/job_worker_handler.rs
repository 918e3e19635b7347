//! Where the jobs of a worker go: to callbacks, or to who asks for the next. To a completion queue they go by themselves.

use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use macro_rules_attribute::apply;
use safer_ffi::prelude::derive_ReprC;

use super::callback::{UserData, lend_error, zeebe_done_callback};
use super::convert::{self, Options};
use super::error::zeebe_error;
use super::job::zeebe_job;
use super::job_stream::zeebe_job_stream_error_callback;
use super::library::{Owned, zeebe_destroy};
use crate::channel::ActiveCall;
use crate::error::Error;
use crate::job_stream::Failure;
use crate::job_worker::{Job, JobWorker, WorkerHandler};
use crate::queue::{Occurrence, Queue, WorkerEntry};
use crate::runtime::{self, Runtime, lock, unique_key};

/// A job for the program, which ends it, here or later, on any thread. `job` is lent for the call: zeebe_job_ref() keeps it.
pub type zeebe_job_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, job: *const zeebe_job)>;

/// What is told about a job worker. Initialise it with ::ZEEBE_JOB_WORKER_HANDLER_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_job_worker_handler {
    /// `sizeof(zeebe_job_worker_handler)`.
    pub size: usize,
    /// A job. With `callback_threads` of the runtime's options it runs on all of these at once, also beside itself, and may take its
    /// time; without, on the channel's I/O thread, which it holds up. Required.
    pub on_job: zeebe_job_callback,
    /// Told of each failure of the worker's stream and polls that the worker goes on after; a program that is slow, of some. May be NULL.
    pub on_error: zeebe_job_stream_error_callback,
    /// The worker has ended: once, last; `error` is NULL after a zeebe_job_worker_close() that all jobs ended in. May be NULL.
    pub on_close: zeebe_done_callback,
    /// Of the user data, after on_close. May be NULL.
    pub destroy: zeebe_destroy,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_job_worker_handler {
    const FIRST_SIZE: usize = offset_of!(Self, destroy) + size_of::<zeebe_destroy>();
}
const _: () = assert!(size_of::<zeebe_job_worker_handler>() == 40);

/// What ::ZEEBE_JOB_WORKER_HANDLER_INIT says, for languages that have no macros of C: nothing given.
///
/// `handler` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_handler_init(
    handler: *mut zeebe_job_worker_handler,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(handler, size) }
}

/// A handler's functions, called on the threads for callbacks.
pub(crate) struct Callbacks {
    handler: zeebe_job_worker_handler,
    user: Owned,
    runtime: Arc<Runtime>,
    /// Of all but jobs, which have keys of their own from here on.
    key: usize,
    /// That wait to be told.
    failures: AtomicUsize,
    _active: ActiveCall,
}

/// Of a slow program's failures the log has the rest.
const MAX_FAILURES: usize = 16;

impl Callbacks {
    /// Owns the user data from here on.
    pub(crate) fn new(
        handler: zeebe_job_worker_handler,
        user_data: UserData,
        runtime: Arc<Runtime>,
        active: ActiveCall,
    ) -> Self {
        Self {
            handler,
            user: Owned(user_data, handler.destroy),
            runtime,
            key: unique_key(),
            failures: AtomicUsize::new(0),
            _active: active,
        }
    }
}

// SAFETY: the handler's functions are C's, which the header says run on library threads; the user data is only handed back.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

/// One lane a callback thread, so that a slow job holds up no other.
impl WorkerHandler for Callbacks {
    fn lanes(&self) -> Option<usize> {
        let threads = self.runtime.callback_threads();
        Some(threads.map_or(1, runtime::CallbackThreads::len))
    }

    fn job(self: &Arc<Self>, job: Arc<Job>, lane: usize, returned: impl FnOnce() + Send + 'static) {
        let this = Arc::clone(self);
        self.runtime
            .call_back(self.key.wrapping_add(lane), move || {
                if let Some(callback) = this.handler.on_job {
                    let job = zeebe_job { job };
                    // SAFETY: C gave this function for these arguments; the job outlives the call.
                    unsafe { callback(this.user.0.0, &raw const job) }
                }
                drop(this);
                returned();
            });
    }

    async fn failed(self: &Arc<Self>, failure: Failure) {
        let Some(callback) = self.handler.on_error else {
            return;
        };
        if self.failures.fetch_add(1, Ordering::AcqRel) >= MAX_FAILURES {
            self.failures.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        let this = Arc::clone(self);
        // Not waited for: jobs come meanwhile.
        self.runtime.call_back(self.key, move || {
            this.failures.fetch_sub(1, Ordering::AcqRel);
            let error = zeebe_error::new(failure.error);
            let in_a_row = i64::from(failure.in_a_row);
            let pause_ms = i64::try_from(failure.pause.as_millis()).unwrap_or(i64::MAX);
            // SAFETY: C gave this function for these arguments; they outlive the call.
            unsafe { callback(this.user.0.0, lend_error(Some(&error)), in_a_row, pause_ms) }
        });
    }

    fn close(self: Arc<Self>, ended: Result<(), Error>) {
        let runtime = Arc::clone(&self.runtime);
        runtime.call_back(self.key, move || {
            if let Some(callback) = self.handler.on_close {
                let error = ended.err().map(zeebe_error::new);
                // SAFETY: C gave this function for these arguments; the error outlives the call.
                unsafe { callback(self.user.0.0, lend_error(error.as_ref())) }
            }
        });
    }
}

/// Jobs for zeebe_job_worker_next(), which tells of nothing else: what the worker goes on after, the log has.
pub(crate) struct ForNext(Arc<WorkerEntry>);

impl WorkerHandler for ForNext {
    fn lanes(&self) -> Option<usize> {
        self.0.lanes()
    }

    fn job(self: &Arc<Self>, job: Arc<Job>, lane: usize, returned: impl FnOnce() + Send + 'static) {
        self.0.job(job, lane, returned);
    }

    async fn failed(self: &Arc<Self>, _: Failure) {}

    fn close(self: Arc<Self>, ended: Result<(), Error>) {
        Arc::clone(&self.0).close(ended);
    }
}

/// Jobs that wait for zeebe_job_worker_next().
pub(crate) struct Inbox {
    queue: Arc<Queue>,
    /// What nobody has taken goes back.
    is_closing: AtomicBool,
    /// How the worker ended, once it has.
    ended: Mutex<Option<Result<(), Error>>>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            queue: Queue::new(),
            is_closing: AtomicBool::new(false),
            ended: Mutex::new(None),
        }
    }

    /// A place for the jobs of a worker.
    pub(crate) fn enter(&self, worker: &JobWorker, active: ActiveCall) -> Result<ForNext, Error> {
        let entry = self.queue.enter_worker(0, worker, active)?;
        Ok(ForNext(Arc::new(entry)))
    }

    /// Gives back what nobody has taken, also what is still on its way here.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        while let Ok(taken) = self.queue.next_here(1)
            && let Some(event) = taken.into_iter().next()
        {
            self.job_of(event.occurrence);
        }
    }

    /// Nobody takes jobs any more.
    pub(crate) fn abandon(&self) {
        self.queue.abandon();
    }

    /// `None`: none came in time.
    pub(crate) fn next(&self, timeout: Option<Duration>) -> Result<Option<Arc<Job>>, Error> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let taken = self
                .queue
                .next(left, 1)
                .map_err(|shutdown| match &*lock(&self.ended) {
                    Some(Err(reason)) => reason.clone(),
                    Some(Ok(())) => Error::shutdown("the worker has ended"),
                    None => shutdown,
                })?;
            let Some(event) = taken.into_iter().next() else {
                return Ok(None);
            };
            if let Some(job) = self.job_of(event.occurrence) {
                return Ok(Some(job));
            }
        }
    }

    /// The job for the program, if it is one.
    fn job_of(&self, occurrence: Occurrence) -> Option<Arc<Job>> {
        match occurrence {
            Occurrence::Job(job) if self.is_closing.load(Ordering::Acquire) => job.give_back(),
            Occurrence::Job(job) => return Some(job),
            Occurrence::Close(ended) => {
                *lock(&self.ended) = Some(ended.map(drop));
                self.queue.shutdown(); // every thread that waits learns of it
            }
            _ => {}
        }
        None
    }
}
