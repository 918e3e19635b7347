//! Length-prefixed messages (gRPC over HTTP/2, "Length-Prefixed-Message").

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::error::{Error, Source};
use tonic::Code;

const PREFIX: usize = 5;

/// Prefix and message in one piece, so that they go out as one DATA frame.
pub(super) fn frame(message: &[u8], limit: usize) -> Result<Bytes, Error> {
    let length = u32::try_from(message.len())
        .ok()
        .filter(|_| message.len() <= limit)
        .ok_or_else(|| {
            let message = format!(
                "a message of {} bytes is longer than the {limit} that \
                 grpc.max_send_message_length allows",
                message.len()
            );
            Error::rpc(Source::Library, Code::ResourceExhausted, message)
        })?;
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(length);
    framed.put_slice(message);
    Ok(framed.freeze())
}

/// Cuts what comes into messages, without a copy where one chunk holds a message whole.
pub(super) struct Reader {
    /// Bytes that came and belong to no message yet.
    chunk: Bytes,
    /// A message that began in an earlier chunk.
    partial: BytesMut,
    limit: Option<usize>,
}

impl Reader {
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self {
            chunk: Bytes::new(),
            partial: BytesMut::new(),
            limit,
        }
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() && self.partial.is_empty() {
            self.chunk = chunk;
        } else {
            self.partial.extend_from_slice(&self.chunk);
            self.chunk.clear();
            self.partial.extend_from_slice(&chunk);
        }
    }

    /// The next message, if it is there whole.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.partial.is_empty() {
            let Some(length) = self.message_length(&self.chunk)? else {
                return Ok(None);
            };
            if self.chunk.len() < PREFIX + length {
                return Ok(None);
            }
            let mut message = self.chunk.split_to(PREFIX + length);
            message.advance(PREFIX);
            return Ok(Some(message));
        }
        let Some(length) = self.message_length(&self.partial)? else {
            return Ok(None);
        };
        if self.partial.len() < PREFIX + length {
            self.partial.reserve(PREFIX + length - self.partial.len());
            return Ok(None);
        }
        let mut message = self.partial.split_to(PREFIX + length).freeze();
        message.advance(PREFIX);
        self.chunk = self.partial.split().freeze();
        Ok(Some(message))
    }

    /// Whether a message is cut off.
    pub(super) fn is_empty(&self) -> bool {
        self.chunk.is_empty() && self.partial.is_empty()
    }

    fn message_length(&self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let [flag, a, b, c, d, ..] = *bytes else {
            return Ok(None);
        };
        if flag != 0 {
            return Err(Error::rpc(
                Source::Transport,
                Code::Internal,
                format!(
                    "a message has the compression flag {flag}, but no compression was asked for"
                ),
            )
            .processed(true));
        }
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        match self.limit {
            Some(limit) if length > limit => Err(Error::rpc(
                Source::Library,
                Code::ResourceExhausted,
                format!(
                    "a message of {length} bytes is longer than the {limit} that \
                     grpc.max_receive_message_length allows"
                ),
            )
            .processed(true)),
            _ => Ok(Some(length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_the_same_however_they_are_cut() {
        let messages: [&[u8]; 4] = [b"one", b"", b"three", &[7; 300]];
        let wire: Vec<u8> = messages
            .iter()
            .flat_map(|message| frame(message, 300).unwrap())
            .collect();
        for size in 1..=wire.len() {
            let (mut reader, mut found) = (Reader::new(Some(300)), Vec::new());
            for chunk in wire.chunks(size) {
                reader.push(Bytes::copy_from_slice(chunk));
                while let Some(message) = reader.next().unwrap() {
                    found.push(message);
                }
            }
            assert!(reader.is_empty());
            assert_eq!(found, messages, "in chunks of {size}");
        }
    }

    #[test]
    fn too_long_and_compressed_messages_are_refused_at_their_prefix() {
        assert_eq!(
            frame(b"three", 2).unwrap_err().code(),
            Code::ResourceExhausted
        );
        let mut reader = Reader::new(Some(2));
        reader.push(Bytes::from_static(&[0, 0, 0, 0, 3]));
        assert_eq!(reader.next().unwrap_err().code(), Code::ResourceExhausted);
        let mut reader = Reader::new(None);
        reader.push(Bytes::from_static(&[1, 0, 0, 0, 3]));
        assert_eq!(reader.next().unwrap_err().code(), Code::Internal);
    }
}
