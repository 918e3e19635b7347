//! Reader: an answer as its call takes it: how it begins, a message at a time, how it ended.

use std::future::poll_fn;

use bytes::Bytes;
use tonic::Code;

use super::answer::{self, Answer, Begun};
use super::failure::{Failure, committed};
use super::{Call, status};
use crate::channel::Exchange;
use crate::error::{Error, Source};
use crate::wire::{Metadata, framing};

pub(super) struct Reader<'a> {
    call: &'a Call,
    exchange: &'a Exchange,
    answer: Answer,
    messages: framing::Reader,
    /// Bytes that are being cut into messages.
    held: usize,
}

impl<'a> Reader<'a> {
    /// Waits for the answer to begin. `Err` within: it ended with that, well, and has no messages.
    pub(super) async fn begin(
        call: &'a Call,
        exchange: &'a Exchange,
    ) -> Result<Result<Self, Metadata>, Failure> {
        let (head, ends) = poll_fn(|context| exchange.poll_head(context))
            .await
            .map_err(|end| status::lost(end, exchange.connection(), false))?;
        let answer = match answer::begin(&head, ends, call.channel.max_metadata())? {
            Begun::Goes(answer) => answer,
            Begun::Ended(ended) => return Ok(Err(ended?)),
        };
        Ok(Ok(Self {
            call,
            exchange,
            messages: framing::Reader::new(call.max_receive, answer.encoding),
            answer,
            held: 0,
        }))
    }

    pub(super) fn initial_metadata(&self) -> &Metadata {
        &self.answer.metadata
    }

    /// The next message, until `None`.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(message) = self.messages.next().map_err(committed)? {
                return Ok(Some(message));
            }
            // Only now: who is slow keeps the window closed, and with it the sender.
            self.exchange.release(std::mem::take(&mut self.held));
            let Some(data) = poll_fn(|context| self.exchange.poll_data(context)).await else {
                return Ok(None);
            };
            let lost = |end| status::lost(end, self.exchange.connection(), true);
            let data = data.map_err(lost)?;
            self.held = data.len();
            self.messages.push(data);
        }
    }

    /// After the last message: the initial metadata and the trailers.
    pub(super) fn end(self) -> Result<(Metadata, Metadata), Failure> {
        let trailers = self.exchange.trailers();
        let limit = self.call.channel.max_metadata();
        let trailers = self.answer.end(trailers.as_deref(), limit);
        let trailers = trailers.map_err(committed)?;
        if !self.messages.is_empty() {
            let cut = "the answer ends within a message";
            let error = Error::rpc(Source::Transport, Code::Internal, cut);
            return Err(committed(error));
        }
        Ok((self.answer.metadata, trailers))
    }
}
