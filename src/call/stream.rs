//! Streaming calls: messages both ways, delivered to a handler.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;

use super::failure::Failure;
use super::reader::Reader;
use super::state::Outgoing;
use super::{Call, Control};
use crate::channel::Exchange;
use crate::error::Error;
use crate::wire::Metadata;

/// Told what happens to a call: in this order, one at a time, `close` once and last.
///
/// What follows waits for the future of what was told, so a slow handler slows the sender and nothing else.
pub trait Handler: Send + Sync + 'static {
    /// The answer's headers, before any message.
    fn initial_metadata(self: &Arc<Self>, metadata: Metadata) -> impl Future<Output = ()> + Send;
    /// One whole message, decompressed.
    fn message(self: &Arc<Self>, message: Bytes) -> impl Future<Output = ()> + Send;
    /// More may be sent: see [`Control::is_ready`].
    fn ready(self: &Arc<Self>) -> impl Future<Output = ()> + Send;
    /// The trailers of a call that ended with OK, else why it ended.
    fn close(self: Arc<Self>, ended: Result<Metadata, Error>);
}

/// The close that is owed to a handler; it also comes if who owes it is dropped.
pub(crate) struct Owed<H: Handler>(Option<Arc<H>>);

impl<H: Handler> Owed<H> {
    pub(crate) fn new(handler: &Arc<H>) -> Self {
        Self(Some(Arc::clone(handler)))
    }

    pub(crate) fn close(mut self, ended: Result<Metadata, Error>) {
        if let Some(handler) = self.0.take() {
            handler.close(ended);
        }
    }
}

impl<H: Handler> Drop for Owed<H> {
    fn drop(&mut self) {
        if let Some(handler) = self.0.take() {
            handler.close(Err(Error::given_up()));
        }
    }
}

/// Runs the call to its end, which the handler learns, also if the future is dropped before it was polled.
pub(crate) fn stream<H: Handler>(
    call: Call,
    control: Arc<Control>,
    handler: Arc<H>,
) -> impl Future<Output = ()> + Send {
    let owed = Owed::new(&handler);
    async move {
        call.begins();
        let attempts = call.attempts(&control, None, |previous| {
            attempt(&call, &control, &handler, previous)
        });
        let ended = call.bounded(&control, pin!(attempts)).await;
        drop((call, handler)); // who is told that it ended may rely on it that nothing of it is left
        owed.close(ended);
    }
}

async fn attempt<H: Handler>(
    call: &Call,
    control: &Control,
    handler: &Arc<H>,
    previous: u32,
) -> Result<Metadata, Failure> {
    let (exchange, sent) = call.open(control, previous, &[], false, None).await?;
    handler.ready().await;
    let outgoing = pump(control, &exchange, handler);
    let incoming = read(call, control, &exchange, handler);
    tokio::pin!(outgoing, incoming);
    let ended = tokio::select! {
        biased;
        never = &mut outgoing => match never {},
        ended = &mut incoming => ended,
    };
    ended.map_err(|failure| failure.carrying(sent))
}

/// Sends what is queued as fast as the peer takes it; how the call ends, the reading side knows.
async fn pump<H: Handler>(
    control: &Control,
    exchange: &Exchange,
    handler: &Arc<H>,
) -> std::convert::Infallible {
    // What is sent fails only if the call has ended, which the reading side reports.
    loop {
        let Outgoing { message, is_last } = control.next_outgoing().await;
        if exchange.send(&message, is_last).is_err() {
            return std::future::pending().await;
        }
        poll_fn(|context| exchange.poll_sent(context)).await;
        if control.sent(message.len()) {
            handler.ready().await;
        }
        if is_last {
            return std::future::pending().await;
        }
    }
}

async fn read<H: Handler>(
    call: &Call,
    control: &Control,
    exchange: &Exchange,
    handler: &Arc<H>,
) -> Result<Metadata, Failure> {
    let begun = poll_fn(|context| Reader::poll_begin(call, exchange, context)).await?;
    let mut reader = match begun {
        Ok(reader) => reader,
        Err(trailers) => return Ok(trailers),
    };
    control.commit();
    handler
        .initial_metadata(reader.initial_metadata().clone())
        .await;
    while let Some(message) = poll_fn(|context| reader.poll_next(exchange, context)).await? {
        poll_fn(|context| control.poll_demand(context)).await;
        handler.message(message).await;
    }
    let trailers = exchange.trailers();
    let (_, trailers) = reader.end(call, trailers.as_deref())?;
    Ok(trailers)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;
    use std::time::Duration;

    use futures_util::FutureExt;
    use tonic::Code;

    use super::*;
    use crate::call::{CallOptions, Timeout};
    use crate::channel::Channel;
    use crate::runtime::lock;

    /// Keeps how the call ended; anything before that is one event too many here.
    #[derive(Default)]
    struct Ends(Mutex<Vec<Result<Metadata, Error>>>);

    impl Handler for Ends {
        async fn initial_metadata(self: &Arc<Self>, _: Metadata) {
            unreachable!("nothing was sent");
        }
        async fn message(self: &Arc<Self>, _: Bytes) {
            unreachable!("nothing was sent");
        }
        async fn ready(self: &Arc<Self>) {
            unreachable!("there is no connection");
        }
        fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
            lock(&self.0).push(ended);
        }
    }

    impl Ends {
        /// The code and the text of the only end, and whether the gateway may have done something.
        fn only(&self) -> (Code, String, bool) {
            let ends = lock(&self.0);
            assert_eq!(ends.len(), 1);
            match &ends[0] {
                Ok(_) => (Code::Ok, String::new(), false),
                Err(error) => (
                    error.code(),
                    error.message().to_owned(),
                    error.may_have_been_processed(),
                ),
            }
        }
    }

    #[test]
    fn a_close_that_is_owed_comes_once_whatever_becomes_of_who_owes_it() {
        let paid = Arc::new(Ends::default());
        Owed::new(&paid).close(Ok(Metadata::default()));
        assert_eq!(paid.only().0, Code::Ok);

        let dropped = Arc::new(Ends::default());
        drop(Owed::new(&dropped));
        let (code, text, processed) = dropped.only();
        assert!(code == Code::Cancelled && text.contains("shut down") && processed);

        let panicked = Arc::new(Ends::default());
        let owed = Owed::new(&panicked);
        let panic = catch_unwind(AssertUnwindSafe(move || {
            let _owed = owed;
            panic!("on purpose");
        }));
        assert!(panic.is_err());
        let (code, text, processed) = panicked.only();
        assert!(code == Code::Internal && text.contains("bug") && processed);
    }

    fn call() -> (Arc<Control>, Arc<Ends>, impl Future<Output = ()>) {
        call_with(CallOptions::default())
    }

    fn call_with(options: CallOptions) -> (Arc<Control>, Arc<Ends>, impl Future<Output = ()>) {
        let method = "/gateway_protocol.Gateway/Topology";
        let call = Call::new(&Channel::of_test(), method, options).unwrap();
        let control = Arc::new(call.stream_control());
        let ends = Arc::new(Ends::default());
        let running = stream(call, Arc::clone(&control), Arc::clone(&ends));
        (control, ends, running)
    }

    #[test]
    fn a_call_that_is_dropped_before_it_began_is_closed() {
        let (_, ends, running) = call();
        drop(running);
        assert_eq!(ends.only().0, Code::Cancelled);
    }

    #[test]
    fn a_call_that_was_cancelled_before_it_began_tells_nothing_but_that() {
        let (control, ends, running) = call();
        control.send(b"goes nowhere").unwrap();
        control.cancel(Error::cancelled("first"));
        control.cancel(Error::cancelled("second"));
        running.now_or_never().unwrap();
        control.cancel(Error::cancelled("late"));
        let (code, text, processed) = ends.only();
        assert!(code == Code::Cancelled && text.contains("first") && !processed);
        assert!(control.send(b"late").is_err() && !control.is_ready());
    }

    #[test]
    fn a_call_whose_deadline_has_passed_does_not_begin() {
        let timeout = Timeout::After(Duration::ZERO);
        let (_, ends, running) = call_with(CallOptions {
            timeout,
            ..CallOptions::default()
        });
        running.now_or_never().unwrap();
        let (code, text, processed) = ends.only();
        assert!(code == Code::DeadlineExceeded && text.contains("passed while") && !processed);
    }
}
