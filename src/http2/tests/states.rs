//! Every frame at every state of a stream (RFC 9113, section 5.1).

use super::peer::*;

/// What a frame does to the stream that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing, or what it is there for; the stream lives.
    Goes,
    /// The stream ends well.
    Completes,
    /// The stream ends by a reset of the peer.
    Resets,
    /// The stream ends for a fault, of which the peer is told.
    Faults(Code),
    /// The connection ends.
    Fatal(Code),
    /// Nobody is told anything.
    Ignored,
}
use Outcome::*;

#[derive(Clone, Copy, Debug)]
enum State {
    /// Of ours, not yet opened.
    Idle,
    /// Of the server's, which can have none.
    Servers,
    /// The request is not whole, and no answer began.
    Open,
    /// And an answer began.
    OpenAnswered,
    HalfClosedLocal,
    HalfClosedLocalAnswered,
    /// By END_STREAM of both.
    Closed,
    /// By the peer's RST_STREAM.
    ClosedByPeer,
    /// By ours, of which the peer need not know yet.
    ClosedByUs,
}

const STATES: [State; 9] = [
    State::Idle,
    State::Servers,
    State::Open,
    State::OpenAnswered,
    State::HalfClosedLocal,
    State::HalfClosedLocalAnswered,
    State::Closed,
    State::ClosedByPeer,
    State::ClosedByUs,
];

/// A connection with a stream in that state, and the stream's id.
fn stream(state: State) -> (Peer, u32) {
    let mut peer = Peer::new();
    let other = peer.answered(); // which nothing touches
    assert_eq!(other.id(), 1);
    let key = match state {
        State::Idle => return (peer, 3),
        State::Servers => return (peer, 2),
        State::Open | State::OpenAnswered => peer.open_with(b"part", false),
        _ => peer.open_with(b"whole", true),
    };
    match state {
        State::OpenAnswered | State::HalfClosedLocalAnswered => drop(peer.take(&head(key, 0))),
        State::Closed => drop(peer.take(&head(key, flag::END_STREAM))),
        State::ClosedByPeer => drop(peer.take(&rst_stream(key, Code::CANCEL))),
        State::ClosedByUs => drop(peer.connection.reset(key, Code::CANCEL)),
        _ => {}
    }
    peer.written();
    (peer, key.id())
}

/// What comes of a frame on a stream in each state, in the order of [`STATES`].
fn table() -> Vec<(&'static str, Vec<u8>, [Outcome; 9])> {
    let fatal = Fatal(Code::PROTOCOL_ERROR);
    let fault = Faults(Code::PROTOCOL_ERROR);
    let stream = 0; // is put in
    let status = [(":status", "200")];
    vec![
        (
            "DATA",
            frame(kind::DATA, 0, stream, b"x"),
            [
                fatal, fatal, fault, Goes, fault, Goes, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "DATA of nothing",
            frame(kind::DATA, 0, stream, b""),
            [
                fatal, fatal, fault, Goes, fault, Goes, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "DATA with END_STREAM",
            frame(kind::DATA, flag::END_STREAM, stream, b"x"),
            [
                fatal, fatal, fault, Completes, fault, Completes, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "HEADERS of a head",
            headers(stream, 0, &status),
            [
                fatal, fatal, Goes, fault, Goes, fault, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "HEADERS of a head with END_STREAM",
            headers(stream, flag::END_STREAM, &status),
            [
                fatal, fatal, Completes, fault, Completes, fault, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "HEADERS of an informational head",
            headers(stream, 0, &[(":status", "103")]),
            [
                fatal, fatal, Goes, fault, Goes, fault, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "HEADERS of trailers",
            headers(stream, flag::END_STREAM, &[("grpc-status", "0")]),
            [
                fatal, fatal, fault, Completes, fault, Completes, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "HEADERS of trailers without END_STREAM",
            headers(stream, 0, &[("grpc-status", "0")]),
            [
                fatal, fatal, fault, fault, fault, fault, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "PRIORITY",
            frame(kind::PRIORITY, 0, stream, &[0; 5]),
            [
                Ignored, Ignored, Goes, Goes, Goes, Goes, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "RST_STREAM",
            frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]),
            [
                fatal, fatal, Resets, Resets, Resets, Resets, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "SETTINGS",
            frame(kind::SETTINGS, 0, stream, b""),
            [fatal; 9],
        ),
        (
            "PUSH_PROMISE",
            frame(
                kind::PUSH_PROMISE,
                flag::END_HEADERS,
                stream,
                &[0, 0, 0, 2, 0x82],
            ),
            [fatal; 9],
        ),
        ("PING", frame(kind::PING, 0, stream, &[0; 8]), [fatal; 9]),
        (
            "GOAWAY",
            frame(kind::GOAWAY, 0, stream, &[0; 8]),
            [fatal; 9],
        ),
        (
            "WINDOW_UPDATE",
            window_update(stream, 1),
            [
                fatal, fatal, Goes, Goes, Goes, Goes, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "WINDOW_UPDATE of nothing",
            window_update(stream, 0),
            [
                fatal, fatal, fault, fault, fault, fault, Ignored, Ignored, Ignored,
            ],
        ),
        (
            "WINDOW_UPDATE beyond the largest window",
            window_update(stream, 0x7fff_ffff),
            [
                fatal,
                fatal,
                Faults(Code::FLOW_CONTROL_ERROR),
                Faults(Code::FLOW_CONTROL_ERROR),
                Faults(Code::FLOW_CONTROL_ERROR),
                Faults(Code::FLOW_CONTROL_ERROR),
                Ignored,
                Ignored,
                Ignored,
            ],
        ),
        (
            "CONTINUATION",
            frame(kind::CONTINUATION, flag::END_HEADERS, stream, &[0x88]),
            [fatal; 9],
        ),
        (
            "an unknown frame",
            frame(0x20, 0, stream, b"x"),
            [
                Ignored, Ignored, Goes, Goes, Goes, Goes, Ignored, Ignored, Ignored,
            ],
        ),
    ]
}

fn outcome(state: State, mut bytes: Vec<u8>) -> Outcome {
    let (mut peer, id) = stream(state);
    bytes[5..9].copy_from_slice(&id.to_be_bytes());
    let lived = peer.connection.streams.find(id).is_some();
    peer.sink.events.clear();
    if let Err(error) = peer.receive(&bytes) {
        return Fatal(error.code);
    }
    let events = std::mem::take(&mut peer.sink.events);
    let written = peer.written();
    let lives = peer.connection.streams.find(id).is_some();
    assert_eq!(
        peer.connection.open_streams(),
        1 + u32::from(lives),
        "the other one"
    );
    let resets: Vec<_> = written
        .iter()
        .filter(|frame| frame.kind == kind::RST_STREAM)
        .collect();
    match events.last() {
        Some(Event::End(of, end)) => {
            assert!(*of == id && lived && !lives);
            match end {
                End::Complete => {
                    // RFC 9113, section 8.1: of a request that is not whole no more comes.
                    let is_whole = matches!(
                        state,
                        State::HalfClosedLocal | State::HalfClosedLocalAnswered
                    );
                    let code = resets.first().map(|frame| frame.payload.clone());
                    assert_eq!(code, (!is_whole).then(|| vec![0; 4]));
                    Completes
                }
                End::Reset(_) => {
                    assert!(resets.is_empty(), "section 5.4.2: a reset is not answered");
                    Resets
                }
                End::Fault(code, _) => {
                    let told = resets
                        .iter()
                        .map(|frame| (frame.stream, &frame.payload[..]))
                        .collect::<Vec<_>>();
                    assert_eq!(told, [(id, &code.0.to_be_bytes()[..])]);
                    Faults(*code)
                }
                other => panic!("{other:?}"),
            }
        }
        _ => {
            assert_eq!((lives, resets.len()), (lived, 0));
            if lives {
                return Goes;
            }
            assert_eq!((events, written), (Vec::new(), Vec::new()));
            Ignored
        }
    }
}

#[test]
fn section_5_1_every_frame_at_every_state() {
    let mut wrong = Vec::new();
    for (name, bytes, expected) in table() {
        for (state, expected) in STATES.into_iter().zip(expected) {
            let found = outcome(state, bytes.clone());
            if found != expected {
                wrong.push(format!(
                    "{name} at {state:?}: {found:?} and not {expected:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn section_5_1_data_of_closed_streams_counts_and_is_given_back_to_the_connection() {
    for state in [State::Closed, State::ClosedByPeer, State::ClosedByUs] {
        let (mut peer, id) = stream(state);
        let mut given_back = 0;
        for _ in 0..200 {
            peer.take(&frame(kind::DATA, 0, id, &[0; 10_000]));
            for frame in peer.written() {
                assert_eq!((frame.kind, frame.stream), (kind::WINDOW_UPDATE, 0));
                given_back += u32::from_be_bytes(frame.payload[..].try_into().unwrap());
            }
        }
        assert!(
            (1_500_000..=2_000_000).contains(&given_back),
            "{state:?}: {given_back}"
        );
    }
}

#[test]
fn section_5_1_1_ids_grow_by_two_and_run_out() {
    let mut peer = Peer::new();
    for expected in [1, 3, 5] {
        assert_eq!(peer.open().id(), expected);
    }
    peer.connection.next_id = 0x7fff_ffff;
    let last = peer
        .connection
        .open(&mut request(), &[], &[], true, 0)
        .unwrap();
    assert_eq!(last.id(), 0x7fff_ffff);
    assert_eq!(
        peer.connection.open(&mut request(), &[], &[], true, 0),
        Err(0)
    );
    assert!(peer.connection.is_closing());
}

#[test]
fn section_5_1_2_no_more_streams_are_open_than_the_peer_allows() {
    let mut peer = Peer::silent(CONFIG);
    for _ in 0..100 {
        peer.open();
    }
    assert!(!peer.connection.can_open(), "before SETTINGS");
    peer.take(&settings(&[(3, 2)])); // fewer than are open
    let keys = peer.connection.keys();
    for key in &keys[..98] {
        assert!(!peer.connection.can_open());
        peer.take(&rst_stream(*key, Code::REFUSED_STREAM));
    }
    assert!(!peer.connection.can_open());
    peer.connection.reset(keys[98], Code::CANCEL);
    assert!(peer.connection.can_open());
    peer.take(&settings(&[(3, 0)]));
    assert!(!peer.connection.can_open());
    peer.take(&settings(&[(3, 0xffff_ffff)]));
    assert!(peer.connection.can_open());
}

#[test]
fn a_key_of_a_stream_that_ended_does_nothing_to_the_next_in_its_slot() {
    let mut peer = Peer::new();
    let old = peer.open();
    peer.take(&rst_stream(old, Code::CANCEL));
    let new = peer.open();
    assert_eq!(old.slot, new.slot);
    peer.written();
    assert_eq!(peer.connection.get(old), None);
    assert_eq!(peer.connection.send(old, &[b"x"], true), Err(Closed));
    assert_eq!(peer.connection.reset(old, Code::CANCEL), None);
    peer.connection.release(old, 10);
    assert_eq!(
        (peer.connection.queued(old), peer.written()),
        (0, Vec::new())
    );
    assert_eq!(peer.connection.get(new), Some(&3));
    *peer.connection.get_mut(new).unwrap() = 4;
    assert_eq!(peer.connection.reset(new, Code::CANCEL), Some(4));
}
