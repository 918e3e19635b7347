//! What this side does: opens streams, sends, resets, pings.

use super::{Closed, Connection};
use crate::http2::buffer::Buffer;
use crate::http2::code::Code;
use crate::http2::frame::{self, HEADER, LEAST_MAX_SIZE, flag, kind};
use crate::http2::hpack::{Field, Prepared};
use crate::http2::sink::End;
use crate::http2::stream::{Key, Stream};
use crate::http2::window::{ReceiveWindow, SendWindow};

/// Data goes to the output while there is less in it: so what a stream has sent is on its way, and streams take turns.
const ROOM: usize = 64 * 1024;

impl<T> Connection<T> {
    /// How a stream ends that is not to be opened with these fields: the peer says that it takes no list that is so long, and may
    /// end the connection for one (RFC 9113, section 10.5.1).
    #[inline]
    pub fn refuses(&self, prepared: &Prepared, more: &[Field<'_>]) -> Option<End> {
        let limit = self.peer.max_header_list_size;
        let size = u32::try_from(prepared.size(more)).unwrap_or(u32::MAX);
        (size > limit).then_some(End::TooLong { size, limit })
    }

    /// Opens a stream with a request's fields, `prepared` then `more`, and the first of its data, in parts that go out as if
    /// they were one. `ends`: there is no other data. Gives `value` back where no stream can be opened.
    #[inline]
    pub fn open(
        &mut self,
        prepared: &mut Prepared,
        more: &[Field<'_>],
        data: &[&[u8]],
        ends: bool,
        value: T,
    ) -> Result<Key, T> {
        if !self.can_open() {
            return Err(value);
        }
        let id = self.next_id;
        self.next_id += 2;
        let length: usize = data.iter().map(|part| part.len()).sum();
        let ends_now = ends && length == 0;
        let flags = flag::END_HEADERS | if ends_now { flag::END_STREAM } else { 0 };
        let out = self.output.tail();
        let begin = out.len();
        frame::write(out, kind::HEADERS, flags, id, 0);
        self.encoder.encode(prepared, more, out);
        let block = out.len() - begin - HEADER;
        if block <= self.peer.max_frame_size as usize {
            let [_, a, b, c] = (block as u32).to_be_bytes();
            out[begin..begin + 3].copy_from_slice(&[a, b, c]);
        } else {
            cut_block(out, begin, flags, id, self.peer.max_frame_size as usize);
        }
        let key = self.streams.insert(Stream {
            id,
            local_ended: ends_now,
            headed: false,
            in_line: false,
            in_drained: false,
            send: SendWindow::new(self.peer.initial_window_size),
            receive: ReceiveWindow::new(self.config.stream_window),
            length: None,
            queue: Buffer::default(),
            value,
        });
        if length > 0 {
            // It is open: none of what `send` refuses.
            self.send(key, data, ends).ok();
        } else {
            self.credit.progress();
        }
        Ok(key)
    }

    /// Sends more, in parts that go out as if they were one; `ends`: it is the last. How much of the stream's data waits for
    /// a window, or for room in the output.
    #[inline]
    pub fn send(&mut self, key: Key, data: &[&[u8]], ends: bool) -> Result<usize, Closed> {
        let stream = self
            .streams
            .get_mut(key)
            .filter(|stream| !stream.local_ended);
        let stream = stream.ok_or(Closed)?;
        let length: usize = data.iter().map(|part| part.len()).sum();
        if length == 0 && !ends {
            return Ok(stream.queue.len());
        }
        stream.local_ended = ends;
        let window = stream.send.available().min(self.send.available());
        let frame = (self.peer.max_frame_size as usize).min(LEAST_MAX_SIZE);
        let goes_at_once = stream.queue.is_empty() && length <= window.min(frame);
        if goes_at_once && (length == 0 || self.output.len() < ROOM) {
            stream.send.spend(length);
            self.send.spend(length);
            self.credit.progress();
            let flags = if ends { flag::END_STREAM } else { 0 };
            let out = self.output.tail();
            frame::write(out, kind::DATA, flags, key.id, length);
            data.iter().for_each(|part| out.extend_from_slice(part));
            return Ok(0);
        }
        let queue = stream.queue.tail();
        data.iter().for_each(|part| queue.extend_from_slice(part));
        stream.wait_in(&mut self.line, key);
        self.pump();
        Ok(self.queued(key))
    }

    /// How much of the stream's data waits.
    pub fn queued(&self, key: Key) -> usize {
        self.streams.get(key).map_or(0, |stream| stream.queue.len())
    }

    /// Streams of which less waits than when they were last named here.
    pub fn next_drained(&mut self) -> Option<Key> {
        while let Some(key) = self.drained.pop_front() {
            if let Some(stream) = self.streams.get_mut(key) {
                stream.in_drained = false;
                return Some(key);
            }
        }
        None
    }

    /// The reader is done with so much of what was held.
    pub fn release(&mut self, key: Key, length: usize) {
        let Some(stream) = self.streams.get_mut(key) else {
            return; // what it held was given back when it ended
        };
        let released = stream.receive.release(length);
        if let Some(increment) = stream.receive.due() {
            frame::write_window_update(self.output.tail(), key.id, increment);
        }
        self.receive.give_back(released);
        self.give_back();
    }

    /// Ends the stream; it has no other end.
    pub fn reset(&mut self, key: Key, code: Code) -> Option<T> {
        self.streams.get(key)?;
        self.write_reset(key, code);
        let value = self.close(key);
        self.give_back();
        value
    }

    /// The sink is told of the answer.
    pub fn ping(&mut self, payload: [u8; 8]) {
        frame::write_ping(self.output.tail(), 0, payload);
    }

    /// Says that no more streams are opened; those that are open go on.
    pub fn goaway(&mut self, code: Code, debug_data: &[u8]) {
        self.is_leaving = true;
        frame::write_goaway(self.output.tail(), code, debug_data);
    }

    /// What was taken and not given back, of all streams. A peer that reads nothing is told nothing more.
    #[inline]
    pub(super) fn give_back(&mut self) {
        if self.output.len() < ROOM
            && let Some(increment) = self.receive.due_to_all()
        {
            frame::write_window_update(self.output.tail(), 0, increment);
        }
    }

    /// Sends what waits, a frame of each stream in turn, as far as windows and room allow.
    #[inline]
    pub(super) fn pump(&mut self) {
        if !self.line.is_empty() {
            self.pump_line();
        }
    }

    fn pump_line(&mut self) {
        let most = (self.peer.max_frame_size as usize).min(LEAST_MAX_SIZE);
        while self.output.len() < ROOM
            && self.send.available() > 0
            && let Some(key) = self.line.pop_front()
        {
            let Some(stream) = self.streams.get_mut(key) else {
                continue;
            };
            let window = stream.send.available().min(self.send.available());
            let length = stream.queue.len().min(most).min(window);
            if length == 0 {
                stream.in_line = false; // until its window opens
                continue;
            }
            stream.send.spend(length);
            self.send.spend(length);
            self.credit.progress();
            let is_last = stream.local_ended && length == stream.queue.len();
            let flags = if is_last { flag::END_STREAM } else { 0 };
            let out = self.output.tail();
            frame::write(out, kind::DATA, flags, key.id, length);
            out.extend_from_slice(&stream.queue.as_slice()[..length]);
            stream.queue.take(length);
            if stream.queue.is_empty() {
                stream.in_line = false;
                stream.queue.shrink();
            } else {
                self.line.push_back(key);
            }
            if !stream.in_drained {
                stream.in_drained = true;
                self.drained.push_back(key);
            }
        }
    }
}

/// A block that is longer than the peer takes in one frame goes on in CONTINUATION frames (RFC 9113, section 4.3).
#[cold]
fn cut_block(out: &mut Vec<u8>, begin: usize, flags: u8, id: u32, most: usize) {
    let block = out.split_off(begin + HEADER);
    out.truncate(begin);
    let mut pieces = block.chunks(most).peekable();
    let (mut kind, mut flags) = (kind::HEADERS, flags & !flag::END_HEADERS);
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            flags |= flag::END_HEADERS;
        }
        frame::write(out, kind, flags, id, piece.len());
        out.extend_from_slice(piece);
        (kind, flags) = (kind::CONTINUATION, 0);
    }
}
