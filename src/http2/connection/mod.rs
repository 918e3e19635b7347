//! Connection: a client's side of HTTP/2 as data.
//!
//! `send` is what this side does, `receive` what the peer did: `answer` and `control`.

mod answer;
mod control;
mod receive;
mod send;

use std::collections::VecDeque;
use std::fmt;

use super::buffer::Buffer;
use super::code::{Code, ConnectionError};
use super::flood::{Credit, Owed};
use super::frame;
use super::hpack::{Decoder, Encoder, Limits};
use super::settings::{Settings, id};
use super::sink::{End, Sink};
use super::stream::Key;
use super::streams::Streams;
use super::window::{self, ReceiveWindow, SendWindow};

/// What this side allows its peer.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Bytes of content ahead of a stream's reader, and of all of them together: at least 65 535 of all, 2^31-1 at most.
    pub stream_window: u32,
    pub connection_window: u32,
    pub headers: Limits,
}

/// The peer takes no new streams (RFC 9113, section 6.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoAway {
    /// The highest that may have been processed.
    pub last_stream: u32,
    pub code: Code,
    /// The first bytes of it.
    pub debug_data: Vec<u8>,
}

/// The stream has ended, or sends no more, or no stream can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// What [`Connection::receive`] took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    pub bytes: usize,
    /// As many as were allowed, or more: whole ones may be left.
    pub frames: usize,
}

/// Which frame may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// The server's connection preface (RFC 9113, section 3.4).
    Settings,
    Any,
    /// More of a header block (section 6.10).
    Continuation(Block),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    stream: u32,
    ends_stream: bool,
    length: usize,
}

/// `T` is what the caller keeps of a stream.
pub struct Connection<T> {
    config: Config,
    output: Buffer,
    pub(super) streams: Streams<T>,
    /// Of the stream that is opened next.
    pub(super) next_id: u32,
    /// Of streams from this id on nothing was written yet.
    first_unwritten: u32,
    encoder: Encoder,
    decoder: Decoder,
    send: SendWindow,
    receive: ReceiveWindow,
    peer: Settings,
    expected: Expected,
    /// By how much the peer's idea of a stream's window is larger than ours, until it knows ours.
    slack: u32,
    /// Streams with data that waits for room in the output or in the connection's window, in turn.
    line: VecDeque<Key>,
    /// Streams whose queue got shorter.
    drained: VecDeque<Key>,
    goaway: Option<GoAway>,
    /// This side sent GOAWAY.
    is_leaving: bool,
    failed: Option<ConnectionError>,
    /// What the frame that is being taken counts for in a turn, beyond one.
    work: usize,
    /// Content that may still come of streams that were reset here: the peer did not know.
    under_way: u32,
    credit: Credit,
    owed: Owed,
}

/// Counts only: the output and the tables hold secrets.
impl<T> fmt::Debug for Connection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("open_streams", &self.open_streams())
            .field("output", &self.output.len())
            .field("peer", &self.peer)
            .field("goaway", &self.goaway.as_ref().map(|goaway| goaway.code))
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl<T> Connection<T> {
    /// Its output begins with the client's connection preface.
    pub fn new(config: Config) -> Self {
        let stream_window = config.stream_window.min(window::LARGEST);
        let connection_window = config
            .connection_window
            .clamp(window::INITIAL, window::LARGEST);
        let list = u32::try_from(config.headers.fields).unwrap_or(u32::MAX);
        let mut output = Buffer::default();
        let out = output.tail();
        out.extend_from_slice(frame::PREFACE);
        let settings = [
            (id::ENABLE_PUSH, 0),
            (id::INITIAL_WINDOW_SIZE, stream_window),
            (id::MAX_HEADER_LIST_SIZE, list),
        ];
        frame::write_settings(out, &settings);
        if connection_window > window::INITIAL {
            frame::write_window_update(out, 0, connection_window - window::INITIAL);
        }
        Self {
            config: Config {
                stream_window,
                connection_window,
                ..config
            },
            output,
            streams: Streams::new(),
            next_id: 1,
            first_unwritten: 1,
            encoder: Encoder::default(),
            decoder: Decoder::new(config.headers),
            send: SendWindow::new(window::INITIAL),
            receive: ReceiveWindow::new(connection_window),
            peer: Settings::initial(),
            expected: Expected::Settings,
            slack: window::INITIAL.saturating_sub(stream_window),
            line: VecDeque::new(),
            drained: VecDeque::new(),
            goaway: None,
            is_leaving: false,
            failed: None,
            work: 0,
            under_way: 0,
            credit: Credit::new(),
            owed: Owed::default(),
        }
    }

    /// What is to be written.
    #[inline]
    pub fn output(&self) -> &[u8] {
        self.output.as_slice()
    }

    /// So much of the output was written; what waited for room follows.
    pub fn advance(&mut self, length: usize) {
        let length = length.min(self.output.len());
        if length == 0 {
            return;
        }
        self.output.take(length);
        self.wrote_in_part(); // of the last of them perhaps nothing: certain is that of those to come nothing was
        self.owed.went(length, self.output.len());
        self.give_back();
        self.pump();
    }

    /// Whether something of a stream was written.
    pub fn wrote_streams(&self) -> bool {
        self.first_unwritten > 1
    }

    /// Some of the output may have been written all the same, before what failed.
    pub fn wrote_in_part(&mut self) {
        self.first_unwritten = self.next_id;
    }

    pub fn get(&self, key: Key) -> Option<&T> {
        self.streams.get(key).map(|stream| &stream.value)
    }

    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.streams.get_mut(key).map(|stream| &mut stream.value)
    }

    /// Of all streams, in the order in which they were opened.
    pub fn keys(&self) -> Vec<Key> {
        self.streams.keys()
    }

    /// How many streams are open; half-closed ones count (RFC 9113, section 5.1.2).
    pub fn open_streams(&self) -> u32 {
        self.streams.len()
    }

    /// Before the first SETTINGS what a client may assume.
    pub fn peer(&self) -> &Settings {
        &self.peer
    }

    /// Whether the peer's SETTINGS came.
    pub fn is_ready(&self) -> bool {
        self.expected != Expected::Settings
    }

    /// The last that came.
    pub fn goaway_received(&self) -> Option<&GoAway> {
        self.goaway.as_ref()
    }

    /// No stream can be opened any more.
    pub fn is_closing(&self) -> bool {
        self.goaway.is_some() || self.is_leaving || self.next_id > window::LARGEST
    }

    /// Whether a stream can be opened now.
    #[inline]
    pub fn can_open(&self) -> bool {
        self.streams.len() < self.peer.max_concurrent_streams && !self.is_closing()
    }

    /// Gives back memory that a connection without traffic does not need.
    pub fn shrink(&mut self) {
        self.output.shrink();
        self.streams.shrink();
        if self.line.is_empty() {
            self.line = VecDeque::new();
        }
        if self.drained.is_empty() {
            self.drained = VecDeque::new();
        }
    }

    /// The connection is gone, or is given up: each stream ends, one of which something was written as `written` says.
    pub fn lose(&mut self, written: End, sink: &mut impl Sink<T>) {
        self.is_leaving = true;
        for key in self.streams.keys() {
            let is_written = key.id < self.first_unwritten;
            let end = if is_written { written } else { End::Unwritten };
            self.end(key, end, sink);
        }
    }

    /// Tells the peer that a stream ends here. What its window still held may be under way, of all streams as much as theirs in common.
    fn write_reset(&mut self, key: Key, code: Code) {
        let left = self
            .streams
            .get(key)
            .map_or(0, |stream| stream.receive.left());
        let most = self.config.connection_window;
        self.under_way = self.under_way.saturating_add(left).min(most);
        self.credit.resets();
        frame::write_rst_stream(self.output.tail(), key.id, code);
    }

    /// Takes a stream out; what its reader held is given back.
    #[inline]
    fn close(&mut self, key: Key) -> Option<T> {
        let stream = self.streams.remove(key)?;
        self.receive.give_back(stream.receive.held());
        Some(stream.value)
    }

    #[inline]
    fn end(&mut self, key: Key, end: End, sink: &mut impl Sink<T>) {
        if let Some(value) = self.close(key) {
            sink.end(key, value, end);
        }
    }
}
