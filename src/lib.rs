//! libzeebe: a gRPC channel to a Zeebe gateway, for every language that can call C.
//!
//! The safe core below knows nothing of C; `capi` translates and holds no behaviour. The map of the
//! code is ARCHITECTURE.md.

// A panic becomes an error, but an answer is better than a panic. Tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]
// A C type has one name everywhere: here, in the header and in safer-ffi's metadata.
#![allow(non_camel_case_types, reason = "C types keep their C names")]

#[cfg(not(panic = "unwind"))]
compile_error!("libzeebe needs panic = \"unwind\": a panic becomes an error, not an abort");
#[cfg(not(target_pointer_width = "64"))]
compile_error!("libzeebe is for 64-bit platforms");

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
/// cbindgen:ignore
pub mod any_bytes;
mod backoff;
pub mod call;
mod capi;
pub mod channel;
mod completion;
pub mod credentials;
mod deep;
mod dial;
pub mod environment;
pub mod error;
#[doc(hidden)]
/// cbindgen:ignore
pub mod http2;
mod http_authentication;
pub mod job_stream;
pub mod job_worker;
pub mod json;
pub mod log;
mod loopback;
pub mod options;
mod panics;
mod proxy;
pub mod queue;
mod retry_after;
pub mod runtime;
pub mod shutdown;
mod sys;
pub mod wire;
