//! What a connection made of a conversation, and what ours does.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::frames::{flag, kind};
use super::generator::STREAMS;
use super::http2::*;

pub(crate) const CONFIG: Config = Config {
    stream_window: 100_000,
    connection_window: 1_000_000,
    headers: Limits {
        fields: 16 * 1024,
        kept_fields: 64 * 1024,
        keeps: |_| false,
        block: 256 * 1024,
    },
};

/// How a call of a stream ended, in words that all have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    /// Of a fault, in our words.
    pub(crate) why: Option<&'static str>,
    pub(crate) status: Option<u16>,
    pub(crate) content: Vec<u8>,
    pub(crate) trailers: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    pub(crate) end: Ended,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ended {
    Complete,
    /// By the peer's RST_STREAM.
    Reset(u32),
    /// By ours, for a fault.
    Fault(u32),
    /// With the connection, by a fault, a GOAWAY or its end.
    #[default]
    Lost,
}

/// Of a conversation: the fault that ended the connection, and each call.
#[derive(Clone)]
pub(crate) struct Heard {
    pub(crate) fault: Option<u32>,
    pub(crate) calls: Vec<Call>,
    /// The last bytes that count are no whole frame or header block.
    pub(crate) is_cut: bool,
    /// By a GOAWAY: its code.
    pub(crate) left: Option<u32>,
    /// A frame came of a stream that had ended, or never was.
    pub(crate) is_late: bool,
    /// Of SETTINGS, of which one is waited for.
    pub(crate) acknowledgements: usize,
    /// A PRIORITY came that is not of five bytes.
    pub(crate) has_odd_priority: bool,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  fault of the connection: {:?}", self.fault)?;
        for call in &self.calls {
            let trailers = call.trailers.as_ref().map(|fields| {
                fields
                    .iter()
                    .map(|(name, value)| {
                        format!("{}={}", name.escape_ascii(), value.escape_ascii())
                    })
                    .collect::<Vec<_>>()
            });
            writeln!(
                f,
                "  {:?} {} bytes {trailers:?} {:?}",
                call.status,
                call.content.len(),
                call.end
            )?;
        }
        Ok(())
    }
}

struct Calls(Vec<Call>);

impl Calls {
    fn of(&mut self, key: Key) -> &mut Call {
        &mut self.0[(key.id() / 2) as usize]
    }
}

impl Sink<u32> for Calls {
    fn head(&mut self, key: Key, _: &mut u32, head: &Arc<Fields>, _: bool) -> Verdict {
        self.of(key).status = Some(head.status());
        Verdict::Done
    }
    fn data(&mut self, key: Key, _: &mut u32, data: &[u8]) -> Verdict {
        self.of(key).content.extend_from_slice(data);
        Verdict::Done
    }
    fn trailers(&mut self, key: Key, _: &mut u32, trailers: &Arc<Fields>) {
        let fields = trailers
            .iter()
            .map(|(name, value)| (name.to_vec(), value.to_vec()));
        self.of(key).trailers = Some(fields.collect());
    }
    fn end(&mut self, key: Key, _: u32, end: End) {
        if let End::Fault(_, why) = end {
            self.of(key).why = Some(why);
        }
        self.of(key).end = match end {
            End::Complete => Ended::Complete,
            End::Reset(code) => Ended::Reset(code.0),
            End::Fault(code, _) => Ended::Fault(code.0),
            End::Given(_)
            | End::Unprocessed
            | End::Unheard
            | End::Unwritten
            | End::Lost
            | End::TooLong { .. } => Ended::Lost,
        };
    }
}

fn header(bytes: &[u8]) -> Option<(u8, u8, u32, usize)> {
    let [a, b, c, kind, flags, d, e, f, g] = *bytes.first_chunk()?;
    let stream = u32::from_be_bytes([d, e, f, g]) & 0x7fff_ffff;
    Some((
        kind,
        flags,
        stream,
        u32::from_be_bytes([0, a, b, c]) as usize,
    ))
}

pub(crate) fn ours(bytes: &[u8]) -> Heard {
    let mut connection = Connection::new(CONFIG);
    let field = |name: &'static str, value: &'static str| Field {
        name: name.as_bytes(),
        value: value.as_bytes(),
        indexing: Indexing::Index,
    };
    let mut prepared = Prepared::new([
        field(":method", "POST"),
        field(":scheme", "http"),
        field(":path", "/a"),
        field(":authority", "b"),
    ]);
    let mut keys = Vec::new();
    for id in 0..STREAMS {
        keys.push(
            connection
                .open(&mut prepared, &[], &[b"request"], true, id)
                .unwrap(),
        );
    }
    let mut calls = Calls(vec![Call::default(); STREAMS as usize]);
    let (mut rest, mut fault, mut in_block) = (bytes, None, false);
    let (mut is_late, mut acknowledgements, mut has_odd_priority) = (false, 0, false);
    while let Some((kind, flags, stream, length)) = header(rest) {
        has_odd_priority |= kind == kind::PRIORITY && length != 5;
        acknowledgements += usize::from(kind == kind::SETTINGS && flags & flag::ACK != 0);
        let is_open = |key: &Key| key.id() == stream && connection.get(*key).is_some();
        is_late |= stream != 0 && !keys.iter().any(is_open);
        match connection.receive(rest, 1, Instant::now(), &mut calls) {
            Ok(received) if received.bytes == 0 => break,
            Ok(received) => {
                rest = &rest[received.bytes..];
                in_block = matches!(kind, kind::HEADERS | kind::CONTINUATION)
                    && flags & flag::END_HEADERS == 0;
            }
            Err(error) => {
                fault = Some(error.code.0);
                break;
            }
        }
    }
    let left = connection.goaway_received().map(|goaway| goaway.code.0);
    connection.lose(End::Lost, &mut calls);
    let is_cut = match header(rest) {
        Some((kind, flags, _, length)) => {
            let is_begun = kind == kind::HEADERS && flags & flag::END_HEADERS == 0;
            is_begun || rest.len() < 9 + length
        }
        None => in_block || !rest.is_empty(),
    };
    Heard {
        fault,
        calls: calls.0,
        is_cut,
        left,
        is_late,
        acknowledgements,
        has_odd_priority,
    }
}
