//! What the control port can set: how to misbehave, and how often.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tonic::Status;

use crate::faults::Fault;
use crate::token_answer::TokenAnswer;

/// How the gateway and the token endpoint misbehave at present.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    latency_ms: AtomicU64,
    failure: Countdown<ForCalls<Status>>,
    fault: Countdown<ForCalls<Fault>>,
    token_answer: Countdown<TokenAnswer>,
    discovery_answer: Countdown<TokenAnswer>,
}

/// Something for the next calls: of one RPC, or of any.
#[derive(Debug, Clone)]
pub(crate) struct ForCalls<T> {
    pub(crate) rpc: Option<String>,
    pub(crate) what: T,
}

impl<T> ForCalls<T> {
    fn is_for(&self, rpc: &str) -> bool {
        self.rpc.as_deref().is_none_or(|wanted| wanted == rpc)
    }
}

impl Switches {
    pub(crate) fn set_latency(&self, ms: u64) {
        self.latency_ms.store(ms, Ordering::Relaxed);
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn fail(&self, failure: ForCalls<Status>, count: u64) {
        self.failure.set(failure, count);
    }

    /// The status with which this call is to end.
    pub(crate) fn next_failure(&self, rpc: &str) -> Option<Status> {
        let failure = self.failure.next_if(|failure| failure.is_for(rpc))?;
        Some(failure.what)
    }

    pub(crate) fn misbehave(&self, fault: ForCalls<Fault>, count: u64) {
        self.fault.set(fault, count);
    }

    /// What is to go wrong with this call.
    pub(crate) fn next_fault(&self, rpc: &str) -> Option<Fault> {
        let fault = self.fault.next_if(|fault| fault.is_for(rpc))?;
        Some(fault.what)
    }

    /// Lets go what the answer before held back.
    pub(crate) fn answer_tokens(&self, answer: TokenAnswer, count: u64) {
        let before = self.token_answer.set(answer, count);
        if let Some(held) = before.and_then(|answer| answer.held) {
            held.cancel();
        }
    }

    /// As [`Switches::answer_tokens`], of the metadata.
    pub(crate) fn answer_discovery(&self, answer: TokenAnswer, count: u64) {
        let before = self.discovery_answer.set(answer, count);
        if let Some(held) = before.and_then(|answer| answer.held) {
            held.cancel();
        }
    }

    pub(crate) fn next_discovery_answer(&self) -> Option<TokenAnswer> {
        self.discovery_answer.next_if(|_| true)
    }

    pub(crate) fn next_token_answer(&self) -> Option<TokenAnswer> {
        self.token_answer.next_if(|_| true)
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
    /// Returns the value before.
    fn set(&self, value: T, count: u64) -> Option<T> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.replace((value, count)).map(|(value, _)| value)
    }

    fn next_if(&self, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (value, remaining) = slot
            .as_mut()
            .filter(|(value, remaining)| *remaining > 0 && wanted(value))?;
        *remaining -= 1;
        Some(value.clone())
    }
}
