//! What callbacks get, the program's pointer and errors on loan, and the one that only says how something ended.

use std::ffi::c_void;
use std::sync::Arc;

use super::error::zeebe_error;
use crate::error::Error;
use crate::runtime::Runtime;

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

/// Called once; `error` is NULL on success, else borrowed until it returns.
pub type zeebe_done_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, error: *const zeebe_error)>;

/// Calls `callback` once, on a library thread.
pub(crate) fn done(
    callback: unsafe extern "C" fn(*mut c_void, *const zeebe_error),
    user_data: *mut c_void,
    runtime: &Arc<Runtime>,
) -> impl FnOnce(Result<(), Error>) + Send + use<> {
    let (user_data, runtime) = (UserData(user_data), Arc::clone(runtime));
    move |result: Result<(), Error>| {
        runtime.call_back_apart(move || {
            let user_data = user_data;
            let error = result.err().map(zeebe_error::new);
            // SAFETY: C gave this function for these arguments; the error outlives the call.
            unsafe { callback(user_data.0, lend_error(error.as_ref())) }
        });
    }
}
