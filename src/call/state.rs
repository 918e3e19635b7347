//! A call's life as data: what the program, the attempts and the wire do to it goes in, what may be done comes out.
//!
//! Pure: no lock, no waker, nothing waits. `control` puts those around it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::error::Error;

/// More than this would only be buffered.
pub(super) const READY_BELOW: usize = 64 * 1024;

/// A call that sent more is not sent again.
pub(super) const REPLAY_BUFFER: usize = 256 * 1024;

/// How far a call has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    #[default]
    Connecting,
    FetchingToken,
    /// Before another attempt.
    Pausing,
    /// From here on the gateway may have done something.
    Sent,
    Ended,
}

/// What an attempt sends next.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outgoing {
    /// Framed; empty: no message, but the half-close that came after the last one had been taken.
    pub(super) message: Bytes,
    /// Nothing follows.
    pub(super) is_last: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    phase: Phase,
    /// The peer that it was sent to had not said that it speaks HTTP/2; it has once this is true.
    is_heard: Option<Arc<AtomicBool>>,
    cancelled: Option<Error>,
    /// By an earlier attempt.
    processed: bool,
    /// The call will not be sent again.
    committed: bool,
    /// `None`: none is sent by this way.
    messages: Option<Box<Messages>>,
    half_closed: bool,
    /// Messages are not sent compressed, whatever the call's encoding.
    uncompressed: bool,
    /// Messages that may still be delivered; `None`: any number.
    requested: Option<u64>,
}

/// What the program sends, as it goes.
#[derive(Clone, Debug, Default)]
struct Messages {
    outgoing: VecDeque<Bytes>,
    /// Also of the message that is going out.
    outgoing_bytes: usize,
    /// What this attempt sent, so that another can send it again.
    kept: VecDeque<Bytes>,
    kept_bytes: usize,
}

impl State {
    /// Of a call that sends and receives as it goes.
    pub(super) fn of_stream(manual_requests: bool) -> Self {
        Self {
            messages: Some(Box::default()),
            requested: manual_requests.then_some(0),
            ..Self::default()
        }
    }

    /// Of a call whose only message is sent by other means.
    pub(super) fn of_unary() -> Self {
        Self {
            half_closed: true,
            ..Self::default()
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the peer that it was sent to speaks HTTP/2, as far as that is known.
    pub(super) fn is_heard(&self) -> bool {
        let heard = self.is_heard.as_ref();
        heard.is_none_or(|heard| heard.load(Ordering::Acquire))
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        if self.phase != Phase::Ended {
            self.phase = phase;
        }
    }

    /// It is on the wire; `heard` is true once its peer has said that it speaks HTTP/2.
    pub(super) fn enter_sent(&mut self, heard: &Arc<AtomicBool>) {
        let is_heard = heard.load(Ordering::Acquire);
        self.is_heard = (!is_heard).then(|| Arc::clone(heard));
        self.enter(Phase::Sent);
    }

    pub(super) fn may_have_been_processed(&self) -> bool {
        self.phase >= Phase::Sent || self.processed
    }

    /// Whether the reason counts: the first one does, before the end. What does not is not made.
    pub(super) fn cancel(&mut self, reason: impl FnOnce() -> Error) -> bool {
        let counts = self.phase != Phase::Ended && self.cancelled.is_none();
        if counts {
            self.cancelled = Some(reason());
        }
        counts
    }

    pub(super) fn cancelled(&self) -> Option<&Error> {
        self.cancelled.as_ref()
    }

    /// Whether the program may send; what follows a cancel is taken, and goes nowhere.
    pub(super) fn check_open(&self) -> Result<(), Error> {
        if self.phase == Phase::Ended {
            return Err(Error::illegal_state("the call has ended"));
        }
        if self.half_closed {
            return Err(Error::illegal_state(
                "the call was half-closed: nothing can follow",
            ));
        }
        Ok(())
    }

    pub(super) fn send(&mut self, framed: Bytes) -> Result<(), Error> {
        self.check_open()?;
        let messages = self.messages.get_or_insert_default();
        messages.outgoing_bytes += framed.len();
        messages.outgoing.push_back(framed);
        Ok(())
    }

    pub(super) fn half_close(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.half_closed, true) {
            return Err(Error::illegal_state("the call was half-closed before"));
        }
        Ok(())
    }

    pub(super) fn set_message_compression(&mut self, enabled: bool) {
        self.uncompressed = !enabled;
    }

    pub(super) fn compresses(&self) -> bool {
        !self.uncompressed
    }

    pub(super) fn request(&mut self, count: u64) -> Result<(), Error> {
        let Some(requested) = &mut self.requested else {
            return Err(Error::illegal_state(
                "the call was not started with manual_requests",
            ));
        };
        *requested = requested.saturating_add(count);
        Ok(())
    }

    /// Whether a message would be sent at once.
    pub(super) fn is_ready(&self) -> bool {
        let waiting = self.messages.as_ref();
        let waiting = waiting.map_or(0, |messages| messages.outgoing_bytes);
        self.phase == Phase::Sent && !self.half_closed && waiting < READY_BELOW
    }

    /// Takes what the attempt under way sends next; `None`: the program has not said yet. Not after what was the last.
    pub(super) fn next(&mut self) -> Option<Outgoing> {
        if self.phase == Phase::Ended || self.cancelled.is_some() {
            return None;
        }
        let messages = self.messages.as_mut()?;
        let message = messages.outgoing.pop_front();
        let is_last = self.half_closed && messages.outgoing.is_empty();
        if let Some(message) = &message {
            self.keep(message);
        }
        (message.is_some() || is_last).then(|| Outgoing {
            message: message.unwrap_or_default(),
            is_last,
        })
    }

    fn keep(&mut self, message: &Bytes) {
        let Some(messages) = self.messages.as_mut().filter(|_| !self.committed) else {
            return;
        };
        messages.kept.push_back(message.clone());
        messages.kept_bytes += message.len();
        if messages.kept_bytes > REPLAY_BUFFER {
            self.commit();
        }
    }

    /// A message that was taken went out whole; whether the call became ready by that.
    pub(super) fn went_out(&mut self, bytes: usize) -> bool {
        let before = self.is_ready();
        if let Some(messages) = &mut self.messages {
            messages.outgoing_bytes -= bytes;
        }
        !before && self.is_ready()
    }

    /// The call will not be sent again: the answer has begun, or too much was sent.
    pub(super) fn commit(&mut self) {
        self.committed = true;
        if let Some(messages) = &mut self.messages {
            messages.kept = VecDeque::new();
            messages.kept_bytes = 0;
        }
    }

    /// Before another attempt: what was sent is sent again, before what was not. Refused if it is not all there, or nobody
    /// waits for it any more.
    pub(super) fn rewind(&mut self, processed: bool) -> bool {
        if self.phase == Phase::Ended || self.cancelled.is_some() || self.committed {
            return false;
        }
        if let Some(messages) = &mut self.messages {
            let mut outgoing = std::mem::take(&mut messages.kept);
            outgoing.append(&mut messages.outgoing);
            **messages = Messages {
                outgoing_bytes: outgoing.iter().map(Bytes::len).sum(),
                outgoing,
                ..Messages::default()
            };
        }
        self.processed |= processed;
        self.phase = Phase::Pausing;
        true
    }

    /// Whether a message may be delivered, which it then must be. Between a cancel and the end none is.
    pub(super) fn deliver(&mut self) -> bool {
        if self.phase == Phase::Ended || self.cancelled.is_some() {
            return false;
        }
        match &mut self.requested {
            None => true,
            Some(0) => false,
            Some(requested) => {
                *requested -= 1;
                true
            }
        }
    }

    /// The end, the first time: a cancel that came before counts, whatever else came of the call.
    pub(super) fn close<T>(&mut self, ended: Result<T, Error>) -> Result<T, Error> {
        let processed = self.may_have_been_processed();
        self.phase = Phase::Ended;
        self.committed = true;
        self.messages = None;
        match &self.cancelled {
            Some(reason) => Err(reason.clone().processed(processed)),
            // What an earlier attempt may have brought about, the failure of the last does not undo.
            None if self.processed => ended.map_err(|error| error.processed(true)),
            None => ended,
        }
    }
}

#[cfg(test)]
mod tests;
