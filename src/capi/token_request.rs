//! Token requests: what a host's token source answers.

use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::Arc;
use std::time::Duration;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};
use tonic::Code;

use super::convert::{self, Options};
use super::error::zeebe_error;
use crate::credentials::TokenRequest;
use crate::error::Error;

/// A request for a token, owned by the host's token source: zeebe_token_request_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_token_request {
    /// The only field, and `repr(transparent)` in effect: see `into_raw`.
    request: TokenRequest,
}
const _: () = assert!(
    size_of::<zeebe_token_request>() == size_of::<TokenRequest>()
        && std::mem::offset_of!(zeebe_token_request, request) == 0
);

/// Asks for a token. `request` is owned: answer it, at once or later, and free it in any case.
pub type zeebe_retrieve_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, request: *mut zeebe_token_request)>;

/// Advice that `request` is no longer waited for. It is borrowed here, and must still be freed.
pub type zeebe_retrieve_cancel_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, request: *const zeebe_token_request)>;

/// A bearer token, as a host's token source gives it. Initialise it with ::ZEEBE_TOKEN_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_token {
    /// `sizeof(zeebe_token)`.
    pub size: usize,
    /// Printable ASCII without spaces. A secret.
    pub access_token: *const c_char,
    /// What was granted; may be NULL.
    pub scope: *const c_char,
    /// Seconds from now; 0: unknown; < 0: it has ended, so that the calls that wait for it get it, and no other.
    pub expires_in: i64,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_token {
    const FIRST_SIZE: usize = offset_of!(Self, expires_in) + size_of::<i64>();
}
const _: () = assert!(size_of::<zeebe_token>() == 32);

/// What ::ZEEBE_TOKEN_INIT says, for languages that have no macros of C: nothing given.
///
/// `token` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_token_init(token: *mut zeebe_token, size: usize) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(token, size) }
}

/// The host's reference. The library holds one too while it waits, so that a cancel that races a
/// free still points to something.
pub(crate) fn into_raw(request: Arc<TokenRequest>) -> *mut zeebe_token_request {
    Arc::into_raw(request).cast_mut().cast()
}

pub(crate) fn as_raw(request: &Arc<TokenRequest>) -> *const zeebe_token_request {
    Arc::as_ptr(request).cast()
}

/// Answers with a token. ILLEGAL_STATE: answered before. After a cancel it is ignored.
///
/// INVALID_ARGUMENT: NULL, or a token that no header may hold (RFC 6750 section 2.1).
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_token_request_complete(
    request: Option<&zeebe_token_request>,
    token: *const zeebe_token,
) -> Option<repr_c::Box<zeebe_error>> {
    let request = convert::required("request", request)?;
    if token.is_null() {
        return Err(Error::invalid_argument("token is NULL"));
    }
    // SAFETY: an options struct of the header's contract.
    let token = unsafe { convert::options("token", token) }?;
    // SAFETY: a string of the header's contract.
    let access_token = unsafe { convert::text("token.access_token", token.access_token) }?;
    // SAFETY: a string of the header's contract.
    let scope = unsafe { convert::given_text("token.scope", token.scope) }?;
    let expires_in = match token.expires_in {
        0 => None,
        seconds => Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
    };
    request
        .request
        .complete(access_token, expires_in, scope.map(str::to_owned))
}

/// Answers with a failure. `retry_after_ms` < 0: unknown.
///
/// A status that says something about the call itself (OK, INVALID_ARGUMENT, NOT_FOUND,
/// ALREADY_EXISTS, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, DATA_LOSS) becomes INTERNAL (gRFC A54).
/// ILLEGAL_STATE: answered before. INVALID_ARGUMENT: NULL, or no gRPC status.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_token_request_fail(
    request: Option<&zeebe_token_request>,
    grpc_status: i32,
    message: *const c_char,
    retry_after_ms: i64,
) -> Option<repr_c::Box<zeebe_error>> {
    let request = convert::required("request", request)?;
    // SAFETY: a string of the header's contract.
    let message = unsafe { convert::optional_text("message", message) }?;
    if !(0..=16).contains(&grpc_status) {
        return Err(Error::invalid_argument(format!(
            "grpc_status is {grpc_status}, not in 0 to 16"
        )));
    }
    let retry_after = convert::timeout(retry_after_ms);
    request.request.fail(
        Code::from_i32(grpc_status),
        message.unwrap_or_default(),
        retry_after,
    )
}

/// Frees a request; one that is unanswered fails with UNAVAILABLE. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_token_request_free(request: *mut zeebe_token_request) {
    if !request.is_null() {
        // SAFETY: `into_raw` made it for C, which frees it once, by the header.
        let request = unsafe { Arc::from_raw(request.cast_const().cast::<TokenRequest>()) };
        request.abandon();
    }
}
