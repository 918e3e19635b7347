//! Handles that belong to an epoch: useless after a shutdown, untouchable after a fork.

use safer_ffi::prelude::repr_c;

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
pub(crate) fn free<T>(handle: Option<repr_c::Box<T>>)
where
    T: Handle,
    repr_c::Box<T>: Into<Box<T>>,
{
    if let Some(handle) = handle {
        let handle: Box<T> = handle.into();
        if handle.epoch().is_of_parent() {
            std::mem::forget(handle);
        }
    }
}
