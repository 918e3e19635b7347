//! Job workers: jobs of one type, worked on by callbacks, from a completion queue, or one at a time.

use std::ffi::c_void;
use std::sync::Arc;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::callback::UserData;
use super::channel::zeebe_channel;
use super::completion_queue::zeebe_completion_queue;
use super::convert::{self, Out};
use super::error::zeebe_error;
use super::handle::{self, Handle, living};
use super::job::zeebe_job;
use super::job_worker_handler::{Callbacks, Inbox, zeebe_job_worker_handler};
use super::job_worker_options::{worker_options as read_options, zeebe_job_worker_options};
use crate::channel::Cancel;
use crate::error::Error;
use crate::job_worker::JobWorker;
use crate::runtime::{self, Epoch};

/// A job worker. Owned by who received it: zeebe_job_worker_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_job_worker {
    /// Shared by the handles of one worker; the last one's drop cancels.
    owner: Arc<CancelOnDrop>,
    epoch: Epoch,
}

struct CancelOnDrop {
    worker: JobWorker,
    /// Of a worker without a handler.
    inbox: Option<Inbox>,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let reason = Error::cancelled("its last handle was freed");
        self.worker.signals().cancel(reason);
        if let Some(inbox) = &self.inbox {
            inbox.abandon();
        }
    }
}

impl Handle for zeebe_job_worker {
    fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl zeebe_job_worker {
    /// The first handle of a worker.
    fn boxed(worker: JobWorker, inbox: Option<Inbox>, epoch: Epoch) -> Option<repr_c::Box<Self>> {
        let owner = Arc::new(CancelOnDrop { worker, inbox });
        Some(Box::new(Self { owner, epoch }).into())
    }
}

/// Starts a worker: on_job of `handler` gets jobs of one type; or, with a `handler` of NULL, zeebe_job_worker_next() takes them.
///
/// Jobs come by a stream that goes on by itself, as zeebe_channel_stream_jobs() says, and by polls beside it; a gateway without
/// StreamActivatedJobs is polled alone. Each ends once, by zeebe_job_complete(), zeebe_job_fail() or zeebe_job_throw_error(), on any
/// thread. RESOURCE_EXHAUSTED, the gateway's back-pressure, makes the worker poll less often, and send fewer ends at once, until it
/// passes; no job comes for one whose end waits. A job that waits here for a handler past its deadline is let go of.
///
/// What cannot pass ends the worker, with on_close: INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED or UNAUTHENTICATED of the stream or
/// the polls (of a job's end it is only that end's), UNIMPLEMENTED of both. Jobs that the program works on have their grace then, as
/// after zeebe_job_worker_close().
/// `*worker` is written before the first callback. Errors: INVALID_ARGUMENT: NULL, out of range, no `job_type`, or no on_job.
/// SHUTDOWN: as zeebe_channel_start_call(). Never blocks.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_start(
    channel: Option<&zeebe_channel>,
    worker_options: *const zeebe_job_worker_options,
    handler: *const zeebe_job_worker_handler,
    user_data: *mut c_void,
    worker: *mut Option<repr_c::Box<zeebe_job_worker>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let out = unsafe { Out::new("worker", worker) }?;
    let channel = &living("channel", channel)?.channel;
    let options = read_options(worker_options)?;
    let epoch = channel.epoch();
    if handler.is_null() {
        return JobWorker::start(channel, options, |worker, active| {
            let inbox = Inbox::new();
            let entry = inbox.enter(&worker, active)?;
            out.write(zeebe_job_worker::boxed(worker, Some(inbox), epoch));
            Ok(entry)
        });
    }
    // SAFETY: an options struct of the header's contract.
    let handler = unsafe { convert::options("handler", handler) }?;
    convert::required("handler.on_job", handler.on_job)?;
    let runtime = channel.runtime()?;
    JobWorker::start(channel, options, |worker, active| {
        out.write(zeebe_job_worker::boxed(worker, None, epoch));
        let user_data = UserData(user_data);
        Ok(Callbacks::new(
            handler,
            user_data,
            Arc::clone(runtime),
            active,
        ))
    })
}

/// Starts a worker whose jobs are events of type JOB with `tag`, taken by zeebe_completion_queue_next(); JOB_STREAM_ERROR, and CLOSE, once
/// and last.
///
/// A job in the queue is one that the program works on. All else as zeebe_job_worker_start(). SHUTDOWN also: the queue was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_start_on_queue(
    channel: Option<&zeebe_channel>,
    worker_options: *const zeebe_job_worker_options,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
    worker: *mut Option<repr_c::Box<zeebe_job_worker>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let out = unsafe { Out::new("worker", worker) }?;
    let channel = &living("channel", channel)?.channel;
    let options = read_options(worker_options)?;
    let queue = living("queue", queue)?.queue();
    JobWorker::start(channel, options, |worker, active| {
        let entry = queue.enter_worker(tag, &worker, active)?;
        out.write(zeebe_job_worker::boxed(worker, None, channel.epoch()));
        Ok(entry)
    })
}

/// Takes a job of a worker that was started without a handler; waits for one `timeout_ms` at most (< 0: for ever; 0: not at all).
///
/// `*job` is owned: zeebe_job_free(); NULL: none came in time. Any number of threads may take.
/// SHUTDOWN: the worker was closed and has ended, and no job is left, or the runtime was shut down. Any other error: why the worker ended by
/// itself. ILLEGAL_STATE: the worker has a handler or a queue; with a `timeout_ms` other than 0 on a library thread. INVALID_ARGUMENT: NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_next(
    worker: Option<&zeebe_job_worker>,
    timeout_ms: i64,
    job: *mut Option<repr_c::Box<zeebe_job>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let out = unsafe { Out::new("job", job) }?;
    let worker = convert::required("worker", worker)?;
    if worker.epoch.is_of_parent() {
        worker.epoch.check()?;
    }
    let Some(inbox) = &worker.owner.inbox else {
        return Err(Error::illegal_state(
            "the worker's jobs go to its handler or to its completion queue",
        ));
    };
    if timeout_ms != 0 {
        runtime::refuse_on_library_thread("zeebe_job_worker_next with a time-out")?;
    }
    let job = inbox.next(convert::timeout(timeout_ms))?;
    out.write(job.map(|job| Box::new(zeebe_job { job }).into()));
    Ok(())
}

/// Ends a worker in order: no more jobs come, those that the program works on may end within `grace_ms` of the worker's options, and their ends
/// are sent; then on_close. NULL is allowed.
///
/// Jobs that no handler has yet, and that zeebe_job_worker_next() has not given, go back to the gateway at once: they fail with the retries that they have, which costs none, and come again, to
/// whoever asks. What has not ended when the grace is over is left to its time-out, and on_close gets DEADLINE_EXCEEDED; a callback that still
/// runs then is waited for. Close a worker before its channel: a channel that closes lets no new call begin, such as the end of a job.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_close(worker: Option<&zeebe_job_worker>) {
    if let Ok(worker) = living("worker", worker) {
        worker.owner.worker.close();
        if let Some(inbox) = &worker.owner.inbox {
            inbox.close();
        }
    }
}

/// Writes what the worker did to `json`, a JSON object; zeebe_string_free() frees it. INVALID_ARGUMENT: NULL. SHUTDOWN: a parent process's.
///
/// `jobs_here`; `jobs`, counts from the beginning: `activated`, `completed`, `failed`, `thrown`, `not_ended` and `unknown` (as outcomes), `given_back` at
/// its close, `expired` (waited past their deadline), `left` (to their time-out), `late` (ended after their deadline), `sent_again`, `extended`;
/// `queue_time_ms` (until a handler has a job) and `handler_time_ms` (until that ends it), each with `count`, `sum` and how many took `up_to` so
/// many milliseconds. Keys may be added.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_stats(
    worker: Option<&zeebe_job_worker>,
    json: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let out = unsafe { Out::new("json", json) }?;
    let worker = convert::required("worker", worker)?;
    if worker.epoch.is_of_parent() {
        worker.epoch.check()?;
    }
    out.write(convert::owned_text(&worker.owner.worker.stats())?);
    Ok(())
}

/// Writes the same of `count` workers to `text` as Prometheus reads it (text format 0.0.4), with the labels `type` and `worker`;
/// zeebe_string_free() frees it. INVALID_ARGUMENT: NULL. SHUTDOWN: a parent process's.
///
/// `zeebe_job_worker_jobs_activated_total` and its like, `zeebe_job_worker_jobs_here`, and the histograms `zeebe_job_worker_queue_seconds` and
/// `zeebe_job_worker_handler_seconds`. All workers of a program in one call: each metric is described once in a text.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_workers_prometheus(
    workers: *const *const zeebe_job_worker,
    count: usize,
    text: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let out = unsafe { Out::new("text", text) }?;
    // SAFETY: an array of the header's contract.
    let given = unsafe { convert::array("workers", workers, count) }?;
    let mut all = Vec::with_capacity(count);
    for worker in given {
        // SAFETY: NULL or a worker of ours, by the header.
        let worker = convert::required("a worker", unsafe { worker.as_ref() })?;
        if worker.epoch.is_of_parent() {
            worker.epoch.check()?;
        }
        all.push(&worker.owner.worker);
    }
    out.write(convert::owned_text(&JobWorker::prometheus(&all))?);
    Ok(())
}

/// Another handle on the same worker. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_ref(
    worker: Option<&zeebe_job_worker>,
) -> Option<repr_c::Box<zeebe_job_worker>> {
    worker.map(|worker| {
        Box::new(zeebe_job_worker {
            owner: Arc::clone(&worker.owner),
            epoch: worker.epoch,
        })
        .into()
    })
}

/// Frees a worker's handle; the last one ends a worker that has not ended, also one that is closing, at once: jobs that have not ended are left to
/// their time-out, and on_close still comes, with CANCELLED. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_free(worker: Option<repr_c::Box<zeebe_job_worker>>) {
    handle::free(worker);
}
