//! A connection driven by bytes: which of its functions are called, and what comes from the peer. Nothing may panic, each
//! stream ends once, and what is owed to the peer stays bounded. The unit tests run it with bytes by chance.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::http2::*;

const CONFIG: Config = Config {
    stream_window: 1000,
    connection_window: 70_000,
    headers: Limits {
        fields: 500,
        kept_fields: 500,
        keeps: |name| name == b"grpc-status",
        block: 20_000,
    },
};

#[derive(Default)]
struct Open {
    streams: HashSet<Key>,
    verdicts: u8,
}

impl Open {
    fn verdict(&mut self) -> Verdict {
        self.verdicts = self.verdicts.rotate_left(1);
        match self.verdicts & 7 {
            0 => Verdict::Reset(Code::CANCEL),
            1..4 => Verdict::Held,
            _ => Verdict::Done,
        }
    }
}

impl Sink<()> for Open {
    fn head(&mut self, key: Key, _: &mut (), head: &Arc<Fields>, _: bool) -> Verdict {
        assert!(self.streams.contains(&key) && (200..=999).contains(&head.status()));
        self.verdict()
    }

    fn data(&mut self, key: Key, _: &mut (), data: &[u8]) -> Verdict {
        assert!(self.streams.contains(&key) && !data.is_empty());
        self.verdict()
    }

    fn trailers(&mut self, key: Key, _: &mut (), _: &Arc<Fields>) {
        assert!(self.streams.contains(&key));
    }

    fn end(&mut self, key: Key, _: (), _: End) {
        assert!(self.streams.remove(&key), "a stream ended twice");
    }
}

/// The first bytes of `bytes`, at most so many, which are taken off.
fn take<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(most.min(bytes.len()));
    *bytes = rest;
    taken
}

pub(super) fn drive(mut bytes: &[u8]) {
    let now = Instant::now();
    let mut connection = Connection::new(CONFIG);
    let mut open = Open::default();
    let mut prepared = Prepared::new([Field {
        name: b":method",
        value: b"POST",
        indexing: Indexing::Index,
    }]);
    let mut wire = b"\0\0\0\x04\0\0\0\0\0".to_vec(); // SETTINGS
    while let [what, length, rest @ ..] = bytes {
        bytes = rest;
        let length = usize::from(*length);
        let keys = connection.keys();
        let key = keys.get(length % keys.len().max(1)).copied();
        match (what % 10, key) {
            (0 | 1, _) => {
                let part = take(&mut bytes, length);
                let more = [Field {
                    name: b"x",
                    value: part,
                    indexing: Indexing::Index,
                }];
                if let Ok(key) = connection.open(&mut prepared, &more, &[part], length % 2 == 0, ())
                {
                    open.streams.insert(key);
                }
            }
            (2, Some(key)) => {
                let part = take(&mut bytes, length);
                // Refused if it has ended its side.
                connection.send(key, &[part, part], length % 5 == 0).ok();
            }
            (3, Some(key)) => {
                connection.release(key, length);
                open.verdicts = *what;
            }
            (4, Some(key)) if length > 200 => {
                assert!(connection.reset(key, Code::CANCEL).is_some() && open.streams.remove(&key));
            }
            (5, _) => {
                let length = connection.output().len() * length / 255;
                connection.advance(length);
            }
            (6, _) => while connection.next_drained().is_some() {},
            _ => {
                wire.extend_from_slice(take(&mut bytes, length));
                match connection.receive(&wire, 1 + length % 7, now, &mut open) {
                    Ok(received) => drop(wire.drain(..received.bytes)),
                    Err(_) => break,
                }
            }
        }
        assert!(connection.output().len() < 10_000_000);
        assert_eq!(connection.open_streams() as usize, open.streams.len());
    }
    connection.lose(End::Lost, &mut open);
    assert!(open.streams.is_empty());
}
