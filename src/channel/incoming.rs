//! Incoming: what came of an answer and was not taken yet. Pure but for the wakers of who waits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::http2::{End, Fields};

#[derive(Debug, Default)]
pub(super) struct Incoming {
    head: Option<(Arc<Fields>, bool)>,
    data: VecDeque<Bytes>,
    trailers: Option<Arc<Fields>>,
    end: Option<End>,
    reader: Option<Waker>,
    sender: Option<Waker>,
}

impl Incoming {
    pub(super) fn begins(&mut self, head: &Arc<Fields>, ends: bool) {
        self.head = Some((Arc::clone(head), ends));
        self.wake_reader();
    }

    pub(super) fn goes_on(&mut self, data: Bytes) {
        self.data.push_back(data);
        self.wake_reader();
    }

    pub(super) fn trails(&mut self, trailers: &Arc<Fields>) {
        self.trailers = Some(Arc::clone(trailers));
    }

    pub(super) fn ends(&mut self, end: End) {
        self.end = Some(end);
        self.wake_reader();
        self.wake_sender();
    }

    fn wake_reader(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    pub(super) fn wake_sender(&mut self) {
        if let Some(waker) = self.sender.take() {
            waker.wake();
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// With whether there is nothing else; an error: there is no answer.
    pub(super) fn poll_head(
        &mut self,
        context: &Context<'_>,
    ) -> Poll<Result<(Arc<Fields>, bool), End>> {
        match (self.head.take(), self.end) {
            (Some(head), _) => Poll::Ready(Ok(head)),
            (None, Some(end)) => Poll::Ready(Err(end)),
            (None, None) => {
                keep_waker(&mut self.reader, context);
                Poll::Pending
            }
        }
    }

    /// `None`: the answer is whole. What came before an error comes before it.
    pub(super) fn poll_data(&mut self, context: &Context<'_>) -> Poll<Option<Result<Bytes, End>>> {
        match (self.data.pop_front(), self.end) {
            (Some(data), _) => Poll::Ready(Some(Ok(data))),
            (None, Some(End::Complete)) => Poll::Ready(None),
            (None, Some(end)) => Poll::Ready(Some(Err(end))),
            (None, None) => {
                keep_waker(&mut self.reader, context);
                Poll::Pending
            }
        }
    }

    pub(super) fn take_trailers(&mut self) -> Option<Arc<Fields>> {
        self.trailers.take()
    }

    /// Who sends is woken when there is room, or the stream has ended.
    pub(super) fn wait_for_room(&mut self, context: &Context<'_>) {
        keep_waker(&mut self.sender, context);
    }
}

/// Keeps `waker` as the one of `context`.
fn keep_waker(waker: &mut Option<Waker>, context: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(context.waker()),
        None => *waker = Some(context.waker().clone()),
    }
}
