//! What others may do to a running call: cancel it, feed it messages, ask it for more.
//!
//! Threads: any. The call's task is the one that waits here.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, OnceLock};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use bytes::Bytes;

use super::framing::{Encoding, frame};
use crate::error::Error;
use crate::runtime::lock;

/// More than this would only be buffered.
const READY_BELOW: usize = 64 * 1024;

/// A call that sent more is not sent again.
const REPLAY_BUFFER: usize = 256 * 1024;

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Connecting = 0,
    FetchingToken = 1,
    /// Before another attempt.
    Pausing = 2,
    /// From here on the gateway may have done something.
    Sent = 3,
    Ended = 4,
}

#[derive(Debug, Default)]
pub struct Control {
    cancelled: OnceLock<Error>,
    phase: AtomicU8,
    /// By an earlier attempt.
    processed: AtomicBool,
    flow: Mutex<Flow>,
    waker: AtomicWaker,
    max_send: usize,
    encoding: Encoding,
    /// Messages come only as they are asked for.
    manual_requests: bool,
}

#[derive(Debug, Default)]
struct Flow {
    outgoing: VecDeque<Bytes>,
    outgoing_bytes: usize,
    /// What went out and may have to go out again, while `replayable`.
    sent: VecDeque<Bytes>,
    sent_bytes: usize,
    replayable: bool,
    half_closed: bool,
    requested: u64,
}

impl Control {
    /// For a call that sends and receives as it goes.
    pub(crate) fn of_stream(manual_requests: bool, max_send: usize, encoding: Encoding) -> Self {
        Self {
            max_send,
            encoding,
            manual_requests,
            flow: Mutex::new(Flow {
                replayable: true,
                ..Flow::default()
            }),
            ..Self::default()
        }
    }

    /// The first reason counts; after the end nothing happens.
    pub fn cancel(&self, reason: Error) {
        // A second cancel changes nothing.
        let _: Result<(), _> = self.cancelled.set(reason);
        self.waker.wake();
    }

    pub fn send(&self, message: &[u8]) -> Result<(), Error> {
        if self.phase() == Phase::Ended {
            return Err(Error::illegal_state("the call has ended"));
        }
        let framed = frame(message, self.max_send, self.encoding)?;
        let mut flow = lock(&self.flow);
        if flow.half_closed {
            return Err(Error::illegal_state(
                "the call was half-closed: nothing can follow",
            ));
        }
        flow.outgoing_bytes += framed.len();
        flow.outgoing.push_back(framed);
        drop(flow);
        self.waker.wake();
        Ok(())
    }

    pub fn half_close(&self) -> Result<(), Error> {
        let before = std::mem::replace(&mut lock(&self.flow).half_closed, true);
        if before {
            return Err(Error::illegal_state("the call was half-closed before"));
        }
        self.waker.wake();
        Ok(())
    }

    pub fn request(&self, count: u64) -> Result<(), Error> {
        if !self.manual_requests {
            return Err(Error::illegal_state(
                "the call was not started with manual_requests",
            ));
        }
        let mut flow = lock(&self.flow);
        flow.requested = flow.requested.saturating_add(count);
        drop(flow);
        self.waker.wake();
        Ok(())
    }

    pub fn is_ready(&self) -> bool {
        self.phase() == Phase::Sent && lock(&self.flow).outgoing_bytes < READY_BELOW
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Connecting,
            1 => Phase::FetchingToken,
            2 => Phase::Pausing,
            3 => Phase::Sent,
            _ => Phase::Ended,
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    pub(super) fn may_have_been_processed(&self) -> bool {
        self.phase() >= Phase::Sent || self.processed.load(Ordering::Relaxed)
    }

    /// The answer has begun: the call will not be sent again.
    pub(super) fn commit(&self) {
        lock(&self.flow).commit();
    }

    /// Before another attempt: what was sent is sent again, if it is all there.
    pub(super) fn rewind(&self, processed: bool) -> bool {
        let mut flow = lock(&self.flow);
        if !flow.sent.is_empty() {
            let mut again = std::mem::take(&mut flow.sent);
            again.append(&mut flow.outgoing);
            flow.outgoing_bytes = again.iter().map(Bytes::len).sum();
            flow.outgoing = again;
            flow.sent_bytes = 0;
        } else if flow.sent_bytes > REPLAY_BUFFER {
            return false;
        }
        self.processed.fetch_or(processed, Ordering::Relaxed);
        self.enter(Phase::Pausing);
        true
    }

    pub(crate) fn poll_cancelled(&self, context: &mut Context<'_>) -> Poll<Error> {
        self.waker.register(context.waker());
        match self.cancelled.get() {
            Some(reason) => Poll::Ready(reason.clone()),
            None => Poll::Pending,
        }
    }

    /// The next message to send, or `None` at the half-close.
    pub(super) async fn next_outgoing(&self) -> Option<Bytes> {
        poll_fn(|context| {
            self.waker.register(context.waker());
            let mut flow = lock(&self.flow);
            match flow.outgoing.pop_front() {
                Some(message) => {
                    flow.keep(&message);
                    Poll::Ready(Some(message))
                }
                None if flow.half_closed => Poll::Ready(None),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// A message went out; whether the call became ready by that.
    pub(super) fn sent(&self, bytes: usize) -> bool {
        let mut flow = lock(&self.flow);
        let before = flow.outgoing_bytes;
        flow.outgoing_bytes -= bytes;
        before >= READY_BELOW && flow.outgoing_bytes < READY_BELOW
    }

    /// Ready when a message may be delivered, which it then must be.
    pub(crate) fn poll_demand(&self, context: &mut Context<'_>) -> Poll<()> {
        if !self.manual_requests {
            return Poll::Ready(());
        }
        self.waker.register(context.waker());
        let mut flow = lock(&self.flow);
        if flow.requested == 0 {
            return Poll::Pending;
        }
        flow.requested -= 1;
        Poll::Ready(())
    }
}

impl Flow {
    fn keep(&mut self, message: &Bytes) {
        if !self.replayable {
            return;
        }
        self.sent_bytes += message.len();
        self.sent.push_back(message.clone());
        if self.sent_bytes > REPLAY_BUFFER {
            self.commit();
        }
    }

    fn commit(&mut self) {
        self.replayable = false;
        self.sent = VecDeque::new();
    }
}
