//! Unary calls: one message out, one message in.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::failure::{Failure, committed};
use super::reader::{Reader, internal};
use super::retry::Retry;
use super::{Call, Control, Opening, Sent, answer};
use crate::channel::{Exchange, Whole};
use crate::error::Error;
use crate::runtime::Alarm;
use crate::wire::Metadata;
use crate::wire::framing::{kept, only};

/// What a successful unary call gives.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Decompressed, without gRPC's frame. It may lie in what was read with it, which [`kept`](Self::kept) lets go of.
    pub message: Bytes,
    /// The answer's headers; empty where it had trailers only.
    pub initial_metadata: Metadata,
    /// What came with the status.
    pub trailers: Metadata,
}

impl Response {
    /// As it may be kept for long.
    pub(crate) fn kept(self) -> Self {
        let message = kept(self.message);
        Self { message, ..self }
    }

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
    /// An answer that comes a piece at a time.
    pieces: Option<Box<Answer>>,
    alarm: Option<Alarm>,
}

/// How far a call came as data.
enum Came {
    /// To its end.
    Ended(Result<Response, Error>),
    /// It waits for a connection, or a token, with what it got so far.
    Opens(Option<Opening>),
    /// To where another attempt may follow.
    Failed(Failure),
}

impl Unary {
    /// The message comes from [`Call::frame`].
    pub(super) fn new(call: Call, control: Arc<Control>, framed: Bytes) -> Self {
        Self::Direct(Direct {
            call,
            control,
            framed,
            sent: None,
            pieces: None,
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
            let (failure, opening) = match came {
                Came::Ended(ended) => {
                    *self = Self::Ended;
                    return Poll::Ready(ended);
                }
                Came::Opens(opening) => (None, opening),
                Came::Failed(failure) => (Some(failure), None),
            };
            if let Self::Direct(direct) = std::mem::replace(&mut *self, Self::Ended) {
                *self = Self::Long(Box::pin(direct.go_on(failure, opening)));
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
        let is_first = self.sent.is_none();
        if is_first && let Some(came) = self.begin(context) {
            return Poll::Ready(came);
        }
        match self.poll_answer(context) {
            Poll::Ready(Ok(response)) => {
                Retry::new(&self.call).succeeded();
                return Poll::Ready(self.ends(Ok(response)));
            }
            Poll::Ready(Err(failure)) => {
                let sent = self.sent.take().map(|(_, sent)| sent);
                let failure = failure.carrying(sent.unwrap_or(Sent::Nothing));
                return Poll::Ready(Came::Failed(failure));
            }
            Poll::Pending if is_first => {}
            Poll::Pending => {
                if let Poll::Ready(reason) = self.control.poll_cancelled(context) {
                    return Poll::Ready(self.ends(Err(reason)));
                }
                if self.call.is_late() {
                    let late = self.call.deadline_exceeded(&self.control);
                    return Poll::Ready(self.ends(Err(late)));
                }
            }
        }
        Poll::Pending
    }

    /// Sends the request, if all that needs is at hand; else how far that came.
    fn begin(&mut self, context: &mut Context<'_>) -> Option<Came> {
        let call = &self.call;
        call.begins();
        if let Poll::Ready(reason) = self.control.poll_cancelled(context) {
            return Some(self.ends(Err(reason)));
        }
        if call.is_late() {
            return Some(self.ends(Err(call.deadline_exceeded(&self.control))));
        }
        match call.open_now(&self.control, &self.framed) {
            Ok(sent) => self.sent = Some(sent),
            Err(opening) => return Some(Came::Opens(opening)),
        }
        self.alarm = call.alarm(context);
        None
    }

    fn poll_answer(&mut self, context: &Context<'_>) -> Poll<Result<Response, Failure>> {
        let (call, Some((exchange, _))) = (&self.call, &mut self.sent) else {
            return Poll::Pending; // it has ended before
        };
        if self.pieces.is_none()
            && let Some(whole) = ready!(exchange.poll_whole(context))
        {
            return Poll::Ready(of_whole(call, whole));
        }
        let pieces = self.pieces.get_or_insert_default();
        pieces.poll(call, exchange, context)
    }

    fn ends(&self, ended: Result<Response, Error>) -> Came {
        Came::Ended(self.call.ends(&self.control, ended))
    }

    /// To the end, with what may take its time.
    async fn go_on(
        self,
        failure: Option<Failure>,
        mut opening: Option<Opening>,
    ) -> Result<Response, Error> {
        let Self {
            call,
            control,
            framed,
            ..
        } = self;
        let attempt = |previous| attempt(&call, &control, &framed, previous, opening.take());
        let attempts = call.attempts(&control, failure, attempt);
        call.bounded(&control, pin!(attempts)).await
    }
}

/// The answer of a unary call, which is one message.
#[derive(Default)]
struct Answer {
    /// `None`: it has not begun.
    reader: Option<Reader>,
    message: Only,
}

/// The message of an answer, once it came.
#[derive(Default)]
struct Only(Option<Bytes>);

impl Only {
    fn add(&mut self, message: Bytes) -> Result<(), Failure> {
        match self.0.replace(message) {
            None => Ok(()),
            Some(_) => Err(committed(internal(
                "a unary call was answered with two messages",
            ))),
        }
    }

    /// With what came before and after it.
    fn end(&mut self, call: &Call, around: (Metadata, Metadata)) -> Result<Response, Failure> {
        match self.0.take() {
            Some(message) => Ok(response(call, message, around)),
            None => Err(committed(no_message())),
        }
    }
}

fn response(call: &Call, message: Bytes, around: (Metadata, Metadata)) -> Response {
    let (initial_metadata, trailers) = match call.discard_metadata {
        true => Default::default(),
        false => around,
    };
    Response {
        message,
        initial_metadata,
        trailers,
    }
}

/// What an answer that came whole is.
fn of_whole(call: &Call, whole: Whole) -> Result<Response, Failure> {
    let limit = call.channel.max_metadata();
    let usual = answer::usual(&whole.head, whole.trailers.as_deref(), limit);
    if let Some(around) = usual
        && let Some(message) = only(&whole.content, call.max_receive)
    {
        return Ok(response(call, message, around));
    }
    of_pieces(call, whole)
}

#[cold]
fn of_pieces(call: &Call, whole: Whole) -> Result<Response, Failure> {
    let Ok(mut reader) = Reader::begin(call, &whole.head, false)? else {
        return Err(no_message().into());
    };
    reader.push(whole.content);
    let mut only = Only::default();
    while let Some(message) = reader.next()? {
        only.add(message)?;
    }
    only.end(call, reader.end(call, whole.trailers.as_deref())?)
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
            self.message.add(kept(message))?;
        }
        let Some(reader) = self.reader.take() else {
            return Poll::Pending; // it was ready before
        };
        let trailers = exchange.trailers();
        let around = reader.end(call, trailers.as_deref())?;
        Poll::Ready(self.message.end(call, around))
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

#[cfg(test)]
mod tests {
    use std::task::Waker;
    use std::time::Duration;

    use tonic::Code;

    use super::*;
    use crate::call::{CallOptions, Timeout};
    use crate::channel::Channel;

    #[test]
    fn a_call_whose_deadline_has_passed_does_not_begin() {
        let options = CallOptions {
            timeout: Timeout::After(Duration::ZERO),
            ..CallOptions::default()
        };
        let method = "/gateway_protocol.Gateway/Topology";
        let call = Call::new(&Channel::of_test(), method, options).unwrap();
        let framed = call.frame(b"").unwrap();
        let mut unary = Unary::new(call, Arc::new(Control::of_unary()), framed);
        let begun = match &mut unary {
            Unary::Direct(direct) => direct.poll(&mut Context::from_waker(Waker::noop())),
            _ => unreachable!("it has not begun"),
        };
        let Poll::Ready(Came::Ended(Err(error))) = begun else {
            panic!("it looked for a connection")
        };
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert!(!error.may_have_been_processed());
    }
}
