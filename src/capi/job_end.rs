//! The one end of a job: completed, failed, or a BPMN error.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::repr_c;

use super::callback::{UserData, lend_error};
use super::completion_queue::zeebe_completion_queue;
use super::convert;
use super::error::zeebe_error;
use super::handle::{Handle, living};
use super::job::{outcome_number, zeebe_job};
use crate::error::Error;
use crate::job_worker::{Failing, Outcome, Told, Verdict};
use crate::queue::{Occurrence, Queue};
use crate::runtime;

/// Called once; `outcome` is one of the ZEEBE_JOB_OUTCOME_ constants, `error` why it is not ENDED, lent for the call.
pub type zeebe_job_end_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, outcome: i32, error: *const zeebe_error)>;

/// What tells a function; `None`: nobody is told.
fn by_callback(
    job: &zeebe_job,
    callback: zeebe_job_end_callback,
    user_data: *mut c_void,
) -> Result<Option<Told>, Error> {
    let Some(callback) = callback else {
        return Ok(None);
    };
    let user_data = UserData(user_data);
    let runtime = runtime::get(job.epoch())?;
    Ok(Some(Box::new(move |outcome: Outcome, done| {
        runtime.call_back_apart(move || {
            let user_data = user_data;
            let error = outcome.error.map(zeebe_error::new);
            // SAFETY: C gave this function for these arguments; the error outlives the call.
            unsafe {
                callback(
                    user_data.0,
                    outcome_number(outcome.verdict),
                    lend_error(error.as_ref()),
                )
            }
            done();
        });
    })))
}

/// What makes an event.
fn on_queue(queue: &Arc<Queue>, tag: u64) -> Result<Told, Error> {
    let unknown = |error| Outcome {
        verdict: Verdict::Unknown,
        error: Some(error),
    };
    let owed = queue.owed(tag, move |outcome: Result<Outcome, Error>| {
        Occurrence::JobEnded(outcome.unwrap_or_else(unknown))
    })?;
    Ok(Box::new(move |outcome, done| {
        owed(Ok(outcome));
        done();
    }))
}

/// # Safety
///
/// `value` is NULL or a string that outlives `'a`.
unsafe fn optional<'a>(name: &str, value: *const c_char) -> Result<&'a str, Error> {
    // SAFETY: by this function's contract.
    Ok(unsafe { convert::optional_text(name, value) }?.unwrap_or_default())
}

/// # Safety
///
/// The texts are NULL or strings that outlive `'a`.
unsafe fn failing<'a>(
    retries: i32,
    retry_backoff_ms: i64,
    message: *const c_char,
    variables: *const c_char,
) -> Result<Failing<'a>, Error> {
    const ONE_LESS: i32 = -1;
    if retries < ONE_LESS {
        return Err(Error::invalid_argument(format!(
            "retries is {retries}: it is 0 or more, or ZEEBE_RETRIES_ONE_LESS"
        )));
    }
    Ok(Failing {
        retries: (retries != ONE_LESS).then_some(retries),
        backoff: u64::try_from(retry_backoff_ms)
            .ok()
            .map(Duration::from_millis),
        // SAFETY: by this function's contract.
        message: unsafe { optional("message", message) }?,
        // SAFETY: as above.
        variables: unsafe { optional("variables", variables) }?,
    })
}

/// Completes a job. What comes of that, `callback` is told, once.
///
/// A job ends once: a second end is refused with ILLEGAL_STATE. The end is sent at once, from any thread, and sent again, with growing pauses,
/// after UNAVAILABLE, RESOURCE_EXHAUSTED, an answer that is late or was cut, and what passes of a token's, for as long as the job is ours; the
/// first time it is sent in any case. NOT_FOUND (another has completed the job by now, or it was cancelled), FAILED_PRECONDITION,
/// INVALID_ARGUMENT (variables that are no JSON object), UNAUTHENTICATED, PERMISSION_DENIED and UNIMPLEMENTED end it: NOT_ENDED, unless an
/// answer was lost before, UNKNOWN. An end that comes after the job's deadline is sent all the same, and a WARN record says so.
/// A message beyond `grpc.max_send_message_length` is NOT_ENDED, too. The job's handle stays the program's.
/// INVALID_ARGUMENT: NULL, not UTF-8. ILLEGAL_STATE: the job was ended before. SHUTDOWN: its worker has ended, or the runtime; the job is left
/// to its time-out.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_complete(
    job: Option<&zeebe_job>,
    variables: *const c_char,
    callback: zeebe_job_end_callback,
    user_data: *mut c_void,
) -> Option<repr_c::Box<zeebe_error>> {
    let job = living("job", job)?;
    // SAFETY: a string of the header's contract.
    let variables = unsafe { optional("variables", variables) }?;
    let told = by_callback(job, callback, user_data)?;
    job.job.complete(variables, || Ok(told))
}

/// Completes a job; what comes of that is an event of type JOB_ENDED with `tag`. All else as zeebe_job_complete().
///
/// SHUTDOWN also: the queue was shut down; then the job has not ended.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_complete_on_queue(
    job: Option<&zeebe_job>,
    variables: *const c_char,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Option<repr_c::Box<zeebe_error>> {
    let job = living("job", job)?;
    // SAFETY: a string of the header's contract.
    let variables = unsafe { optional("variables", variables) }?;
    let queue = living("queue", queue)?.queue();
    job.job
        .complete(variables, || on_queue(queue, tag).map(Some))
}

/// Says that a job failed: it comes again after `retry_backoff_ms` (< 0: `retry_backoff_ms` of the worker's options, 0: at once) if it has
/// `retries` left, else there is an incident. ZEEBE_RETRIES_ONE_LESS are one less than it has.
///
/// `message` says why, to people; `variables` are set where the task is. All else as zeebe_job_complete().
/// INVALID_ARGUMENT also: `retries` < -1.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_fail(
    job: Option<&zeebe_job>,
    retries: i32,
    retry_backoff_ms: i64,
    message: *const c_char,
    variables: *const c_char,
    callback: zeebe_job_end_callback,
    user_data: *mut c_void,
) -> Option<repr_c::Box<zeebe_error>> {
    let job = living("job", job)?;
    // SAFETY: strings of the header's contract.
    let failing = unsafe { failing(retries, retry_backoff_ms, message, variables) }?;
    let told = by_callback(job, callback, user_data)?;
    job.job.fail(failing, || Ok(told))
}

/// The same; what comes of it is an event of type JOB_ENDED with `tag`.
///
/// SHUTDOWN also: the queue was shut down; then the job has not ended.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_fail_on_queue(
    job: Option<&zeebe_job>,
    retries: i32,
    retry_backoff_ms: i64,
    message: *const c_char,
    variables: *const c_char,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Option<repr_c::Box<zeebe_error>> {
    let job = living("job", job)?;
    // SAFETY: strings of the header's contract.
    let failing = unsafe { failing(retries, retry_backoff_ms, message, variables) }?;
    let queue = living("queue", queue)?.queue();
    job.job.fail(failing, || on_queue(queue, tag).map(Some))
}

/// Throws a BPMN error, which an event of the process may catch; else there is an incident. `code` is what events go by.
///
/// `message` says why, to people; `variables` are set where the error is caught. All else as zeebe_job_complete().
/// INVALID_ARGUMENT also: `code` is NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_throw_error(
    job: Option<&zeebe_job>,
    code: *const c_char,
    message: *const c_char,
    variables: *const c_char,
    callback: zeebe_job_end_callback,
    user_data: *mut c_void,
) -> Option<repr_c::Box<zeebe_error>> {
    let job = living("job", job)?;
    // SAFETY: strings of the header's contract, as the two that follow.
    let code = unsafe { convert::text("code", code) }?;
    // SAFETY: as above.
    let message = unsafe { optional("message", message) }?;
    // SAFETY: as above.
    let variables = unsafe { optional("variables", variables) }?;
    let told = by_callback(job, callback, user_data)?;
    job.job.throw_error(code, message, variables, || Ok(told))
}

/// The same; what comes of it is an event of type JOB_ENDED with `tag`.
///
/// SHUTDOWN also: the queue was shut down; then the job has not ended.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_throw_error_on_queue(
    job: Option<&zeebe_job>,
    code: *const c_char,
    message: *const c_char,
    variables: *const c_char,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Option<repr_c::Box<zeebe_error>> {
    let job = living("job", job)?;
    // SAFETY: strings of the header's contract, as the two that follow.
    let code = unsafe { convert::text("code", code) }?;
    // SAFETY: as above.
    let message = unsafe { optional("message", message) }?;
    // SAFETY: as above.
    let variables = unsafe { optional("variables", variables) }?;
    let queue = living("queue", queue)?.queue();
    job.job
        .throw_error(code, message, variables, || on_queue(queue, tag).map(Some))
}
