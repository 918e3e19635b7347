//! What callbacks get: the program's pointer, and errors on loan.

use std::ffi::c_void;

use super::error::zeebe_error;

/// The program's pointer, only ever handed back to it.
#[derive(Clone, Copy)]
pub(crate) struct UserData(pub(crate) *mut c_void);

// SAFETY: the pointer is never dereferenced here; the header says that callbacks get it on library
// threads.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

/// Lends an error to a callback: NULL on success.
pub(crate) fn lend_error(error: Option<&zeebe_error>) -> *const zeebe_error {
    error.map_or(std::ptr::null(), std::ptr::from_ref)
}
