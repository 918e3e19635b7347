//! Turns of a connection's task: to know when frames that were queued for a connection have been written to it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;
use tokio::sync::watch;

/// hyper's task of a connection reads what came, then writes all that is queued, then flushes. So a flush after a
/// read that began after the question has written whatever was queued at the question.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    waker: AtomicWaker,
    asked: AtomicU64,
    begun: AtomicU64,
    ended: watch::Sender<u64>,
}

impl Turns {
    /// Returns when everything that is queued now is on the wire, unless the peer's window is in the way.
    pub(crate) async fn flushed(&self) {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.wake();
        // The sender lives as long as this borrow of it.
        self.ended
            .subscribe()
            .wait_for(|ended| *ended >= turn)
            .await
            .ok();
    }

    /// Makes the connection's task take a turn.
    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// The connection's task begins to read.
    pub(crate) fn begin(&self) {
        let asked = self.asked.load(Ordering::SeqCst);
        self.begun.store(asked, Ordering::SeqCst);
    }

    /// The connection's task has flushed.
    pub(crate) fn end(&self) {
        let begun = self.begun.load(Ordering::SeqCst);
        self.ended.send_if_modified(|ended| {
            let later = begun > *ended;
            *ended = begun;
            later
        });
    }
}
