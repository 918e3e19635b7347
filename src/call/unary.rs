//! Unary calls: one message out, one message in.

use std::pin::pin;

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use tonic::Code;

use super::retry::{Failure, committed};
use super::{Call, Control, Exchange, status};
use crate::channel::Connection;
use crate::error::{Error, Source};
use crate::wire::Encoding;
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
pub async fn unary(call: &Call, control: &Control, framed: &Bytes) -> Result<Response, Error> {
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
    let (mut body, initial_metadata, encoding) = match response.await {
        Ok(response) => head(response, call.channel.max_metadata())?,
        Err(error) => return Err(status::lost(&error, connection, false)),
    };
    let mut reader = Reader::new(call.max_receive, encoding);
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
        Ok(trailers) => {
            let trailers = trailers.unwrap_or_default();
            status::check_size(&trailers, call.channel.max_metadata()).map_err(committed)?;
            status::of_trailers(&trailers, Some(&initial_metadata)).map_err(committed)?
        }
        Err(error) => return Err(status::lost(&error, connection, true)),
    };
    if !reader.is_empty() {
        return Err(committed(internal("the answer ends within a message")));
    }
    match message {
        Some(message) => Ok(Response {
            message,
            initial_metadata,
            trailers,
        }),
        None => Err(committed(no_message())),
    }
}

/// What the answer begins with; not kept while its body is waited for.
fn head(
    response: http::Response<RecvStream>,
    limit: usize,
) -> Result<(RecvStream, Metadata, Encoding), Failure> {
    let (head, body) = response.into_parts();
    status::check_size(&head.headers, limit).map_err(committed)?;
    if let Some(error) = status::of_http(head.status, &head.headers) {
        return Err(error.into());
    }
    if body.is_end_stream() && head.headers.contains_key(&status::GRPC_STATUS) {
        status::of_trailers(&head.headers, None)?;
        return Err(no_message().into());
    }
    let encoding = status::encoding(&head.headers).map_err(committed)?;
    Ok((body, Metadata::from_headers(&head.headers), encoding))
}

fn no_message() -> Error {
    internal("a unary call was answered with OK and no message")
}

fn internal(message: &str) -> Error {
    Error::rpc(Source::Transport, Code::Internal, message)
}
