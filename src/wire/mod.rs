//! gRPC over HTTP/2 as bytes and headers: metadata, length-prefixed messages, `grpc-timeout`.
//!
//! Pure. Not here: what a call makes of them (`call`).

pub(crate) mod framing;
mod metadata;
mod timeout;

pub use framing::Encoding;
pub use metadata::Metadata;
pub(crate) use metadata::decode_binary;
pub(crate) use timeout::{GRPC_TIMEOUT, grpc_timeout};
