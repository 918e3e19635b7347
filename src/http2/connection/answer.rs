//! Answers as they come: DATA, HEADERS and CONTINUATION (RFC 9113, sections 6.1, 6.2, 6.10 and 8.1).

use std::sync::Arc;

use super::receive::Outcome;
use super::{Block, Connection, Expected};
use crate::http2::code::{Code, ConnectionError};
use crate::http2::fields::Fields;
use crate::http2::frame::{self, Header, LEAST_MAX_SIZE, flag};
use crate::http2::sink::{End, Sink, Verdict};
use crate::http2::stream::Key;
use crate::http2::streams::Streams;

/// What becomes of a stream after a frame of it.
pub(super) enum After {
    GoesOn,
    /// The peer ended its side.
    Complete,
    Fault(Code, &'static str),
    Given(Code),
}

pub(super) const fn malformed(why: &'static str) -> After {
    After::Fault(Code::PROTOCOL_ERROR, why)
}

impl<T> Connection<T> {
    #[inline]
    pub(super) fn data<S: Sink<T>>(
        &mut self,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Outcome {
        if self.is_idle(header.stream) {
            return Err(ConnectionError::protocol("DATA of no stream that is open"));
        }
        let content = frame::unpadded(header, payload)?;
        // Padding, and the byte of its length, count as well (section 6.9.1).
        let length = payload.len() as u32;
        if !self.receive.spend(length, 0) {
            let why = "the peer sent more than the connection's window";
            return Err(ConnectionError::new(Code::FLOW_CONTROL_ERROR, why));
        }
        let Some(key) = self.streams.find(header.stream) else {
            // Sent before the peer knew that the stream had ended.
            self.receive.give_back(length);
            match self.under_way.checked_sub(length) {
                Some(left) if !content.is_empty() => self.under_way = left,
                _ => self
                    .credit
                    .spend_late(1, "too many DATA frames of closed streams")?,
            }
            return Ok(());
        };
        if content.is_empty() {
            self.credit.spend(1, "too many DATA frames without data")?;
        }
        let ends = header.has(flag::END_STREAM);
        let (after, held) = take_data(
            &mut self.streams,
            key,
            content,
            length,
            ends,
            self.slack,
            sink,
        );
        if !held {
            self.receive.give_back(length);
        } else {
            self.receive.give_back(length - content.len() as u32);
        }
        if !content.is_empty() {
            self.credit.progress();
        }
        match after {
            After::GoesOn => {
                if let Some(stream) = self.streams.get_mut(key)
                    && let Some(increment) = stream.receive.due()
                {
                    frame::write_window_update(self.output.tail(), key.id, increment);
                }
            }
            after => self.finish(key, after, sink),
        }
        Ok(())
    }

    #[inline]
    pub(super) fn headers<S: Sink<T>>(
        &mut self,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Outcome {
        if self.is_idle(header.stream) {
            return Err(ConnectionError::protocol(
                "HEADERS of no stream that is open",
            ));
        }
        let block = frame::field_block(header, payload)?;
        let ends = header.has(flag::END_STREAM);
        if !header.has(flag::END_HEADERS) {
            self.expected = Expected::Continuation(Block {
                stream: header.stream,
                ends_stream: ends,
                length: block.len(),
            });
            return self.decoder.fragment(block).map_err(compression);
        }
        let fields = self.decoder.block(block).map_err(compression)?;
        let size = fields.size();
        let key = self.streams.find(header.stream);
        let after = take_fields(&mut self.streams, key, fields, ends, sink);
        self.after_fields(key, after, size, sink)
    }

    pub(super) fn continuation<S: Sink<T>>(
        &mut self,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Outcome {
        let Expected::Continuation(mut block) = self.expected else {
            return Err(ConnectionError::protocol("CONTINUATION of no header block"));
        };
        self.credit.spend(1, "too many CONTINUATION frames")?;
        block.length += payload.len();
        if block.length > self.config.headers.block {
            let why = "a header block is far longer than may be";
            return Err(ConnectionError::new(Code::ENHANCE_YOUR_CALM, why));
        }
        self.decoder.fragment(payload).map_err(compression)?;
        if !header.has(flag::END_HEADERS) {
            self.expected = Expected::Continuation(block);
            return Ok(());
        }
        self.expected = Expected::Any;
        let fields = self.decoder.end().map_err(compression)?;
        let size = fields.size();
        let key = self.streams.find(block.stream);
        let after = take_fields(&mut self.streams, key, fields, block.ends_stream, sink);
        self.after_fields(key, after, size, sink)
    }

    /// `None`: the block was informational, or of a closed stream, whose fields only kept the table right.
    #[inline]
    pub(super) fn after_fields<S: Sink<T>>(
        &mut self,
        key: Option<Key>,
        after: Option<After>,
        size: usize,
        sink: &mut S,
    ) -> Outcome {
        self.work += size / LEAST_MAX_SIZE;
        match (key, after) {
            (_, None) => {
                let cost = u32::try_from(1 + size / 256).unwrap_or(u32::MAX);
                let what = "too many header blocks that are no answer";
                return match key {
                    Some(_) => self.credit.spend(cost, what),
                    None => self.credit.spend_late(cost, what),
                };
            }
            (_, Some(After::GoesOn)) => self.credit.progress(),
            (Some(key), Some(after)) => {
                self.credit.progress();
                self.finish(key, after, sink);
            }
            (None, Some(_)) => {}
        }
        Ok(())
    }

    /// A stream has an end.
    #[inline]
    pub(super) fn finish<S: Sink<T>>(&mut self, key: Key, after: After, sink: &mut S) {
        let (end, code) = match after {
            After::GoesOn => return,
            After::Complete => {
                let stream = self.streams.get(key);
                let is_whole =
                    stream.is_none_or(|stream| stream.local_ended && stream.queue.is_empty());
                (
                    End::Complete,
                    if is_whole { None } else { Some(Code::NO_ERROR) },
                )
            }
            After::Fault(code, why) => (End::Fault(code, why), Some(code)),
            After::Given(code) => (End::Given(code), Some(code)),
        };
        if let Some(code) = code {
            self.write_reset(key, code);
        }
        self.end(key, end, sink);
    }
}

#[cold]
fn compression(why: &'static str) -> ConnectionError {
    ConnectionError::new(Code::COMPRESSION_ERROR, why)
}

/// Hands on what a DATA frame holds; whether the reader keeps it for now.
#[inline]
fn take_data<T, S: Sink<T>>(
    streams: &mut Streams<T>,
    key: Key,
    content: &[u8],
    length: u32,
    ends: bool,
    slack: u32,
    sink: &mut S,
) -> (After, bool) {
    let Some(stream) = streams.get_mut(key) else {
        return (After::GoesOn, false);
    };
    if !stream.receive.spend(length, slack) {
        let why = "the peer sent more than the stream's window";
        return (After::Fault(Code::FLOW_CONTROL_ERROR, why), false);
    }
    if !stream.headed {
        return (malformed("DATA comes before the answer's head"), false);
    }
    if let Some(left) = &mut stream.length {
        match left.checked_sub(content.len() as u64) {
            Some(rest) if rest == 0 || !ends => *left = rest,
            Some(_) => {
                return (
                    malformed("an answer is shorter than its content-length"),
                    false,
                );
            }
            None => {
                return (
                    malformed("an answer is longer than its content-length"),
                    false,
                );
            }
        }
    }
    let mut held = false;
    if !content.is_empty() {
        match sink.data(key, &mut stream.value, content) {
            Verdict::Done => {}
            Verdict::Held => held = true,
            Verdict::Reset(code) => return (After::Given(code), false),
        }
    }
    if held {
        stream.receive.hold(content.len() as u32);
        stream.receive.give_back(length - content.len() as u32);
    } else {
        stream.receive.give_back(length);
    }
    (if ends { After::Complete } else { After::GoesOn }, held)
}

/// Hands on a decoded block: an answer's head or its trailers.
#[inline]
fn take_fields<T, S: Sink<T>>(
    streams: &mut Streams<T>,
    key: Option<Key>,
    fields: &Arc<Fields>,
    ends: bool,
    sink: &mut S,
) -> Option<After> {
    let key = key?;
    let stream = streams.get_mut(key)?;
    if stream.headed {
        return Some(match fields.facts().fault_of_trailers() {
            Some(why) => malformed(why),
            None if !ends => malformed("an answer's trailers do not end it"),
            None if stream.length.is_some_and(|left| left > 0) => {
                malformed("an answer is shorter than its content-length")
            }
            None => {
                sink.trailers(key, &mut stream.value, fields);
                After::Complete
            }
        });
    }
    if let Some(why) = fields.facts().fault_of_head(ends) {
        return Some(malformed(why));
    }
    if fields.status() < 200 {
        return None;
    }
    stream.headed = true;
    stream.length = fields.facts().content_length();
    if ends && stream.length.is_some_and(|left| left > 0) {
        return Some(malformed("an answer is shorter than its content-length"));
    }
    Some(match sink.head(key, &mut stream.value, fields, ends) {
        Verdict::Reset(code) => After::Given(code),
        _ if ends => After::Complete,
        _ => After::GoesOn,
    })
}
