//! Floods: each kind ends the connection if it brings nothing, none does if calls go on (RFC 9113, section 10.5).

use std::time::Duration;

use super::peer::*;

/// More than a peer may send without progress.
const MANY: usize = 12_000;

/// Each kind of frame that brings nothing, on a connection where stream 1 was answered and 3 has ended.
fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("PING", ping(&[0; 8])),
        ("answers to PING", frame(kind::PING, flag::ACK, 0, &[0; 8])),
        ("SETTINGS", settings(&[])),
        (
            "SETTINGS that change windows",
            settings(&[(4, 1), (4, 2), (4, 1)]),
        ),
        (
            "acknowledgements of SETTINGS",
            frame(kind::SETTINGS, flag::ACK, 0, b""),
        ),
        ("RST_STREAM", frame(kind::RST_STREAM, 0, 3, &[0; 4])),
        ("empty DATA", frame(kind::DATA, 0, 1, b"")),
        ("padding", frame(kind::DATA, flag::PADDED, 1, &[10; 11])),
        ("DATA of a closed stream", frame(kind::DATA, 0, 3, b"x")),
        (
            "HEADERS of a closed stream",
            frame(kind::HEADERS, flag::END_HEADERS, 3, &[0x88]),
        ),
        ("PRIORITY", frame(kind::PRIORITY, 0, 1, &[0; 5])),
        ("WINDOW_UPDATE", window_update(0, 1)),
        ("WINDOW_UPDATE of a stream", window_update(1, 1)),
        ("WINDOW_UPDATE of a closed stream", window_update(3, 1)),
        ("GOAWAY", goaway(0x7fff_ffff, Code::NO_ERROR, b"")),
        ("unknown frames", frame(99, 0, 0, b"")),
    ]
}

fn peer() -> (Peer, Key) {
    let mut peer = Peer::new();
    let key = peer.answered();
    let ended = peer.open();
    peer.take(&frame(kind::RST_STREAM, 0, ended.id(), &[0; 4]));
    peer.written();
    (peer, key)
}

#[test]
fn each_kind_ends_the_connection_if_it_brings_nothing() {
    for (name, bytes) in kinds() {
        let (mut peer, _) = peer();
        let mut taken = 0;
        let code = loop {
            assert!(taken < MANY, "{name}");
            match peer.receive(&bytes) {
                Ok(()) => taken += 1,
                Err(error) => break error.code,
            }
            peer.written();
        };
        assert_eq!(code, Code::ENHANCE_YOUR_CALM, "{name}");
        assert!(taken >= 900, "{name}: {taken} are no flood");
    }
}

#[test]
fn an_informational_flood_ends_the_connection() {
    let mut peer = Peer::new();
    let key = peer.open_with(b"x", true);
    let bytes = headers(key.id(), 0, &[(":status", "103")]);
    let code = (0..MANY)
        .find_map(|_| peer.receive(&bytes).err())
        .unwrap()
        .code;
    assert_eq!(code, Code::ENHANCE_YOUR_CALM);
}

#[test]
fn a_continuation_flood_ends_the_connection() {
    for piece in [&b""[..], &[0x88]] {
        let mut peer = Peer::new();
        let key = peer.open_with(b"x", true);
        peer.take(&frame(kind::HEADERS, 0, key.id(), &[0x88]));
        let bytes = frame(kind::CONTINUATION, 0, key.id(), piece);
        let code = (0..MANY)
            .find_map(|_| peer.receive(&bytes).err())
            .unwrap()
            .code;
        assert_eq!(code, Code::ENHANCE_YOUR_CALM);
    }
}

#[test]
fn no_kind_does_while_calls_go_on() {
    for (name, bytes) in kinds() {
        if name == "GOAWAY" {
            continue; // after which none do
        }
        let (mut peer, _) = peer();
        for _ in 0..MANY {
            let key = peer.open_with(b"", true);
            let answer = [
                head(key, 0),
                data(key, 0, b"x"),
                bytes.clone(),
                trailers(key),
            ]
            .concat();
            peer.receive(&answer)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                peer.sink.events.last(),
                Some(&Event::End(key.id(), End::Complete))
            );
            peer.sink.events.clear();
            let length = peer.connection.output().len();
            peer.connection.advance(length);
        }
    }
}

#[test]
fn no_kind_does_if_it_comes_seldom_enough() {
    for (name, bytes) in kinds() {
        let (mut peer, _) = peer();
        for _ in 0..MANY {
            peer.now += Duration::from_millis(200);
            peer.receive(&bytes)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let length = peer.connection.output().len();
            peer.connection.advance(length);
        }
    }
}

#[test]
fn an_empty_data_frame_a_call_is_no_flood() {
    let mut peer = Peer::new();
    for _ in 0..MANY {
        let key = peer.open_with(b"", true);
        let answer = [
            head(key, 0),
            data(key, 0, b"x"),
            data(key, 0, b""),
            trailers(key),
        ]
        .concat();
        assert_eq!(peer.take(&answer).len(), 4);
        let length = peer.connection.output().len();
        peer.connection.advance(length);
    }
}

#[test]
fn many_short_messages_are_no_flood() {
    let mut peer = Peer::new();
    let key = peer.answered();
    let short = data(key, 0, b"\0\0\0\0\x03abc");
    for _ in 0..240_000 {
        peer.receive(&short).unwrap();
        peer.sink.events.clear();
        let length = peer.connection.output().len();
        peer.connection.advance(length);
    }
}

/// What the peer may have sent before it knew of the end: as much as the stream's window was, in frames as short as it likes.
#[test]
fn what_was_under_way_to_streams_that_ended_here_is_no_flood() {
    let mut peer = Peer::new();
    let answer = |peer: &mut Peer| {
        let key = peer.answered();
        peer.take(&data(key, 0, b"xx"));
        key
    };
    // By the caller, and by what its sink says.
    let keys = [answer(&mut peer), answer(&mut peer)];
    peer.connection.reset(keys[0], Code::CANCEL);
    peer.sink.verdict = Verdict::Reset(Code::CANCEL);
    peer.take(&data(keys[1], 0, b"x"));
    let left = 2 * CONFIG.stream_window - 5;
    for at in 0..left {
        let key = keys[at as usize % 2];
        peer.receive(&data(key, 0, b"x"))
            .unwrap_or_else(|error| panic!("{at}: {error}"));
        let length = peer.connection.output().len();
        peer.connection.advance(length);
    }
    let beyond = (0..MANY).position(|_| peer.receive(&data(keys[0], 0, b"x")).is_err());
    assert!(beyond.is_some_and(|taken| taken >= 9_000), "{beyond:?}");
}

/// As many as have the same deadline, whose answers were under way.
#[test]
fn the_answers_to_many_calls_that_ended_here_at_once_are_no_flood() {
    let mut peer = Peer::new();
    let keys: Vec<_> = (0..MANY).map(|_| peer.open_with(b"x", true)).collect();
    for key in &keys {
        peer.connection.reset(*key, Code::CANCEL);
    }
    peer.connection.advance(usize::MAX);
    for key in keys {
        let reset = frame(kind::RST_STREAM, 0, key.id(), &[0; 4]);
        let end = data(key, flag::END_STREAM, b"");
        peer.take(&[head(key, 0), data(key, 0, b"x"), trailers(key), end, reset].concat());
    }
}

#[test]
fn window_updates_for_what_was_sent_are_no_flood() {
    let mut peer = Peer::new();
    let key = peer.open();
    for _ in 0..3 * MANY {
        peer.connection.send(key, &[b"x"], false).unwrap();
        peer.take(&[window_update(0, 1), window_update(key.id(), 1)].concat());
        let length = peer.connection.output().len();
        peer.connection.advance(length);
    }
}

#[test]
fn what_a_peer_makes_us_owe_is_bounded_if_the_socket_takes_nothing() {
    for bytes in [ping(&[0; 8]), settings(&[])] {
        let mut peer = Peer::new();
        let key = peer.answered();
        let mut refused = false;
        for _ in 0..100 {
            // Progress enough that it counts as no flood.
            let busy = [bytes.repeat(50), data(key, 0, b"x").repeat(50)].concat();
            refused |= peer.receive(&busy).is_err();
            peer.sink.events.clear();
        }
        assert!(refused);
        assert!(
            peer.connection.output().len() < 100_000,
            "{}",
            peer.connection.output().len()
        );
    }
}

#[test]
fn a_turn_is_bounded_by_frames_and_long_lists_count_for_more() {
    let mut peer = Peer::new();
    let bytes = ping(&[0; 8]).repeat(100);
    let received = peer
        .connection
        .receive(&bytes, 30, peer.now, &mut peer.sink)
        .unwrap();
    assert_eq!((received.frames, received.bytes), (30, 30 * 17));
    let received = peer
        .connection
        .receive(&bytes[510..], 100, peer.now, &mut peer.sink)
        .unwrap();
    assert_eq!((received.frames, received.bytes), (70, 70 * 17));
    // A long entry of the table, named by a byte each time.
    let key = peer.open_with(b"x", true);
    let mut block = vec![0x88, 0x40, 1, b'x', 0x7f, 0x81, 0x1e];
    block.extend([b'y'; 3968]);
    block.extend([0xbe; 8000]);
    let bytes = frame(kind::HEADERS, flag::END_HEADERS, key.id(), &block);
    let received = peer
        .connection
        .receive(&bytes, 256, peer.now, &mut peer.sink)
        .unwrap();
    assert!(received.frames > 256, "{received:?}");
}
