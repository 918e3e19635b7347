//! The bytes of an HTTP/2 frame: RFC 9113, section 4.1.

pub(crate) const HEADER_SIZE: usize = 9;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const WINDOW_UPDATE: u8 = 8;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A setting.
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first frame, if it is complete, and what comes after it.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = bytes.split_first_chunk::<HEADER_SIZE>()?;
        let [a, b, c, kind, flags, stream @ ..] = *head;
        let (payload, rest) = rest.split_at_checked(u32::from_be_bytes([0, a, b, c]) as usize)?;
        let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
        let frame = Self {
            kind,
            flags,
            stream,
            payload,
        };
        Some((frame, rest))
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload as one number of 31 bits.
    pub(crate) fn number(&self) -> Option<u32> {
        let bytes = self.payload.first_chunk()?;
        Some(u32::from_be_bytes(*bytes) & 0x7fff_ffff)
    }

    pub(crate) fn settings(&self) -> impl Iterator<Item = (u16, u32)> {
        self.payload
            .as_chunks::<6>()
            .0
            .iter()
            .map(|[a, b, value @ ..]| (u16::from_be_bytes([*a, *b]), u32::from_be_bytes(*value)))
    }
}

/// A frame of stream 0.
pub(crate) fn encode(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![a, b, c, kind, flags, 0, 0, 0, 0];
    frame.extend(payload);
    frame
}

/// Appends a frame that was encoded for stream 0.
pub(crate) fn append(output: &mut Vec<u8>, frame: &[u8], stream: u32) {
    let start = output.len();
    output.extend_from_slice(frame);
    output[start + 5..start + HEADER_SIZE].copy_from_slice(&stream.to_be_bytes());
}
