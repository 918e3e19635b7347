//! Exchange: a request and its answer on a stream of a connection, as long as somebody wants it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::balancer::Lease;
use super::connection::Connection;
use super::incoming::Whole;
use super::request::Head;
use crate::http2::{Closed, Code, End, Field, Fields, Key};

/// When dropped, a stream that goes on is reset with CANCEL, and the lease given back.
#[derive(Debug)]
pub(crate) struct Exchange {
    lease: Lease,
    key: Key,
    answer: usize,
    /// The answer was taken whole, and its place given back.
    is_over: bool,
}

impl Exchange {
    /// Sends a request's fields, `head` then `more`, and its first data; `ends`: there is no other. The lease comes back where
    /// the connection takes no stream, now or any more: nothing was sent.
    pub(crate) fn open(
        lease: Lease,
        head: &Arc<Head>,
        more: &[Field<'_>],
        data: &[u8],
        ends: bool,
    ) -> Result<Self, Lease> {
        match lease.connection.transport.open(head, more, data, ends) {
            Some((key, answer)) => Ok(Self {
                lease,
                key,
                answer,
                is_over: false,
            }),
            None => Err(lease),
        }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.lease.connection
    }

    /// Whether the peer has said that it speaks HTTP/2.
    pub(crate) fn heard(&self) -> &Arc<AtomicBool> {
        self.connection().transport.heard_settings()
    }

    /// The answer at once, where it came whole: then nothing else can be asked for. `None`: it is to be taken a piece at a time.
    pub(crate) fn poll_whole(&mut self, context: &Context<'_>) -> Poll<Option<Whole>> {
        let transport = &self.lease.connection.transport;
        let mut state = transport.state();
        let whole = ready!(state.answers[self.answer].poll_whole(context));
        if whole.is_some() {
            state.answers.remove(self.answer);
            self.is_over = true;
        }
        Poll::Ready(whole)
    }

    /// How the answer begins, and whether that is all of it; an error: how it ended without.
    pub(crate) fn poll_head(
        &self,
        context: &Context<'_>,
    ) -> Poll<Result<(Arc<Fields>, bool), End>> {
        let mut state = self.connection().transport.state();
        state.answers[self.answer].poll_head(context)
    }

    /// More of the answer's content, until `None`. Its sender is held back until it is [released](Self::release).
    pub(crate) fn poll_data(&self, context: &Context<'_>) -> Poll<Option<Result<Bytes, End>>> {
        let mut state = self.connection().transport.state();
        state.answers[self.answer].poll_data(context)
    }

    /// After the last of the content.
    pub(crate) fn trailers(&self) -> Option<Arc<Fields>> {
        let mut state = self.connection().transport.state();
        state.answers[self.answer].take_trailers()
    }

    /// So many bytes of the content were used; others may come.
    pub(crate) fn release(&self, length: usize) {
        let transport = &self.connection().transport;
        let mut state = transport.state();
        state.http2.release(self.key, length);
        let has_output = !state.http2.output().is_empty();
        drop(state);
        if has_output {
            transport.wake_driver();
        }
    }

    /// Sends data; `ends`: it is the last.
    pub(crate) fn send(&self, data: &[u8], ends: bool) -> Result<(), Closed> {
        let transport = &self.connection().transport;
        transport.state().http2.send(self.key, &[data], ends)?;
        transport.wake_driver();
        Ok(())
    }

    /// Ready when all that was sent has left the stream's window, or nothing more does.
    pub(crate) fn poll_sent(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.connection().transport.state();
        if state.http2.queued(self.key) == 0 {
            return Poll::Ready(());
        }
        state.answers[self.answer].wait_for_room(context);
        Poll::Pending
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let transport = &self.connection().transport;
        let mut state = transport.state();
        let goes_on = !state.answers.remove(self.answer).has_ended();
        if goes_on {
            state.http2.reset(self.key, Code::CANCEL);
            drop(state);
            transport.wake_driver();
        }
    }
}
