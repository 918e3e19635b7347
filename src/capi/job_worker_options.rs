//! What a program says of a job worker.

use std::mem::offset_of;
use std::time::Duration;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::derive_ReprC;

use super::convert::{self, Options};
use super::metadata::zeebe_metadata;
use crate::error::Error;
use crate::job_worker::{BackoffOptions, JobWorkerOptions};
use crate::options::{self, Given, Spec};
use crate::wire::Metadata;

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
    /// A stream is opened anew after so long, whatever it brings: so the streams of many workers spread over gateways that come and go.
    pub stream_timeout_ms: i64,
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
const _: () = assert!(size_of::<zeebe_job_worker_options>() == 184);

/// What ::ZEEBE_JOB_WORKER_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_options_init(
    options: *mut zeebe_job_worker_options,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
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

pub(crate) fn worker_options(
    options: *const zeebe_job_worker_options,
) -> Result<JobWorkerOptions, Error> {
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
        stream_timeout: match options::STREAM_TIMEOUT.given(given.stream_timeout_ms)? {
            Given::Number(ms) => Some(Duration::from_millis(ms)),
            Given::Not | Given::None => None,
        },
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
