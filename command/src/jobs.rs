//! `zeebe jobs`: a live view of the jobs of a type, by a job stream, or by polls that take no more than --limit. It takes the jobs that it shows, for as
//! long as --job-timeout says.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::arguments::Jobs;
use crate::failure::Failure;
use crate::gateway;
use crate::output::{Output, member, wrapped};
use crate::settings::Settings;
use crate::stream::{self, Event};

/// Jobs that are here at once, since nobody else gets them.
const AT_ONCE: u64 = 32;

/// `timeout`: how long; `None`: until it is stopped.
pub(crate) fn run(jobs: &Jobs, timeout: Option<Duration>, output: &Output) -> Result<(), Failure> {
    let channel = gateway::channel()?;
    let failed = |error| Failure::of("the job stream", error, Settings::of(&channel));
    let job_timeout = u64::try_from(jobs.job_timeout.as_millis()).unwrap_or(u64::MAX);
    let mut left = jobs.limit.unwrap_or(u64::MAX);
    let at_once = left.min(AT_ONCE);
    let is_exact = jobs.limit.is_some();
    let opened = stream::open(&channel, &jobs.job_type, job_timeout, at_once, is_exact);
    let (stream, events) = opened.map_err(failed)?;
    let end = timeout.map(|shown| Instant::now() + shown);
    // Of the last ones: in their place no other is wanted.
    let mut kept = Vec::new();
    while left > 0 {
        let patience = end.map(|end| end.saturating_duration_since(Instant::now()));
        match events.recv_timeout(patience.unwrap_or(Duration::from_secs(86_400))) {
            Ok(Event::Job(job, held)) => {
                output.show(&job, |shown| text(shown, &member(&job, "variables")))?;
                left -= 1;
                if left < at_once {
                    kept.push(held);
                }
            }
            // What cannot pass is no reason to wait for it; what may is told, and waited for.
            Ok(Event::Failed(failure)) if !failure.error.is_retryable() => {
                return Err(failed(failure.error));
            }
            Ok(Event::Failed(failure)) => failed(failure.error).print(output.json),
            Ok(Event::Closed(Err(error))) => return Err(failed(error)),
            Ok(Event::Closed(Ok(()))) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if end.is_some() => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    stream.close();
    Ok(())
}

fn text(job: &Value, variables: &str) -> String {
    let shown = |name: &str| job[name].as_str().unwrap_or("-");
    let head = format!(
        "job {}  {} in {}, instance {}, retries {}",
        shown("key"),
        shown("elementId"),
        shown("bpmnProcessId"),
        shown("processInstanceKey"),
        job["retries"]
    );
    let mut text = wrapped(&head, 4);
    if variables != "{}" {
        text.push_str("\n    ");
        text.push_str(&wrapped(variables, 4));
    }
    text
}
