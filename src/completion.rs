//! Completions: a result that is owed, and comes exactly once.

use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, ready};

use crate::error::Error;
use crate::runtime;

/// Whoever holds it may deliver a result. If nobody does, because the holder was dropped at the
/// end of the runtime, dropping it delivers an error.
struct Completion<T, F: FnOnce(Result<T, Error>)> {
    deliver: Option<F>,
    result: std::marker::PhantomData<fn(T)>,
}

/// Nothing in it stays where it is.
impl<T, F: FnOnce(Result<T, Error>)> Unpin for Completion<T, F> {}

impl<T, F: FnOnce(Result<T, Error>)> Completion<T, F> {
    fn end(&mut self, result: Result<T, Error>) {
        if let Some(deliver) = self.deliver.take() {
            deliver(result);
        }
    }
}

impl<T, F: FnOnce(Result<T, Error>)> Drop for Completion<T, F> {
    fn drop(&mut self) {
        if self.deliver.is_some() {
            self.end(Err(Error::given_up()));
        }
    }
}

/// Work whose result somebody gets, once: an error if it is dropped before its end, polled or not.
pub(crate) struct Owed<W, T, F: FnOnce(Result<T, Error>)> {
    work: W,
    completion: Completion<T, F>,
}

impl<W, T, F> Future for Owed<W, T, F>
where
    W: Future<Output = Result<T, Error>> + Unpin,
    F: FnOnce(Result<T, Error>),
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let result = ready!(Pin::new(&mut self.work).poll(context));
        self.completion.end(result);
        Poll::Ready(())
    }
}

/// `deliver` gets the result of `work`.
pub(crate) fn owed<W, T, F>(work: W, deliver: F) -> Owed<W, T, F>
where
    W: Future<Output = Result<T, Error>> + Unpin,
    F: FnOnce(Result<T, Error>),
{
    Owed {
        work,
        completion: Completion {
            deliver: Some(deliver),
            result: std::marker::PhantomData,
        },
    }
}

/// Starts what owes a result, and blocks until it has come; refused on a library thread. `what` blocks, for the error.
pub(crate) fn wait<T: Send + 'static>(
    what: &str,
    start: impl FnOnce(Box<dyn FnOnce(Result<T, Error>) + Send>) -> Result<(), Error>,
) -> Result<T, Error> {
    runtime::refuse_on_library_thread(what)?;
    let (sender, receiver) = mpsc::channel();
    start(Box::new(move |result| {
        // The receiver waits below.
        sender.send(result).ok();
        runtime::nudge();
    }))?;
    runtime::receive(&receiver).unwrap_or_else(|_| Err(Error::given_up()))
}
