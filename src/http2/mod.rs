//! HTTP/2 as a client speaks it (RFC 9113, with HPACK, RFC 7541): bytes in, events and bytes out.
//!
//! Pure: no I/O, no lock, no clock, and nothing of gRPC. [`Connection`] is all that others need; what it is told to do comes
//! back as bytes of its output, what the peer did as calls of a [`Sink`]. A fault of the peer ends the stream that it is in,
//! and the connection only where the RFC says so. The README beside this file lists the RFC's sections with their tests.

mod buffer;
mod code;
mod connection;
mod fields;
mod flood;
mod frame;
mod hpack;
mod malformed;
mod settings;
mod sink;
mod stream;
mod streams;
#[cfg(test)]
mod tests;
mod window;

pub use code::{Code, ConnectionError};
pub use connection::{Closed, Config, Connection, GoAway, Received};
pub use fields::Fields;
pub use hpack::{Decoder, Encoder, Field, Indexing, Limits, Prepared};
pub use settings::Settings;
pub use sink::{End, Sink, Verdict};
pub use stream::Key;
