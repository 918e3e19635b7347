//! An answer cut at every byte is the same answer.

use super::peer::*;

/// All that a good server may send, of three streams at once.
fn conversation(keys: [Key; 3]) -> Vec<u8> {
    let [a, b, c] = keys;
    let long = block(&[("grpc-message", "m"), ("x", "y"), ("grpc-status", "5")]);
    let (first, rest) = long.split_at(7);
    [
        settings(&[(3, 100), (4, 70_000)]),
        frame(kind::SETTINGS, flag::ACK, 0, b""),
        headers(a.id(), 0, &[(":status", "103")]),
        frame(
            kind::HEADERS,
            flag::END_HEADERS | flag::PRIORITY | flag::PADDED,
            a.id(),
            b"\x01\0\0\0\0\x10\x88\0",
        ),
        head(b, 0),
        data(a, flag::PADDED, b"\x02hello\0\0"),
        ping(b"01234567"),
        frame(
            kind::HEADERS,
            flag::END_HEADERS,
            c.id(),
            &[0x88, 0x40, 1, b'k', 1, b'v'],
        ),
        data(b, 0, b"other"),
        window_update(0, 9),
        data(c, 0, b""),
        frame(kind::HEADERS, flag::END_STREAM, a.id(), first),
        frame(kind::CONTINUATION, 0, a.id(), b""),
        frame(kind::CONTINUATION, flag::END_HEADERS, a.id(), rest),
        frame(77, 1, 0, b"unknown"),
        frame(
            kind::HEADERS,
            flag::END_HEADERS | flag::END_STREAM,
            c.id(),
            &[0xbe],
        ),
        goaway(b.id(), Code::NO_ERROR, b"bye"),
        rst_stream(b, Code::CANCEL),
    ]
    .concat()
}

fn begun() -> (Peer, [Key; 3]) {
    let mut peer = Peer::silent(CONFIG);
    let keys = [(); 3].map(|()| peer.open_with(b"request", true));
    peer.written();
    (peer, keys)
}

/// As a reader of a socket does: what was not taken is given again with what follows.
fn fed(pieces: &[&[u8]], most: usize) -> (Vec<Event>, Vec<Frame>) {
    let (mut peer, _) = begun();
    let mut rest: Vec<u8> = Vec::new();
    for piece in pieces {
        rest.extend_from_slice(piece);
        loop {
            let received = peer
                .connection
                .receive(&rest, most, peer.now, &mut peer.sink)
                .unwrap();
            rest.drain(..received.bytes);
            if received.frames < most {
                break;
            }
        }
    }
    assert!(rest.is_empty());
    let written = peer.written();
    (peer.sink.events, written)
}

#[test]
fn an_answer_cut_at_every_byte_gives_the_same_events() {
    let bytes = conversation(begun().1);
    let whole = fed(&[&bytes], usize::MAX);
    assert_eq!(whole.0.len(), 12, "{:?}", whole.0);
    for at in 0..=bytes.len() {
        let (one, other) = bytes.split_at(at);
        assert_eq!(fed(&[one, other], usize::MAX), whole, "cut at {at}");
    }
    for size in 1..40 {
        let pieces: Vec<_> = bytes.chunks(size).collect();
        assert_eq!(fed(&pieces, usize::MAX), whole, "in pieces of {size}");
        assert_eq!(
            fed(&pieces, 1),
            whole,
            "frame by frame, in pieces of {size}"
        );
    }
}

#[test]
fn data_lies_in_what_was_given() {
    struct Places(Vec<usize>);
    impl Sink<u32> for Places {
        fn head(&mut self, _: Key, _: &mut u32, _: &std::sync::Arc<Fields>, _: bool) -> Verdict {
            Verdict::Done
        }
        fn data(&mut self, _: Key, _: &mut u32, data: &[u8]) -> Verdict {
            self.0.push(data.as_ptr() as usize);
            Verdict::Done
        }
        fn trailers(&mut self, _: Key, _: &mut u32, _: &std::sync::Arc<Fields>) {}
        fn end(&mut self, _: Key, _: u32, _: End) {}
    }
    let mut peer = Peer::new();
    let key = peer.answered();
    let bytes = [data(key, 0, b"one"), data(key, flag::PADDED, b"\x01two\0")].concat();
    let mut places = Places(Vec::new());
    peer.connection
        .receive(&bytes, 9, peer.now, &mut places)
        .unwrap();
    let begin = bytes.as_ptr() as usize;
    assert_eq!(places.0, [begin + 9, begin + 9 + 3 + 9 + 1]);
}
