//! Errors: what failed, whose fault it was, and whether trying again may help.
//!
//! One type for every part of the library. Not here: how C sees it (`capi::error`).

use std::ffi::CStr;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
pub use tonic::Code;

use crate::options::{Refusal, Spec};
use crate::wire::Metadata;

/// The status codes by number, as gRPC spells them.
pub(crate) const CODE_NAMES: [&str; 17] = {
    let mut names = [""; CODE_NAMES_OF_C.len()];
    let mut code = 0;
    while code < names.len() {
        if let Ok(name) = CODE_NAMES_OF_C[code].to_str() {
            names[code] = name;
        }
        code += 1;
    }
    names
};

/// [`CODE_NAMES`], each with its NUL.
pub(crate) const CODE_NAMES_OF_C: [&CStr; 17] = [
    c"OK",
    c"CANCELLED",
    c"UNKNOWN",
    c"INVALID_ARGUMENT",
    c"DEADLINE_EXCEEDED",
    c"NOT_FOUND",
    c"ALREADY_EXISTS",
    c"PERMISSION_DENIED",
    c"RESOURCE_EXHAUSTED",
    c"FAILED_PRECONDITION",
    c"ABORTED",
    c"OUT_OF_RANGE",
    c"UNIMPLEMENTED",
    c"INTERNAL",
    c"UNAVAILABLE",
    c"DATA_LOSS",
    c"UNAUTHENTICATED",
];

/// What kind of failure it is. Numbers are the C API's and are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An argument or option cannot be, at any time.
    InvalidArgument = 1,
    /// What is asked for cannot be now: the call has ended, or this is a library thread.
    IllegalState = 2,
    /// A variable or setting is missing or of no use.
    Settings = 3,
    /// The token endpoint refuses this client; another try will not help.
    InvalidOauthCredentials = 4,
    /// Material of TLS does not parse.
    Tls = 5,
    /// A call's own status, the gateway's or this side's.
    Rpc = 6,
    /// The channel, queue or runtime has ended.
    Shutdown = 7,
    /// A bug in this library.
    Internal = 8,
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The program: an argument, a cancel, a token source of its own.
    Caller = 1,
    /// The OAuth2 authorization server, or the way there.
    TokenEndpoint = 2,
    /// The way to the gateway: lookup, proxy, TLS, HTTP/2.
    Transport = 3,
    /// The gateway's own answer.
    Gateway = 4,
    /// This side, of itself: a deadline, a limit, a shutdown, a bug.
    Library = 5,
}

/// Cheap to clone: one failure may end many calls.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    source: Source,
    code: Code,
    message: String,
    retryable: bool,
    may_have_been_processed: bool,
    is_cut: bool,
    is_cancel: bool,
    is_passing: bool,
    retry_after: Option<Duration>,
    option: Option<&'static Spec>,
    details: Bytes,
    initial_metadata: Option<Metadata>,
    trailers: Option<Metadata>,
}

impl Error {
    fn new(kind: Kind, source: Source, code: Code, message: impl Into<String>) -> Self {
        // A status of OK is no error, whatever went wrong on the way.
        let code = if code == Code::Ok {
            Code::Unknown
        } else {
            code
        };
        Self(Arc::new(Inner {
            kind,
            source,
            code,
            message: message.into(),
            retryable: false,
            may_have_been_processed: true,
            is_cut: false,
            is_cancel: false,
            is_passing: false,
            retry_after: None,
            option: None,
            details: Bytes::new(),
            initial_metadata: None,
            trailers: None,
        }))
    }

    /// Of what the program asks for, refused before anything is sent.
    fn refused(kind: Kind, code: Code, message: impl Into<String>) -> Self {
        Self::new(kind, Source::Caller, code, message).processed(false)
    }

    /// Refused before anything is sent; `message` names argument and value.
    pub fn invalid_argument(message: impl Into<String>) -> Self {
        Self::refused(Kind::InvalidArgument, Code::InvalidArgument, message)
    }

    /// Refused before anything is sent; it may be right at another time.
    pub fn illegal_state(message: impl Into<String>) -> Self {
        Self::refused(Kind::IllegalState, Code::FailedPrecondition, message)
    }

    /// From a function; one that ends a call is [`Error::settings_of_call`].
    pub fn settings(message: impl Into<String>) -> Self {
        Self::refused(Kind::Settings, Code::FailedPrecondition, message)
    }

    /// Of the token endpoint's settings, found when a call needs a token: UNAUTHENTICATED.
    pub fn settings_of_call(message: impl Into<String>) -> Self {
        Self::new(
            Kind::Settings,
            Source::TokenEndpoint,
            Code::Unauthenticated,
            message,
        )
    }

    /// UNAUTHENTICATED and not retryable: the endpoint refuses the client.
    pub fn invalid_oauth_credentials(message: impl Into<String>) -> Self {
        Self::new(
            Kind::InvalidOauthCredentials,
            Source::TokenEndpoint,
            Code::Unauthenticated,
            message,
        )
    }

    /// Material that does not parse; a failed handshake is [`Error::unavailable`].
    pub fn tls(message: impl Into<String>) -> Self {
        Self::refused(Kind::Tls, Code::Unavailable, message)
    }

    /// Of what is asked of a handle that has ended; a call that was under way ends with [`Error::given_up`].
    pub fn shutdown(message: impl Into<String>) -> Self {
        Self::refused(Kind::Shutdown, Code::Unavailable, message).from_source(Source::Library)
    }

    /// Nobody's fault but ours; the gateway may have done something.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, Source::Library, Code::Internal, message)
    }

    /// Not retryable until [`Error::retryable`] says so.
    pub fn rpc(source: Source, code: Code, message: impl Into<String>) -> Self {
        Self::new(Kind::Rpc, source, code, message)
    }

    /// The transport failed; the same call may succeed later.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::rpc(Source::Transport, Code::Unavailable, message).retryable(true)
    }

    /// By the program, or the end of channel, queue or runtime.
    pub fn cancelled(message: impl Into<String>) -> Self {
        let error = Self::rpc(Source::Caller, Code::Cancelled, message);
        error.change(|inner| inner.is_cancel = true)
    }

    /// Who owed an end was dropped: at the end of the runtime, or by a panic. What the gateway did by then is not known.
    pub fn given_up() -> Self {
        if std::thread::panicking() {
            Self::internal("a bug in this library ended the call")
        } else {
            Self::cancelled("the runtime was shut down")
        }
    }

    /// Of the call's own deadline; not retryable: the caller decided how long to wait.
    pub fn deadline_exceeded(message: impl Into<String>) -> Self {
        Self::rpc(Source::Library, Code::DeadlineExceeded, message)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// In place of that which its constructor chose.
    pub fn from_source(self, source: Source) -> Self {
        self.change(|inner| inner.source = source)
    }

    /// Whether the same may succeed later, whatever its idempotence.
    pub fn retryable(self, retryable: bool) -> Self {
        self.change(|inner| inner.retryable = retryable)
    }

    /// Who knows that nothing was sent says so: without a word, the gateway may have done something.
    pub fn processed(self, maybe: bool) -> Self {
        self.change(|inner| inner.may_have_been_processed = maybe)
    }

    /// The call was ended from beneath, as by a proxy: its stream was reset, or ended without a status.
    pub(crate) fn cut(self) -> Self {
        self.change(|inner| inner.is_cut = true)
    }

    /// Not the call but what it needed on this side failed, which may be otherwise soon. Who goes on by itself, a job stream or a
    /// worker, tries again, though the error is not retryable.
    pub(crate) fn passing(self) -> Self {
        self.change(|inner| inner.is_passing = true)
    }

    /// How long whoever failed asks to be left alone; `None`: nothing was said.
    pub fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        self.change(|inner| inner.retry_after = retry_after)
    }

    /// With the option at fault, as data, for bindings to name in their own words.
    pub fn about(self, option: &'static Spec) -> Self {
        self.change(|inner| inner.option = Some(option))
    }

    /// With a remark at the end of its message.
    pub fn noting(self, remark: &str) -> Self {
        self.change(|inner| inner.message = format!("{}; {remark}", inner.message))
    }

    /// With what `cut` leaves of all that came from a peer; details that are no longer whole are dropped.
    pub(crate) fn cutting(self, cut: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Self {
        let message = cut(self.message().as_bytes());
        let is_in_details = cut(self.details()).is_some();
        let initial_metadata = self.initial_metadata().and_then(|values| values.cut(&cut));
        let trailers = self.trailers().and_then(|values| values.cut(&cut));
        if message.is_none() && !is_in_details && initial_metadata.is_none() && trailers.is_none() {
            return self;
        }
        self.change(|inner| {
            if let Some(message) = message {
                inner.message = String::from_utf8_lossy(&message).into_owned();
            }
            if is_in_details {
                inner.details = Bytes::new();
            }
            inner.initial_metadata = initial_metadata.or(inner.initial_metadata.take());
            inner.trailers = trailers.or(inner.trailers.take());
        })
    }

    /// `grpc-status-details-bin`, decoded.
    pub fn with_details(self, details: Bytes) -> Self {
        self.change(|inner| inner.details = details)
    }

    /// Of an answer that began before it failed.
    pub fn with_initial_metadata(self, metadata: Option<Metadata>) -> Self {
        self.change(|inner| inner.initial_metadata = metadata)
    }

    /// Of the answer that failed the call.
    pub fn with_trailers(self, metadata: Metadata) -> Self {
        self.change(|inner| inner.trailers = Some(metadata))
    }

    /// By which a program decides what to do.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// By which a program decides whom to tell.
    pub fn source(&self) -> Source {
        self.0.source
    }

    /// Never OK.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The code as gRPC spells it, such as `NOT_FOUND`.
    pub fn status(&self) -> &'static str {
        CODE_NAMES[self.0.code as usize]
    }

    /// For people: what failed, with which value, and what to do; without secrets.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The same request may succeed later, whatever its idempotence.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// False only when the gateway certainly did nothing.
    pub fn may_have_been_processed(&self) -> bool {
        self.0.may_have_been_processed
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.0.is_cut
    }

    /// [`Error::cancelled`] made it: a code of CANCELLED may be anybody's, a token source's too.
    pub(crate) fn is_cancel(&self) -> bool {
        self.0.is_cancel
    }

    pub(crate) fn is_passing(&self) -> bool {
        self.0.is_passing
    }

    /// As long as this the same should not be tried; `None`: nothing was said.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The option that is at fault or would help; the first that the message names.
    pub fn option(&self) -> Option<&'static Spec> {
        self.0.option
    }

    /// `grpc-status-details-bin`, decoded; empty: none.
    pub fn details(&self) -> &Bytes {
        &self.0.details
    }

    /// `None`: no answer had begun.
    pub fn initial_metadata(&self) -> Option<&Metadata> {
        self.0.initial_metadata.as_ref()
    }

    /// `None`: the error did not come with an answer.
    pub fn trailers(&self) -> Option<&Metadata> {
        self.0.trailers.as_ref()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::invalid_argument(refusal.why).about(refusal.option)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} ({:?}): {}",
            self.0.kind, self.0.code, self.0.message
        )
    }
}

impl std::error::Error for Error {}

/// An error and its causes in one line: C has no `source()`.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Many a wrapper prints its cause already.
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
