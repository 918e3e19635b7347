//! How long a message may be that comes: 4 MiB as in gRPC, and 5 MiB for jobs, as in the official Java client.

use super::options::Values;

pub(crate) const ACTIVATE_JOBS: &str = "/gateway_protocol.Gateway/ActivateJobs";
pub(crate) const STREAM_ACTIVATED_JOBS: &str = "/gateway_protocol.Gateway/StreamActivatedJobs";

/// The gateway cuts what ActivateJobs answers to 4 MiB of jobs, and one job more has to fit.
const JOBS: usize = 5 * 1024 * 1024;

/// Bytes; `None`: no limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveLimit {
    of_jobs: Option<usize>,
    of_others: Option<usize>,
}

impl ReceiveLimit {
    pub(super) fn new(values: &Values) -> Self {
        Self {
            of_jobs: match values.max_receive_is_given {
                true => values.max_receive,
                false => Some(JOBS),
            },
            of_others: values.max_receive,
        }
    }

    pub(super) fn of(&self, method: &str) -> Option<usize> {
        match method {
            ACTIVATE_JOBS | STREAM_ACTIVATED_JOBS => self.of_jobs,
            _ => self.of_others,
        }
    }
}
