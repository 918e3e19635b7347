//! Counters of a channel's calls, for `zeebe_channel_stats`. Always on: an atomic addition each.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};
use tonic::Code;

use crate::error::{CODE_NAMES, Error};
use crate::runtime::lock;

#[derive(Debug, Default)]
pub(crate) struct CallCounters {
    started: AtomicU64,
    ended: [AtomicU64; 17],
    retried: AtomicU64,
    replayed: AtomicU64,
    jobs_pushed: AtomicU64,
    jobs_polled: AtomicU64,
    job_streams_reopened: AtomicU64,
    job_streams_failed: [AtomicU64; 17],
    job_streams_last_error: Mutex<Option<Error>>,
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Only the statuses that came are named.
fn by_status(counters: &[AtomicU64; 17]) -> Map<String, Value> {
    CODE_NAMES
        .iter()
        .zip(counters)
        .filter(|(_, counter)| count(counter) > 0)
        .map(|(name, counter)| ((*name).to_owned(), json!(count(counter))))
        .collect()
}

impl CallCounters {
    pub(crate) fn started(&self) {
        add(&self.started);
    }

    pub(crate) fn ended(&self, code: Code) {
        add(&self.ended[code as usize]);
    }

    /// Sent again by the retry policy.
    pub(crate) fn retried(&self) {
        add(&self.retried);
    }

    /// Sent again because it was certainly not processed.
    pub(crate) fn replayed(&self) {
        add(&self.replayed);
    }

    /// On a job stream.
    pub(crate) fn job_pushed(&self) {
        add(&self.jobs_pushed);
    }

    /// Found by the polls of a job stream.
    pub(crate) fn jobs_polled(&self, count: usize) {
        self.jobs_polled.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn job_stream_reopened(&self) {
        add(&self.job_streams_reopened);
    }

    /// And went on.
    pub(crate) fn job_stream_failed(&self, error: &Error) {
        add(&self.job_streams_failed[error.code() as usize]);
        *lock(&self.job_streams_last_error) = Some(error.clone());
    }

    pub(super) fn job_streams_json(&self) -> Value {
        let last_error = lock(&self.job_streams_last_error);
        json!({
            "failed": by_status(&self.job_streams_failed),
            "last_error": last_error.as_ref().map(Error::message),
            "reopened": count(&self.job_streams_reopened),
            "pushed": count(&self.jobs_pushed),
            "polled": count(&self.jobs_polled),
        })
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "started": count(&self.started),
            "ended": by_status(&self.ended),
            "retried": count(&self.retried),
            "replayed": count(&self.replayed),
        })
    }
}
