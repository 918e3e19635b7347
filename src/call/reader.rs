//! Reader: an answer as its call takes it: how it begins, a message at a time, how it ended.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tonic::Code;

use super::answer::{self, Answer, Begun};
use super::failure::{Failure, committed};
use super::{Call, status};
use crate::channel::Exchange;
use crate::error::{Error, Source};
use crate::http2::Fields;
use crate::wire::{Metadata, framing};

pub(super) struct Reader {
    answer: Answer,
    messages: framing::Reader,
    /// Bytes that are being cut into messages.
    held: usize,
}

impl Reader {
    /// Waits for the answer to begin. `Err` within: it ended with that, well, and has no messages.
    pub(super) fn poll_begin(
        call: &Call,
        exchange: &Exchange,
        context: &Context<'_>,
    ) -> Poll<Result<Result<Self, Metadata>, Failure>> {
        let (head, ends) = match ready!(exchange.poll_head(context)) {
            Ok(head) => head,
            Err(end) => return Poll::Ready(Err(status::lost(end, exchange.connection(), false))),
        };
        Poll::Ready(Self::begin(call, &head, ends))
    }

    /// Of an answer that begins so; `ends`: with that.
    pub(super) fn begin(
        call: &Call,
        head: &Arc<Fields>,
        ends: bool,
    ) -> Result<Result<Self, Metadata>, Failure> {
        let answer = match answer::begin(head, ends, call.channel.max_metadata())? {
            Begun::Goes(answer) => answer,
            Begun::Ended(ended) => return Ok(Err(ended?)),
        };
        Ok(Ok(Self {
            messages: framing::Reader::new(call.max_receive, answer.encoding),
            answer,
            held: 0,
        }))
    }

    pub(super) fn initial_metadata(&self) -> &Metadata {
        &self.answer.metadata
    }

    /// The next message, until `None`.
    pub(super) fn poll_next(
        &mut self,
        exchange: &Exchange,
        context: &Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Failure>> {
        loop {
            if let Some(message) = self.messages.next().map_err(committed)? {
                return Poll::Ready(Ok(Some(message)));
            }
            // Only now: who is slow keeps the window closed, and with it the sender.
            exchange.release(std::mem::take(&mut self.held));
            let Some(data) = ready!(exchange.poll_data(context)) else {
                return Poll::Ready(Ok(None));
            };
            let lost = |end| status::lost(end, exchange.connection(), true);
            let data = data.map_err(lost)?;
            self.held = data.len();
            self.messages.push(data);
        }
    }

    /// The content, of which more may follow.
    pub(super) fn push(&mut self, content: Bytes) {
        self.messages.push(content);
    }

    /// The next message of what was pushed.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        self.messages.next().map_err(committed)
    }

    /// After the last message: the initial metadata and the trailers.
    pub(super) fn end(
        self,
        call: &Call,
        trailers: Option<&Fields>,
    ) -> Result<(Metadata, Metadata), Failure> {
        let limit = call.channel.max_metadata();
        let trailers = self.answer.end(trailers, limit).map_err(committed)?;
        if !self.messages.is_empty() {
            return Err(committed(internal("the answer ends within a message")));
        }
        Ok((self.answer.metadata, trailers))
    }
}

pub(super) fn internal(message: &str) -> Error {
    Error::rpc(Source::Transport, Code::Internal, message)
}
