//! Incoming: what came of an answer and was not taken yet. Pure but for the wakers of who waits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};

use crate::http2::{End, Fields};

/// What is shorter is put together while it waits: a piece costs more than its bytes, which alone the windows bound.
const SHORT: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Incoming {
    head: Option<(Arc<Fields>, bool)>,
    /// Here and not in `more`, which most answers do not have.
    first: Option<Bytes>,
    more: Option<Box<More>>,
    trailers: Option<Arc<Fields>>,
    end: Option<End>,
    reader: Option<Waker>,
    sender: Option<Waker>,
}

/// An answer that came well, its content in one piece.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) head: Arc<Fields>,
    pub(crate) content: Bytes,
    pub(crate) trailers: Option<Arc<Fields>>,
}

/// What came after the first.
#[derive(Debug, Default)]
struct More {
    data: VecDeque<Bytes>,
    /// Short pieces that came after `data`.
    short: BytesMut,
}

impl More {
    #[inline]
    fn add(&mut self, data: Bytes) {
        if data.len() < SHORT {
            self.short.extend_from_slice(&data);
            return;
        }
        if !self.short.is_empty() {
            self.data.push_back(self.short.split().freeze());
        }
        self.data.push_back(data);
    }

    #[inline]
    fn next(&mut self) -> Option<Bytes> {
        match self.data.pop_front() {
            None if !self.short.is_empty() => Some(self.short.split().freeze()),
            next => next,
        }
    }
}

impl Incoming {
    pub(super) fn begins(&mut self, head: &Arc<Fields>, ends: bool) {
        self.head = Some((Arc::clone(head), ends));
        self.wake_reader();
    }

    pub(super) fn goes_on(&mut self, data: Bytes) {
        match self.first {
            None => self.first = Some(data),
            Some(_) => self.more.get_or_insert_default().add(data),
        }
        self.wake_reader();
    }

    fn next(&mut self) -> Option<Bytes> {
        let next = self.first.take()?;
        self.first = self.more.as_mut().and_then(|more| more.next());
        Some(next)
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

    /// Ready once something of the answer came: with all of it, as most come, or `None`, where it is to be taken a piece at a time.
    pub(super) fn poll_whole(&mut self, context: &Context<'_>) -> Poll<Option<Whole>> {
        if self.head.is_none() && self.end.is_none() {
            keep_waker(&mut self.reader, context);
            return Poll::Pending;
        }
        if self.end != Some(End::Complete) || self.more.is_some() || self.first.is_none() {
            return Poll::Ready(None);
        }
        let head = self.head.take().map(|(head, _)| head);
        Poll::Ready(head.zip(self.first.take()).map(|(head, content)| Whole {
            head,
            content,
            trailers: self.trailers.take(),
        }))
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
        match (self.next(), self.end) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn take(incoming: &mut Incoming) -> Vec<Bytes> {
        let context = &Context::from_waker(Waker::noop());
        std::iter::from_fn(|| match incoming.poll_data(context) {
            Poll::Ready(Some(data)) => Some(data.unwrap()),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn what_waits_comes_whole_and_in_order_however_it_was_cut() {
        let random = &mut fastrand::Rng::with_seed(7);
        for _ in 0..500 {
            let mut incoming = Incoming::default();
            let (mut sent, mut taken) = (Vec::new(), Vec::new());
            for _ in 0..random.usize(..20) {
                let length = match random.bool() {
                    true => random.usize(1..4),
                    false => random.usize(SHORT - 2..SHORT + 2),
                };
                let data: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
                sent.extend_from_slice(&data);
                incoming.goes_on(data.into());
                if random.u8(..4) == 0 {
                    take(&mut incoming)
                        .iter()
                        .for_each(|data| taken.extend_from_slice(data));
                }
            }
            incoming.ends(End::Complete);
            take(&mut incoming)
                .iter()
                .for_each(|data| taken.extend_from_slice(data));
            assert!(sent == taken);
        }
    }

    #[test]
    fn short_pieces_that_wait_cost_their_bytes_and_no_more() {
        let mut incoming = Incoming::default();
        for _ in 0..100_000 {
            incoming.goes_on(Bytes::from_static(b"x"));
        }
        let more = incoming.more.as_ref().unwrap();
        assert_eq!((more.data.len(), more.short.len()), (0, 99_999));
        assert!(more.short.capacity() < 300_000);
        assert_eq!(take(&mut incoming).len(), 2);
    }
}
