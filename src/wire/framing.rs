//! Length-prefixed messages (gRPC over HTTP/2, "Length-Prefixed-Message"), plain or gzip.
//!
//! Not here: which encoding a call has (`call`).

use std::fmt::Display;
use std::io::{self, Read, Write};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::error::{Error, Source};
use tonic::Code;

const PREFIX: usize = 5;

/// Room made at once for a message that is yet to come, whatever its prefix says: gRPC's default limit.
const TRUSTED: usize = 4 * 1024 * 1024;

/// What `grpc-encoding` says of a call's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As they are.
    #[default]
    Identity,
    /// RFC 1952; each message on its own.
    Gzip,
}

impl Encoding {
    /// As in `grpc-encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
        }
    }
}

/// How long a message may be, plain, and what says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) bytes: usize,
    pub(crate) name: &'static str,
}

impl Limit {
    /// Of what sends nothing.
    pub(crate) const NOTHING: Self = Self { bytes: 0, name: "" };

    /// The lower one.
    pub(crate) fn least(self, other: Option<Self>) -> Self {
        other
            .filter(|other| other.bytes < self.bytes)
            .unwrap_or(self)
    }
}

/// Prefix and message in one piece, so that they go out as one DATA frame. The limit is for the plain message.
pub(crate) fn frame(message: &[u8], limit: Limit, encoding: Encoding) -> Result<Bytes, Error> {
    let length = u32::try_from(message.len())
        .ok()
        .filter(|_| message.len() <= limit.bytes)
        .ok_or_else(|| too_long(message.len(), limit).processed(false))?;
    if encoding == Encoding::Gzip {
        return compress(message).map_err(|error| {
            Error::internal(format!("a message cannot be compressed: {error}")).processed(false)
        });
    }
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(length);
    framed.put_slice(message);
    Ok(framed.freeze())
}

fn compress(message: &[u8]) -> io::Result<Bytes> {
    let mut framed = Vec::with_capacity(PREFIX + message.len() / 2);
    framed.extend_from_slice(&[1, 0, 0, 0, 0]);
    let mut encoder = GzEncoder::new(framed, Compression::default());
    encoder.write_all(message)?;
    let mut framed = encoder.finish()?;
    let length = u32::try_from(framed.len() - PREFIX).map_err(io::Error::other)?;
    framed[1..PREFIX].copy_from_slice(&length.to_be_bytes());
    Ok(framed.into())
}

/// What is shorter is copied to be kept.
const SHARED: usize = 4 * 1024;

/// A message as it may be kept for long: a short one would keep all that was read with it.
pub(crate) fn kept(message: Bytes) -> Bytes {
    match message.len() {
        0..SHARED => Bytes::copy_from_slice(&message),
        _ => message,
    }
}

/// The same for many messages, which come and go one after the other: they are copied into blocks, so that the allocator, which is
/// slow where one thread gives back what another took, is asked once a block.
#[derive(Debug, Default)]
pub(crate) struct Keeper(BytesMut);

impl Keeper {
    /// What a message that the program keeps may cost it beside its bytes.
    const BLOCK: usize = 8 * 1024;

    pub(crate) fn keep(&mut self, message: Bytes) -> Bytes {
        if message.len() >= SHARED {
            return message;
        }
        if self.0.capacity() < message.len() {
            self.0 = BytesMut::with_capacity(Self::BLOCK);
        }
        self.0.extend_from_slice(&message);
        self.0.split().freeze()
    }
}

/// The message that `content` is, if it is one and no more, not compressed and within the limit.
pub(crate) fn only(content: &Bytes, limit: Option<Limit>) -> Option<Bytes> {
    let [0, a, b, c, d, message @ ..] = &content[..] else {
        return None;
    };
    let is_whole = message.len() == u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    let may_be = limit.is_none_or(|limit| message.len() <= limit.bytes);
    (is_whole && may_be).then(|| content.slice(PREFIX..))
}

/// Cuts what comes into messages, without a copy where one chunk holds a message whole: see [`kept`].
pub(crate) struct Reader {
    /// The beginning of a message that was cut; `chunk` goes on from there.
    partial: BytesMut,
    /// What came last and belongs to no message yet.
    chunk: Bytes,
    limit: Option<Limit>,
    encoding: Encoding,
}

struct Prefix {
    compressed: bool,
    length: usize,
}

impl Reader {
    pub(crate) fn new(limit: Option<Limit>, encoding: Encoding) -> Self {
        Self {
            partial: BytesMut::new(),
            chunk: Bytes::new(),
            limit,
            encoding,
        }
    }

    /// What is left of the chunk before is copied: first take the messages that are there.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if !self.chunk.is_empty() {
            self.partial.extend_from_slice(&self.chunk);
        }
        self.chunk = chunk;
    }

    /// The next message, if it is there whole.
    #[inline(always)] // into the loop over a stream's messages, of which it is a tenth
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if !self.partial.is_empty() {
            return self.next_of_partial();
        }
        let Some(prefix) = self.prefix(&self.chunk)? else {
            return Ok(None);
        };
        let length = PREFIX + prefix.length;
        if self.chunk.len() < length {
            return Ok(None);
        }
        let mut message = self.chunk.split_to(length);
        message.advance(PREFIX);
        if prefix.compressed {
            return self.decompress(&message).map(Some);
        }
        Ok(Some(message))
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
        let mut message = self.partial.split_to(length).freeze();
        message.advance(PREFIX);
        if self.partial.is_empty() {
            // Lets go of the message's memory.
            self.partial = BytesMut::new();
        }
        if prefix.compressed {
            return self.decompress(&message).map(Some);
        }
        Ok(Some(message))
    }

    /// Moves to `partial` what it lacks of `length`; the rest of the chunk stays where it is.
    fn fill(&mut self, length: usize) {
        let missing = length.saturating_sub(self.partial.len());
        let part = self.chunk.split_to(missing.min(self.chunk.len()));
        if !part.is_empty() {
            // Grows by doubling, so the copying is linear in the length.
            self.partial.reserve(missing.min(TRUSTED));
            self.partial.extend_from_slice(&part);
        }
    }

    /// Whether no message is cut off.
    pub(crate) fn is_empty(&self) -> bool {
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
            (b'<', _) => {
                let text = "the answer goes on with a page of HTML where a message should begin: a proxy broke it off, as \
                            Apache httpd does at its ProxyTimeout";
                return Err(broken(text.to_owned()).cut());
            }
            _ => {
                return Err(broken(format!(
                    "a message has the compression flag {flag}, but its grpc-encoding is {}",
                    self.encoding.name()
                )));
            }
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        match self.limit {
            Some(limit) if length > limit.bytes => Err(too_long(length, limit)),
            _ => Ok(Some(Prefix { compressed, length })),
        }
    }

    /// Stops one byte beyond the limit: what a few bytes may stand for has no other bound.
    fn decompress(&self, message: &[u8]) -> Result<Bytes, Error> {
        let most = self.limit.map_or(u64::MAX, |limit| limit.bytes as u64 + 1);
        let mut opened = Vec::new();
        MultiGzDecoder::new(message)
            .take(most)
            .read_to_end(&mut opened)
            .map_err(|error| broken(format!("a message is no gzip: {error}")))?;
        match self.limit {
            Some(limit) if opened.len() > limit.bytes => {
                let length = format!("more than {} decompressed", limit.bytes);
                Err(too_long(length, limit))
            }
            _ => Ok(opened.into()),
        }
    }
}

#[cold]
fn too_long(length: impl Display, limit: Limit) -> Error {
    let Limit { bytes, name } = limit;
    let message =
        format!("a message of {length} bytes is longer than the {bytes} that {name} allows");
    Error::rpc(Source::Library, Code::ResourceExhausted, message)
}

#[cold]
fn broken(message: String) -> Error {
    Error::rpc(Source::Transport, Code::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENCODINGS: [Encoding; 2] = [Encoding::Identity, Encoding::Gzip];

    /// A message's frame, of a size that the test does not care about.
    fn limit(bytes: usize) -> Limit {
        Limit {
            bytes,
            name: "an option",
        }
    }

    fn framed(message: &[u8], encoding: Encoding) -> Bytes {
        frame(message, limit(usize::MAX), encoding).unwrap()
    }

    /// What a reader gives for these chunks; messages are taken after each, as a call does.
    fn read(reader: &mut Reader, chunks: impl IntoIterator<Item = Bytes>) -> Vec<Bytes> {
        let mut found = Vec::new();
        for chunk in chunks {
            reader.push(chunk);
            while let Some(message) = reader.next().unwrap() {
                found.push(message);
            }
        }
        found
    }

    fn refused(encoding: Encoding, most: Option<usize>, bytes: impl Into<Bytes>) -> Error {
        let mut reader = Reader::new(most.map(limit), encoding);
        reader.push(bytes.into());
        reader.next().unwrap_err()
    }

    #[test]
    fn a_message_alone_is_what_a_reader_says_it_is() {
        for message in [&b""[..], b"one", &[7; 300]] {
            let wire = framed(message, Encoding::Identity);
            let within = Some(limit(message.len()));
            assert_eq!(only(&wire, None).unwrap(), message);
            assert_eq!(only(&wire, within).unwrap(), message);
            for length in 0..wire.len() {
                assert_eq!(only(&wire.slice(..length), None), None, "{length}");
            }
            let two: Bytes = [&wire[..], &wire[..]].concat().into();
            assert_eq!(only(&two, None), None);
            let compressed = framed(message, Encoding::Gzip);
            assert_eq!(only(&compressed, None), None);
            if let Some(shorter) = message.len().checked_sub(1) {
                assert_eq!(only(&wire, Some(limit(shorter))), None);
            }
        }
    }

    #[test]
    fn messages_are_the_same_however_they_are_cut() {
        let messages: [&[u8]; 4] = [b"one", b"", b"three", &[7; 300]];
        for encoding in ENCODINGS {
            let wire: Bytes = messages
                .iter()
                .flat_map(|message| frame(message, limit(300), encoding).unwrap())
                .collect();
            for size in 1..=wire.len() {
                let chunks = || wire.chunks(size).map(Bytes::copy_from_slice);
                let mut reader = Reader::new(Some(limit(300)), encoding);
                let found = read(&mut reader, chunks());
                assert_eq!(found, messages, "{encoding:?} in chunks of {size}");
                assert!(reader.is_empty());

                // Nor does it matter when they are taken.
                chunks().for_each(|chunk| reader.push(chunk));
                assert_eq!(read(&mut reader, [Bytes::new()]), messages);
                assert!(reader.is_empty());
            }
        }
    }

    #[test]
    fn a_message_that_is_cut_off_is_noticed() {
        let wire = framed(b"three", Encoding::Identity);
        for length in 1..wire.len() {
            let mut reader = Reader::new(None, Encoding::Identity);
            assert!(read(&mut reader, [wire.slice(..length)]).is_empty());
            assert!(!reader.is_empty(), "{length} bytes");
        }
    }

    #[test]
    fn a_message_whole_in_a_chunk_is_not_copied_and_a_short_one_that_is_kept_keeps_no_chunk() {
        let mut reader = Reader::new(None, Encoding::Identity);
        let cut = framed(&[1; 100], Encoding::Identity);
        let long = framed(&[2; SHARED], Encoding::Identity);
        let short = framed(&[3; SHARED - 1], Encoding::Identity);
        let head = cut.slice(..50);
        let rest: Bytes = [&cut[50..], &long, &short, &long].concat().into();
        let within = rest.as_ptr_range();
        let found = read(&mut reader, [head, rest.clone()]);
        let place = |message: &Bytes| {
            let begin = message.as_ptr();
            within
                .contains(&begin)
                .then(|| begin as usize - within.start as usize)
        };
        // The first was cut.
        let (first, last) = (cut.len() - 50 + PREFIX, rest.len() - SHARED);
        let second = first + SHARED + PREFIX;
        let places: Vec<_> = found.iter().map(place).collect();
        assert_eq!(places, [None, Some(first), Some(second), Some(last)]);
        let places: Vec<_> = found.into_iter().map(kept).collect();
        let places: Vec<_> = places.iter().map(place).collect();
        assert_eq!(places, [None, Some(first), None, Some(last)]);
    }

    #[test]
    fn a_keeper_keeps_what_it_is_given_and_no_more_than_a_block_for_it() {
        let random = &mut fastrand::Rng::with_seed(3);
        let (mut keeper, mut kept) = (Keeper::default(), Vec::new());
        for _ in 0..2000 {
            let length = [random.usize(..200), random.usize(..2 * SHARED)][random.usize(..2)];
            let message: Bytes = (0..length).map(|_| random.u8(..)).collect();
            let copy = keeper.keep(message.clone());
            assert_eq!(copy.as_ptr() == message.as_ptr(), length >= SHARED);
            kept.push((message, copy));
            assert!(keeper.0.is_empty() && keeper.0.capacity() <= Keeper::BLOCK);
            if random.bool() {
                kept.swap_remove(random.usize(..kept.len()));
            }
        }
        assert!(kept.iter().all(|(message, copy)| message == copy));
    }

    #[test]
    fn a_big_message_in_small_chunks_moves_seldom() {
        const LENGTH: usize = 4 * TRUSTED;
        let wire = framed(&vec![7; LENGTH], Encoding::Identity);
        let mut reader = Reader::new(None, Encoding::Identity);
        let (mut moves, mut capacity, mut message) = (0, 0, None);
        for chunk in wire.chunks(4096) {
            reader.push(Bytes::copy_from_slice(chunk));
            message = reader.next().unwrap();
            if reader.partial.capacity() > capacity {
                moves += 1;
                capacity = reader.partial.capacity();
            }
        }
        assert_eq!(message.unwrap().len(), LENGTH);
        assert!(moves <= 4, "moved {moves} times");
        assert_eq!(
            reader.partial.capacity(),
            0,
            "memory is held after the message"
        );
    }

    #[test]
    fn a_prefix_alone_takes_no_memory_for_its_message() {
        let mut reader = Reader::new(None, Encoding::Identity);
        assert!(
            read(
                &mut reader,
                [&[0, 255, 255][..], &[255, 255, 1]].map(Bytes::from)
            )
            .is_empty()
        );
        let capacity = reader.partial.capacity();
        assert!((TRUSTED..2 * TRUSTED).contains(&capacity), "{capacity}");
    }

    #[test]
    fn too_long_messages_are_refused_at_their_prefix() {
        for encoding in ENCODINGS {
            let error = frame(b"three", limit(4), encoding).unwrap_err();
            assert_eq!(error.code(), Code::ResourceExhausted);
            assert!(!error.may_have_been_processed());
            let error = refused(encoding, Some(2), &[0, 0, 0, 0, 3][..]);
            assert_eq!(error.code(), Code::ResourceExhausted);
            assert!(error.may_have_been_processed());
        }
        // A compressed one, too, by its length on the wire.
        let error = refused(Encoding::Gzip, Some(2), &[1, 0, 0, 0, 3][..]);
        assert_eq!(error.code(), Code::ResourceExhausted);
    }

    #[test]
    fn a_proxys_page_is_told_from_a_message() {
        for encoding in ENCODINGS {
            let error = refused(encoding, None, &b"<!DOCTYPE HTML>"[..]);
            assert_eq!(error.code(), Code::Internal);
            assert!(error.is_cut() && error.message().contains("a page of HTML"));
        }
    }

    #[test]
    fn an_unknown_compression_flag_is_refused() {
        for (encoding, flag) in [
            (Encoding::Identity, 1),
            (Encoding::Identity, 2),
            (Encoding::Gzip, 2),
        ] {
            let error = refused(encoding, None, vec![flag, 0, 0, 0, 3]);
            assert_eq!(error.code(), Code::Internal);
            assert_eq!(
                error.message(),
                format!(
                    "a message has the compression flag {flag}, but its grpc-encoding is {}",
                    encoding.name()
                )
            );
        }
    }

    #[test]
    fn gzip_is_flagged_smaller_and_may_stand_beside_plain_messages() {
        let long = framed(&[7; 1000], Encoding::Gzip);
        assert_eq!(long[0], 1);
        assert!(long.len() < 100, "{}", long.len());
        let mut reader = Reader::new(None, Encoding::Gzip);
        let plain = framed(b"plain", Encoding::Identity);
        let found = read(&mut reader, [long, plain]);
        assert_eq!(found, [&[7; 1000][..], b"plain"]);
    }

    #[test]
    fn the_limit_counts_what_a_compressed_message_stands_for() {
        let message = framed(&[7; 1000], Encoding::Gzip);
        let mut reader = Reader::new(Some(limit(1000)), Encoding::Gzip);
        assert_eq!(read(&mut reader, [message.clone()]), [&[7; 1000][..]]);
        let error = refused(Encoding::Gzip, Some(999), message);
        assert_eq!(error.code(), Code::ResourceExhausted);
        assert_eq!(
            error.message(),
            "a message of more than 999 decompressed bytes is longer than the 999 that an option allows"
        );
    }

    #[test]
    fn a_message_is_not_decompressed_beyond_the_limit() {
        let mut bomb = framed(&vec![0; 8 * 1024 * 1024], Encoding::Gzip).to_vec();
        *bomb.last_mut().unwrap() ^= 1; // which nobody sees who stops before
        let error = refused(Encoding::Gzip, Some(64 * 1024), bomb);
        assert_eq!(error.code(), Code::ResourceExhausted);
    }

    #[test]
    fn what_is_no_gzip_is_refused() {
        let good = framed(b"message", Encoding::Gzip);
        let mut broken = good.to_vec();
        *broken.last_mut().unwrap() ^= 1; // of the length at its end
        let mut cut = good[..good.len() - 1].to_vec();
        cut[4] -= 1;
        let mut followed = [&good[..], b"!"].concat();
        followed[4] += 1;
        let never = vec![1, 0, 0, 0, 2, b'h', b'i'];
        let empty = vec![1, 0, 0, 0, 0];
        for bytes in [broken, cut, followed, never, empty] {
            let error = refused(Encoding::Gzip, Some(100), bytes);
            assert_eq!(error.code(), Code::Internal);
            assert!(
                error.message().starts_with("a message is no gzip: "),
                "{error}"
            );
        }
    }
}
