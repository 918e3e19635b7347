//! Jobs of a worker: what they say of themselves.

use std::sync::Arc;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, ffi_export, repr_c};

use super::convert;
use super::handle::{self, Handle};
use crate::job_worker::{Fields, Job, Text, Verdict};
use crate::runtime::Epoch;

/// What became of a job's end.
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeJobOutcome {
    /// Nothing is known yet: of what is no end of a job.
    None = 0,
    /// The gateway has taken it: the job is completed, has failed, or has thrown its error.
    Ended = 1,
    /// The gateway has not taken it, and will not: the job comes again, to some worker, or is another's or nobody's by now.
    NotEnded = 2,
    /// The gateway may have taken it, or not: an answer was lost. If it has not, the job comes again.
    Unknown = 3,
}

/// A job of a worker. Owned by who received it: zeebe_job_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_job {
    pub(crate) job: Arc<Job>,
}

impl Handle for zeebe_job {
    fn epoch(&self) -> Epoch {
        self.job.epoch()
    }
}

pub(crate) fn outcome_number(verdict: Verdict) -> i32 {
    let outcome = match verdict {
        Verdict::Ended => ZeebeJobOutcome::Ended,
        Verdict::NotEnded => ZeebeJobOutcome::NotEnded,
        Verdict::Unknown => ZeebeJobOutcome::Unknown,
    };
    outcome as i32
}

fn number<T: Default>(job: Option<&zeebe_job>, of: impl FnOnce(&Fields) -> T) -> T {
    job.map_or(T::default(), |job| of(job.job.fields()))
}

/// # Safety
///
/// `length` is NULL or valid for writing.
unsafe fn text(job: Option<&zeebe_job>, text: Text, length: *mut usize) -> *const c_char {
    let said = job.map_or(&[][..], |job| job.job.text(text));
    // SAFETY: by this function's contract.
    unsafe { convert::write_length(length, said.len().saturating_sub(1)) };
    job.map_or(std::ptr::null(), |_| said.as_ptr().cast())
}

/// The job's key; 0 for NULL. It is the same each time that the job comes.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_key(job: Option<&zeebe_job>) -> i64 {
    number(job, |fields| fields.key)
}

/// The job's type. Borrowed from the job, as all texts of it; `length`, without the NUL, may be NULL. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_type(job: Option<&zeebe_job>, length: *mut usize) -> *const c_char {
    // SAFETY: `length` is NULL or writable, by the header.
    unsafe { text(job, Text::Type, length) }
}

/// The job's process instance; 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_process_instance_key(job: Option<&zeebe_job>) -> i64 {
    number(job, |fields| fields.process_instance_key)
}

/// The process definition's key; 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_process_definition_key(job: Option<&zeebe_job>) -> i64 {
    number(job, |fields| fields.process_definition_key)
}

/// The process definition's version; 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_process_definition_version(job: Option<&zeebe_job>) -> i32 {
    number(job, |fields| fields.process_definition_version)
}

/// The process definition's BPMN id.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_bpmn_process_id(
    job: Option<&zeebe_job>,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: as for zeebe_job_type().
    unsafe { text(job, Text::BpmnProcessId, length) }
}

/// The id of the element in the process.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_element_id(
    job: Option<&zeebe_job>,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: as for zeebe_job_type().
    unsafe { text(job, Text::ElementId, length) }
}

/// The element's instance; 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_element_instance_key(job: Option<&zeebe_job>) -> i64 {
    number(job, |fields| fields.element_instance_key)
}

/// How many retries it has left, this one included; 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_retries(job: Option<&zeebe_job>) -> i32 {
    number(job, |fields| fields.retries)
}

/// Until when the job is ours, in Unix milliseconds; 0 for NULL. Later than it was once the worker got more time, and past once
/// the gateway said that the job is not ours any more: see `extend_timeout` of the worker's options.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_deadline(job: Option<&zeebe_job>) -> i64 {
    job.map_or(0, |job| job.job.deadline())
}

/// The job's tenant.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_tenant_id(
    job: Option<&zeebe_job>,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: as for zeebe_job_type().
    unsafe { text(job, Text::TenantId, length) }
}

/// The worker's name that the gateway gave it to.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_worker_name(
    job: Option<&zeebe_job>,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: as for zeebe_job_type().
    unsafe { text(job, Text::Worker, length) }
}

/// The headers of its task, a JSON object of texts.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_custom_headers(
    job: Option<&zeebe_job>,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: as for zeebe_job_type().
    unsafe { text(job, Text::CustomHeaders, length) }
}

/// Its variables, a JSON object.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_variables(
    job: Option<&zeebe_job>,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: as for zeebe_job_type().
    unsafe { text(job, Text::Variables, length) }
}

/// What it is of, by ActivatedJob.JobKind: 0 an element, 1 an execution listener, 2 a task listener, 3 an ad-hoc sub-process; 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_kind(job: Option<&zeebe_job>) -> i32 {
    number(job, |fields| fields.kind)
}

/// A listener's event, by ActivatedJob.ListenerEventType, where 6 is none; 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_listener_event_type(job: Option<&zeebe_job>) -> i32 {
    number(job, |fields| fields.listener_event_type)
}

/// The encoded ActivatedJob, as it came, with what has no accessor here. Borrowed from the job. `length` may be NULL; NULL and
/// length 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_message(job: Option<&zeebe_job>, length: *mut usize) -> *const u8 {
    // SAFETY: `length` is NULL or writable, by the header.
    unsafe { convert::write_length(length, job.map_or(0, |job| job.job.message().len())) };
    job.map_or(std::ptr::null(), |job| job.job.message().as_ptr())
}

/// Another handle on the same job. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_ref(job: Option<&zeebe_job>) -> Option<repr_c::Box<zeebe_job>> {
    job.map(|job| {
        let job = Arc::clone(&job.job);
        Box::new(zeebe_job { job }).into()
    })
}

/// Frees a job's handle. NULL is allowed. A job whose last handle is freed without an end fails, with one retry less and a message that
/// says so; or it is left to its time-out, with `leave_freed_jobs` of the worker's options.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_job_free(job: Option<repr_c::Box<zeebe_job>>) {
    handle::free(job);
}
