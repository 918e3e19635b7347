//! Random orders of what this side and its peer do, against a peer that keeps count of all.
//!
//! What must hold: no window is overdrawn either way, nothing is sent after END_STREAM or RST_STREAM, each stream ends
//! exactly once, and the bytes that were sent are those that arrive.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::peer::*;

/// A stream as the peer sees it.
#[derive(Default)]
struct Seen {
    window: i64,
    received: Vec<u8>,
    request_ended: bool,
    /// By END_STREAM sent, or RST_STREAM either way.
    ended: bool,
    headed: bool,
    /// What the peer may still send.
    may_send: i64,
    sent: Vec<u8>,
}

/// And as its caller does.
#[derive(Default)]
struct Call {
    sent: Vec<u8>,
    received: Vec<u8>,
    held: usize,
    ended: bool,
}

#[derive(Default)]
struct Calls {
    calls: BTreeMap<u32, Call>,
    holds: bool,
}

impl Sink<u32> for Calls {
    fn head(&mut self, key: Key, _: &mut u32, _: &Arc<Fields>, _: bool) -> Verdict {
        assert!(!self.calls[&key.id()].ended);
        Verdict::Done
    }

    fn data(&mut self, key: Key, _: &mut u32, data: &[u8]) -> Verdict {
        let call = self.calls.get_mut(&key.id()).unwrap();
        assert!(!call.ended);
        call.received.extend_from_slice(data);
        if self.holds {
            call.held += data.len();
            Verdict::Held
        } else {
            Verdict::Done
        }
    }

    fn trailers(&mut self, key: Key, _: &mut u32, _: &Arc<Fields>) {
        assert!(!self.calls[&key.id()].ended);
    }

    fn end(&mut self, key: Key, value: u32, _: End) {
        assert_eq!(value, key.id());
        let call = self.calls.get_mut(&key.id()).unwrap();
        assert!(
            !std::mem::replace(&mut call.ended, true),
            "{} ended twice",
            key.id()
        );
    }
}

struct Model {
    random: fastrand::Rng,
    connection: Connection<u32>,
    calls: Calls,
    keys: Vec<Key>,
    streams: BTreeMap<u32, Seen>,
    window: i64,
    initial_window: i64,
    may_send: i64,
    largest_frame: usize,
    wire: Vec<u8>,
    to_us: Vec<u8>,
    now: Instant,
}

impl Model {
    fn new(seed: u64) -> Self {
        let config = Config {
            stream_window: 5000,
            connection_window: 70_000,
            ..CONFIG
        };
        let mut model = Self {
            random: fastrand::Rng::with_seed(seed),
            connection: Connection::new(config),
            calls: Calls::default(),
            keys: Vec::new(),
            streams: BTreeMap::new(),
            window: 65_535,
            initial_window: 65_535,
            may_send: 70_000,
            largest_frame: 16_384,
            wire: Vec::new(),
            to_us: settings(&[]),
            now: Instant::now(),
        };
        model.connection.advance(usize::MAX);
        model.to_us.extend(frame(kind::SETTINGS, flag::ACK, 0, b""));
        model
    }

    /// The caller does something.
    fn act(&mut self) {
        let some = (!self.keys.is_empty()).then(|| self.keys[self.random.usize(..self.keys.len())]);
        match (self.random.u8(..10), some) {
            (0 | 1, _) if self.connection.can_open() && self.connection.open_streams() < 20 => {
                let length = self.random.usize(..3000);
                let data = vec![self.random.u8(..); length];
                let ends = self.random.bool();
                let id = self.connection.next_id;
                let key = self
                    .connection
                    .open(&mut request(), &[], &[&data], ends, id)
                    .unwrap();
                self.calls.calls.insert(id, Call::default());
                self.calls.calls.get_mut(&id).unwrap().sent = data;
                self.keys.push(key);
            }
            (2..=4, Some(key)) => {
                let length = self.random.usize(..9000);
                let data = vec![self.random.u8(..); length];
                let half = length / 2;
                let ends = self.random.u8(..4) == 0;
                let sent = self
                    .connection
                    .send(key, &[&data[..half], &data[half..]], ends);
                if sent.is_ok() {
                    self.calls
                        .calls
                        .get_mut(&key.id())
                        .unwrap()
                        .sent
                        .extend(data);
                }
            }
            (5, Some(key)) if self.random.u8(..4) == 0 => {
                if self.connection.reset(key, Code::CANCEL).is_some() {
                    self.calls.calls.get_mut(&key.id()).unwrap().ended = true;
                }
            }
            (6 | 7, Some(key)) => {
                let call = self.calls.calls.get_mut(&key.id()).unwrap();
                let released = self.random.usize(..=call.held);
                call.held -= released;
                self.connection.release(key, released);
            }
            (8, _) => self.calls.holds = self.random.bool(),
            _ => {
                while let Some(key) = self.connection.next_drained() {
                    assert!(self.connection.get(key).is_some());
                }
            }
        }
        self.keys
            .retain(|key| self.connection.get(*key).is_some() || self.random.u8(..50) > 0);
    }

    /// The socket takes some of the output, and the peer reads what is whole of it.
    fn flush(&mut self) {
        let length = self.random.usize(..=self.connection.output().len());
        self.wire
            .extend_from_slice(&self.connection.output()[..length]);
        self.connection.advance(length);
        while let Some(header) = self.wire.first_chunk() {
            let header = crate::http2::frame::Header::parse(header);
            let Some(payload) = self.wire.get(9..9 + header.length).map(<[u8]>::to_vec) else {
                break;
            };
            self.wire.drain(..9 + header.length);
            self.peer_reads(header.kind, header.flags, header.stream, &payload);
        }
    }

    fn peer_reads(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        assert!(payload.len() <= self.largest_frame);
        let ends = flags & flag::END_STREAM != 0;
        match kind {
            kind::HEADERS => {
                let seen = Seen {
                    window: self.initial_window,
                    may_send: 5000,
                    request_ended: ends,
                    ..Seen::default()
                };
                assert!(self.streams.insert(id, seen).is_none());
            }
            kind::DATA => {
                self.window -= payload.len() as i64;
                assert!(
                    self.window >= 0 || payload.is_empty(),
                    "the connection's window is overdrawn"
                );
                let seen = self.streams.get_mut(&id).unwrap();
                assert!(!seen.request_ended, "DATA after END_STREAM or RST_STREAM");
                seen.window -= payload.len() as i64;
                assert!(
                    seen.window >= 0 || payload.is_empty(),
                    "a stream's window is overdrawn"
                );
                seen.received.extend_from_slice(payload);
                seen.request_ended = ends;
            }
            kind::RST_STREAM => {
                let seen = self.streams.get_mut(&id).unwrap();
                (seen.request_ended, seen.ended) = (true, true);
            }
            kind::WINDOW_UPDATE => {
                let increment = i64::from(u32::from_be_bytes(payload.try_into().unwrap()));
                assert!(increment > 0);
                if id == 0 {
                    self.may_send += increment;
                    assert!(self.may_send <= 70_000, "more is given back than came");
                } else {
                    let seen = self.streams.get_mut(&id).unwrap();
                    seen.may_send += increment;
                    assert!(seen.may_send <= 5000, "more is given back than came");
                }
            }
            kind::SETTINGS | kind::PING => assert_eq!(flags, flag::ACK),
            other => panic!("{other}"),
        }
    }

    /// The peer does something that it may.
    fn peer_acts(&mut self) {
        let open: Vec<_> = self
            .streams
            .iter()
            .filter(|(_, seen)| !seen.ended)
            .map(|(id, _)| *id)
            .collect();
        let some = (!open.is_empty()).then(|| open[self.random.usize(..open.len())]);
        let seen = some.and_then(|id| self.streams.get_mut(&id));
        let bytes = match (self.random.u8(..12), some, seen) {
            (0..=2, Some(id), Some(seen)) if !seen.headed => {
                seen.headed = true;
                headers(id, 0, &[(":status", "200")])
            }
            (0..=4, Some(id), Some(seen)) if seen.headed => {
                let most = seen.may_send.min(self.may_send).clamp(0, 3000) as usize;
                let content = vec![self.random.u8(..); self.random.usize(..=most)];
                let padding = self.random.usize(..20);
                let padded = content.len() + padding < most;
                let ends = self.random.u8(..20) == 0;
                seen.sent.extend_from_slice(&content);
                seen.ended = ends;
                let mut payload = content;
                let mut flags = if ends { flag::END_STREAM } else { 0 };
                if padded {
                    flags |= flag::PADDED;
                    payload.insert(0, padding as u8);
                    payload.extend(vec![0; padding]);
                }
                seen.may_send -= payload.len() as i64;
                self.may_send -= payload.len() as i64;
                frame(kind::DATA, flags, id, &payload)
            }
            (5, Some(id), Some(seen)) if seen.headed && self.random.bool() => {
                seen.ended = true;
                headers(id, flag::END_STREAM, &[("grpc-status", "0")])
            }
            (6, Some(id), Some(seen)) if self.random.u8(..5) == 0 => {
                (seen.ended, seen.request_ended) = (true, false); // what is on its way still comes
                frame(kind::RST_STREAM, 0, id, &Code::CANCEL.0.to_be_bytes())
            }
            (7, Some(id), Some(seen)) if seen.window < 200_000 => {
                let more = self.random.u32(1..5000);
                seen.window += i64::from(more);
                window_update(id, more)
            }
            (8, ..) if self.window < 1_000_000 => {
                let more = self.random.u32(1..50_000);
                self.window += i64::from(more);
                window_update(0, more)
            }
            (9, ..) => {
                // It counts once it is acknowledged; the windows of the peer may be larger than this side knows, not smaller.
                let initial = self.initial_window + self.random.i64(0..1000);
                let grown = initial - self.initial_window;
                self.streams
                    .values_mut()
                    .for_each(|seen| seen.window += grown);
                self.initial_window = initial;
                settings(&[(4, initial as u32)])
            }
            (10, ..) => ping(&[7; 8]),
            _ => return,
        };
        self.to_us.extend(bytes);
    }

    fn read(&mut self) {
        let length = self.random.usize(..=self.to_us.len());
        let most = self.random.usize(1..20);
        let received = self
            .connection
            .receive(&self.to_us[..length], most, self.now, &mut self.calls)
            .unwrap();
        self.to_us.drain(..received.bytes);
    }

    fn run(mut self) {
        for _ in 0..400 {
            match self.random.u8(..4) {
                0 => self.act(),
                1 => self.peer_acts(),
                2 => self.flush(),
                _ => self.read(),
            }
        }
        // All that is on its way arrives.
        let received = self
            .connection
            .receive(&self.to_us, usize::MAX, self.now, &mut self.calls)
            .unwrap();
        assert_eq!(received.bytes, self.to_us.len());
        while !self.connection.output().is_empty() {
            self.flush();
        }
        for (id, call) in &self.calls.calls {
            let seen = &self.streams[id];
            assert!(
                call.sent.starts_with(&seen.received),
                "{id}: not what was sent"
            );
            assert!(seen.sent.starts_with(&call.received), "{id}: not what came");
            if !call.ended {
                let waits = self
                    .keys
                    .iter()
                    .find(|key| key.id() == *id)
                    .map_or(0, |key| self.connection.queued(*key));
                assert_eq!(
                    seen.received.len() + waits,
                    call.sent.len(),
                    "{id}: bytes are lost"
                );
                assert_eq!(seen.sent, call.received, "{id}");
            }
        }
        self.connection.lose(End::Lost, &mut self.calls);
        assert!(self.calls.calls.values().all(|call| call.ended));
        assert_eq!(self.connection.open_streams(), 0);
    }
}

#[test]
fn whatever_happens_in_whatever_order() {
    for seed in 0..1500 {
        Model::new(seed).run();
    }
}
