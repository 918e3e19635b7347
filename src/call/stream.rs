//! Streaming calls: messages both ways, delivered to a handler.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use h2::SendStream;
use h2::client::ResponseFuture;
use tonic::Code;

use super::framing::Reader;
use super::retry::{Failure, committed};
use super::{Call, Control, Exchange, Metadata, status};
use crate::channel::Connection;
use crate::error::{Error, Source};
use crate::runtime::{Runtime, unique_key};

/// Told what happens to a call: in this order, never two at once, `close` once and last.
pub trait Handler: Send + Sync + 'static {
    fn initial_metadata(&self, metadata: Metadata);
    fn message(&self, message: Bytes);
    fn ready(&self);
    fn close(&self, ended: Result<Metadata, Error>);
}

/// Closes the handler, also if the call's task is dropped.
struct Closing<H: Handler> {
    handler: Option<Arc<H>>,
    runtime: Arc<Runtime>,
    key: usize,
}

impl<H: Handler> Closing<H> {
    fn close(&mut self, ended: Result<Metadata, Error>) {
        if let Some(handler) = self.handler.take() {
            self.runtime
                .call_back(self.key, move || handler.close(ended));
        }
    }
}

impl<H: Handler> Drop for Closing<H> {
    fn drop(&mut self) {
        self.close(Err(Error::cancelled("the runtime was shut down")));
    }
}

/// Runs the call to its end, which the handler learns.
pub async fn stream<H: Handler>(
    call: Call,
    control: Arc<Control>,
    runtime: Arc<Runtime>,
    handler: Arc<H>,
) {
    let key = unique_key();
    let mut closing = Closing {
        handler: Some(Arc::clone(&handler)),
        runtime: Arc::clone(&runtime),
        key,
    };
    let events = Events {
        handler,
        runtime,
        key,
    };
    let attempts = call.attempts(&control, |previous| {
        attempt(&call, &control, &events, previous)
    });
    let ended = call.bounded(&control, pin!(attempts)).await;
    drop(events);
    closing.close(ended);
}

struct Events<H> {
    handler: Arc<H>,
    runtime: Arc<Runtime>,
    key: usize,
}

impl<H: Handler> Events<H> {
    /// Waits for the callback, so that a slow one slows the sender and nothing else.
    async fn tell(&self, event: impl FnOnce(&H) + Send + 'static) {
        if self.runtime.calls_back_here() {
            return event(&self.handler);
        }
        let handler = Arc::clone(&self.handler);
        self.runtime
            .call_back_and_wait(self.key, move || event(&handler))
            .await;
    }
}

async fn attempt<H: Handler>(
    call: &Call,
    control: &Control,
    events: &Events<H>,
    previous: u32,
) -> Result<Metadata, Failure> {
    let Exchange {
        response,
        send,
        lease,
        authorization,
    } = call.open(control, previous).await?;
    events.tell(|handler| handler.ready()).await;
    let outgoing = pump(control, send, events);
    let incoming = read(call, control, response, &lease.connection, events);
    tokio::pin!(outgoing, incoming);
    let ended = tokio::select! {
        biased;
        never = &mut outgoing => match never {},
        ended = &mut incoming => ended,
    };
    ended.map_err(|failure| failure.carrying(authorization))
}

/// Sends what is queued as fast as the peer takes it; how the call ends, the reading side knows.
async fn pump<H: Handler>(
    control: &Control,
    mut send: SendStream<Bytes>,
    events: &Events<H>,
) -> std::convert::Infallible {
    while let Some(mut message) = control.next_outgoing().await {
        let length = message.len();
        while !message.is_empty() {
            send.reserve_capacity(message.len());
            let granted = std::future::poll_fn(|context| send.poll_capacity(context)).await;
            let Some(Ok(granted)) = granted else {
                return std::future::pending().await;
            };
            let part = message.split_to(granted.min(message.len()));
            if send.send_data(part, false).is_err() {
                return std::future::pending().await;
            }
        }
        if control.sent(length) {
            events.tell(|handler| handler.ready()).await;
        }
    }
    // Fails only if the call has ended, which the reading side reports.
    let _: Result<(), _> = send.send_data(Bytes::new(), true);
    std::future::pending().await
}

async fn read<H: Handler>(
    call: &Call,
    control: &Control,
    response: ResponseFuture,
    connection: &Connection,
    events: &Events<H>,
) -> Result<Metadata, Failure> {
    let (head, mut body) = response
        .await
        .map_err(|error| status::lost(&error, connection, false))?
        .into_parts();
    let limit = call.channel.max_metadata();
    status::check_size(&head.headers, limit).map_err(committed)?;
    if let Some(error) = status::of_http(head.status, &head.headers) {
        return Err(error.into());
    }
    if head.headers.contains_key(&status::GRPC_STATUS) && body.is_end_stream() {
        return Ok(status::of_trailers(&head.headers, None)?);
    }
    control.commit();
    let lost = |error: h2::Error| status::lost(&error, connection, true);
    let encoding = status::encoding(&head.headers).map_err(committed)?;
    let metadata = Metadata::from_headers(&head.headers);
    events
        .tell({
            let metadata = metadata.clone();
            move |handler: &H| handler.initial_metadata(metadata)
        })
        .await;
    let mut reader = Reader::new(call.max_receive, encoding);
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(lost)?;
        let length = chunk.len();
        reader.push(chunk);
        while let Some(message) = reader.next().map_err(committed)? {
            control.demand().await;
            events
                .tell(move |handler: &H| handler.message(message))
                .await;
        }
        // Only now: a slow handler keeps the window closed, and with it the sender.
        let _: Result<(), _> = body.flow_control().release_capacity(length);
    }
    let trailers = body.trailers().await.map_err(lost)?.unwrap_or_default();
    status::check_size(&trailers, limit).map_err(committed)?;
    let ended = status::of_trailers(&trailers, Some(&metadata)).map_err(committed)?;
    if !reader.is_empty() {
        let error = Error::rpc(
            Source::Transport,
            Code::Internal,
            "the answer ends within a message",
        );
        return Err(committed(error.processed(true)));
    }
    Ok(ended)
}
