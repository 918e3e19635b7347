//! Errors as C sees them: an opaque `zeebe_error` with accessors that all take NULL.

use std::ffi::CString;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, ffi_export, repr_c};

use super::convert;
use super::metadata::zeebe_metadata;
use crate::error::Error;
use crate::wire::Metadata;

/// What went wrong, as returned by zeebe_error_kind().
///
/// New kinds may appear: judge an unknown one by its zeebe_error_grpc_status().
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeErrorKind {
    /// No error: the kind of NULL.
    None = 0,
    /// An argument is NULL, malformed or out of range. Status 3.
    InvalidArgument = 1,
    /// The function cannot be used now or here. Status 9.
    IllegalState = 2,
    /// A setting is missing or cannot be used. Status 9; 16 when it ends a call.
    Settings = 3,
    /// The token endpoint refused the client. Status 16. Trying again does not help.
    InvalidOauthCredentials = 4,
    /// A certificate or key does not parse. Status 14.
    Tls = 5,
    /// A call ended with a gRPC status, or a wait with a time-out.
    Rpc = 6,
    /// The channel or the runtime was shut down, or the handle is a parent process's. Status 14.
    Shutdown = 7,
    /// A bug in the library: a panic was caught. Status 13.
    Internal = 8,
}

/// Who says so, as returned by zeebe_error_source().
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeErrorSource {
    /// No error: the source of NULL.
    None = 0,
    /// The program: an argument, a cancel, its own token source.
    Caller = 1,
    /// The OAuth2 authorization server.
    TokenEndpoint = 2,
    /// Network, TLS, HTTP/2, or a proxy on the way.
    Transport = 3,
    /// The gateway's own answer.
    Gateway = 4,
    /// This library: a deadline, a limit, a shutdown.
    Library = 5,
}

/// Why a function or a call failed. Owned by who received it: zeebe_error_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_error {
    error: Error,
    message: CString,
    option: Option<CString>,
    initial_metadata: Option<zeebe_metadata>,
    trailers: Option<zeebe_metadata>,
}

impl zeebe_error {
    pub(crate) fn new(error: Error) -> Self {
        let message = error.message().replace('\0', "\u{fffd}");
        Self {
            message: CString::new(message).unwrap_or_default(), // no NUL is left
            // gRPC's own names are the same in every language.
            option: error
                .option()
                .filter(|option| !option.place.is_empty())
                .and_then(|option| CString::new(option.to_string()).ok()),
            initial_metadata: error.initial_metadata().cloned().map(zeebe_metadata::new),
            trailers: error.trailers().cloned().map(zeebe_metadata::new),
            error,
        }
    }

    pub(crate) fn boxed(error: Error) -> repr_c::Box<Self> {
        Box::new(Self::new(error)).into()
    }
}

/// The error, if any, and the trailers, if only empty ones.
pub(crate) fn close_arguments(
    ended: Result<Metadata, Error>,
) -> (Option<zeebe_error>, zeebe_metadata) {
    let (error, trailers) = match ended {
        Ok(trailers) => (None, trailers),
        Err(error) => {
            let trailers = error.trailers().cloned().unwrap_or_default();
            (Some(zeebe_error::new(error)), trailers)
        }
    };
    (error, zeebe_metadata::new(trailers))
}

/// The kind of an error: one of the ZEEBE_ERROR_KIND_ constants. NULL has kind NONE.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_kind(error: Option<&zeebe_error>) -> i32 {
    error.map_or(ZeebeErrorKind::None as i32, |error| {
        error.error.kind() as i32
    })
}

/// Who says so: one of the ZEEBE_ERROR_SOURCE_ constants. NULL has source NONE.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_source(error: Option<&zeebe_error>) -> i32 {
    error.map_or(ZeebeErrorSource::None as i32, |error| {
        error.error.source() as i32
    })
}

/// The gRPC status: one of the ZEEBE_STATUS_ constants. OK only for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_grpc_status(error: Option<&zeebe_error>) -> i32 {
    error.map_or(0, |error| error.error.code() as i32)
}

/// What happened, in English, as UTF-8, for people and logs: it never holds a secret.
///
/// The gateway's own text where it said why; its end is cut, and this is said, where it is longer than grpc.max_metadata_size allows.
/// Borrowed from the error. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_message(error: Option<&zeebe_error>) -> *const c_char {
    error.map_or(std::ptr::null(), |error| error.message.as_ptr().cast())
}

/// The option that is at fault or would help, such as "token_options.allow_insecure_token_url"; NULL: none, or none that is known.
///
/// It is the first of those that the message names, each in full: a field, behind `token_options.`, `connection_options.`, or
/// `options.` for the struct that the function itself takes. So a binding can say its own names. Borrowed from the error.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_option(error: Option<&zeebe_error>) -> *const c_char {
    error
        .and_then(|error| error.option.as_ref())
        .map_or(std::ptr::null(), |option| option.as_ptr().cast())
}

/// 1 if the same request may succeed later, whatever its idempotence, else 0.
///
/// UNAVAILABLE, the gateway's back-pressure (RESOURCE_EXHAUSTED) and passing token failures; not
/// ABORTED or DEADLINE_EXCEEDED, and not a limit of this library.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_is_retryable(error: Option<&zeebe_error>) -> i32 {
    i32::from(error.is_some_and(|error| error.error.is_retryable()))
}

/// 0 only if the gateway certainly did nothing with the call, else 1.
///
/// Ask it before repeating what must not happen twice. 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_may_have_been_processed(error: Option<&zeebe_error>) -> i32 {
    i32::from(error.is_some_and(|error| error.error.may_have_been_processed()))
}

/// How long the peer asks to wait before the next try, in milliseconds; -1 if it said nothing.
///
/// The gateway by grpc-retry-pushback-ms (gRFC A6) or a google.rpc.RetryInfo among its details; a proxy or the token endpoint by Retry-After,
/// X-Retry-After or RateLimit-Reset, at most 300 s.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_retry_after_ms(error: Option<&zeebe_error>) -> i64 {
    error
        .and_then(|error| error.error.retry_after())
        .map_or(-1, |pause| {
            i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)
        })
}

/// The bytes of grpc-status-details-bin (a google.rpc.Status), decoded; NULL and length 0: none.
///
/// Borrowed from the error. `length` may be NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_details(
    error: Option<&zeebe_error>,
    length: *mut usize,
) -> *const u8 {
    let details = error.map_or(&[][..], |error| &error.error.details()[..]);
    // SAFETY: `length` is NULL or writable, by the header.
    unsafe { convert::write_length(length, details.len()) };
    if details.is_empty() {
        std::ptr::null()
    } else {
        details.as_ptr()
    }
}

/// The metadata that came before the failure; NULL if none came. Borrowed from the error.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_initial_metadata(
    error: Option<&zeebe_error>,
) -> *const zeebe_metadata {
    let metadata = error.and_then(|error| error.initial_metadata.as_ref());
    metadata.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// The trailers that came with the failure; NULL if none came. Borrowed from the error.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_trailers(error: Option<&zeebe_error>) -> *const zeebe_metadata {
    let metadata = error.and_then(|error| error.trailers.as_ref());
    metadata.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Another handle on the same error, to be freed on its own; how a callback keeps one. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_ref(
    error: Option<&zeebe_error>,
) -> Option<safer_ffi::prelude::repr_c::Box<zeebe_error>> {
    error.map(|error| zeebe_error::boxed(error.error.clone()))
}

/// Frees an error. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_error_free(error: Option<repr_c::Box<zeebe_error>>) {
    drop(error);
}
