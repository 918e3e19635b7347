//! Unary calls: one message out, one message in.

use std::pin::pin;

use bytes::Bytes;
use tonic::Code;

use super::failure::{Failure, committed};
use super::reader::Reader;
use super::{Call, Control};
use crate::channel::Exchange;
use crate::error::{Error, Source};
use crate::wire::Metadata;

/// What a successful unary call gives.
#[derive(Clone, Debug)]
pub struct Response {
    /// Decompressed, without gRPC's frame.
    pub message: Bytes,
    /// The answer's headers; empty where it had trailers only.
    pub initial_metadata: Metadata,
    /// What came with the status.
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
    let Ok(mut reader) = Reader::begin(call, exchange).await? else {
        return Err(no_message().into());
    };
    let mut message = None;
    while let Some(next) = reader.next().await? {
        if message.replace(next).is_some() {
            return Err(committed(internal(
                "a unary call was answered with two messages",
            )));
        }
    }
    let (initial_metadata, trailers) = reader.end()?;
    match message {
        Some(message) => Ok(Response {
            message,
            initial_metadata,
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
