//! The `authorization` of a call, as its plugin gives it.

use std::pin::Pin;

use http::HeaderValue;

use crate::error::Error;

/// For a call. Boxed where it takes a fetch, which is rare: every call carries the size of this.
pub(crate) enum Authorization {
    AtHand(HeaderValue),
    Fetched(Fetched),
}

pub(crate) type Fetched = Pin<Box<dyn Future<Output = Result<HeaderValue, Error>> + Send>>;
