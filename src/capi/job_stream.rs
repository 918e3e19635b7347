//! Job streams: jobs of one type, pushed, that go on by themselves.

use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::Arc;

use bytes::Bytes;
use macro_rules_attribute::apply;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::call::{CancelOnDrop, demand, refuse_taken};
use super::callback::{UserData, lend_error};
use super::channel::zeebe_channel;
use super::completion_queue::zeebe_completion_queue;
use super::convert::{self, Options, Out};
use super::error::zeebe_error;
use super::handle::{self, Handle, living};
use super::library::zeebe_destroy;
use super::metadata::zeebe_metadata;
use super::streaming_call::{Callbacks, zeebe_call_handler};
use crate::call::{Handler, Held, ReadAhead};
use crate::error::Error;
use crate::job_stream::{Failure, JobHandler, JobStream, JobStreamOptions, Polls};
use crate::options;
use crate::queue::Entry;
use crate::runtime::Epoch;
use crate::wire::Metadata;

/// A failure that a job stream goes on after: it may pass, and may not, as a job that is longer than what may be received.
///
/// `failures`: so many in a row, with this one; of the stream and of the polls beside it each on its own; a job, 30 s of life, or the cut
/// of a stream that was taken on and outlived the pause before it (and 250 ms), as a proxy cuts each, begins anew. `pause_ms`: until the next try. `error` is lent for the call. Runs as on_message does, never beside it, also while
/// jobs wait for zeebe_job_stream_request(); a program that is slow is told of the last 16.
pub type zeebe_job_stream_error_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        error: *const zeebe_error,
        failures: i64,
        pause_ms: i64,
    ),
>;

/// Of zeebe_channel_stream_jobs() and its like. Initialise it with ::ZEEBE_JOB_STREAM_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_job_stream_options {
    /// `sizeof(zeebe_job_stream_options)`.
    pub size: usize,
    /// Sent with every call. Copied. NULL: none.
    pub metadata: *const zeebe_metadata,
    /// Jobs that wait here for a slow on_message, on a queue until they are taken, or for zeebe_job_stream_request(). When so many wait,
    /// the gateway is asked for no more, but for what fills the stream's window (`grpc.http2.lookahead_bytes`).
    pub max_buffered_jobs: i64,
    /// A stream that brought no job for so long is opened anew.
    pub watchdog_ms: i64,
    /// How often ActivateJobs looks for jobs that the stream did not bring, ± 10 %.
    pub poll_interval_ms: i64,
    /// One of the ZEEBE_REQUESTS_ constants, here for zeebe_job_stream_request().
    pub manual_requests: i32,
    /// Must be 0.
    pub reserved: u32,
    /// Told of each failure that the job stream goes on after. It gets the user data of the handler, or on a queue that of the options.
    /// May be NULL: on a queue failures are events then.
    pub on_error: zeebe_job_stream_error_callback,
    /// As max_buffered_jobs, in bytes, of which each job has 256 more. One job always may wait.
    pub max_buffered_job_bytes: i64,
    /// On a queue: on_error's.
    pub user_data: *mut c_void,
    /// On a queue, with on_error: of user_data, after the end. May be NULL.
    pub destroy: zeebe_destroy,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_job_stream_options {
    const FIRST_SIZE: usize = offset_of!(Self, reserved) + size_of::<u32>();
}
const _: () = assert!(size_of::<zeebe_job_stream_options>() == 80);

/// What ::ZEEBE_JOB_STREAM_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_stream_options_init(
    options: *mut zeebe_job_stream_options,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
}

/// A job stream. Owned by who received it: zeebe_job_stream_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_job_stream {
    stream: Arc<JobStream>,
    /// Shared by the handles of one job stream; the last one's drop cancels.
    owner: Arc<CancelOnDrop>,
    epoch: Epoch,
}

impl Handle for zeebe_job_stream {
    fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl zeebe_job_stream {
    /// The first handle of a job stream.
    fn boxed(stream: JobStream, epoch: Epoch) -> Option<repr_c::Box<Self>> {
        let stream = Self {
            owner: Arc::new(CancelOnDrop(Arc::clone(stream.control()))),
            stream: Arc::new(stream),
            epoch,
        };
        Some(Box::new(stream).into())
    }
}

fn job_stream_options(given: zeebe_job_stream_options) -> Result<JobStreamOptions, Error> {
    if given.reserved != 0 {
        return Err(Error::invalid_argument("options.reserved is not 0"));
    }
    // SAFETY: NULL or metadata of ours, by the header.
    let metadata = unsafe { given.metadata.as_ref() };
    Ok(JobStreamOptions {
        metadata: metadata.map_or(Metadata::default(), |given| given.metadata.clone()),
        read_ahead: ReadAhead {
            messages: options::MAX_BUFFERED_JOBS.number(given.max_buffered_jobs)?,
            bytes: options::MAX_BUFFERED_JOB_BYTES.number(given.max_buffered_job_bytes)?,
        },
        watchdog: options::WATCHDOG.milliseconds(given.watchdog_ms)?,
        lifetime: None,
        poll_interval: options::POLL_INTERVAL.milliseconds(given.poll_interval_ms)?,
        polls: Polls::default(),
        demand: demand(given.manual_requests)?,
    })
}

/// A handler's functions, and what is told of failures.
struct JobCallbacks {
    callbacks: Arc<Callbacks>,
    on_error: zeebe_job_stream_error_callback,
}

impl Handler for JobCallbacks {
    async fn initial_metadata(self: &Arc<Self>, metadata: Metadata) {
        self.callbacks.initial_metadata(metadata).await;
    }

    async fn message(self: &Arc<Self>, message: Bytes) {
        self.callbacks.message(message).await;
    }

    async fn ready(self: &Arc<Self>) {
        self.callbacks.ready().await;
    }

    fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
        Arc::clone(&self.callbacks).close(ended);
    }
}

impl JobHandler for JobCallbacks {
    async fn job(self: &Arc<Self>, job: Bytes, held: Held) {
        drop(held); // it waits no more
        self.message(job).await;
    }

    async fn failed(self: &Arc<Self>, failure: Failure) {
        if let Some(callback) = self.on_error {
            let error = zeebe_error::new(failure.error);
            let in_a_row = i64::from(failure.in_a_row);
            let pause_ms = i64::try_from(failure.pause.as_millis()).unwrap_or(i64::MAX);
            self.callbacks
                .tell(move |user_data| {
                    let error = lend_error(Some(&error));
                    // SAFETY: C gave this function for these arguments; they outlive the call.
                    unsafe { callback(user_data, error, in_a_row, pause_ms) }
                })
                .await;
        }
    }
}

/// Streams the jobs of one type, for as long as the program wants: on_message gets one encoded ActivatedJob at a time.
///
/// `request` is an encoded StreamActivatedJobsRequest, copied. StreamActivatedJobs is opened, and opened anew with a growing pause after
/// it is lost or fails with what may pass; while the gateway cannot be reached it waits. Beside it ActivateJobs, with what both requests
/// have in common, finds jobs that the stream missed. A gateway that has no StreamActivatedJobs is polled alone. The channel's time-out
/// does not count. A job that came may come again, once its time-out has passed, as from any worker.
///
/// What fails and is tried again is not passed over in silence: a WARN record from the second time in a row on (from the first, if the error
/// is not retryable and no proxy's cut), `job_streams` of zeebe_channel_stats(), and the options' on_error. A job may have 5 MiB, unless
/// `grpc.max_receive_message_length` is given.
///
/// Of the handler, on_message and on_close are called; on_initial_metadata and on_ready are not. on_close comes once, last, with NULL after
/// zeebe_job_stream_close(), else with why it ended: what cannot pass (such as INVALID_ARGUMENT, PERMISSION_DENIED, UNAUTHENTICATED,
/// NOT_FOUND), or CANCELLED by zeebe_job_stream_free(), zeebe_channel_close() or zeebe_runtime_shutdown(). `*stream` is written before
/// the first callback.
/// INVALID_ARGUMENT: NULL, out of range, or bytes that are no such request. SHUTDOWN: as zeebe_channel_start_call(). Never blocks.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_stream_jobs(
    channel: Option<&zeebe_channel>,
    request: *const u8,
    length: usize,
    options: *const zeebe_job_stream_options,
    handler: *const zeebe_call_handler,
    user_data: *mut c_void,
    stream: *mut Option<repr_c::Box<zeebe_job_stream>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let out = unsafe { Out::new("stream", stream) }?;
    let channel = &living("channel", channel)?.channel;
    // SAFETY: bytes of the header's contract.
    let request = unsafe { convert::bytes("request", request, length) }?;
    // SAFETY: an options struct of the header's contract.
    let options = unsafe { convert::options("options", options) }?;
    let on_error = options.on_error;
    let options = job_stream_options(options)?;
    refuse_taken(options.demand)?;
    // SAFETY: an options struct of the header's contract.
    let handler = unsafe { convert::options("handler", handler) }?;
    convert::required("handler.on_close", handler.on_close)?;
    let runtime = channel.runtime()?;
    JobStream::start(channel, request, options, |stream, active| {
        out.write(zeebe_job_stream::boxed(stream, channel.epoch()));
        let user_data = UserData(user_data);
        Ok(JobCallbacks {
            callbacks: Arc::new(Callbacks::new(handler, user_data, runtime, Some(active))),
            on_error,
        })
    })
}

/// Events of a queue, and perhaps a function for failures.
struct OnQueue {
    entry: Arc<Entry>,
    errors: Option<Arc<JobCallbacks>>,
}

impl Handler for OnQueue {
    async fn initial_metadata(self: &Arc<Self>, metadata: Metadata) {
        self.entry.initial_metadata(metadata).await;
    }

    async fn message(self: &Arc<Self>, message: Bytes) {
        self.entry.message(message).await;
    }

    async fn ready(self: &Arc<Self>) {
        self.entry.ready().await;
    }

    fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
        Arc::clone(&self.entry).close(ended);
        if let Some(errors) = &self.errors {
            Arc::clone(errors).close(Ok(Metadata::default()));
        }
    }
}

impl JobHandler for OnQueue {
    async fn job(self: &Arc<Self>, job: Bytes, held: Held) {
        self.entry.job(job, held).await;
    }

    async fn failed(self: &Arc<Self>, failure: Failure) {
        match &self.errors {
            Some(errors) => errors.failed(failure).await,
            None => self.entry.failed(failure).await,
        }
    }
}

/// The same with events with `tag`, taken by zeebe_completion_queue_next(): MESSAGE for each job, JOB_STREAM_ERROR, and CLOSE, once and last.
///
/// Jobs that are not taken count as waiting: see max_buffered_jobs. What is in the queue when the job stream ends is still there to be
/// taken. SHUTDOWN also: the queue was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_stream_jobs_on_queue(
    channel: Option<&zeebe_channel>,
    request: *const u8,
    length: usize,
    options: *const zeebe_job_stream_options,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
    stream: *mut Option<repr_c::Box<zeebe_job_stream>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let out = unsafe { Out::new("stream", stream) }?;
    let channel = &living("channel", channel)?.channel;
    // SAFETY: bytes of the header's contract.
    let request = unsafe { convert::bytes("request", request, length) }?;
    // SAFETY: an options struct of the header's contract.
    let given = unsafe { convert::options("options", options) }?;
    let options = job_stream_options(given)?;
    let runtime = channel.runtime()?;
    let queue = living("queue", queue)?.queue();
    JobStream::start(channel, request, options, |stream, active| {
        let entry = queue.enter(tag, stream.control(), active)?;
        out.write(zeebe_job_stream::boxed(stream, channel.epoch()));
        let errors = |callback| {
            let handler = zeebe_call_handler {
                destroy: given.destroy,
                ..zeebe_call_handler::NONE
            };
            let user_data = UserData(given.user_data);
            Arc::new(JobCallbacks {
                callbacks: Arc::new(Callbacks::new(handler, user_data, runtime, None)),
                on_error: Some(callback),
            })
        };
        Ok(OnQueue {
            entry: Arc::new(entry),
            errors: given.on_error.map(errors),
        })
    })
}

/// Asks for `count` jobs more, or says that so many were taken: see manual_requests of the options, without which it is
/// ILLEGAL_STATE. INVALID_ARGUMENT: `count` < 1.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_stream_request(
    stream: Option<&zeebe_job_stream>,
    count: i64,
) -> Option<repr_c::Box<zeebe_error>> {
    let stream = living("stream", stream)?;
    stream.stream.request(convert::count(count)?)
}

/// Ends a job stream in order: the gateway is asked for nothing more, the jobs that came are delivered, asked for or not, then on_close.
///
/// A poll under way is waited for, a second at most. After the end nothing happens.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_stream_close(stream: Option<&zeebe_job_stream>) {
    if let Ok(stream) = living("stream", stream) {
        stream.stream.close();
    }
}

/// Another handle on the same job stream. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_stream_ref(
    stream: Option<&zeebe_job_stream>,
) -> Option<repr_c::Box<zeebe_job_stream>> {
    stream.map(|stream| {
        Box::new(zeebe_job_stream {
            stream: Arc::clone(&stream.stream),
            owner: Arc::clone(&stream.owner),
            epoch: stream.epoch,
        })
        .into()
    })
}

/// Frees a job stream's handle; the last one cancels a job stream that has not ended, also one that is closing: jobs that wait are dropped
/// (the gateway gives them to another worker after their time-out), and on_close still comes, with CANCELLED. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_stream_free(stream: Option<repr_c::Box<zeebe_job_stream>>) {
    handle::free(stream);
}
