//! Sink: who is told what the peer did.

use std::sync::Arc;

use super::code::Code;
use super::connection::GoAway;
use super::fields::Fields;
use super::settings::Settings;
use super::stream::Key;

/// What becomes of a stream after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What came is done with: its bytes are given back to the peer.
    Done,
    /// What came waits; [`Connection::release`](super::Connection::release) gives it back.
    Held,
    /// The stream ends here.
    Reset(Code),
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The answer came whole. If the request was not, the peer was told that no more of it comes.
    Complete,
    /// The peer's RST_STREAM. With REFUSED_STREAM nothing was processed (RFC 9113, section 8.7).
    Reset(Code),
    /// The peer's GOAWAY says that it was not processed.
    Unprocessed,
    /// The peer broke HTTP/2 in this stream, which was reset for it.
    Fault(Code, &'static str),
    /// By [`Verdict::Reset`].
    Given(Code),
    /// By [`Connection::lose`](super::Connection::lose): what was written may have been processed, whatever the peer said.
    Lost,
    /// The same before any of it was written.
    Unwritten,
    /// The same of a peer that has shown that it speaks no HTTP/2.
    Unheard,
    /// It was never opened: its request's fields are longer than the peer takes ([`Connection::refuses`](super::Connection::refuses)).
    TooLong { size: u32, limit: u32 },
}

/// Told in the order in which it happened. Of a stream: `head`, `data` any number of times, `trailers` or not, and `end` in any
/// case, once and last.
pub trait Sink<T> {
    /// The answer began; informational ones were skipped. `ends`: there is nothing else, and `end` follows. A head is never held.
    fn head(&mut self, key: Key, value: &mut T, head: &Arc<Fields>, ends: bool) -> Verdict;

    /// A part of the content, never empty, that lies in what [`Connection::receive`](super::Connection::receive) was given.
    fn data(&mut self, key: Key, value: &mut T, data: &[u8]) -> Verdict;

    /// What follows the content; `end` comes next.
    fn trailers(&mut self, key: Key, value: &mut T, trailers: &Arc<Fields>);

    fn end(&mut self, key: Key, value: T, end: End);

    /// The peer's SETTINGS, of which the first say that the connection is ready.
    fn settings(&mut self, _: &Settings) {}

    /// Before the streams that end by it; a connection may be told several times.
    fn goaway(&mut self, _: &GoAway) {}

    /// An answer to [`Connection::ping`](super::Connection::ping).
    fn pong(&mut self, _: [u8; 8]) {}
}
