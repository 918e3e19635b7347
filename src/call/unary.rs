//! Unary calls: one message out, one message in.

use std::future::poll_fn;
use std::pin::pin;

use bytes::Bytes;
use tonic::Code;

use super::answer::{self, Begun};
use super::failure::{Failure, committed};
use super::{Call, Control, status};
use crate::channel::Exchange;
use crate::error::{Error, Source};
use crate::wire::Metadata;
use crate::wire::framing::Reader;

/// What a successful unary call gives.
#[derive(Clone, Debug)]
pub struct Response {
    pub message: Bytes,
    pub initial_metadata: Metadata,
    pub trailers: Metadata,
}

/// Runs the call to its end; the message comes from [`Call::frame`].
pub(super) async fn unary(
    call: &Call,
    control: &Control,
    framed: &Bytes,
) -> Result<Response, Error> {
    let attempts = call.attempts(control, |previous| attempt(call, control, framed, previous));
    call.bounded(control, pin!(attempts)).await
}

async fn attempt(
    call: &Call,
    control: &Control,
    framed: &Bytes,
    previous: u32,
) -> Result<Response, Failure> {
    let (exchange, sent) = call.open(control, previous, framed, true).await?;
    let answer = answered(call, &exchange).await;
    answer.map_err(|failure| failure.carrying(sent))
}

async fn answered(call: &Call, exchange: &Exchange) -> Result<Response, Failure> {
    let lost = |committed| move |end| status::lost(end, exchange.connection(), committed);
    let limit = call.channel.max_metadata();
    let (head, ends) = poll_fn(|context| exchange.poll_head(context))
        .await
        .map_err(lost(false))?;
    let answer = match answer::begin(&head, ends, limit)? {
        Begun::Goes(answer) => answer,
        Begun::Ended(ended) => {
            ended?;
            return Err(no_message().into());
        }
    };
    let mut reader = Reader::new(call.max_receive, answer.encoding);
    let mut message = None;
    while let Some(chunk) = poll_fn(|context| exchange.poll_data(context)).await {
        let chunk = chunk.map_err(lost(true))?;
        exchange.release(chunk.len());
        reader.push(chunk);
        while let Some(next) = reader.next().map_err(committed)? {
            if message.replace(next).is_some() {
                return Err(committed(internal(
                    "a unary call was answered with two messages",
                )));
            }
        }
    }
    let trailers = exchange.trailers();
    let trailers = answer.end(trailers.as_deref(), limit).map_err(committed)?;
    if !reader.is_empty() {
        return Err(committed(internal("the answer ends within a message")));
    }
    match message {
        Some(message) => Ok(Response {
            message,
            initial_metadata: answer.metadata,
            trailers,
        }),
        None => Err(committed(no_message())),
    }
}

fn no_message() -> Error {
    internal("a unary call was answered with OK and no message")
}

fn internal(message: &str) -> Error {
    Error::rpc(Source::Transport, Code::Internal, message)
}
