//! The C API: translates, and holds no behaviour.
//!
//! `#[apply(capi)]` is the one attribute of an exported function. cbindgen, which expands no macros,
//! sees the function as written, and its doc comment becomes the header. The compiler sees
//! safer-ffi's `#[ffi_export]`, which refuses a signature without a C layout, and a body inside
//! [`guard`]. `#[unsafe(no_mangle)]` is taken off because `#[ffi_export]` makes the symbol itself.
//!
//! Where the return type is written exactly `Option<repr_c::Box<zeebe_error>>`, the body is a block
//! of type `Result<(), Error>`, so that `?` works. Any other body has its function's type.
//!
//! Each `unsafe` block in an exported function rests on the header's promise: a pointer is NULL or
//! what its documentation says, for as long as it says. What can be checked beyond that, `convert`
//! checks.

#![allow(unreachable_pub, reason = "C reaches it; Rust does not")]

use safer_ffi::c_char;
use safer_ffi::prelude::repr_c;

use crate::error::Error;
use crate::panics;

macro_rules! capi {
    (
        $(#[doc = $doc:tt])*
        #[unsafe(no_mangle)]
        pub extern "C" fn $name:ident($($args:tt)*) -> Option<repr_c::Box<zeebe_error>> $body:block
    ) => {
        $(#[doc = $doc])*
        #[::safer_ffi::ffi_export]
        pub extern "C" fn $name($($args)*) -> Option<repr_c::Box<zeebe_error>> {
            $crate::capi::guard(stringify!($name), move || {
                let body = move || -> Result<(), $crate::error::Error> { $body };
                body().err().map($crate::capi::error::zeebe_error::boxed)
            })
        }
    };
    (
        $(#[doc = $doc:tt])*
        #[unsafe(no_mangle)]
        pub extern "C" fn $name:ident($($args:tt)*) $(-> $ret:ty)? $body:block
    ) => {
        $(#[doc = $doc])*
        #[::safer_ffi::ffi_export]
        pub extern "C" fn $name($($args)*) $(-> $ret)? {
            $crate::capi::guard(stringify!($name), move || $body)
        }
    };
}

mod buffer;
mod call;
mod callback;
mod channel;
mod completion_queue;
mod constructors;
mod convert;
mod credentials;
mod environment;
mod error;
mod event;
mod fixed_plugin;
mod handle;
mod job;
mod job_end;
mod job_stream;
mod job_worker;
mod job_worker_handler;
mod job_worker_options;
mod json;
mod library;
mod metadata;
mod metadata_builder;
mod plugin;
mod response;
mod status;
mod streaming_call;
mod token_options;
mod token_request;
mod unary_call;

use error::zeebe_error;

/// What a function returns to C when its body panicked.
///
/// A function whose return type has no such value does not compile.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned to C: what would it be after a panic?",
    note = "implement `capi::PanicValue` for it, and say in the header what the value means"
)]
pub(crate) trait PanicValue {
    fn panic_value(function: &str, place: &str) -> Self;
}

/// An error of kind INTERNAL.
impl PanicValue for Option<repr_c::Box<zeebe_error>> {
    fn panic_value(function: &str, place: &str) -> Self {
        Some(zeebe_error::boxed(Error::internal(format!(
            "a bug in this library: {function} panicked at {place}"
        ))))
    }
}

impl PanicValue for () {
    fn panic_value(_: &str, _: &str) -> Self {}
}

/// NULL, or 0 where 0 is "none".
macro_rules! nothing_after_a_panic {
    ($($ty:ty => $value:expr),* $(,)?) => {$(
        impl PanicValue for $ty {
            fn panic_value(_: &str, _: &str) -> Self {
                $value
            }
        }
    )*};
}
nothing_after_a_panic! {
    *const c_char => std::ptr::null(),
    *const u8 => std::ptr::null(),
    *const buffer::zeebe_buffer => std::ptr::null(),
    *const metadata::zeebe_metadata => std::ptr::null(),
    i32 => 0,
    i64 => 0,
    usize => 0,
    Option<repr_c::Box<buffer::zeebe_buffer>> => None,
    Option<repr_c::Box<metadata::zeebe_metadata>> => None,
    Option<repr_c::Box<response::zeebe_response>> => None,
    Option<repr_c::Box<channel::zeebe_channel>> => None,
    Option<repr_c::Box<credentials::zeebe_channel_credentials>> => None,
    Option<repr_c::Box<plugin::zeebe_metadata_plugin>> => None,
    Option<repr_c::Box<call::zeebe_call>> => None,
    Option<repr_c::Box<completion_queue::zeebe_completion_queue>> => None,
    Option<repr_c::Box<job_stream::zeebe_job_stream>> => None,
    Option<repr_c::Box<job::zeebe_job>> => None,
    Option<repr_c::Box<job_worker::zeebe_job_worker>> => None,
}

/// Runs the body of an exported function; a panic ends here.
///
/// The closure owns the arguments it uses, so their destructors run inside the guard too.
pub(crate) fn guard<R: PanicValue>(function: &str, body: impl FnOnce() -> R) -> R {
    panics::guard(body).unwrap_or_else(|place| R::panic_value(function, &place))
}
