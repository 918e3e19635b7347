//! Length-prefixed messages (gRPC over HTTP/2, "Length-Prefixed-Message"), plain or gzip.
//!
//! Not here: which encoding a call has (`mod`, `status`).

use std::io::{Read, Write};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::error::{Error, Source};
use tonic::Code;

const PREFIX: usize = 5;

/// Room made at once for a message that is yet to come: a prefix alone costs the peer five bytes.
const TRUSTED: usize = 1024 * 1024;

/// What `grpc-encoding` says of a call's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    #[default]
    Identity,
    Gzip,
}

impl Encoding {
    /// As in `grpc-encoding`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
        }
    }
}

/// Prefix and message in one piece, so that they go out as one DATA frame. The limit is for the plain message.
pub(super) fn frame(message: &[u8], limit: usize, encoding: Encoding) -> Result<Bytes, Error> {
    if message.len() > limit {
        return Err(too_long(message.len(), limit, "send"));
    }
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_bytes(0, PREFIX);
    match encoding {
        Encoding::Identity => framed.put_slice(message),
        Encoding::Gzip => {
            framed[0] = 1;
            framed = compress(message, framed).map_err(|error| {
                Error::internal(format!("a message cannot be compressed: {error}"))
            })?;
        }
    }
    let length = framed.len() - PREFIX;
    let prefixed = u32::try_from(length).map_err(|_| too_long(length, limit, "send"))?;
    framed[1..PREFIX].copy_from_slice(&prefixed.to_be_bytes());
    Ok(framed.freeze())
}

fn compress(message: &[u8], out: BytesMut) -> std::io::Result<BytesMut> {
    let mut encoder = GzEncoder::new(out.writer(), Compression::default());
    encoder.write_all(message)?;
    Ok(encoder.finish()?.into_inner())
}

/// Cuts what comes into messages, without a copy where one chunk holds a message whole.
pub(super) struct Reader {
    /// The beginning of a message that was cut; `chunk` goes on from there.
    partial: BytesMut,
    /// What came last and belongs to no message yet.
    chunk: Bytes,
    limit: Option<usize>,
    encoding: Encoding,
}

struct Prefix {
    compressed: bool,
    length: usize,
}

impl Reader {
    pub(super) fn new(limit: Option<usize>, encoding: Encoding) -> Self {
        Self {
            partial: BytesMut::new(),
            chunk: Bytes::new(),
            limit,
            encoding,
        }
    }

    /// What is left of the chunk before is copied: first take the messages that are there.
    pub(super) fn push(&mut self, chunk: Bytes) {
        if !self.chunk.is_empty() {
            self.partial.extend_from_slice(&self.chunk);
        }
        self.chunk = chunk;
    }

    /// The next message, if it is there whole.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if !self.partial.is_empty() {
            return self.next_of_partial();
        }
        match self.prefix(&self.chunk)? {
            Some(prefix) if self.chunk.len() - PREFIX >= prefix.length => {
                let message = self.chunk.split_to(PREFIX + prefix.length);
                self.opened(message, &prefix).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn next_of_partial(&mut self) -> Result<Option<Bytes>, Error> {
        self.fill(PREFIX);
        let Some(prefix) = self.prefix(&self.partial)? else {
            return Ok(None);
        };
        let length = PREFIX + prefix.length;
        self.fill(length);
        if self.partial.len() < length {
            return Ok(None);
        }
        let message = self.partial.split_to(length).freeze();
        if self.partial.is_empty() {
            // Lets go of the message's memory.
            self.partial = BytesMut::new();
        }
        self.opened(message, &prefix).map(Some)
    }

    /// Moves to `partial` what it lacks of `length`; the rest of the chunk stays where it is.
    fn fill(&mut self, length: usize) {
        let missing = length.saturating_sub(self.partial.len());
        let part = self.chunk.split_to(missing.min(self.chunk.len()));
        if !part.is_empty() {
            // Grows by doubling, so that a byte is copied twice at most on average.
            self.partial.reserve(missing.min(TRUSTED));
            self.partial.extend_from_slice(&part);
        }
    }

    /// Whether no message is cut off.
    pub(super) fn is_empty(&self) -> bool {
        self.chunk.is_empty() && self.partial.is_empty()
    }

    /// The limit holds for a compressed message twice: as it comes, and opened.
    fn prefix(&self, bytes: &[u8]) -> Result<Option<Prefix>, Error> {
        let [flag, a, b, c, d, ..] = *bytes else {
            return Ok(None);
        };
        let compressed = match (flag, self.encoding) {
            (0, _) => false,
            (1, Encoding::Gzip) => true,
            _ => {
                return Err(broken(format!(
                    "a message has the compression flag {flag}, but its grpc-encoding is {}",
                    self.encoding.name()
                )));
            }
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        match self.limit {
            Some(limit) if length > limit => Err(too_long(length, limit, "receive")),
            _ => Ok(Some(Prefix { compressed, length })),
        }
    }

    fn opened(&self, mut message: Bytes, prefix: &Prefix) -> Result<Bytes, Error> {
        message.advance(PREFIX);
        if prefix.compressed {
            message = self.decompress(&message)?;
        }
        Ok(message)
    }

    /// Stops one byte beyond the limit: what a few bytes may stand for has no other bound.
    fn decompress(&self, message: &[u8]) -> Result<Bytes, Error> {
        let most = self.limit.map_or(u64::MAX, |limit| limit as u64 + 1);
        let mut opened = Vec::new();
        MultiGzDecoder::new(message)
            .take(most)
            .read_to_end(&mut opened)
            .map_err(|error| broken(format!("a message is no gzip: {error}")))?;
        match self.limit {
            Some(limit) if opened.len() > limit => Err(too_long(opened.len(), limit, "receive")),
            _ => Ok(opened.into()),
        }
    }
}

#[cold]
fn too_long(length: usize, limit: usize, direction: &str) -> Error {
    let message = format!(
        "a message of {length} bytes is longer than the {limit} that \
         grpc.max_{direction}_message_length allows"
    );
    Error::rpc(Source::Library, Code::ResourceExhausted, message).processed(direction == "receive")
}

#[cold]
fn broken(message: String) -> Error {
    Error::rpc(Source::Transport, Code::Internal, message).processed(true)
}
