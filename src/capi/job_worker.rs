//! Job workers: jobs of one type, worked on by callbacks, from a completion queue, or one at a time.

use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::callback::{UserData, lend_error, zeebe_done_callback};
use super::channel::zeebe_channel;
use super::completion_queue::zeebe_completion_queue;
use super::convert::{self, Options, Out};
use super::error::zeebe_error;
use super::handle::{self, Handle, living};
use super::job::zeebe_job;
use super::job_stream::zeebe_job_stream_error_callback;
use super::library::{Owned, zeebe_destroy};
use super::metadata::zeebe_metadata;
use crate::channel::{ActiveCall, Cancel};
use crate::error::Error;
use crate::job_stream::Failure;
use crate::job_worker::{BackoffOptions, Job, JobWorker, JobWorkerOptions, WorkerHandler};
use crate::options::{self, Given, Spec};
use crate::queue::{Occurrence, Queue, WorkerEntry};
use crate::runtime::{self, Epoch, Runtime, lock, unique_key};
use crate::wire::Metadata;

/// A job for the program, which ends it, here or later, on any thread. `job` is lent for the call: zeebe_job_ref() keeps it.
pub type zeebe_job_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, job: *const zeebe_job)>;

/// Of a job worker. Initialise it with ::ZEEBE_JOB_WORKER_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_job_worker_options {
    /// `sizeof(zeebe_job_worker_options)`.
    pub size: usize,
    /// The type of the jobs. Required.
    pub job_type: *const c_char,
    /// What the gateway calls the worker. NULL: `libzeebe`.
    pub worker_name: *const c_char,
    /// How long a job is this worker's; then the gateway gives it to another.
    pub job_timeout_ms: i64,
    /// Jobs that are here at most, from their arrival until their end is known: a slow worker leaves the rest with the gateway, but for
    /// what fills the stream's window (`grpc.http2.lookahead_bytes`).
    pub max_jobs_active: i64,
    /// Of those, how many the program works on at once: jobs that it was given and that have not ended. The others wait here.
    pub handlers_at_once: i64,
    /// The names of the variables that jobs have. NULL: all.
    pub fetch_variables: *const *const c_char,
    /// How many.
    pub fetch_variables_count: usize,
    /// The tenants whose jobs come. NULL: the default tenant's.
    pub tenant_ids: *const *const c_char,
    /// How many.
    pub tenant_ids_count: usize,
    /// 1: no stream of jobs is opened, ActivateJobs alone brings them.
    pub polls_alone: i32,
    /// 1: half of a job's time before its time-out passes while the program works on it, UpdateJobTimeout asks for as much anew. A job that is not ours
    /// any more then (NOT_FOUND) is told of by zeebe_job_deadline() and a WARN record. A gateway without that call (UNIMPLEMENTED) is not
    /// asked again.
    pub extend_timeout: i32,
    /// 1: a job whose last handle is freed without an end is left to its time-out, and does not fail.
    pub leave_freed_jobs: i32,
    /// 1: `traceparent`, `tracestate` and `baggage` of a job's headers are metadata of the call that ends it.
    pub forward_trace_context: i32,
    /// A stream that brought no job for so long is opened anew.
    pub watchdog_ms: i64,
    /// How often ActivateJobs looks for jobs that the stream did not bring, ± 10 %. With polls_alone: from the beginning of one that
    /// found nothing to the next.
    pub poll_interval_ms: i64,
    /// How long the gateway may hold an ActivateJobs while it has no jobs (with polls_alone), and until the call that ends a job is
    /// sent again.
    pub request_timeout_ms: i64,
    /// The first pause after a poll that failed, or before an end is sent again.
    pub backoff_min_ms: i64,
    /// The longest.
    pub backoff_max_ms: i64,
    /// What a pause is to the one before.
    pub backoff_factor_percent: i64,
    /// How far a pause may be off, by chance.
    pub backoff_jitter_percent: i64,
    /// Of a job that fails, until it comes again, unless its end says it.
    pub retry_backoff_ms: i64,
    /// How long zeebe_job_worker_close() waits for jobs that the program works on.
    pub grace_ms: i64,
    /// Sent with every call. Copied. NULL: none.
    pub metadata: *const zeebe_metadata,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_job_worker_options {
    const FIRST_SIZE: usize = offset_of!(Self, metadata) + size_of::<*const zeebe_metadata>();
}
const _: () = assert!(size_of::<zeebe_job_worker_options>() == 176);

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
    /// Told of each failure of the worker's stream and polls that the worker goes on after. May be NULL.
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
            inbox.queue.abandon();
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

/// Jobs that wait for zeebe_job_worker_next().
struct Inbox {
    queue: Arc<Queue>,
    /// How the worker ended, once it has.
    ended: Mutex<Option<Result<(), Error>>>,
}

impl Inbox {
    fn new() -> Self {
        Self {
            queue: Queue::new(),
            ended: Mutex::new(None),
        }
    }

    /// `None`: none came in time.
    fn next(&self, timeout: Option<Duration>) -> Result<Option<Arc<Job>>, Error> {
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
            match taken.into_iter().next().map(|event| event.occurrence) {
                None => return Ok(None),
                Some(Occurrence::Job(job)) => return Ok(Some(job)),
                Some(Occurrence::Close(ended)) => {
                    *lock(&self.ended) = Some(ended.map(drop));
                    self.queue.shutdown(); // every thread that waits learns of it
                }
                Some(_) => {}
            }
        }
    }
}

/// The texts of an array.
///
/// # Safety
///
/// `texts` is NULL or points to `count` strings.
unsafe fn texts(
    option: &'static Spec,
    texts: *const *const c_char,
    count: usize,
) -> Result<Vec<String>, Error> {
    const MOST: usize = 10_000;
    if count == 0 {
        return Ok(Vec::new());
    }
    if texts.is_null() || count > MOST {
        let why = format!("is NULL, or its count of {count} is more than {MOST}");
        return Err(option.refuse(why).into());
    }
    // SAFETY: by this function's contract.
    let texts = unsafe { std::slice::from_raw_parts(texts, count) };
    let text = |text: &*const c_char| {
        // SAFETY: as above.
        let text = unsafe { convert::given_text(option, *text) }?;
        convert::required(option, text).map(str::to_owned)
    };
    texts.iter().map(text).collect()
}

fn worker_options(options: *const zeebe_job_worker_options) -> Result<JobWorkerOptions, Error> {
    // SAFETY: an options struct of the header's contract.
    let given = unsafe { convert::options("worker_options", options) }?;
    let max_jobs_active = options::MAX_JOBS_ACTIVE.number(given.max_jobs_active)?;
    let handlers = options::HANDLERS_AT_ONCE.given(given.handlers_at_once)?;
    // SAFETY: a string of the header's contract.
    let job_type = unsafe { convert::given_text(&options::JOB_TYPE, given.job_type) }?;
    // SAFETY: a string of the header's contract.
    let name = unsafe { convert::given_text(&options::WORKER_NAME, given.worker_name) }?;
    let fetch = &options::FETCH_VARIABLES;
    // SAFETY: an array of the header's contract.
    let fetch_variables =
        unsafe { texts(fetch, given.fetch_variables, given.fetch_variables_count) }?;
    let tenants = &options::TENANT_IDS;
    // SAFETY: an array of the header's contract.
    let tenant_ids = unsafe { texts(tenants, given.tenant_ids, given.tenant_ids_count) }?;
    // SAFETY: NULL or metadata of ours, by the header.
    let metadata = unsafe { given.metadata.as_ref() };
    let none_is_zero = |option: &'static Spec, value| {
        Ok::<_, Error>(match option.given(value)? {
            Given::Not => option.default_number(),
            Given::None => 0,
            Given::Number(number) => number,
        })
    };
    Ok(JobWorkerOptions {
        job_type: job_type.unwrap_or_default().to_owned(),
        worker_name: name.unwrap_or("libzeebe").to_owned(),
        job_timeout: options::JOB_TIMEOUT.milliseconds(given.job_timeout_ms)?,
        max_jobs_active,
        handlers_at_once: match handlers {
            Given::Number(handlers) => handlers,
            Given::Not | Given::None => max_jobs_active,
        },
        fetch_variables,
        tenant_ids,
        polls_alone: options::POLLS_ALONE.flag(given.polls_alone)?,
        watchdog: options::WORKER_WATCHDOG.milliseconds(given.watchdog_ms)?,
        poll_interval: options::WORKER_POLL_INTERVAL.milliseconds(given.poll_interval_ms)?,
        request_timeout: options::REQUEST_TIMEOUT.milliseconds(given.request_timeout_ms)?,
        backoff: BackoffOptions {
            min: options::BACKOFF_MIN.milliseconds(given.backoff_min_ms)?,
            max: options::BACKOFF_MAX.milliseconds(given.backoff_max_ms)?,
            factor_percent: options::BACKOFF_FACTOR.number(given.backoff_factor_percent)?,
            jitter_percent: none_is_zero(&options::BACKOFF_JITTER, given.backoff_jitter_percent)?,
        },
        retry_backoff: options::RETRY_BACKOFF.milliseconds(given.retry_backoff_ms)?,
        extends_timeout: options::EXTEND_TIMEOUT.flag(given.extend_timeout)?,
        leaves_freed_jobs: options::LEAVE_FREED_JOBS.flag(given.leave_freed_jobs)?,
        forwards_trace_context: options::FORWARD_TRACE_CONTEXT.flag(given.forward_trace_context)?,
        grace: Duration::from_millis(none_is_zero(&options::GRACE, given.grace_ms)?),
        metadata: metadata.map_or(Metadata::default(), |given| given.metadata.clone()),
    })
}

/// A handler's functions, called on the threads for callbacks.
struct Callbacks {
    handler: zeebe_job_worker_handler,
    user: Owned,
    runtime: Arc<Runtime>,
    /// Of all but jobs, which have keys of their own from here on.
    key: usize,
    _active: ActiveCall,
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
        let this = Arc::clone(self);
        self.runtime.call_back(self.key, move || {
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
struct ForNext(Arc<WorkerEntry>);

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
    let options = self::worker_options(worker_options)?;
    let epoch = channel.epoch();
    if handler.is_null() {
        return JobWorker::start(channel, options, |worker, active| {
            let inbox = Inbox::new();
            let entry = inbox.queue.enter_worker(0, &worker, active)?;
            out.write(zeebe_job_worker::boxed(worker, Some(inbox), epoch));
            Ok(ForNext(Arc::new(entry)))
        });
    }
    // SAFETY: an options struct of the header's contract.
    let handler = unsafe { convert::options("handler", handler) }?;
    convert::required("handler.on_job", handler.on_job)?;
    let runtime = channel.runtime()?;
    JobWorker::start(channel, options, |worker, active| {
        out.write(zeebe_job_worker::boxed(worker, None, epoch));
        Ok(Callbacks {
            handler,
            user: Owned(UserData(user_data), handler.destroy),
            runtime,
            key: unique_key(),
            _active: active,
        })
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
    let options = self::worker_options(worker_options)?;
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
/// Jobs that no handler has yet go back to the gateway at once: they fail with the retries that they have, which costs none, and come again, to
/// whoever asks. What has not ended when the grace is over is left to its time-out, and on_close gets DEADLINE_EXCEEDED; a callback that still
/// runs then is waited for. Close a worker before its channel: a channel that closes lets no new call begin, such as the end of a job.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_close(worker: Option<&zeebe_job_worker>) {
    if let Ok(worker) = living("worker", worker) {
        worker.owner.worker.close();
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
    let given = match count {
        0 => &[],
        _ if workers.is_null() => return Err(Error::invalid_argument("workers is NULL")),
        // SAFETY: an array of the header's contract.
        _ => unsafe { std::slice::from_raw_parts(workers, count) },
    };
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
