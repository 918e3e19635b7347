//! A peer in memory: frames to the connection, and what it made of them.

use std::sync::Arc;
use std::time::Instant;

pub(super) use crate::http2::frame::{PREFACE, flag, kind};
pub(super) use crate::http2::*;

pub(super) const CONFIG: Config = Config {
    stream_window: 100_000,
    connection_window: 1_000_000,
    headers: Limits {
        fields: 16 * 1024,
        kept_fields: 64 * 1024,
        keeps: |name| name == b"grpc-status" || name == b"grpc-message",
        block: 256 * 1024,
    },
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Head(u32, u16, bool),
    Data(u32, Vec<u8>),
    Trailers(u32, Vec<String>),
    End(u32, End),
    Settings(Settings),
    GoAway(GoAway),
    Pong([u8; 8]),
}

/// Keeps what it is told, and gives one verdict on all.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) events: Vec<Event>,
    pub(super) verdict: Verdict,
}

impl Sink<u32> for Recorder {
    fn head(&mut self, key: Key, value: &mut u32, head: &Arc<Fields>, ends: bool) -> Verdict {
        assert_eq!(*value, key.id());
        self.events.push(Event::Head(key.id(), head.status(), ends));
        self.verdict
    }

    fn data(&mut self, key: Key, value: &mut u32, data: &[u8]) -> Verdict {
        assert!(*value == key.id() && !data.is_empty());
        self.events.push(Event::Data(key.id(), data.to_vec()));
        self.verdict
    }

    fn trailers(&mut self, key: Key, _: &mut u32, trailers: &Arc<Fields>) {
        let shown = trailers.iter().map(|(name, value)| {
            format!(
                "{}: {}",
                String::from_utf8_lossy(name),
                String::from_utf8_lossy(value)
            )
        });
        self.events.push(Event::Trailers(key.id(), shown.collect()));
    }

    fn end(&mut self, key: Key, value: u32, end: End) {
        assert_eq!(value, key.id());
        self.events.push(Event::End(key.id(), end));
    }

    fn settings(&mut self, settings: &Settings) {
        self.events.push(Event::Settings(*settings));
    }

    fn goaway(&mut self, goaway: &GoAway) {
        self.events.push(Event::GoAway(goaway.clone()));
    }

    fn pong(&mut self, payload: [u8; 8]) {
        self.events.push(Event::Pong(payload));
    }
}

/// What this side wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

pub(super) struct Peer {
    pub(super) connection: Connection<u32>,
    pub(super) sink: Recorder,
    pub(super) now: Instant,
}

impl Peer {
    /// Before anything came; what goes out first is in the output.
    pub(super) fn silent(config: Config) -> Self {
        Self {
            connection: Connection::new(config),
            sink: Recorder {
                events: Vec::new(),
                verdict: Verdict::Done,
            },
            now: Instant::now(),
        }
    }

    /// After the exchange of SETTINGS.
    pub(super) fn with_settings(config: Config, of_peer: &[(u16, u32)]) -> Self {
        let mut peer = Self::silent(config);
        peer.take(&settings(of_peer));
        peer.take(&frame(kind::SETTINGS, flag::ACK, 0, b""));
        peer.connection.advance(usize::MAX);
        peer.sink.events.clear();
        peer
    }

    pub(super) fn new() -> Self {
        Self::with_settings(CONFIG, &[])
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        let received = self
            .connection
            .receive(bytes, usize::MAX, self.now, &mut self.sink)?;
        assert_eq!(received.bytes, bytes.len());
        Ok(())
    }

    /// What is no fault of the connection.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.receive(bytes).unwrap();
        std::mem::take(&mut self.sink.events)
    }

    /// A fault of the connection: its code, of which the peer is told.
    pub(super) fn refuses(&mut self, bytes: &[u8]) -> Code {
        let error = self.receive(bytes).expect_err("the connection goes on");
        let last = self.written().pop().expect("a GOAWAY");
        assert_eq!((last.kind, last.stream), (kind::GOAWAY, 0));
        assert_eq!(last.payload[4..8], error.code.0.to_be_bytes());
        assert!(!self.connection.can_open());
        // It stays so, and its streams end once.
        let again = self.connection.receive(
            &frame(kind::PING, 0, 0, &[0; 8]),
            1,
            self.now,
            &mut self.sink,
        );
        assert_eq!(again, Err(error));
        self.sink.events.clear();
        let open: Vec<_> = self.connection.keys();
        self.connection.lose(End::Lost, &mut self.sink);
        let ends: Vec<_> = open
            .iter()
            .map(|key| Event::End(key.id(), End::Lost))
            .collect();
        assert_eq!(self.sink.events, ends);
        error.code
    }

    /// Takes the output.
    pub(super) fn written(&mut self) -> Vec<Frame> {
        let mut all = Vec::new();
        while !self.connection.output().is_empty() {
            let output = self.connection.output().to_vec();
            self.connection.advance(output.len());
            all.extend(output);
        }
        frames(&all)
    }

    /// A request without content that goes on.
    pub(super) fn open(&mut self) -> Key {
        self.open_with(b"", false)
    }

    pub(super) fn open_with(&mut self, data: &[u8], ends: bool) -> Key {
        let id = 1 + 2 * self.opened();
        let key = self
            .connection
            .open(&mut request(), &[], &[data], ends, id)
            .unwrap();
        assert_eq!(key.id(), id);
        key
    }

    fn opened(&self) -> u32 {
        self.connection.next_id / 2
    }

    /// One whose request is out and whose answer began.
    pub(super) fn answered(&mut self) -> Key {
        let key = self.open_with(b"request", true);
        self.take(&head(key, 0));
        self.written();
        key
    }
}

pub(super) fn request() -> Prepared {
    let field = |name: &'static str, value: &'static str| Field {
        name: name.as_bytes(),
        value: value.as_bytes(),
        indexing: Indexing::Index,
    };
    Prepared::new([
        field(":method", "POST"),
        field(":scheme", "http"),
        field(":path", "/a"),
        field(":authority", "b"),
    ])
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    super::super::frame::write(&mut out, kind, flags, stream, payload.len());
    out.extend_from_slice(payload);
    out
}

pub(super) fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let mut out = Vec::new();
    super::super::frame::write_settings(&mut out, settings);
    out
}

/// Without any use of tables, so that blocks stand for themselves.
pub(super) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            out.push(text.len() as u8);
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

pub(super) fn headers(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(
        kind::HEADERS,
        flag::END_HEADERS | flags,
        stream,
        &block(fields),
    )
}

pub(super) fn head(key: Key, flags: u8) -> Vec<u8> {
    headers(
        key.id(),
        flags,
        &[(":status", "200"), ("content-type", "application/grpc")],
    )
}

pub(super) fn data(key: Key, flags: u8, payload: &[u8]) -> Vec<u8> {
    frame(kind::DATA, flags, key.id(), payload)
}

pub(super) fn trailers(key: Key) -> Vec<u8> {
    headers(key.id(), flag::END_STREAM, &[("grpc-status", "0")])
}

pub(super) fn rst_stream(key: Key, code: Code) -> Vec<u8> {
    frame(kind::RST_STREAM, 0, key.id(), &code.0.to_be_bytes())
}

pub(super) fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(kind::WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

pub(super) fn goaway(last_stream: u32, code: Code, debug_data: &[u8]) -> Vec<u8> {
    let mut payload = last_stream.to_be_bytes().to_vec();
    payload.extend(code.0.to_be_bytes());
    payload.extend(debug_data);
    frame(kind::GOAWAY, 0, 0, &payload)
}

pub(super) fn ping(payload: &[u8; 8]) -> Vec<u8> {
    frame(kind::PING, 0, 0, payload)
}

/// What was written, without the preface.
pub(super) fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    bytes = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
    let mut frames = Vec::new();
    while let Some((header, rest)) = bytes.split_first_chunk() {
        let header = super::super::frame::Header::parse(header);
        let (payload, rest) = rest.split_at(header.length);
        frames.push(Frame {
            kind: header.kind,
            flags: header.flags,
            stream: header.stream,
            payload: payload.to_vec(),
        });
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a frame");
    frames
}

/// The only frame there is: RST_STREAM with this code.
pub(super) fn is_reset(written: &[Frame], key: Key, code: Code) -> bool {
    let expected = Frame {
        kind: kind::RST_STREAM,
        flags: 0,
        stream: key.id(),
        payload: code.0.to_be_bytes().to_vec(),
    };
    written == [expected]
}
