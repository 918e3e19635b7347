//! Why a request is not carried out.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rejection {
    InvalidArgument(String),
    NotFound(String),
    FailedPrecondition(String),
    AlreadyExists(String),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidArgument(reason)
            | Self::NotFound(reason)
            | Self::FailedPrecondition(reason)
            | Self::AlreadyExists(reason) => f.write_str(reason),
        }
    }
}
