//! HTTP/2 frames (RFC 9113, sections 4 and 6): those that came are counted by type, and a GOAWAY can be written.
//! All else about frames is hyper's work.

const PREFACE: usize = 24;
const HEADER: usize = 9;
const ACK: u8 = 1;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

/// The frames of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    EmptyData,
    Headers,
    RstStream,
    /// Not an acknowledgement.
    Ping,
}

/// Finds the frames in what a client sends, however it is cut.
#[derive(Debug)]
pub(crate) struct Frames {
    /// Bytes before the next frame begins.
    ahead: usize,
    header: Vec<u8>,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            ahead: PREFACE,
            header: Vec::with_capacity(HEADER),
        }
    }
}

impl Frames {
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Vec<Frame> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let skipped = self.ahead.min(bytes.len());
            self.ahead -= skipped;
            bytes = &bytes[skipped..];
            let taken = bytes.len().min(HEADER - self.header.len());
            self.header.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if let &[a, b, c, kind, flags, ..] = self.header.as_slice()
                && self.header.len() == HEADER
            {
                self.ahead = u32::from_be_bytes([0, a, b, c]) as usize;
                self.header.clear();
                match kind {
                    DATA if self.ahead == 0 => found.push(Frame::EmptyData),
                    HEADERS => found.push(Frame::Headers),
                    RST_STREAM => found.push(Frame::RstStream),
                    PING if flags & ACK == 0 => found.push(Frame::Ping),
                    _ => {}
                }
            }
        }
        found
    }
}

/// None if the debug data is longer than any frame may be that was not asked for.
pub(crate) fn go_away(code: u32, last_stream_id: u32, debug_data: &str) -> Option<Vec<u8>> {
    let length = u16::try_from(8 + debug_data.len()).ok()?;
    let [high, low] = length.to_be_bytes();
    let mut frame = vec![0, high, low, GOAWAY, 0, 0, 0, 0, 0];
    frame.extend(last_stream_id.to_be_bytes());
    frame.extend(code.to_be_bytes());
    frame.extend(debug_data.as_bytes());
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        sent.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        sent.extend([0, 0, 8, PING, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 3]);
        sent.extend([0, 0, 8, PING, ACK, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6]);
        sent.extend([0, 0, 1, DATA, 0, 0, 0, 0, 1, 0]);
        sent.extend([0, 0, 0, DATA, 1, 0, 0, 0, 1]);
        sent.extend([0, 0, 4, RST_STREAM, 0, 0, 0, 0, 1, 0, 0, 0, 8]);
        for size in 1..=sent.len() {
            let mut frames = Frames::default();
            let found: Vec<_> = sent
                .chunks(size)
                .flat_map(|chunk| frames.read(chunk))
                .collect();
            let expected = [Frame::Ping, Frame::EmptyData, Frame::RstStream];
            assert_eq!(found, expected, "cut at {size}");
        }
    }
}
