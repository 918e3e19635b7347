//! Counts of what arrived, refused calls and requests included.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::HandshakeKind;
use serde_json::{Value, json};

#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: Mutex<BTreeMap<String, u64>>,
    open_calls: Arc<AtomicU64>,
    max_open_calls: AtomicU64,
    previous_attempts: Mutex<PreviousAttempts>,
    empty_data: AtomicU64,
    streams_reset: AtomicU64,
    pings: AtomicU64,
    early_calls: AtomicU64,
    full_handshakes: AtomicU64,
    resumed_handshakes: AtomicU64,
    token_requests: AtomicU64,
}

/// Of the calls that carried `grpc-previous-rpc-attempts`.
#[derive(Debug, Default)]
struct PreviousAttempts {
    calls: u64,
    last: Option<String>,
}

/// A call under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenCall(Arc<AtomicU64>);

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Counters {
    pub(crate) fn count_call(&self, rpc: &str) -> OpenCall {
        let mut calls = lock(&self.calls);
        match calls.get_mut(rpc) {
            Some(count) => *count += 1,
            None => {
                calls.insert(rpc.to_owned(), 1);
            }
        }
        let open = self.open_calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.max_open_calls.fetch_max(open, Ordering::SeqCst);
        OpenCall(Arc::clone(&self.open_calls))
    }

    pub(crate) fn count_previous_attempts(&self, value: String) {
        let mut previous = lock(&self.previous_attempts);
        previous.calls += 1;
        previous.last = Some(value);
    }

    pub(crate) fn count_empty_data(&self) {
        self.empty_data.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_stream_reset(&self) {
        self.streams_reset.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_early_call(&self) {
        self.early_calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_ping(&self) {
        self.pings.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_handshake(&self, kind: HandshakeKind) {
        let counter = match kind {
            HandshakeKind::Resumed => &self.resumed_handshakes,
            HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest => &self.full_handshakes,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_token_request(&self) {
        self.token_requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn to_json(&self) -> Value {
        let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        let previous = lock(&self.previous_attempts);
        json!({
            "calls": *lock(&self.calls),
            "open_calls": count(&self.open_calls),
            "max_open_calls": count(&self.max_open_calls),
            "previous_attempts": { "calls": previous.calls, "last": previous.last },
            "empty_data": count(&self.empty_data),
            "streams_reset": count(&self.streams_reset),
            "pings": count(&self.pings),
            "early_calls": count(&self.early_calls),
            "tls_handshakes": {
                "full": count(&self.full_handshakes),
                "resumed": count(&self.resumed_handshakes),
            },
            "token_requests": count(&self.token_requests),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
