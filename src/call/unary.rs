//! Unary calls: one message out, one message in.

use std::pin::pin;

use bytes::Bytes;
use tonic::Code;

use super::framing::Reader;
use super::retry::Failure;
use super::{Call, Control, Exchange, Metadata, status};
use crate::error::{Error, Source};

/// What a successful unary call gives.
#[derive(Clone, Debug)]
pub struct Response {
    pub message: Bytes,
    pub initial_metadata: Metadata,
    pub trailers: Metadata,
}

/// Runs the call to its end; the message comes from [`Call::frame`].
pub async fn unary(call: &Call, control: &Control, framed: Bytes) -> Result<Response, Error> {
    let attempts = call.attempts(control, |previous| {
        attempt(call, control, framed.clone(), previous)
    });
    call.bounded(control, pin!(attempts)).await
}

async fn attempt(
    call: &Call,
    control: &Control,
    framed: Bytes,
    previous: u32,
) -> Result<Response, Failure> {
    let Exchange {
        response,
        mut send,
        lease,
    } = call.open(control, previous).await?;
    let connection = &lease.connection;
    send.send_data(framed, true)
        .map_err(|error| status::lost(&error, connection, false))?;
    let response = response
        .await
        .map_err(|error| status::lost(&error, connection, false))?;
    let (head, mut body) = response.into_parts();
    if let Some(error) = status::of_http(head.status, &head.headers) {
        return Err(error.into());
    }
    if head.headers.contains_key("grpc-status") && body.is_end_stream() {
        status::of_trailers(&head.headers, None)?;
        return Err(no_message().into());
    }
    let committed = |error: Error| Failure {
        error,
        unprocessed: false,
        committed: true,
    };
    let encoding = status::encoding(&head.headers).map_err(committed)?;
    let initial_metadata = Metadata::from_headers(&head.headers);
    drop(head); // not kept while the body is waited for
    let mut reader = Reader::new(call.max_receive(), encoding);
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
    let trailers = body
        .trailers()
        .await
        .map_err(|error| status::lost(&error, connection, true))?
        .unwrap_or_default();
    let trailers = status::of_trailers(&trailers, Some(&initial_metadata)).map_err(committed)?;
    match message {
        Some(message) if reader.is_empty() => Ok(Response {
            message,
            initial_metadata,
            trailers,
        }),
        Some(_) => Err(committed(internal("the answer ends within a message"))),
        None => Err(committed(no_message())),
    }
}

fn no_message() -> Error {
    internal("a unary call was answered with OK and no message")
}

fn internal(message: &str) -> Error {
    Error::rpc(Source::Transport, Code::Internal, message).processed(true)
}
