//! What a call has in its queue: a limit, so that a slow program slows the sender.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use atomic_waker::AtomicWaker;

/// A call with more than this in its queue is not read on, until half of it was taken: so that it is not woken for
/// each message. As much as fits into a stream's window; a quarter of it makes a busy stream a tenth dearer.
const LIMIT: usize = 2 * 1024 * 1024;
const RESUME: usize = LIMIT / 2;

/// What a message costs beside its bytes, about.
const OVERHEAD: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Backlog {
    held: AtomicUsize,
    waker: AtomicWaker,
}

/// A message's share of a backlog, until it was taken.
#[derive(Debug)]
pub struct Held {
    backlog: Arc<Backlog>,
    share: usize,
}

impl Backlog {
    pub(super) fn hold(self: &Arc<Self>, length: usize) -> Held {
        let share = length + OVERHEAD;
        self.held.fetch_add(share, Ordering::AcqRel);
        Held {
            backlog: Arc::clone(self),
            share,
        }
    }

    /// Waits while too much has not been taken.
    pub(super) async fn room(&self) {
        let mut limit = LIMIT;
        poll_fn(|context| {
            if self.held.load(Ordering::Acquire) < limit {
                return Poll::Ready(());
            }
            limit = RESUME;
            self.waker.register(context.waker());
            match self.held.load(Ordering::Acquire) {
                held if held < limit => Poll::Ready(()),
                _ => Poll::Pending,
            }
        })
        .await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let before = self.backlog.held.fetch_sub(self.share, Ordering::AcqRel);
        if before >= RESUME && before - self.share < RESUME {
            self.backlog.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_full_backlog_is_read_on_when_half_was_taken() {
        let backlog = Arc::new(Backlog::default());
        let mut held: Vec<_> = (0..3).map(|_| backlog.hold(LIMIT / 4)).collect();
        assert!(backlog.room().now_or_never().is_some());
        held.push(backlog.hold(LIMIT / 4));
        let mut room = std::pin::pin!(backlog.room());
        assert!(room.as_mut().now_or_never().is_none());
        held.truncate(2);
        assert!(room.as_mut().now_or_never().is_none());
        held.truncate(1);
        assert!(room.now_or_never().is_some());
    }

    #[test]
    fn one_message_beyond_the_limit_is_waited_for() {
        let backlog = Arc::new(Backlog::default());
        let held = backlog.hold(LIMIT * 2);
        assert!(backlog.room().now_or_never().is_none());
        drop(held);
        assert!(backlog.room().now_or_never().is_some());
    }
}
