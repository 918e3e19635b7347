//! Connectivity: the states of a channel and of its subchannels (gRPC's connectivity document).

/// gRPC's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    Idle = 0,
    Connecting = 1,
    Ready = 2,
    TransientFailure = 3,
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
