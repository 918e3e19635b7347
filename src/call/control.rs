//! What others may do to a running call: cancel it, feed it messages, ask it for more. A lock and a waker around `state`.
//!
//! Threads: any. The call's task is the one that waits here.

use std::future::poll_fn;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;

use super::backlog::{self, Backlog, Demand, ReadAhead, Share};
use super::state::{Outgoing, Phase, State};
use crate::channel::Cancel;
use crate::error::Error;
use crate::runtime::lock;
use crate::wire::Encoding;
use crate::wire::framing::{Limit, frame};

/// A running call as others see it; any number of them may hold it, and dropping it ends nothing.
#[derive(Debug)]
pub struct Control {
    state: Mutex<State>,
    waker: AtomicWaker,
    backlog: Backlog,
    max_send: Limit,
    encoding: Encoding,
}

impl Cancel for Control {
    fn cancel(&self, reason: Error) {
        self.cancel(reason);
    }
}

impl Control {
    /// For a call that sends and receives as it goes.
    pub(crate) fn of_stream(
        demand: Demand,
        read_ahead: ReadAhead,
        max_send: Limit,
        encoding: Encoding,
    ) -> Self {
        Self {
            state: Mutex::new(State::of_stream(demand == Demand::Asked)),
            waker: AtomicWaker::new(),
            backlog: Backlog::new(read_ahead, demand),
            max_send,
            encoding,
        }
    }

    /// For a call whose only message was given when it was started.
    pub(crate) fn of_unary() -> Self {
        Self {
            state: Mutex::new(State::of_unary()),
            waker: AtomicWaker::new(),
            backlog: Backlog::new(ReadAhead::default(), Demand::Any),
            max_send: Limit::NOTHING,
            encoding: Encoding::Identity,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The first reason counts; after the end nothing happens.
    pub fn cancel(&self, reason: Error) {
        self.cancel_with(|| reason);
    }

    /// Nobody holds it any more: cancels it, if it still runs.
    pub fn let_go(&self) {
        self.cancel_with(|| Error::cancelled("its last handle was freed"));
    }

    fn cancel_with(&self, reason: impl FnOnce() -> Error) {
        let counts = self.state().cancel(reason);
        if counts {
            self.waker.wake();
        }
    }

    /// Queues a message behind those that wait, without a limit: `is_ready` says when to hold back. Refused beyond the send
    /// limit, after a half-close and after the end.
    pub fn send(&self, message: &[u8]) -> Result<(), Error> {
        self.queue(message, false)
    }

    /// The same of the last message: it and the half-close go out in one frame. What is refused half-closes nothing.
    pub fn send_last(&self, message: &[u8]) -> Result<(), Error> {
        self.queue(message, true)
    }

    fn queue(&self, message: &[u8], is_last: bool) -> Result<(), Error> {
        let encoding = {
            let state = self.state();
            state.check_open()?;
            if state.compresses() {
                self.encoding
            } else {
                Encoding::Identity
            }
        };
        // Compressed without the lock.
        let framed = frame(message, self.max_send, encoding)?;
        let mut state = self.state();
        state.send(framed)?;
        if is_last {
            state.half_close()?;
        }
        drop(state);
        self.waker.wake();
        Ok(())
    }

    /// Of the messages that follow; without an effect on a call whose encoding is identity.
    pub fn set_message_compression(&self, enabled: bool) {
        self.state().set_message_compression(enabled);
    }

    /// Nothing more will be sent; the gateway learns it behind the last message. Refused the second time.
    pub fn half_close(&self) -> Result<(), Error> {
        self.state().half_close()?;
        self.waker.wake();
        Ok(())
    }

    /// Asks for messages, or says that so many were taken.
    pub fn request(&self, count: u64) -> Result<(), Error> {
        if self.backlog.counts_requests() {
            if self.backlog.take(count) {
                self.waker.wake();
            }
            return Ok(());
        }
        self.state().request(count)?;
        self.waker.wake();
        Ok(())
    }

    /// A message has come that the program will take, in its time.
    pub(crate) fn hold(self: &Arc<Self>, length: usize) -> Held {
        Held::new(self, self.backlog.hold(length))
    }

    /// The same of one that goes to the program: what counts on until a [`Held`] of it is dropped, if anything does.
    pub(crate) fn give(&self, length: usize) -> Share {
        self.given(self.backlog.hold(length))
    }

    fn given(&self, share: Share) -> Share {
        if self.backlog.give(share) { 0 } else { share }
    }

    /// For how many messages there is room; who waits for more is woken as by a cancel.
    pub(crate) fn room(&self) -> usize {
        usize::try_from(self.backlog.room()).unwrap_or(usize::MAX)
    }

    /// Waits while too much has not been taken, then until half of it was.
    pub(crate) async fn half_taken(&self) {
        if !self.backlog.is_full() {
            return;
        }
        poll_fn(|context| {
            self.waker.register(context.waker());
            if self.backlog.is_half_full() {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    /// Whether a message would go out at once: the call is on the wire, and less than 64 KiB wait.
    pub fn is_ready(&self) -> bool {
        self.state().is_ready()
    }

    pub(super) fn phase(&self) -> Phase {
        self.state().phase()
    }

    pub(super) fn is_heard(&self) -> bool {
        self.state().is_heard()
    }

    pub(super) fn enter_sent(&self, heard: &Arc<AtomicBool>) {
        self.state().enter_sent(heard);
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.state().enter(phase);
    }

    pub(super) fn may_have_been_processed(&self) -> bool {
        self.state().may_have_been_processed()
    }

    /// The answer has begun: the call will not be sent again.
    pub(super) fn commit(&self) {
        self.state().commit();
    }

    /// Before another attempt; whether there can be one.
    pub(super) fn rewind(&self, processed: bool) -> bool {
        self.state().rewind(processed)
    }

    /// What the call ends with: its cancel, if there was one, else `ended`.
    pub(super) fn close<T>(&self, ended: Result<T, Error>) -> Result<T, Error> {
        self.state().close(ended)
    }

    pub(crate) fn poll_cancelled(&self, context: &mut Context<'_>) -> Poll<Error> {
        self.waker.register(context.waker());
        match self.state().cancelled() {
            Some(reason) => Poll::Ready(reason.clone()),
            None => Poll::Pending,
        }
    }

    /// Waits for what is to be sent next; not after the last.
    pub(super) async fn next_outgoing(&self) -> Outgoing {
        poll_fn(|context| {
            self.waker.register(context.waker());
            self.state().next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// A message went out; whether the call became ready by that.
    pub(super) fn sent(&self, bytes: usize) -> bool {
        self.state().went_out(bytes)
    }

    /// Ready when a message may be delivered, which it then must be.
    pub(crate) fn poll_demand(&self, context: &mut Context<'_>) -> Poll<()> {
        // Mostly it may: nothing is registered for each message.
        if self.state().deliver() {
            return Poll::Ready(());
        }
        self.waker.register(context.waker());
        if self.state().deliver() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// The share of messages in their call's backlog, until they were taken.
#[derive(Debug)]
pub struct Held {
    control: Arc<Control>,
    share: Share,
}

impl Held {
    pub(crate) fn new(control: &Arc<Control>, share: Share) -> Self {
        Self {
            control: Arc::clone(control),
            share,
        }
    }

    /// The message goes to the program; what of it counts on.
    pub(crate) fn give(mut self) -> Share {
        self.control.given(std::mem::take(&mut self.share))
    }

    /// What of it is the share of so many messages, which have so many bytes.
    pub(crate) fn split(&mut self, messages: usize, bytes: usize) -> Self {
        let part = self.share.min(backlog::share(messages, bytes));
        self.share -= part;
        Self::new(&self.control, part)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.share > 0 && self.control.backlog.release(self.share) {
            self.control.waker.wake();
        }
    }
}
