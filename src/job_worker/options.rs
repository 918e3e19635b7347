//! What a program says of a job worker, and the request of its stream.

use std::time::Duration;

use prost::encoding::int64;

use super::end::{milliseconds, text};
use crate::backoff::Backoff;
use crate::error::Error;
use crate::wire::Metadata;

/// What a program says of one worker.
#[derive(Clone, Debug)]
pub struct JobWorkerOptions {
    /// Of its jobs.
    pub job_type: String,
    /// What the gateway calls it.
    pub worker_name: String,
    /// How long a job is ours.
    pub job_timeout: Duration,
    /// Of jobs that are here, from their arrival until their end is known.
    pub max_jobs_active: u64,
    /// Of jobs that the program works on at once.
    pub handlers_at_once: u64,
    /// None: all.
    pub fetch_variables: Vec<String>,
    /// None: the default tenant.
    pub tenant_ids: Vec<String>,
    /// No stream is opened.
    pub polls_alone: bool,
    /// A stream that brings nothing for so long is replaced.
    pub watchdog: Duration,
    /// A stream is replaced after so long, whatever it brings.
    pub stream_timeout: Option<Duration>,
    /// How often jobs are looked for that the stream did not bring.
    pub poll_interval: Duration,
    /// Of polls that are alone, and of ends.
    pub request_timeout: Duration,
    /// Of polls and of ends.
    pub backoff: BackoffOptions,
    /// Of jobs that failed, unless the end says it.
    pub retry_backoff: Duration,
    /// While the program works on a job its time-out begins anew.
    pub extends_timeout: bool,
    /// A job that is let go of without an end is left to its time-out, and does not fail.
    pub leaves_freed_jobs: bool,
    /// Ends have `traceparent` and its like of the job's headers.
    pub forwards_trace_context: bool,
    /// Of a close.
    pub grace: Duration,
    /// Sent with every call.
    pub metadata: Metadata,
}

/// Of polls and of ends that failed.
#[derive(Clone, Copy, Debug)]
pub struct BackoffOptions {
    /// The first pause.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
    /// A pause, of the one before.
    pub factor_percent: u64,
    /// How far it may be off, by chance.
    pub jitter_percent: u64,
}

impl BackoffOptions {
    pub(super) fn backoff(self) -> Backoff {
        #[expect(clippy::cast_precision_loss, reason = "percents are small")]
        let part = |percent: u64| percent as f64 / 100.0;
        let (factor, jitter) = (part(self.factor_percent), part(self.jitter_percent));
        Backoff::with(self.min, self.max, factor, jitter)
    }
}

impl JobWorkerOptions {
    /// What the table of options does not say.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.job_type.is_empty() {
            return Err(crate::options::JOB_TYPE.refuse("is not given").into());
        }
        if self.backoff.min > self.backoff.max {
            let why = format!(
                "is {} ms, more than {} has",
                self.backoff.min.as_millis(),
                crate::options::BACKOFF_MAX
            );
            return Err(crate::options::BACKOFF_MIN.refuse(why).into());
        }
        Ok(())
    }

    /// An encoded StreamActivatedJobsRequest.
    pub(super) fn request(&self) -> Vec<u8> {
        let mut request = Vec::new();
        text(1, &self.job_type, &mut request);
        text(2, &self.worker_name, &mut request);
        int64::encode(3, &milliseconds(self.job_timeout), &mut request);
        for variable in &self.fetch_variables {
            text(5, variable, &mut request);
        }
        for tenant in &self.tenant_ids {
            text(6, tenant, &mut request);
        }
        request
    }
}

#[cfg(test)]
impl JobWorkerOptions {
    pub(super) fn of_test() -> Self {
        let second = Duration::from_secs(1);
        Self {
            job_type: "t".to_owned(),
            worker_name: "w".to_owned(),
            job_timeout: 5 * second,
            max_jobs_active: 32,
            handlers_at_once: 32,
            fetch_variables: vec!["a".to_owned(), "b".to_owned()],
            tenant_ids: vec!["x".to_owned()],
            polls_alone: false,
            watchdog: second,
            stream_timeout: None,
            poll_interval: second,
            request_timeout: second,
            backoff: BackoffOptions {
                min: second,
                max: 2 * second,
                factor_percent: 160,
                jitter_percent: 10,
            },
            retry_backoff: Duration::ZERO,
            extends_timeout: false,
            leaves_freed_jobs: false,
            forwards_trace_context: false,
            grace: second,
            metadata: Metadata::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::STREAM_ACTIVATED_JOBS;
    use crate::json::Rpc;

    #[test]
    fn the_request_is_that_of_the_protocol() {
        let json = r#"{"type":"t","worker":"w","timeout":5000,"fetchVariable":["a","b"],"tenantIds":["x"]}"#;
        let rpc = Rpc::find(STREAM_ACTIVATED_JOBS).unwrap();
        assert_eq!(
            JobWorkerOptions::of_test().request(),
            rpc.request_from_json(json).unwrap()
        );
    }

    #[test]
    fn options_that_do_not_go_together_are_refused() {
        JobWorkerOptions::of_test().check().unwrap();
        let mut nothing = JobWorkerOptions::of_test();
        nothing.job_type.clear();
        let error = nothing.check().unwrap_err();
        assert_eq!(error.message(), "worker_options.job_type is not given");
        let mut long = JobWorkerOptions::of_test();
        long.backoff.min = Duration::from_secs(3);
        let error = long.check().unwrap_err();
        assert_eq!(
            error.message(),
            "worker_options.backoff_min_ms is 3000 ms, more than worker_options.backoff_max_ms has"
        );
    }
}
