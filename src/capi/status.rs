//! gRPC's status codes as C sees them, and their names.

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, ffi_export};

use crate::error::CODE_NAMES_OF_C;

/// gRPC's status codes (https://grpc.io/docs/guides/status-codes/), as returned by zeebe_error_grpc_status().
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeStatus {
    /// No error: the status of NULL.
    Ok = 0,
    /// The program, or the gateway, ended the call.
    Cancelled = 1,
    /// An error without a better status.
    Unknown = 2,
    /// An argument is wrong, whatever the state.
    InvalidArgument = 3,
    /// The time was up; what was asked for may have been done.
    DeadlineExceeded = 4,
    /// What was asked for is not there.
    NotFound = 5,
    /// What was to be made is there already.
    AlreadyExists = 6,
    /// The client is known, and may not.
    PermissionDenied = 7,
    /// A limit, or the gateway's back-pressure.
    ResourceExhausted = 8,
    /// The state does not allow it.
    FailedPrecondition = 9,
    /// It was given up, by a conflict most often.
    Aborted = 10,
    /// Past the end of a range.
    OutOfRange = 11,
    /// The gateway has no such function.
    Unimplemented = 12,
    /// Something that must hold does not.
    Internal = 13,
    /// Not now: the same may succeed later.
    Unavailable = 14,
    /// Data is lost or damaged.
    DataLoss = 15,
    /// Nobody showed, or could show, who calls.
    Unauthenticated = 16,
}

/// gRPC's name of a status code, such as "NOT_FOUND" for ZEEBE_STATUS_NOT_FOUND; that of a number which is none is "UNKNOWN", as gRPC
/// takes it. Static.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_status_name(grpc_status: i32) -> *const c_char {
    let code = tonic::Code::from_i32(grpc_status) as usize;
    CODE_NAMES_OF_C[code].as_ptr().cast()
}

/// Every enumeration stands twice, for C and for the core: here they are compared.
#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::ZeebeStatus;
    use crate::capi::channel::ZeebeConnectivity;
    use crate::capi::error::{ZeebeErrorKind, ZeebeErrorSource};
    use crate::capi::library::ZeebeLogLevel;
    use crate::channel::Connectivity;
    use crate::error::{CODE_NAMES, Code, Kind, Source};
    use crate::log::Level;

    macro_rules! equal {
        ($c:ident, $core:ident: $($name:ident)*) => {
            $(assert_eq!($c::$name as i32, $core::$name as i32, "{}", stringify!($c::$name));)*
        };
    }

    fn screaming(name: impl Debug) -> String {
        let mut text = String::new();
        for letter in format!("{name:?}").chars() {
            if letter.is_uppercase() && !text.is_empty() {
                text.push('_');
            }
            text.push(letter.to_ascii_uppercase());
        }
        text
    }

    #[test]
    fn constants_of_c_are_the_core_s() {
        equal!(ZeebeErrorKind, Kind: InvalidArgument IllegalState Settings InvalidOauthCredentials Tls Rpc Shutdown Internal);
        equal!(ZeebeErrorSource, Source: Caller TokenEndpoint Transport Gateway Library);
        equal!(ZeebeConnectivity, Connectivity: Idle Connecting Ready TransientFailure Shutdown);
        equal!(ZeebeLogLevel, Level: Off Error Warn Info Debug Trace);
        equal!(ZeebeStatus, Code: Ok Cancelled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists
            PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable
            DataLoss Unauthenticated);
        for (number, name) in (0..).zip(CODE_NAMES) {
            assert_eq!(screaming(Code::from_i32(number)), name);
        }
    }
}
