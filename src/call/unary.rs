//! Unary calls: one message out, one message in.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::failure::{Failure, committed};
use super::reader::{Reader, internal};
use super::retry::Retry;
use super::{Call, Control, Opening, Sent};
use crate::channel::Exchange;
use crate::error::Error;
use crate::runtime::Alarm;
use crate::wire::Metadata;
use crate::wire::framing::kept;

/// What a successful unary call gives.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Decompressed, without gRPC's frame.
    pub message: Bytes,
    /// The answer's headers; empty where it had trailers only.
    pub initial_metadata: Metadata,
    /// What came with the status.
    pub trailers: Metadata,
}

impl Response {
    /// Whether it is the message alone.
    pub fn has_no_metadata(&self) -> bool {
        self.initial_metadata.is_empty() && self.trailers.is_empty()
    }
}

/// A unary call to its end. While it waits for nothing but its answer, as most do, it is plain data.
#[allow(
    clippy::large_enum_variant,
    reason = "most calls are all their life data, which a box would cost an allocation"
)]
pub(super) enum Unary {
    Direct(Direct),
    /// It waits for a connection or a token, or is sent again.
    Long(Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>),
    Ended,
}

/// A call whose first attempt needs nothing that is not at hand.
pub(super) struct Direct {
    call: Call,
    control: Arc<Control>,
    framed: Bytes,
    sent: Option<(Exchange, Sent)>,
    opening: Option<Opening>,
    answer: Answer,
    alarm: Option<Alarm>,
}

/// How far a call came as data.
enum Came {
    /// To its end.
    Ended(Result<Response, Error>),
    /// It needs more than its answer, after this failure, if it was sent.
    Further(Option<Failure>),
}

impl Unary {
    /// The message comes from [`Call::frame`].
    pub(super) fn new(call: Call, control: Arc<Control>, framed: Bytes) -> Self {
        Self::Direct(Direct {
            call,
            control,
            framed,
            sent: None,
            opening: None,
            answer: Answer::default(),
            alarm: None,
        })
    }
}

impl Future for Unary {
    type Output = Result<Response, Error>;

    /// When it is ready, nothing of the call is left: who is told that it ended may rely on that.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Self::Direct(direct) = &mut *self {
            let came = match direct.poll(context) {
                Poll::Ready(came) => came,
                Poll::Pending => return Poll::Pending,
            };
            let failure = match came {
                Came::Ended(ended) => {
                    *self = Self::Ended;
                    return Poll::Ready(ended);
                }
                Came::Further(failure) => failure,
            };
            if let Self::Direct(direct) = std::mem::replace(&mut *self, Self::Ended) {
                *self = Self::Long(Box::pin(direct.go_on(failure)));
            }
        }
        let Self::Long(long) = &mut *self else {
            return Poll::Pending; // it has ended before
        };
        let ended = long.as_mut().poll(context);
        if ended.is_ready() {
            *self = Self::Ended;
        }
        ended
    }
}

impl Direct {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Came> {
        let call = &self.call;
        let is_first = self.sent.is_none();
        if is_first {
            call.begins();
        }
        if let Poll::Ready(reason) = self.control.poll_cancelled(context) {
            return Poll::Ready(self.ends(Err(reason)));
        }
        if is_first {
            match call.open_now(&self.control, &self.framed) {
                Ok(sent) => self.sent = Some(sent),
                Err(opening) => self.opening = opening,
            }
            self.alarm = call.alarm(context);
        }
        let Some((exchange, _)) = &self.sent else {
            return Poll::Ready(Came::Further(None));
        };
        match self.answer.poll(call, exchange, context) {
            Poll::Ready(Ok(response)) => {
                Retry::new(call).succeeded();
                Poll::Ready(self.ends(Ok(response)))
            }
            Poll::Ready(Err(failure)) => {
                let sent = self.sent.take();
                let failure = sent.map(|(_, sent)| failure.carrying(sent));
                Poll::Ready(Came::Further(failure))
            }
            Poll::Pending if !is_first && call.is_late() => {
                let late = call.deadline_exceeded(&self.control);
                Poll::Ready(self.ends(Err(late)))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn ends(&self, ended: Result<Response, Error>) -> Came {
        Came::Ended(self.call.ends(&self.control, ended))
    }

    /// To the end, with what may take its time.
    async fn go_on(self, failure: Option<Failure>) -> Result<Response, Error> {
        let Self {
            call,
            control,
            framed,
            mut opening,
            ..
        } = self;
        let attempt = |previous| attempt(&call, &control, &framed, previous, opening.take());
        let attempts = call.attempts(&control, failure, attempt);
        call.bounded(&control, pin!(attempts)).await
    }
}

/// The answer of a unary call: one message.
#[derive(Default)]
struct Answer {
    /// `None`: it has not begun.
    reader: Option<Reader>,
    message: Option<Bytes>,
}

impl Answer {
    /// Ready once.
    fn poll(
        &mut self,
        call: &Call,
        exchange: &Exchange,
        context: &Context<'_>,
    ) -> Poll<Result<Response, Failure>> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => match ready!(Reader::poll_begin(call, exchange, context))? {
                Ok(reader) => self.reader.insert(reader),
                Err(_) => return Poll::Ready(Err(no_message().into())),
            },
        };
        while let Some(message) = ready!(reader.poll_next(exchange, context))? {
            if self.message.replace(kept(message)).is_some() {
                let two = internal("a unary call was answered with two messages");
                return Poll::Ready(Err(committed(two)));
            }
        }
        let Some(reader) = self.reader.take() else {
            return Poll::Pending; // it was ready before
        };
        let (initial_metadata, trailers) = reader.end(call, exchange)?;
        Poll::Ready(match self.message.take() {
            Some(message) if call.discard_metadata => Ok(Response {
                message,
                ..Response::default()
            }),
            Some(message) => Ok(Response {
                message,
                initial_metadata,
                trailers,
            }),
            None => Err(committed(no_message())),
        })
    }
}

async fn attempt(
    call: &Call,
    control: &Control,
    framed: &Bytes,
    previous: u32,
    opening: Option<Opening>,
) -> Result<Response, Failure> {
    let opened = call.open(control, previous, framed, true, opening);
    let (exchange, sent) = opened.await?;
    let mut reader = Answer::default();
    let answer = poll_fn(|context| reader.poll(call, &exchange, context)).await;
    answer.map_err(|failure| failure.carrying(sent))
}

fn no_message() -> Error {
    internal("a unary call was answered with OK and no message")
}
