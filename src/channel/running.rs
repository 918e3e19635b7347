//! The calls that run on a channel, so that its close can wait for them or cancel them.
//!
//! Threads: any.

use std::sync::{Arc, Mutex};

use slab::Slab;
use tokio::sync::Notify;

use crate::error::Error;
use crate::runtime::lock;

/// What a running call, or what makes calls of its own, lets be done to it.
pub(crate) trait Cancel: Send + Sync {
    /// Its end follows, with this reason unless another came before.
    fn cancel(&self, reason: Error);
}

#[derive(Default)]
pub(super) struct Running {
    calls: Mutex<Calls>,
    /// Told when the last call ends.
    idle: Notify,
}

#[derive(Default)]
struct Calls {
    running: Slab<Arc<dyn Cancel>>,
    refuses_more: bool,
}

impl Running {
    /// The key to leave with.
    pub(super) fn enter(&self, call: Arc<dyn Cancel>) -> Result<usize, Error> {
        let mut calls = lock(&self.calls);
        if calls.refuses_more {
            return Err(Error::shutdown("the channel is closed"));
        }
        Ok(calls.running.insert(call))
    }

    pub(super) fn leave(&self, key: usize) {
        let mut calls = lock(&self.calls);
        // Dropped without the lock: it may be the last who holds the call.
        let call = calls.running.remove(key);
        let last = calls.running.is_empty();
        drop(calls);
        drop(call);
        if last {
            self.idle.notify_waiters();
        }
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.calls).running.len()
    }

    /// What enters from now on is refused with SHUTDOWN.
    pub(super) fn refuse_more(&self) {
        lock(&self.calls).refuses_more = true;
    }

    pub(super) fn cancel_all(&self, reason: &Error) {
        let calls: Vec<_> = lock(&self.calls)
            .running
            .iter()
            .map(|(_, call)| Arc::clone(call))
            .collect();
        for call in calls {
            call.cancel(reason.clone());
        }
    }

    pub(super) async fn all_ended(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.len() == 0 {
                return;
            }
            idle.await;
        }
    }
}
