//! The host's own token source: a request object that host code answers, at once or later.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tonic::Code;

use super::token::Token;
use crate::error::{Error, Source};
use crate::runtime::{self, Epoch, lock};

/// How long the host may take.
const TIMEOUT: Duration = Duration::from_secs(30);

type Retrieve = dyn Fn(Arc<TokenRequest>) + Send + Sync;
type Cancel = dyn Fn(&Arc<TokenRequest>) + Send + Sync;

/// What host code does, behind closures: `retrieve` gets the request, `cancel` is told it is late.
pub struct TokenSource {
    pub retrieve: Arc<Retrieve>,
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
                let _: Result<(), _> = sender.send(answer);
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

    pub fn complete(
        &self,
        access_token: &str,
        expires_in: Option<Duration>,
        scope: Option<String>,
    ) -> Result<(), Error> {
        let token = Token::new(access_token, expires_in, scope).map_err(Error::invalid_argument)?;
        self.answer(Ok(token))
    }

    /// Codes that say something about the call itself become INTERNAL (gRFC A54).
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
            ),
            Code::Unauthenticated => Error::invalid_oauth_credentials(message),
            _ => Error::rpc(Source::Caller, code, message).retryable(code == Code::Unavailable),
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
        let _: Result<(), _> = self.answer(Err(error.retryable(true)));
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
        let late = match tokio::time::timeout(TIMEOUT, answer).await {
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
