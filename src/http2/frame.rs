//! Frames (RFC 9113, sections 4 and 6): their headers, and those that this side writes.

use super::code::{Code, ConnectionError};

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const HEADER: usize = 9;
/// SETTINGS_MAX_FRAME_SIZE at the beginning, and the least that it can be.
pub(super) const LEAST_MAX_SIZE: usize = 1 << 14;
pub(super) const LARGEST_MAX_SIZE: u32 = (1 << 24) - 1;

pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

pub(super) mod flag {
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Header {
    #[inline]
    pub(super) fn parse(bytes: &[u8; HEADER]) -> Self {
        let [a, b, c, kind, flags, d, e, f, g] = *bytes;
        Self {
            length: u32::from_be_bytes([0, a, b, c]) as usize,
            kind,
            flags,
            stream: u32::from_be_bytes([d, e, f, g]) & (u32::MAX >> 1), // one bit is reserved
        }
    }

    #[inline]
    pub(super) fn bytes(self) -> [u8; HEADER] {
        let [_, a, b, c] = (self.length as u32).to_be_bytes();
        let [d, e, f, g] = self.stream.to_be_bytes();
        [a, b, c, self.kind, self.flags, d, e, f, g]
    }

    #[inline]
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

#[inline]
pub(super) fn write(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, length: usize) {
    let header = Header {
        length,
        kind,
        flags,
        stream,
    };
    out.extend_from_slice(&header.bytes());
}

pub(super) fn write_rst_stream(out: &mut Vec<u8>, stream: u32, code: Code) {
    write(out, kind::RST_STREAM, 0, stream, 4);
    out.extend_from_slice(&code.0.to_be_bytes());
}

pub(super) fn write_settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    write(out, kind::SETTINGS, 0, 0, settings.len() * 6);
    for (identifier, value) in settings {
        out.extend_from_slice(&identifier.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

pub(super) fn write_ping(out: &mut Vec<u8>, flags: u8, payload: [u8; 8]) {
    write(out, kind::PING, flags, 0, 8);
    out.extend_from_slice(&payload);
}

/// The last stream of the peer that was processed is none: it cannot open any.
pub(super) fn write_goaway(out: &mut Vec<u8>, code: Code, debug_data: &[u8]) {
    let debug_data = &debug_data[..debug_data.len().min(1024)];
    write(out, kind::GOAWAY, 0, 0, 8 + debug_data.len());
    out.extend_from_slice(&0_u32.to_be_bytes());
    out.extend_from_slice(&code.0.to_be_bytes());
    out.extend_from_slice(debug_data);
}

pub(super) fn write_window_update(out: &mut Vec<u8>, stream: u32, increment: u32) {
    write(out, kind::WINDOW_UPDATE, 0, stream, 4);
    out.extend_from_slice(&increment.to_be_bytes());
}

/// Without its padding (RFC 9113, section 6.1).
#[inline]
pub(super) fn unpadded(header: Header, payload: &[u8]) -> Result<&[u8], ConnectionError> {
    if !header.has(flag::PADDED) {
        return Ok(payload);
    }
    let (length, rest) = payload.split_first().ok_or(ConnectionError::frame_size(
        "a frame has no room for the length of its padding",
    ))?;
    rest.len()
        .checked_sub(usize::from(*length))
        .map(|kept| &rest[..kept])
        .ok_or(ConnectionError::protocol(
            "a frame's padding is longer than the frame",
        ))
}

/// Of HEADERS, without padding and priority (RFC 9113, section 6.2).
#[inline]
pub(super) fn field_block(header: Header, payload: &[u8]) -> Result<&[u8], ConnectionError> {
    let block = unpadded(header, payload)?;
    if !header.has(flag::PRIORITY) {
        return Ok(block);
    }
    block.get(5..).ok_or(ConnectionError::frame_size(
        "HEADERS have no room for their priority",
    ))
}

/// A payload of exactly one number.
pub(super) fn number(payload: &[u8]) -> Option<u32> {
    <[u8; 4]>::try_from(payload).ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_4_1_a_header_is_written_as_it_is_read_and_the_reserved_bit_is_ignored() {
        let header = Header {
            length: 0x01_02_03,
            kind: kind::HEADERS,
            flags: flag::END_HEADERS | flag::PADDED,
            stream: 0x7fff_fffd,
        };
        let mut bytes = header.bytes();
        assert_eq!(bytes, [1, 2, 3, 1, 12, 0x7f, 0xff, 0xff, 0xfd]);
        bytes[5] |= 0x80;
        assert_eq!(Header::parse(&bytes), header);
    }

    #[test]
    fn section_6_1_padding_is_taken_off_and_may_be_all_but_its_length() {
        let of = |flags, payload: &'static [u8]| {
            let header = Header {
                length: payload.len(),
                kind: kind::DATA,
                flags,
                stream: 1,
            };
            (unpadded(header, payload), field_block(header, payload))
        };
        assert_eq!(of(0, b"\x02ab"), (Ok(&b"\x02ab"[..]), Ok(&b"\x02ab"[..])));
        let (data, _) = of(flag::PADDED, b"\x02abcd");
        assert_eq!(data, Ok(&b"ab"[..]));
        let (data, _) = of(flag::PADDED, b"\x02ab");
        assert_eq!(data, Ok(&b""[..]));
        let (data, _) = of(flag::PADDED, b"\x03ab");
        assert_eq!(data.unwrap_err().code, Code::PROTOCOL_ERROR);
        let (data, _) = of(flag::PADDED, b"");
        assert_eq!(data.unwrap_err().code, Code::FRAME_SIZE_ERROR);
        let (_, block) = of(flag::PADDED | flag::PRIORITY, b"\x01\0\0\0\0\0ab\0");
        assert_eq!(block, Ok(&b"ab"[..]));
        let (_, block) = of(flag::PRIORITY, b"\0\0\0\0");
        assert_eq!(block.unwrap_err().code, Code::FRAME_SIZE_ERROR);
    }
}
