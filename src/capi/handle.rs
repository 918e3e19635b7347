//! Handles that belong to an epoch: useless after a shutdown, untouchable after a fork.

use std::ops::Deref;

use super::convert;
use crate::error::Error;
use crate::runtime::Epoch;

/// A handle with threads behind it.
pub(crate) trait Handle {
    fn epoch(&self) -> Epoch;
}

/// A handle that C must give and that can still be used.
pub(crate) fn living<'a, T: Handle>(name: &str, handle: Option<&'a T>) -> Result<&'a T, Error> {
    let handle = convert::required(name, handle)?;
    handle.epoch().check()?;
    Ok(handle)
}

/// Frees a handle; one of a parent process stays in memory, since its locks may be held for ever.
pub(crate) fn free<B>(handle: Option<B>)
where
    B: Deref<Target: Handle>,
{
    if let Some(handle) = handle
        && handle.epoch().is_of_parent()
    {
        std::mem::forget(handle);
    }
}
