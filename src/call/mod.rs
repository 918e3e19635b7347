//! Calls: from a method and options to a status.
//!
//! A call picks a connection, then asks the plugins (no token is fetched for a gateway that cannot
//! be reached), writes frames, reads frames, and ends exactly once.

mod answer;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
/// cbindgen:ignore
pub mod any_bytes;
mod backlog;
mod control;
mod failure;
mod json;
mod reader;
mod request;
mod retry;
mod start;
mod state;
mod status;
mod stream;
mod unary;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use tokio::time::Instant;
use tonic::Code;

pub use backlog::{Demand, ReadAhead, Share};
pub use control::{Control, Held};
pub use json::json_blocking;
use start::server_stream_blocking;
pub(crate) use start::{start_stream, start_unary, unary_blocking};
use state::Phase;
pub use stream::Handler;
pub(crate) use stream::{Owed, stream};
pub use unary::Response;
use unary::Unary;

use failure::Failure;
use retry::Retry;

use crate::channel::{Channel, Exchange, Head, Lease, Pick, RetryPolicy};
use crate::credentials::{Authorization, Fetched, Plugin};
use crate::error::{Error, Source};
use crate::options::grpc;
use crate::runtime::Alarm;
use crate::runtime::time::sleep;
use crate::wire::Metadata;
use crate::wire::framing::{self, Encoding, Limit};

const AUTHORIZATION: &str = "authorization";

/// Bytes of headers that every peer takes: of what is longer, SETTINGS_MAX_HEADER_LIST_SIZE has to come first.
const EARLY_HEADERS: usize = 4 * 1024;

/// A call's time-out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timeout {
    /// That of the channel's defaults, which may be none.
    #[default]
    OfChannel,
    /// No deadline, whatever the channel's default is.
    None,
    /// From the call's start to its end: waiting for a connection, the token and every attempt included.
    After(Duration),
}

/// What a program says of one call; the default leaves all to the channel.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// The shorter of it and of the service config's counts.
    pub timeout: Timeout,
    /// Sent with the channel's default metadata, of which a key that is also here is left out.
    pub metadata: Metadata,
    /// Authenticates this call, after the channel's plugins.
    pub credentials: Option<Arc<Plugin>>,
    /// What `:authority` says; `None`: the channel's.
    pub authority: Option<String>,
    /// `None`: the channel's.
    pub max_receive: Option<usize>,
    /// `None`: the channel's default.
    pub wait_for_ready: Option<bool>,
    /// `None`: the channel's.
    pub encoding: Option<Encoding>,
    /// Of streaming calls only.
    pub demand: Demand,
    /// Of streaming calls only.
    pub read_ahead: ReadAhead,
    /// Of unary calls only: the response has no metadata.
    pub discard_metadata: bool,
}

/// A call that is checked and may start. Of the options it has what the attempts need.
#[derive(Debug)]
pub struct Call {
    channel: Arc<Channel>,
    head: Arc<Head>,
    metadata: Metadata,
    credentials: Option<Arc<Plugin>>,
    max_receive: Option<Limit>,
    max_send: Limit,
    wait_for_ready: bool,
    encoding: Encoding,
    demand: Demand,
    read_ahead: ReadAhead,
    discard_metadata: bool,
    started: Instant,
    deadline: Option<Instant>,
}

/// What stood in `authorization`.
enum Sent {
    Nothing,
    /// A plugin gave it.
    ByPlugin(HeaderValue),
    /// The caller's metadata have it, or the channel's: it replaces what plugins give.
    Own(Bytes),
}

/// What a call got that has to wait for more.
struct Opening {
    lease: Lease,
    /// The plugin that is asked, by its place among all.
    plugin: usize,
    fetched: Fetched,
}

impl Sent {
    fn authorization(&self) -> Option<&[u8]> {
        match self {
            Self::Nothing => None,
            Self::ByPlugin(value) => Some(value.as_bytes()),
            Self::Own(value) => Some(value),
        }
    }
}

impl Call {
    /// Checks what can be checked without the network. The deadline runs from here.
    pub fn new(channel: &Arc<Channel>, method: &str, options: CallOptions) -> Result<Self, Error> {
        if options.credentials.is_some() && !channel.allows_plugins() {
            return Err(Error::invalid_argument(
                "credentials of a call over plaintext beyond loopback could be read by others",
            ));
        }
        let head = channel
            .request()
            .head(method, options.authority.as_deref())?;
        let started = Instant::now();
        let given = match options.timeout {
            Timeout::OfChannel => channel.defaults().timeout,
            Timeout::None => None,
            Timeout::After(timeout) => Some(timeout),
        };
        let configured = channel.method_config(method);
        // The service config may only shorten (gRPC's service config document).
        let timeout = match (given, configured.and_then(|configured| configured.timeout)) {
            (Some(given), Some(configured)) => Some(given.min(configured)),
            (given, configured) => given.or(configured),
        };
        let limit = |bytes: Option<usize>, name| bytes.map(|bytes| Limit { bytes, name });
        let max_request = limit(
            configured.and_then(|configured| configured.max_request),
            "maxRequestMessageBytes of the service config",
        );
        let max_response = limit(
            configured.and_then(|configured| configured.max_response),
            "maxResponseMessageBytes of the service config",
        );
        let max_receive = options.max_receive.or(channel.max_receive(method));
        let max_receive = limit(max_receive, grpc::MAX_RECEIVE_MESSAGE_LENGTH.name);
        Ok(Self {
            channel: Arc::clone(channel),
            head,
            metadata: options.metadata,
            credentials: options.credentials,
            max_receive: match max_receive {
                Some(limit) => Some(limit.least(max_response)),
                None => max_response,
            },
            max_send: Limit {
                bytes: channel.max_send(),
                name: grpc::MAX_SEND_MESSAGE_LENGTH.name,
            }
            .least(max_request),
            wait_for_ready: options
                .wait_for_ready
                .or(configured.and_then(|configured| configured.wait_for_ready))
                .unwrap_or(channel.defaults().wait_for_ready),
            encoding: options.encoding.unwrap_or(channel.encoding()),
            demand: options.demand,
            discard_metadata: options.discard_metadata,
            read_ahead: options.read_ahead,
            started,
            deadline: timeout.and_then(|timeout| started.checked_add(timeout)),
        })
    }

    /// A message as it goes out; refused beyond the send limit.
    pub fn frame(&self, message: &[u8]) -> Result<Bytes, Error> {
        framing::frame(message, self.max_send, self.encoding)
    }

    /// What others may do to this call, once it streams.
    pub(crate) fn stream_control(&self) -> Control {
        let (limit, encoding) = (self.max_send, self.encoding);
        Control::of_stream(self.demand, self.read_ahead, limit, encoding)
    }

    /// Of several the later wins.
    fn plugins(&self) -> impl DoubleEndedIterator<Item = &Arc<Plugin>> {
        self.channel.plugins().iter().chain(&self.credentials)
    }

    /// Whether one of the plugins has, or can get, another token than the one that the gateway refused.
    fn plugin_rejects(&self, authorization: &HeaderValue) -> bool {
        // The last one's was sent.
        let sent = self.plugins().next_back();
        sent.is_some_and(|plugin| plugin.rejected(authorization))
    }

    /// A token may be refused for the scope that it has not.
    fn noting_scope(&self, error: Error) -> Error {
        let is_refusal = error.source() != Source::TokenEndpoint
            && matches!(error.code(), Code::Unauthenticated | Code::PermissionDenied);
        let note = || self.plugins().next_back()?.scope_note();
        match is_refusal.then(note).flatten() {
            Some(note) => error.noting(&note),
            None => error,
        }
    }

    fn retry_policy(&self) -> Option<&RetryPolicy> {
        self.channel.retry_policy(self.head.path())
    }

    /// Attempts until one succeeds or none may follow; each is told how many came before it. `failed`: the first was made.
    async fn attempts<T, F>(
        &self,
        control: &Control,
        mut failed: Option<Failure>,
        mut attempt: impl FnMut(u32) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut retry = Retry::new(self);
        loop {
            let failure = match failed.take() {
                Some(failure) => failure,
                None => match attempt(retry.previous).await {
                    Ok(value) => {
                        retry.succeeded();
                        return Ok(value);
                    }
                    Err(failure) => failure,
                },
            };
            let Some(pause) = retry.after(&failure, control) else {
                return Err(self.noting_scope(failure.error));
            };
            tracing::debug!("sent again in {} ms: {}", pause.as_millis(), failure.error);
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
    }

    fn begins(&self) {
        self.channel.counters().started();
    }

    /// What a call ends with that ended so.
    fn ends<T>(&self, control: &Control, ended: Result<T, Error>) -> Result<T, Error> {
        let ended = control.close(ended);
        let code = ended.as_ref().err().map_or(Code::Ok, Error::code);
        self.channel.counters().ended(code);
        ended
    }

    /// Ends `work` at the deadline, or when the call is cancelled.
    async fn bounded<T>(
        &self,
        control: &Control,
        mut work: Pin<&mut impl Future<Output = Result<T, Error>>>,
    ) -> Result<T, Error> {
        let mut alarm = None;
        let ended = poll_fn(|context| {
            if let Poll::Ready(reason) = control.poll_cancelled(context) {
                return Poll::Ready(Err(reason));
            }
            // What was not sent in time is not sent: nobody waits for what the gateway would do.
            if control.phase() < Phase::Sent && self.is_late() {
                return Poll::Ready(Err(self.deadline_exceeded(control)));
            }
            match work.as_mut().poll(context) {
                // The gateway keeps the deadline, too, and its reset, to which a proxy gives a code of its own, may be read before the
                // timer here has fired.
                Poll::Ready(Err(error)) if error.is_cut() && self.is_late() => {
                    return Poll::Ready(Err(self.deadline_exceeded(control)));
                }
                Poll::Ready(ended) => return Poll::Ready(ended),
                Poll::Pending => {}
            }
            if alarm.is_some() && self.is_late() {
                return Poll::Ready(Err(self.deadline_exceeded(control)));
            }
            if alarm.is_none() {
                alarm = self.alarm(context);
            }
            Poll::Pending
        })
        .await;
        self.ends(control, ended)
    }

    /// Wakes who polls the call at its deadline.
    fn alarm(&self, context: &Context<'_>) -> Option<Alarm> {
        let deadline = self.deadline?.into_std();
        Some(Alarm::set(deadline, context.waker()))
    }

    fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }

    fn deadline_exceeded(&self, control: &Control) -> Error {
        let after = self
            .deadline
            .map_or(0, |deadline| (deadline - self.started).as_millis());
        let last = |doing: &str| match self.channel.last_error() {
            Some(error) => format!("{doing}; last: {error}"),
            None => doing.to_owned(),
        };
        let doing = match control.phase() {
            Phase::Connecting => last("waiting for a connection"),
            Phase::FetchingToken => "waiting for a token".to_owned(),
            Phase::Pausing => "waiting to be sent again".to_owned(),
            Phase::Sent if !control.is_heard() => {
                last("waiting for the answer of a peer that has not said that it speaks HTTP/2")
            }
            Phase::Sent | Phase::Ended => "waiting for the answer".to_owned(),
        };
        Error::deadline_exceeded(format!("the deadline of {after} ms passed while {doing}"))
            .processed(control.may_have_been_processed())
    }

    /// Sends the request's headers and its first data, `ends`: its only; if it fails, nothing was sent. `begun`: what it got so far.
    async fn open(
        &self,
        control: &Control,
        previous: u32,
        data: &[u8],
        ends: bool,
        mut begun: Option<Opening>,
    ) -> Result<(Exchange, Sent), Error> {
        // What was never on the wire is tried on another connection.
        loop {
            let (lease, authorization) = self
                .lease_and_authorization(control, begun.take())
                .await
                .map_err(|error| error.processed(false))?;
            let sent = self.sent(authorization);
            if self.is_too_long_for_early(&lease, &sent) {
                lease.connection.heard().await;
            }
            if let Some(opened) = self.send(control, lease, sent, previous, data, ends) {
                return Ok(opened);
            }
        }
    }

    async fn lease_and_authorization(
        &self,
        control: &Control,
        begun: Option<Opening>,
    ) -> Result<(Lease, Option<HeaderValue>), Error> {
        control.enter(Phase::Connecting);
        let (lease, mut fetched) = match begun {
            Some(begun) => (begun.lease, Some((begun.plugin, begun.fetched))),
            None => match self.channel.pick(self.wait_for_ready) {
                Pick::Ready(lease) => (lease, None),
                Pick::Fail(error) => return Err(error),
                Pick::Wait(granted) => {
                    let granted = granted.await;
                    let ended = || Err(Error::shutdown("the channel has ended"));
                    (granted.unwrap_or_else(|_| ended())?, None)
                }
            },
        };
        control.enter(Phase::FetchingToken);
        let (mut authorization, mut asked) = (None, 0);
        loop {
            if let Some((plugin, fetched)) = fetched.take() {
                authorization = Some(fetched.await?);
                asked = plugin + 1;
            }
            match self.authorization_at_hand(asked) {
                Ok(last) => return Ok((lease, last.or(authorization))),
                Err(more) => fetched = Some(more),
            }
        }
    }

    /// What the plugins have from the one at `first` on, of which the last one's counts; or the first that has to fetch it.
    fn authorization_at_hand(&self, first: usize) -> Result<Option<HeaderValue>, (usize, Fetched)> {
        let mut authorization = None;
        for (place, plugin) in self.plugins().enumerate().skip(first) {
            authorization = match plugin.authorization(self.wait_for_ready) {
                Authorization::AtHand(value) => Some(value),
                Authorization::Fetched(fetched) => return Err((place, fetched)),
            };
        }
        Ok(authorization)
    }

    /// Sends the only message of a call's first attempt, if a connection and all authorization are at hand; else what there is.
    fn open_now(
        &self,
        control: &Control,
        data: &[u8],
    ) -> Result<(Exchange, Sent), Option<Opening>> {
        let Pick::Ready(lease) = self.channel.pick(self.wait_for_ready) else {
            return Err(None);
        };
        let authorization = match self.authorization_at_hand(0) {
            Ok(authorization) => authorization,
            Err((plugin, fetched)) => {
                return Err(Some(Opening {
                    lease,
                    plugin,
                    fetched,
                }));
            }
        };
        let sent = self.sent(authorization);
        if self.is_too_long_for_early(&lease, &sent) {
            return Err(None);
        }
        self.send(control, lease, sent, 0, data, true).ok_or(None)
    }

    /// Whether the peer may take less than this call's headers, which it has not said yet.
    fn is_too_long_for_early(&self, lease: &Lease, sent: &Sent) -> bool {
        if lease.connection.is_heard() {
            return false;
        }
        let metadata = [&self.metadata, &self.channel.defaults().metadata];
        let metadata = metadata.into_iter().map(Metadata::bytes).sum::<usize>();
        metadata + sent.authorization().map_or(0, <[u8]>::len) > EARLY_HEADERS
    }

    /// `None`: the connection takes no calls any more, or none at present: its peer allows fewer than when it was leased.
    fn send(
        &self,
        control: &Control,
        lease: Lease,
        sent: Sent,
        previous: u32,
        data: &[u8],
        ends: bool,
    ) -> Option<(Exchange, Sent)> {
        match request::open(self, lease, &sent, previous, data, ends) {
            Ok(exchange) => {
                control.enter_sent(exchange.heard());
                Some((exchange, sent))
            }
            Err(lease) => {
                if !lease.connection.takes_calls() {
                    self.channel.retire(&lease.connection);
                }
                None
            }
        }
    }

    /// The caller's own metadata wins over the channel's, and that over what a plugin gave.
    fn sent(&self, by_plugin: Option<HeaderValue>) -> Sent {
        let own = [&self.metadata, &self.channel.defaults().metadata];
        let own = own
            .into_iter()
            .find_map(|metadata| metadata.find(AUTHORIZATION));
        match (own, by_plugin) {
            (Some(value), _) => Sent::Own(value.clone()),
            (None, Some(value)) => Sent::ByPlugin(value),
            (None, None) => Sent::Nothing,
        }
    }
}
