//! Completions: a result that is owed, and comes exactly once.

use std::sync::mpsc;

use crate::error::Error;
use crate::runtime;

/// Whoever holds it may deliver a result. If nobody does, because the holder was dropped at the
/// end of the runtime, dropping it delivers an error.
struct Completion<T, F: FnOnce(Result<T, Error>)> {
    deliver: Option<F>,
    result: std::marker::PhantomData<fn(T)>,
}

impl<T, F: FnOnce(Result<T, Error>)> Completion<T, F> {
    fn end(&mut self, result: Result<T, Error>) {
        if let Some(deliver) = self.deliver.take() {
            deliver(result);
        }
    }
}

impl<T, F: FnOnce(Result<T, Error>)> Drop for Completion<T, F> {
    fn drop(&mut self) {
        self.end(Err(Error::given_up()));
    }
}

/// `work`, whose result `deliver` gets, once: an error if the future is dropped before its end, polled or not.
pub(crate) fn owed<T>(
    work: impl Future<Output = Result<T, Error>>,
    deliver: impl FnOnce(Result<T, Error>),
) -> impl Future<Output = ()> {
    let mut completion = Completion {
        deliver: Some(deliver),
        result: std::marker::PhantomData,
    };
    async move { completion.end(work.await) }
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
    }))?;
    receiver.recv().unwrap_or_else(|_| Err(Error::given_up()))
}
