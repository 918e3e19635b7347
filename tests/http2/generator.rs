//! Answers as a server may give them, and then with something wrong: seeded, so that each can be had again.

use super::frames::*;
use super::http2::{Encoder, Field, Indexing, Prepared};

/// Requests that were sent: streams 1, 3, and so on.
pub(crate) const STREAMS: u32 = 3;

pub(crate) struct Generator {
    pub(crate) random: fastrand::Rng,
    encoder: Encoder,
    frames: Vec<Vec<u8>>,
}

/// What a stream's answer is still to have.
struct Answer {
    id: u32,
    headed: bool,
    ended: bool,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            encoder: Encoder::default(),
            frames: Vec::new(),
        }
    }

    /// All that a server says, its preface first; most have a fault or two.
    pub(crate) fn conversation(mut self) -> Vec<u8> {
        let first = match self.random.u8(..4) {
            0 => settings(&[(3, 100), (4, self.random.u32(..200_000))]),
            1 => settings(&[(1, self.random.u32(..5000)), (5, 20_000), (6, 1000)]),
            _ => settings(&[]),
        };
        self.frames.push(first);
        self.frames.push(frame(kind::SETTINGS, flag::ACK, 0, b""));
        let mut answers: Vec<_> = (0..STREAMS)
            .map(|at| Answer {
                id: 1 + 2 * at,
                headed: false,
                ended: false,
            })
            .collect();
        let faults = self.random.u8(..4);
        for _ in 0..self.random.usize(..16) {
            let at = self.random.usize(..answers.len());
            self.answer(&mut answers[at], faults == 1);
            if self.random.u8(..6) == 0 {
                self.aside();
            }
        }
        for answer in &mut answers {
            while !answer.ended && self.random.u8(..20) > 0 {
                self.answer(answer, false);
            }
        }
        if faults >= 2 {
            for _ in 0..self.random.usize(1..3) {
                self.mutate();
            }
        }
        self.frames.concat()
    }

    fn answer(&mut self, answer: &mut Answer, with_faults: bool) {
        let id = answer.id;
        if answer.ended && !with_faults {
            return;
        }
        let bytes = match self.random.u8(..12) {
            0 if !answer.headed => {
                return self.headers(id, 0, &[(":status", "103"), ("link", "x")]);
            }
            1 if self.random.u8(..4) == 0 => {
                answer.ended = true;
                let code = [0, 2, 7, 8, 11, 77][self.random.usize(..6)];
                frame(kind::RST_STREAM, 0, id, &u32::to_be_bytes(code))
            }
            2..=6 if !answer.headed => {
                answer.headed = true;
                let ends = self.random.u8(..6) == 0;
                answer.ended = ends;
                let mut fields = vec![(
                    ":status",
                    ["200", "200", "204", "404", "599"][self.random.usize(..5)],
                )];
                fields.push(("content-type", "application/grpc"));
                let odd = self.odd_field();
                if with_faults {
                    let at = self.random.usize(..=fields.len());
                    fields.insert(at, odd);
                }
                return self.headers(id, if ends { flag::END_STREAM } else { 0 }, &fields);
            }
            7 | 8 if answer.headed => {
                answer.ended = true;
                let mut fields = vec![("grpc-status", "0"), ("grpc-message", "all is well")];
                let odd = self.odd_field();
                if with_faults {
                    fields.push(odd);
                }
                let flags = if with_faults && self.random.u8(..8) == 0 {
                    0
                } else {
                    flag::END_STREAM
                };
                return self.headers(id, flags, &fields);
            }
            _ if answer.headed || with_faults && self.random.u8(..8) == 0 => {
                let length = self.random.usize(..60);
                let mut content: Vec<_> = (0..length).map(|_| self.random.u8(..)).collect();
                let ends = self.random.u8(..12) == 0;
                answer.ended |= ends;
                let mut flags = if ends { flag::END_STREAM } else { 0 };
                if self.random.u8(..6) == 0 {
                    let padding = self.random.u8(..20);
                    content.insert(0, padding);
                    content.extend(vec![0; usize::from(padding)]);
                    flags |= flag::PADDED;
                }
                frame(kind::DATA, flags, id, &content)
            }
            _ => return,
        };
        self.frames.push(bytes);
    }

    /// What an answer may not have, or seldom has.
    fn odd_field(&mut self) -> (&'static str, &'static str) {
        const ODD: [(&str, &str); 21] = [
            ("x", "y"),
            ("Upper", "x"),
            ("connection", "close"),
            ("te", "trailers"),
            ("te", "gzip"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "x"),
            (":status", "200"),
            (":status", "000"),
            (":path", "/"),
            (":unknown", "x"),
            ("content-length", "10"),
            ("content-length", "0"),
            ("content-length", "x"),
            ("a b", "x"),
            ("", "x"),
            ("x", "a\0b"),
            ("x", "a\r\nb"),
            ("x", "é"),
            ("a:b", "x"),
            ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
        ];
        ODD[self.random.usize(..ODD.len())]
    }

    fn headers(&mut self, id: u32, flags: u8, fields: &[(&str, &str)]) {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| Field {
                name: name.as_bytes(),
                value: value.as_bytes(),
                indexing: [Indexing::Index, Indexing::Once, Indexing::Never]
                    [self.random.usize(..3)],
            })
            .collect();
        let mut block = Vec::new();
        self.encoder
            .encode(&mut Prepared::default(), &fields, &mut block);
        if self.random.u8(..8) > 0 {
            return self
                .frames
                .push(frame(kind::HEADERS, flags | flag::END_HEADERS, id, &block));
        }
        let (first, rest) = block.split_at(self.random.usize(..=block.len()));
        let whole = [
            frame(kind::HEADERS, flags, id, first),
            frame(kind::CONTINUATION, flag::END_HEADERS, id, rest),
        ];
        self.frames.push(whole.concat());
    }

    fn aside(&mut self) {
        let stream = 2 * self.random.u32(..STREAMS) + 1;
        let bytes = match self.random.u8(..8) {
            0 => frame(kind::PING, 0, 0, &[1; 8]),
            1 => frame(kind::PING, flag::ACK, 0, &[2; 8]),
            2 => window_update(0, self.random.u32(1..1000)),
            3 => window_update(stream, self.random.u32(1..1000)),
            4 => frame(kind::PRIORITY, 0, stream, &[0, 0, 0, 0, 1]),
            5 => frame(self.random.u8(10..), 0, stream, b"unknown"),
            6 => settings(&[(4, self.random.u32(..100_000))]),
            _ if self.random.u8(..4) == 0 => goaway(stream, self.random.u32(..14), b"why"),
            _ => return,
        };
        self.frames.push(bytes);
    }

    fn mutate(&mut self) {
        // The preface is tried elsewhere.
        let at = self.random.usize(1..self.frames.len());
        let other = self.random.usize(1..self.frames.len());
        let length = self.frames[at].len();
        if length < 9 {
            return; // one that was cut
        }
        match self.random.u8(..10) {
            0 => drop(self.frames.remove(at)),
            1 => self.frames.insert(other, self.frames[at].clone()),
            2 => self.frames.swap(at, other),
            3 => self.frames[at][3] = self.random.u8(..11),
            4 => self.frames[at][4] ^= 1 << self.random.u8(..8),
            5 => self.frames[at][8] = self.random.u8(..9),
            6 => {
                // Another payload, of a length that is right.
                let payload: Vec<_> = (0..self.random.usize(..12))
                    .map(|_| self.random.u8(..))
                    .collect();
                let [.., kind, flags, a, b, c, d] = self.frames[at][..9] else {
                    return;
                };
                self.frames[at] = frame(kind, flags, u32::from_be_bytes([a, b, c, d]), &payload);
            }
            7 => self.frames[at].truncate(self.random.usize(..length)),
            _ => {
                let place = self.random.usize(..length);
                self.frames[at][place] = self.random.u8(..);
            }
        }
        if self.frames.len() < 2 {
            self.frames.push(Vec::new());
        }
    }
}
