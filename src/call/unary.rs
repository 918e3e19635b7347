//! Unary calls: one message out, one message in.

use std::pin::pin;

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use tonic::Code;

use super::answer::{self, Answer, Begun};
use super::failure::{Failure, committed};
use super::{Call, Control, Exchange, status};
use crate::channel::Connection;
use crate::error::{Error, Source};
use crate::wire::framing::Reader;
use crate::wire::{Metadata, MetadataLimit};

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
    let Exchange {
        response,
        send,
        lease,
        sent,
    } = call.open(control, previous).await?;
    let answer = exchange(call, &lease.connection, framed, response, send).await;
    answer.map_err(|failure| failure.carrying(sent))
}

async fn exchange(
    call: &Call,
    connection: &Connection,
    framed: &Bytes,
    response: ResponseFuture,
    mut send: SendStream<Bytes>,
) -> Result<Response, Failure> {
    send.send_data(framed.clone(), true)
        .map_err(|error| status::lost(&error, connection, false))?;
    drop(send);
    let limit = call.channel.max_metadata();
    let (mut body, answer) = match response.await {
        Ok(response) => head(response, limit)?,
        Err(error) => return Err(status::lost(&error, connection, false)),
    };
    let mut reader = Reader::new(call.max_receive, answer.encoding);
    let mut message = None;
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(|error| status::lost(&error, connection, true))?;
        // The stream is ours, so its window can be given back.
        let _: Result<(), _> = body.flow_control().release_capacity(chunk.len());
        reader.push(chunk);
        while let Some(next) = reader.next().map_err(committed)? {
            if message.replace(next).is_some() {
                return Err(committed(internal(
                    "a unary call was answered with two messages",
                )));
            }
        }
    }
    let trailers = match body.trailers().await {
        Ok(trailers) => answer.end(trailers.as_ref(), limit).map_err(committed)?,
        Err(error) => return Err(status::lost(&error, connection, true)),
    };
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

/// What the answer begins with; not kept while its body is waited for.
fn head(
    response: http::Response<RecvStream>,
    limit: &MetadataLimit,
) -> Result<(RecvStream, Answer), Failure> {
    let (head, body) = response.into_parts();
    match answer::begin(head, body.is_end_stream(), limit)? {
        Begun::Goes(answer) => Ok((body, answer)),
        Begun::Ended(ended) => {
            ended?;
            Err(no_message().into())
        }
    }
}

fn no_message() -> Error {
    internal("a unary call was answered with OK and no message")
}

fn internal(message: &str) -> Error {
    Error::rpc(Source::Transport, Code::Internal, message)
}
