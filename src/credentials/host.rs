//! The host's own token source: a request object that host code answers, at once or later.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tonic::Code;

use super::token::Token;
use crate::error::{Error, Source};
use crate::runtime::time::timeout;
use crate::runtime::{self, Epoch, lock};

/// How long the host may take.
const TIMEOUT: Duration = Duration::from_secs(30);

type Retrieve = dyn Fn(Arc<TokenRequest>) + Send + Sync;
type Cancel = dyn Fn(&Arc<TokenRequest>) + Send + Sync;

/// What host code does, behind closures: `retrieve` gets the request, `cancel` is told it is late.
pub struct TokenSource {
    /// Run on a callback thread; it answers the request now or later, on any thread.
    pub retrieve: Arc<Retrieve>,
    /// Run at most once a request, when nobody waits for its answer any more.
    pub cancel: Arc<Cancel>,
    /// Orders the two on callback threads.
    pub key: usize,
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}

enum State {
    Waiting(oneshot::Sender<Result<Token, Error>>),
    Answered,
    Cancelled,
}

/// One request for a token, to be answered once.
pub struct TokenRequest(Mutex<State>);

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenRequest")
    }
}

impl TokenRequest {
    fn answer(&self, answer: Result<Token, Error>) -> Result<(), Error> {
        let mut state = lock(&self.0);
        match std::mem::replace(&mut *state, State::Answered) {
            State::Waiting(sender) => {
                // The fetch may have been given up; then nobody wants it.
                sender.send(answer).ok();
                Ok(())
            }
            State::Answered => Err(Error::illegal_state(
                "the token request was answered before",
            )),
            State::Cancelled => {
                *state = State::Cancelled;
                Ok(())
            }
        }
    }

    /// Answers with a token; `expires_in` from now, `None`: not known. Refused where the request was answered before, or the
    /// token cannot be a header.
    pub fn complete(
        &self,
        access_token: &str,
        expires_in: Option<Duration>,
        scope: Option<String>,
    ) -> Result<(), Error> {
        let token = Token::new(access_token, expires_in, scope).map_err(Error::invalid_argument)?;
        self.answer(Ok(token))
    }

    /// Codes that say something about the call itself become INTERNAL (gRFC A54). Only who is denied a token is so for good.
    pub fn fail(
        &self,
        code: Code,
        message: &str,
        retry_after: Option<Duration>,
    ) -> Result<(), Error> {
        let error = match code {
            Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::DataLoss => Error::rpc(
                Source::Caller,
                Code::Internal,
                format!(
                    "the token source failed with {code:?}, which no call may end with: {message}"
                ),
            )
            .passing(),
            Code::Unauthenticated => {
                Error::invalid_oauth_credentials(message).from_source(Source::Caller)
            }
            Code::PermissionDenied => Error::rpc(Source::Caller, code, message),
            _ => Error::rpc(Source::Caller, code, message)
                .retryable(code == Code::Unavailable)
                .passing(),
        };
        self.answer(Err(error.with_retry_after(retry_after)))
    }

    /// Freed without an answer.
    pub fn abandon(&self) {
        let error = Error::rpc(
            Source::Caller,
            Code::Unavailable,
            "the token source freed its request without an answer",
        );
        // An answer before this one stands.
        self.answer(Err(error.retryable(true))).ok();
    }

    fn cancel(&self) {
        let mut state = lock(&self.0);
        if matches!(*state, State::Waiting(_)) {
            *state = State::Cancelled;
        }
    }
}

impl TokenSource {
    pub(super) async fn fetch(&self, epoch: Epoch) -> Result<Token, Error> {
        let (sender, answer) = oneshot::channel();
        let request = Arc::new(TokenRequest(Mutex::new(State::Waiting(sender))));
        let runtime = runtime::get(epoch)?;
        let (retrieve, given) = (Arc::clone(&self.retrieve), Arc::clone(&request));
        runtime.call_back(self.key, move || retrieve(given));
        let late = match timeout(TIMEOUT, answer).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(_)) => "was given up",
            Err(_) => "did not answer within 30 s",
        };
        request.cancel();
        let cancel = Arc::clone(&self.cancel);
        runtime.call_back(self.key, move || cancel(&request));
        Err(Error::rpc(
            Source::Caller,
            Code::Unavailable,
            format!("the token source {late}"),
        )
        .retryable(true))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::error::Kind;

    type Answer = oneshot::Receiver<Result<Token, Error>>;

    fn request() -> (TokenRequest, Answer) {
        let (sender, answer) = oneshot::channel();
        (TokenRequest(Mutex::new(State::Waiting(sender))), answer)
    }

    fn error(mut answer: Answer) -> Error {
        answer.try_recv().unwrap().unwrap_err()
    }

    #[test]
    fn statuses_that_say_something_of_the_call_become_internal_with_the_original_in_the_text() {
        for number in 0..=16 {
            let (request, answer) = request();
            let code = Code::from_i32(number);
            let second = Duration::from_secs(1);
            request.fail(code, "why", Some(second)).unwrap();
            let error = error(answer);
            let refused = [0, 3, 5, 6, 9, 10, 11, 15].contains(&number);
            let expected = if refused { Code::Internal } else { code };
            assert_eq!((error.code(), error.source()), (expected, Source::Caller));
            assert!(error.message().contains("why"), "{error}");
            assert_eq!(error.message().contains(&format!("{code:?}")), refused);
            assert_eq!(error.is_retryable(), code == Code::Unavailable);
            let is_denied = [7, 16].contains(&number);
            assert_eq!(error.is_passing(), !is_denied);
            assert!(!error.is_cancel());
            assert_eq!(error.retry_after(), Some(second));
        }
    }

    #[test]
    fn a_second_answer_is_an_illegal_state_and_the_first_stands() {
        let (request, mut answer) = request();
        request.complete("one", None, None).unwrap();
        let second = request.complete("two", None, None).unwrap_err();
        assert_eq!(second.kind(), Kind::IllegalState);
        let second = request.fail(Code::Unavailable, "", None).unwrap_err();
        assert_eq!(second.kind(), Kind::IllegalState);
        request.abandon();
        assert_eq!(answer.try_recv().unwrap().unwrap().header(), "Bearer one");
    }

    #[test]
    fn a_token_that_no_header_may_hold_is_refused_and_the_request_still_waits() {
        let (request, mut answer) = request();
        let refused = request.complete("a b", None, None).unwrap_err();
        assert_eq!(refused.kind(), Kind::InvalidArgument);
        assert!(answer.try_recv().is_err());
        request.complete("ab", None, None).unwrap();
        assert!(answer.try_recv().unwrap().is_ok());
    }

    #[test]
    fn a_request_freed_without_an_answer_is_unavailable() {
        let (request, answer) = request();
        request.abandon();
        let error = error(answer);
        assert_eq!(error.code(), Code::Unavailable);
        assert!(error.is_retryable() && error.message().contains("without an answer"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_is_cancelled_after_thirty_seconds_and_its_answer_then_is_ignored() {
        let (sender, told) = mpsc::channel();
        let asked = sender.clone();
        let source = TokenSource {
            retrieve: Arc::new(move |request| asked.send(("asked", request)).unwrap()),
            cancel: Arc::new(move |request| {
                sender.send(("cancelled", Arc::clone(request))).unwrap()
            }),
            key: runtime::unique_key(),
        };
        let began = tokio::time::Instant::now();
        let error = source.fetch(Epoch::now()).await.unwrap_err();
        assert!((30..31).contains(&began.elapsed().as_secs()));
        assert_eq!(
            (error.code(), error.source()),
            (Code::Unavailable, Source::Caller)
        );
        assert!(
            error.is_retryable() && error.message().contains("30 s"),
            "{error}"
        );
        let (first, request) = told.recv().unwrap();
        let (second, cancelled) = told.recv().unwrap();
        assert_eq!((first, second), ("asked", "cancelled"));
        assert!(Arc::ptr_eq(&request, &cancelled));
        request.complete("late", None, None).unwrap();
        request.fail(Code::Internal, "later", None).unwrap();
    }
}
