//! Connectivity: the states of a channel and of its subchannels (gRPC's connectivity document).

/// gRPC's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// No connection, and none is tried until a call wants one.
    Idle = 0,
    /// An attempt is under way.
    Connecting = 1,
    /// At least one connection takes calls.
    Ready = 2,
    /// The last attempt failed; the next comes after a pause, by itself.
    TransientFailure = 3,
    /// The channel was closed; no other state follows.
    Shutdown = 4,
}

impl Connectivity {
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        let all = [
            Self::Idle,
            Self::Connecting,
            Self::Ready,
            Self::TransientFailure,
            Self::Shutdown,
        ];
        all.into_iter().find(|state| *state as i32 == number)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Idle => "IDLE",
            Self::Connecting => "CONNECTING",
            Self::Ready => "READY",
            Self::TransientFailure => "TRANSIENT_FAILURE",
            Self::Shutdown => "SHUTDOWN",
        }
    }
}
