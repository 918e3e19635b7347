//! What the peer did: a frame at a time (RFC 9113, section 6).

use std::time::Instant;

use super::{Connection, Expected, Received};
use crate::http2::code::ConnectionError;
use crate::http2::frame::{HEADER, Header, LEAST_MAX_SIZE, flag, kind};
use crate::http2::sink::Sink;

pub(super) type Outcome = Result<(), ConnectionError>;

impl<T> Connection<T> {
    /// Takes the whole frames of what came, about `most` at most (long lists of fields count for more than one); what is left
    /// of `bytes` is to be given again with what follows, a frame has 16 393 bytes at most. After an error each stream is
    /// still there for [`lose`](Connection::lose).
    pub fn receive<S: Sink<T>>(
        &mut self,
        bytes: &[u8],
        most: usize,
        now: Instant,
        sink: &mut S,
    ) -> Result<Received, ConnectionError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.credit.passes(now);
        let mut received = Received {
            bytes: 0,
            frames: 0,
        };
        let taken = self.take_frames(bytes, most, sink, &mut received);
        if let Err(error) = taken {
            self.failed = Some(error);
            self.goaway(error.code, error.why.as_bytes());
            return Err(error);
        }
        self.give_back();
        self.pump();
        Ok(received)
    }

    fn take_frames<S: Sink<T>>(
        &mut self,
        bytes: &[u8],
        most: usize,
        sink: &mut S,
        received: &mut Received,
    ) -> Outcome {
        while received.frames < most
            && let Some(rest) = bytes.get(received.bytes..)
            && let Some(header) = rest.first_chunk::<HEADER>()
        {
            let header = Header::parse(header);
            self.is_expected(header)?;
            let Some(payload) = rest.get(HEADER..HEADER + header.length) else {
                break;
            };
            self.frame(header, payload, sink)?;
            received.bytes += HEADER + header.length;
            received.frames += 1 + std::mem::take(&mut self.work);
        }
        Ok(())
    }

    #[inline]
    fn is_expected(&self, header: Header) -> Outcome {
        match self.expected {
            Expected::Any => {}
            Expected::Settings if header.kind == kind::SETTINGS && !header.has(flag::ACK) => {}
            Expected::Settings => {
                return Err(ConnectionError::protocol(
                    "the peer's first frame is no SETTINGS",
                ));
            }
            Expected::Continuation(block)
                if header.kind == kind::CONTINUATION && header.stream == block.stream => {}
            Expected::Continuation(_) => {
                return Err(ConnectionError::protocol(
                    "a header block is interrupted by another frame",
                ));
            }
        }
        if header.length > LEAST_MAX_SIZE {
            return Err(ConnectionError::frame_size(
                "a frame is longer than SETTINGS_MAX_FRAME_SIZE",
            ));
        }
        Ok(())
    }

    #[inline]
    fn frame<S: Sink<T>>(&mut self, header: Header, payload: &[u8], sink: &mut S) -> Outcome {
        match header.kind {
            kind::DATA => self.data(header, payload, sink),
            kind::HEADERS => self.headers(header, payload, sink),
            kind::CONTINUATION => self.continuation(header, payload, sink),
            kind::RST_STREAM => self.rst_stream(header, payload, sink),
            kind::WINDOW_UPDATE => self.window_update(header, payload, sink),
            kind::SETTINGS => self.settings(header, payload, sink),
            kind::PING => self.pinged(header, payload, sink),
            kind::GOAWAY => self.go_away(header, payload, sink),
            kind::PRIORITY => self.priority(header, sink),
            kind::PUSH_PROMISE => Err(ConnectionError::protocol(
                "PUSH_PROMISE, which was forbidden",
            )),
            _ => self.credit.spend(1, "too many frames of unknown kinds"), // section 5.5
        }
    }

    /// A stream that was never opened (RFC 9113, section 5.1.1); the connection itself is none.
    #[inline]
    pub(super) fn is_idle(&self, id: u32) -> bool {
        id >= self.next_id || id & 1 == 0
    }
}
