//! gRPC's negative HTTP/2 cases ("http2_negative"), as scripts: what a server does on purpose, and what calls learn of it.

use super::peer::*;

/// A message of gRPC, whole.
const MESSAGE: &[u8] = b"\0\0\0\0\x04what";

#[test]
fn goaway_the_call_before_it_ends_well_and_the_next_goes_elsewhere() {
    let mut peer = Peer::new();
    let key = peer.open_with(MESSAGE, true);
    let answer = [
        head(key, 0),
        data(key, 0, MESSAGE),
        goaway(1, Code::NO_ERROR, b""),
        trailers(key),
    ];
    let events = peer.take(&answer.concat());
    assert_eq!(events.last(), Some(&Event::End(1, End::Complete)));
    assert!(!peer.connection.can_open() && peer.connection.open_streams() == 0);
}

#[test]
fn rst_after_header() {
    let mut peer = Peer::new();
    let key = peer.open_with(MESSAGE, true);
    let events = peer.take(&[head(key, 0), rst_stream(key, Code::NO_ERROR)].concat());
    assert_eq!(
        events,
        [
            Event::Head(1, 200, false),
            Event::End(1, End::Reset(Code::NO_ERROR))
        ]
    );
}

#[test]
fn rst_during_data() {
    let mut peer = Peer::new();
    let key = peer.open_with(MESSAGE, true);
    let events = peer.take(
        &[
            head(key, 0),
            data(key, 0, &MESSAGE[..7]),
            rst_stream(key, Code::NO_ERROR),
        ]
        .concat(),
    );
    let expected = [
        Event::Head(1, 200, false),
        Event::Data(1, MESSAGE[..7].to_vec()),
        Event::End(1, End::Reset(Code::NO_ERROR)),
    ];
    assert_eq!(events, expected);
}

#[test]
fn rst_after_data() {
    let mut peer = Peer::new();
    let key = peer.open_with(MESSAGE, true);
    let events = peer.take(
        &[
            head(key, 0),
            data(key, 0, MESSAGE),
            rst_stream(key, Code::NO_ERROR),
        ]
        .concat(),
    );
    assert_eq!(
        events[1..],
        [
            Event::Data(1, MESSAGE.to_vec()),
            Event::End(1, End::Reset(Code::NO_ERROR))
        ]
    );
}

#[test]
fn ping_each_is_answered_while_the_call_goes_on() {
    let mut peer = Peer::new();
    let key = peer.open_with(MESSAGE, true);
    peer.written();
    let pinged = ping(b"pingping");
    let pinged = [
        &pinged[..],
        &head(key, 0),
        &pinged,
        &data(key, 0, MESSAGE),
        &pinged,
        &trailers(key),
        &pinged,
    ]
    .concat();
    let events = peer.take(&pinged);
    assert_eq!(events.last(), Some(&Event::End(1, End::Complete)));
    let pongs = peer.written();
    assert!(
        pongs.len() == 4
            && pongs
                .iter()
                .all(|frame| frame.kind == kind::PING && frame.flags == flag::ACK)
    );
}

#[test]
fn max_streams_of_one_lets_calls_go_one_after_the_other() {
    let mut peer = Peer::with_settings(CONFIG, &[(3, 1)]);
    for _ in 0..10 {
        let key = peer.open_with(MESSAGE, true);
        assert_eq!(
            peer.connection
                .open(&mut request(), &[], &[MESSAGE], true, 0),
            Err(0)
        );
        let events = peer.take(&[head(key, 0), data(key, 0, MESSAGE), trailers(key)].concat());
        assert_eq!(events.last(), Some(&Event::End(key.id(), End::Complete)));
    }
}
