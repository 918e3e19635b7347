//! HPACK: header compression for HTTP/2 (RFC 7541).

mod decoder;
mod encoder;
mod huffman;
mod integer;
mod seen;
mod static_table;
#[cfg(test)]
mod stories;
mod table;
#[cfg(test)]
mod tests;

pub use decoder::{Decoder, Limits};
pub use encoder::{Encoder, Field, Indexing, Prepared};

/// What a field counts beyond its bytes, in a table (RFC 7541, section 4.1) and in a list (RFC 9113, section 6.5.2).
const OVERHEAD: usize = 32;

/// Why decoding stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Halt {
    /// What there is ends within a field.
    Short,
    /// A decoding error, which ends the connection (RFC 9113, section 4.3).
    Bad(&'static str),
}
