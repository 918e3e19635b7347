//! An attempt that failed, and what its call may do after it.

use std::time::Duration;

use http::HeaderValue;
use tonic::Code;

use super::Sent;
use crate::credentials::{Effort, Redactor};
use crate::error::{Error, Source};
use crate::wire::{Metadata, PUSHBACK};

/// An attempt that failed.
pub(super) struct Failure {
    pub(super) error: Error,
    /// The gateway certainly did nothing: refused, or above the last stream of a GOAWAY.
    pub(super) unprocessed: bool,
    /// Nothing was even said to it: nothing had been written, or its peer speaks another protocol. It was no attempt.
    pub(super) unsaid: bool,
    /// The answer had begun: what follows is for the program to see.
    pub(super) committed: bool,
    /// What the gateway refused with UNAUTHENTICATED, if a plugin gave it.
    pub(super) refused: Option<HeaderValue>,
    /// When it wants to be asked again, or `Some(None)`: not at all (gRFC A6).
    pub(super) pushback: Option<Option<Duration>>,
}

impl Failure {
    /// Of a call that carried this, which does not come back in the error.
    pub(super) fn carrying(mut self, sent: Sent) -> Self {
        if let Some(authorization) = sent.authorization() {
            let redactor = Redactor::of_authorization(authorization);
            let effort = Effort::default();
            self.error = self.error.cutting(|bytes| redactor.cut(bytes, &effort));
        }
        let refused = self.error.source() == Source::Gateway
            && self.error.code() == Code::Unauthenticated
            && !self.committed;
        if let Sent::ByPlugin(authorization) = sent
            && refused
        {
            self.refused = Some(authorization);
        }
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            unprocessed: false,
            unsaid: false,
            committed: false,
            refused: None,
            pushback: error.trailers().and_then(pushback),
            error,
        }
    }
}

/// The failure of an attempt whose answer had begun.
pub(super) fn committed(error: Error) -> Failure {
    Failure {
        committed: true,
        ..error.into()
    }
}

/// What the gateway says of a retry (gRFC A6): when, or `Some(None)`: not at all.
pub(super) fn pushback(trailers: &Metadata) -> Option<Option<Duration>> {
    let (_, value) = (0..trailers.len())
        .filter_map(|index| trailers.get(index))
        .find(|(key, _)| *key == PUSHBACK)?;
    let text = std::str::from_utf8(value).ok();
    let milliseconds = text.and_then(|text| text.parse::<u32>().ok());
    Some(milliseconds.map(|milliseconds| Duration::from_millis(milliseconds.into())))
}
