//! How long a message may be that comes: 4 MiB as in gRPC, and 5 MiB for jobs, as in the official Java client.

use super::options::ChannelOptions;

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
    const KEY: &str = "grpc.max_receive_message_length";

    pub(super) fn new(options: &ChannelOptions) -> Self {
        let limit = options.length(Self::KEY);
        Self {
            of_jobs: if options.is_given(Self::KEY) {
                limit
            } else {
                Some(JOBS)
            },
            of_others: limit,
        }
    }

    pub(super) fn of(&self, method: &str) -> Option<usize> {
        match method {
            ACTIVATE_JOBS | STREAM_ACTIVATED_JOBS => self.of_jobs,
            _ => self.of_others,
        }
    }
}
