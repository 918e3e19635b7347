//! What the control port can set and read: how to misbehave, and counts of what came.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use tonic::Status;

/// How the gateway and the token endpoint misbehave at present.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    latency_ms: AtomicU64,
    failure: Countdown<Status>,
    token_answer: Countdown<TokenAnswer>,
}

/// An answer that the token endpoint gives in place of its own.
#[derive(Debug, Clone)]
pub(crate) struct TokenAnswer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Bytes,
}

impl Switches {
    pub(crate) fn set_latency(&self, ms: u64) {
        self.latency_ms.store(ms, Ordering::Relaxed);
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn fail(&self, status: Status, count: u64) {
        self.failure.set(status, count);
    }

    /// The status with which the next call is to end.
    pub(crate) fn next_failure(&self) -> Option<Status> {
        self.failure.next()
    }

    pub(crate) fn answer_tokens(&self, answer: TokenAnswer, count: u64) {
        self.token_answer.set(answer, count);
    }

    pub(crate) fn next_token_answer(&self) -> Option<TokenAnswer> {
        self.token_answer.next()
    }
}

/// A value that is handed out a number of times.
#[derive(Debug)]
struct Countdown<T>(Mutex<Option<(T, u64)>>);

impl<T> Default for Countdown<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Countdown<T> {
    fn set(&self, value: T, count: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((value, count));
    }

    fn next(&self) -> Option<T> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (value, remaining) = slot.as_mut().filter(|(_, remaining)| *remaining > 0)?;
        *remaining -= 1;
        Some(value.clone())
    }
}

/// Counts of what arrived, refused calls and requests included.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: Mutex<BTreeMap<String, u64>>,
    token_requests: AtomicU64,
}

impl Counters {
    pub(crate) fn count_call(&self, rpc: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        match calls.get_mut(rpc) {
            Some(count) => *count += 1,
            None => {
                calls.insert(rpc.to_owned(), 1);
            }
        }
    }

    pub(crate) fn count_token_request(&self) {
        self.token_requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn token_requests(&self) -> u64 {
        self.token_requests.load(Ordering::Relaxed)
    }
}
