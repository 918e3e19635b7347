//! Callbacks with their user data, on their way to being called exactly once.

use std::ffi::c_void;

use super::error::zeebe_error;
use crate::error::Error;

/// The program's pointer, only ever handed back to it.
#[derive(Clone, Copy)]
pub(crate) struct UserData(pub(crate) *mut c_void);

// SAFETY: the pointer is never dereferenced here; the header says that callbacks get it on library
// threads.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

/// Whoever holds it may deliver a result. If nobody does, because the holder was dropped at the
/// end of the runtime, dropping it delivers an error.
pub(crate) struct Completion<T, F: FnOnce(Result<T, Error>)> {
    callback: Option<F>,
    result: std::marker::PhantomData<fn(T)>,
}

impl<T, F: FnOnce(Result<T, Error>)> Completion<T, F> {
    pub(crate) fn new(callback: F) -> Self {
        Self {
            callback: Some(callback),
            result: std::marker::PhantomData,
        }
    }

    pub(crate) fn deliver(mut self, result: Result<T, Error>) {
        if let Some(callback) = self.callback.take() {
            callback(result);
        }
    }
}

impl<T, F: FnOnce(Result<T, Error>)> Drop for Completion<T, F> {
    fn drop(&mut self) {
        if let Some(callback) = self.callback.take() {
            callback(Err(Error::given_up()));
        }
    }
}

/// Lends an error to a callback: NULL on success.
pub(crate) fn lend_error(error: Option<&zeebe_error>) -> *const zeebe_error {
    error.map_or(std::ptr::null(), std::ptr::from_ref)
}
