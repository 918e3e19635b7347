//! Unary calls: one message out, one message in.

use bytes::Bytes;
use tonic::Code;

use super::framing::Reader;
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
    call.bounded(control, attempts(call, control, framed)).await
}

/// What the gateway certainly did not process is sent once more (gRFC A6).
async fn attempts(call: &Call, control: &Control, framed: Bytes) -> Result<Response, Error> {
    match attempt(call, control, framed.clone()).await {
        Err(Failure {
            error,
            unprocessed: true,
        }) => {
            tracing::debug!("sent once more: {error}");
            attempt(call, control, framed)
                .await
                .map_err(|failure| failure.error)
        }
        ended => ended.map_err(|failure| failure.error),
    }
}

struct Failure {
    error: Error,
    unprocessed: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            unprocessed: false,
        }
    }
}

fn lost(error: &h2::Error, peer: &str) -> Failure {
    Failure {
        error: status::of_h2(error, peer),
        unprocessed: status::is_unprocessed(error),
    }
}

async fn attempt(call: &Call, control: &Control, framed: Bytes) -> Result<Response, Failure> {
    let Exchange {
        response,
        mut send,
        peer,
    } = call.open(control).await?;
    send.send_data(framed, true)
        .map_err(|error| lost(&error, &peer))?;
    let response = response.await.map_err(|error| lost(&error, &peer))?;
    let (head, mut body) = response.into_parts();
    if let Some(error) = status::of_http(head.status, &head.headers) {
        return Err(error.into());
    }
    if head.headers.contains_key("grpc-status") && body.is_end_stream() {
        status::of_trailers(&head.headers, None)?;
        return Err(no_message().into());
    }
    status::check_encoding(&head.headers)?;
    let initial_metadata = Metadata::from_headers(&head.headers);
    let mut reader = Reader::new(call.max_receive());
    let mut message = None;
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(|error| lost(&error, &peer))?;
        // The stream is ours, so its window can be given back.
        let _: Result<(), _> = body.flow_control().release_capacity(chunk.len());
        reader.push(chunk);
        while let Some(next) = reader.next()? {
            if message.replace(next).is_some() {
                return Err(internal("a unary call was answered with two messages").into());
            }
        }
    }
    let trailers = body.trailers().await.map_err(|error| lost(&error, &peer))?;
    let trailers = status::of_trailers(
        &trailers.unwrap_or_default(),
        Some(initial_metadata.clone()),
    )?;
    match message {
        Some(message) if reader.is_empty() => Ok(Response {
            message,
            initial_metadata,
            trailers,
        }),
        Some(_) => Err(internal("the answer ends within a message").into()),
        None => Err(no_message().into()),
    }
}

fn no_message() -> Error {
    internal("a unary call was answered with OK and no message")
}

fn internal(message: &str) -> Error {
    Error::rpc(Source::Transport, Code::Internal, message).processed(true)
}
