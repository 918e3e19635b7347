//! gRPC over HTTP/2 as bytes and headers: metadata, length-prefixed messages, `grpc-timeout`.
//!
//! Pure. Not here: what a call makes of them (`call`).

mod fields;
pub(crate) mod framing;
mod metadata;
mod metadata_limit;
mod retry_info;
mod timeout;

pub(crate) use fields::fields;
pub use framing::Encoding;
pub use metadata::Metadata;
pub(crate) use metadata::{PUSHBACK, decode_binary, field_size, is_reserved};
pub(crate) use metadata_limit::MetadataLimit;
pub(crate) use retry_info::retry_info;
pub(crate) use timeout::{GRPC_TIMEOUT, grpc_timeout};
