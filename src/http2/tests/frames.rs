//! Frames: their sizes, their streams, what they may hold (RFC 9113, sections 3 to 6). After h2spec's list, from the other side.

use super::peer::*;

const PROTOCOL: Code = Code::PROTOCOL_ERROR;
const SIZE: Code = Code::FRAME_SIZE_ERROR;
const FLOW: Code = Code::FLOW_CONTROL_ERROR;

#[test]
fn section_3_4_preface_settings_and_the_first_calls_are_in_one_output() {
    let mut peer = Peer::silent(CONFIG);
    peer.open_with(b"one", true);
    peer.open_with(b"two", true);
    assert!(
        peer.connection
            .output()
            .starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0")
    );
    let kinds: Vec<_> = peer
        .written()
        .iter()
        .map(|frame| (frame.kind, frame.stream))
        .collect();
    assert_eq!(kinds, [(4, 0), (8, 0), (1, 1), (0, 1), (1, 3), (0, 3)]);
    assert!(!peer.connection.is_ready());
    peer.take(&settings(&[]));
    assert!(peer.connection.is_ready());
}

#[test]
fn section_3_4_the_first_frame_is_settings() {
    let mut first = [
        ping(&[0; 8]),
        frame(kind::SETTINGS, flag::ACK, 0, b""),
        window_update(0, 1),
        goaway(0, Code::NO_ERROR, b""),
        frame(200, 0, 0, b""),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        vec![21, 3, 3, 0, 2, 2, 40, 0, 0], // an alert of TLS, and a little more
    ];
    for bytes in &mut first {
        assert_eq!(Peer::silent(CONFIG).refuses(bytes), PROTOCOL, "{bytes:?}");
    }
    // It may be empty, and what follows may come with it.
    let mut peer = Peer::silent(CONFIG);
    assert_eq!(peer.take(&[settings(&[]), ping(&[0; 8])].concat()).len(), 1);
}

#[test]
fn section_3_4_each_settings_is_acknowledged_and_acknowledgements_are_not() {
    let mut peer = Peer::new();
    peer.take(&settings(&[(3, 7)]));
    peer.take(&settings(&[]));
    peer.take(&frame(kind::SETTINGS, flag::ACK, 0, b""));
    let ack = Frame {
        kind: kind::SETTINGS,
        flags: flag::ACK,
        stream: 0,
        payload: Vec::new(),
    };
    assert_eq!(peer.written(), [ack.clone(), ack]);
}

#[test]
fn section_4_1_frames_of_unknown_kinds_and_unknown_flags_are_ignored() {
    let mut peer = Peer::new();
    let key = peer.open();
    for stream in [0, key.id(), 99, 2] {
        assert_eq!(peer.take(&frame(0x16, 0xff, stream, b"what")), []);
    }
    peer.written();
    let flags = flag::END_HEADERS | 0xd2;
    let head = frame(kind::HEADERS, flags, key.id(), &[0x88]);
    assert_eq!(peer.take(&head), [Event::Head(1, 200, false)]);
    peer.take(&frame(kind::PING, 0xfe, 0, &[1; 8]));
    assert_eq!(
        (peer.written()[0].flags, peer.connection.open_streams()),
        (flag::ACK, 1)
    );
}

#[test]
fn section_4_2_a_frame_of_16384_bytes_comes_and_one_of_16385_ends_the_connection_at_its_header() {
    let mut peer = Peer::new();
    let key = peer.answered();
    assert_eq!(
        peer.take(&data(key, 0, &[7; 16_384])),
        [Event::Data(1, vec![7; 16_384])]
    );
    let long = data(key, 0, &[7; 16_385]);
    assert_eq!(peer.refuses(&long[..9]), SIZE);
    for kind in [kind::HEADERS, kind::SETTINGS, kind::PING, 200] {
        let mut peer = Peer::new();
        peer.open();
        assert_eq!(peer.refuses(&frame(kind, 0, 1, &[0; 16_385])), SIZE);
    }
}

#[test]
fn section_4_2_frames_of_a_fixed_length_have_it() {
    for (bytes, code) in [
        (frame(kind::RST_STREAM, 0, 1, &[0; 3]), SIZE), // section 6.4
        (frame(kind::RST_STREAM, 0, 1, &[0; 5]), SIZE),
        (frame(kind::SETTINGS, 0, 0, &[0; 5]), SIZE), // section 6.5
        (frame(kind::SETTINGS, flag::ACK, 0, &[0; 6]), SIZE),
        (frame(kind::PING, 0, 0, &[0; 7]), SIZE), // section 6.7
        (frame(kind::PING, flag::ACK, 0, &[0; 9]), SIZE),
        (frame(kind::GOAWAY, 0, 0, &[0; 7]), SIZE), // section 6.8
        (frame(kind::WINDOW_UPDATE, 0, 0, &[0; 3]), SIZE), // section 6.9
        (frame(kind::WINDOW_UPDATE, 0, 1, &[0; 5]), SIZE),
        (frame(kind::HEADERS, flag::PRIORITY | 4, 1, &[0; 4]), SIZE), // section 6.2
        (frame(kind::HEADERS, flag::PADDED | 4, 1, b""), SIZE),
        (frame(kind::DATA, flag::PADDED, 1, b""), SIZE),
    ] {
        let mut peer = Peer::new();
        peer.open();
        assert_eq!(peer.refuses(&bytes), code, "{bytes:?}");
    }
}

#[test]
fn section_6_frames_of_the_connection_have_no_stream_and_those_of_streams_have_one() {
    for (bytes, section) in [
        (frame(kind::DATA, 0, 0, b"x"), "6.1"),
        (headers(0, 0, &[(":status", "200")]), "6.2"),
        (frame(kind::PRIORITY, 0, 0, &[0; 5]), "6.3"),
        (frame(kind::RST_STREAM, 0, 0, &[0; 4]), "6.4"),
        (frame(kind::SETTINGS, 0, 1, b""), "6.5"),
        (frame(kind::SETTINGS, flag::ACK, 1, b""), "6.5"),
        (frame(kind::PING, 0, 1, &[0; 8]), "6.7"),
        (frame(kind::GOAWAY, 0, 1, &[0; 8]), "6.8"),
    ] {
        let mut peer = Peer::new();
        peer.open();
        assert_eq!(peer.refuses(&bytes), PROTOCOL, "{section}");
    }
}

#[test]
fn section_6_1_and_6_2_padding_longer_than_its_frame_ends_the_connection_and_all_other_is_taken_off()
 {
    for kind in [kind::DATA, kind::HEADERS] {
        let mut peer = Peer::new();
        let key = peer.answered();
        let flags = flag::PADDED | flag::END_HEADERS;
        assert_eq!(
            peer.refuses(&frame(kind, flags, key.id(), &[2, 0])),
            PROTOCOL
        );
    }
    let mut peer = Peer::new();
    let key = peer.answered();
    let padded = data(key, flag::PADDED, b"\x03abc\0\0\0");
    assert_eq!(peer.take(&padded), [Event::Data(1, b"abc".to_vec())]);
    assert_eq!(peer.take(&data(key, flag::PADDED, b"\x03\0\0\0")), []);
    let key = peer.open();
    let flags = flag::PADDED | flag::PRIORITY | flag::END_HEADERS;
    let head = frame(
        kind::HEADERS,
        flags,
        key.id(),
        b"\x02\x80\0\0\x03\xff\x88\0\0",
    );
    assert_eq!(
        peer.take(&head),
        [Event::Head(3, 200, false)],
        "of itself depends nothing any more"
    );
}

#[test]
fn section_6_3_priority_says_nothing_but_has_five_bytes() {
    let mut peer = Peer::new();
    let key = peer.open();
    peer.written();
    for stream in [key.id(), 99, 2] {
        assert_eq!(peer.take(&frame(kind::PRIORITY, 0, stream, &[0xff; 5])), []);
    }
    let fault = peer.take(&frame(kind::PRIORITY, 0, key.id(), &[0; 4]));
    assert!(matches!(fault[..], [Event::End(1, End::Fault(SIZE, _))]));
    assert!(is_reset(&peer.written(), key, SIZE));
}

#[test]
fn section_6_4_a_reset_ends_its_stream_alone_and_is_not_answered() {
    let mut peer = Peer::new();
    let (one, other) = (peer.open(), peer.answered());
    for code in [
        Code::NO_ERROR,
        Code::REFUSED_STREAM,
        Code::CANCEL,
        Code(0xdead_beef),
    ] {
        let key = peer.open();
        peer.written();
        assert_eq!(
            peer.take(&rst_stream(key, code)),
            [Event::End(key.id(), End::Reset(code))]
        );
        assert_eq!(peer.take(&rst_stream(key, code)), [], "a second one");
        assert_eq!(peer.written(), []);
    }
    assert_eq!(peer.connection.keys(), [one, other]);
}

#[test]
fn section_6_5_3_settings_count_at_once_and_unknown_ones_are_ignored() {
    let mut peer = Peer::new();
    assert_eq!(peer.connection.peer().max_concurrent_streams, u32::MAX);
    let events = peer.take(&settings(&[(3, 1), (0x99, 5), (6, 77)]));
    let Event::Settings(settings) = events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (
            settings.max_concurrent_streams,
            settings.max_header_list_size
        ),
        (1, 77)
    );
    assert_eq!(peer.connection.peer(), &settings);
}

#[test]
fn section_6_5_2_values_that_may_not_be_end_the_connection() {
    for (id, value, code) in [
        (2, 1, PROTOCOL), // also 8.4: a server cannot be pushed to
        (2, 2, PROTOCOL),
        (4, 0x8000_0000, FLOW),
        (5, 16_383, PROTOCOL),
        (5, 0x0100_0000, PROTOCOL),
    ] {
        assert_eq!(Peer::new().refuses(&settings(&[(id, value)])), code);
        assert_eq!(
            Peer::silent(CONFIG).refuses(&settings(&[(id, value)])),
            code
        );
    }
}

#[test]
fn section_6_6_and_8_4_a_push_ends_the_connection() {
    let mut peer = Peer::new();
    let key = peer.open();
    let promise = [&2_u32.to_be_bytes()[..], &[0x82]].concat();
    assert_eq!(
        peer.refuses(&frame(
            kind::PUSH_PROMISE,
            flag::END_HEADERS,
            key.id(),
            &promise
        )),
        PROTOCOL
    );
}

#[test]
fn section_6_7_a_ping_is_answered_with_what_it_held_and_an_answer_is_told() {
    let mut peer = Peer::new();
    peer.take(&ping(b"whatever"));
    let [pong] = &peer.written()[..] else {
        panic!()
    };
    assert_eq!(
        (pong.kind, pong.flags, pong.stream),
        (kind::PING, flag::ACK, 0)
    );
    assert_eq!(pong.payload, b"whatever");
    peer.connection.ping(*b"libzeebe");
    let [ping] = &peer.written()[..] else {
        panic!()
    };
    assert_eq!((ping.kind, ping.flags, ping.stream), (kind::PING, 0, 0));
    assert_eq!(ping.payload, b"libzeebe");
    let pong = frame(kind::PING, flag::ACK, 0, b"libzeebe");
    assert_eq!(peer.take(&pong), [Event::Pong(*b"libzeebe")]);
    assert_eq!(peer.written(), []);
}

#[test]
fn section_6_8_a_goaway_is_told_with_code_and_debug_data_and_says_what_was_not_processed() {
    let mut peer = Peer::new();
    let keys = [peer.open(), peer.answered(), peer.open()];
    let events = peer.take(&goaway(3, Code::ENHANCE_YOUR_CALM, b"too_many_pings"));
    let told = GoAway {
        last_stream: 3,
        code: Code::ENHANCE_YOUR_CALM,
        debug_data: b"too_many_pings".to_vec(),
    };
    assert_eq!(
        events,
        [Event::GoAway(told.clone()), Event::End(5, End::Unprocessed)]
    );
    assert_eq!(peer.connection.goaway_received(), Some(&told));
    assert!(!peer.connection.can_open() && peer.connection.is_closing());
    assert_eq!(
        peer.connection.open(&mut request(), &[], &[], true, 9),
        Err(9)
    );
    // Those that may have been processed go on.
    assert_eq!(peer.take(&trailers(keys[1])).len(), 2);
    let later = peer.take(&goaway(0, Code::NO_ERROR, b""));
    assert_eq!(later[1..], [Event::End(1, End::Unprocessed)]);
}

#[test]
fn section_6_8_a_drain_ends_no_stream_and_of_long_debug_data_the_beginning_is_kept() {
    let mut peer = Peer::new();
    let key = peer.open();
    let events = peer.take(&goaway(0xffff_ffff, Code::NO_ERROR, &[b'x'; 5000]));
    let [Event::GoAway(told)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (told.last_stream, told.debug_data.len()),
        (0x7fff_ffff, 1024)
    );
    assert_eq!(peer.connection.keys(), [key]);
}

#[test]
fn section_6_10_a_header_block_is_not_interrupted() {
    let begun = |peer: &mut Peer| {
        let key = peer.open();
        peer.take(&frame(kind::HEADERS, 0, key.id(), &[0x88]));
        key
    };
    let others = |key: Key| {
        [
            data(key, 0, b"x"),
            headers(key.id(), 0, &[]),
            settings(&[]),
            ping(&[0; 8]),
            window_update(0, 1),
            rst_stream(key, Code::CANCEL),
            goaway(9, Code::NO_ERROR, b""),
            frame(kind::PRIORITY, 0, key.id(), &[0; 5]),
            frame(0x16, 0, 0, b"unknown"), // section 5.5
            frame(kind::CONTINUATION, flag::END_HEADERS, key.id() + 2, b""),
            frame(kind::CONTINUATION, flag::END_HEADERS, 0, b""),
        ]
    };
    for at in 0..11 {
        let mut peer = Peer::new();
        let key = begun(&mut peer);
        assert_eq!(peer.refuses(&others(key)[at]), PROTOCOL, "{at}");
    }
    let mut peer = Peer::new();
    let key = begun(&mut peer);
    assert_eq!(peer.take(&frame(kind::CONTINUATION, 0, key.id(), b"")), []);
    let last = frame(
        kind::CONTINUATION,
        flag::END_HEADERS,
        key.id(),
        &[0x0f, 0x10, 1, b'x'],
    );
    assert_eq!(peer.take(&last), [Event::Head(1, 200, false)]);
    assert_eq!(peer.refuses(&last), PROTOCOL, "after its end");
}

#[test]
fn section_6_10_continuation_follows_a_header_block_only() {
    let mut peer = Peer::new();
    let key = peer.open();
    assert_eq!(
        peer.refuses(&frame(
            kind::CONTINUATION,
            flag::END_HEADERS,
            key.id(),
            &[0x88]
        )),
        PROTOCOL
    );
}

#[test]
fn section_4_3_a_block_that_cannot_be_decoded_ends_the_connection_whosever_it_is() {
    for bad in [
        &[0x80][..],
        &[0xbe],
        &[0x00, 0x05],
        &[0x88, 0x3f, 0xe1, 0x1f],
    ] {
        let mut peer = Peer::new();
        let key = peer.open();
        assert_eq!(
            peer.refuses(&frame(kind::HEADERS, flag::END_HEADERS, key.id(), bad)),
            Code::COMPRESSION_ERROR
        );
        let mut peer = Peer::new();
        let key = peer.open();
        peer.connection.reset(key, Code::CANCEL);
        assert_eq!(
            peer.refuses(&frame(kind::HEADERS, flag::END_HEADERS, key.id(), bad)),
            Code::COMPRESSION_ERROR
        );
        let mut peer = Peer::new();
        let key = peer.open();
        peer.take(&frame(kind::HEADERS, 0, key.id(), b""));
        assert_eq!(
            peer.refuses(&frame(kind::CONTINUATION, flag::END_HEADERS, key.id(), bad)),
            Code::COMPRESSION_ERROR
        );
    }
}

#[test]
fn section_4_3_the_table_is_kept_by_blocks_of_streams_that_were_reset() {
    let mut peer = Peer::new();
    let (gone, here) = (peer.open(), peer.open());
    peer.connection.reset(gone, Code::CANCEL);
    let block = [0x48, 3, b'2', b'9', b'9'];
    assert_eq!(
        peer.take(&frame(kind::HEADERS, flag::END_HEADERS, gone.id(), &block)),
        []
    );
    let indexed = frame(kind::HEADERS, flag::END_HEADERS, here.id(), &[0xbe]);
    assert_eq!(peer.take(&indexed), [Event::Head(3, 299, false)]);
}

#[test]
fn section_5_4_1_after_an_error_the_output_ends_with_its_goaway_and_nothing_more_is_taken() {
    let mut peer = Peer::new();
    peer.open();
    assert_eq!(peer.refuses(&frame(kind::PING, 0, 1, &[0; 8])), PROTOCOL);
}

#[test]
fn our_own_goaway_lets_streams_end_and_opens_no_more() {
    let mut peer = Peer::new();
    let key = peer.answered();
    peer.connection.goaway(Code::NO_ERROR, b"done");
    assert_eq!(
        peer.connection.open(&mut request(), &[], &[], true, 7),
        Err(7)
    );
    let [written] = &peer.written()[..] else {
        panic!()
    };
    assert_eq!(written.kind, kind::GOAWAY);
    assert_eq!(written.payload, b"\0\0\0\0\0\0\0\0done");
    assert_eq!(peer.take(&trailers(key)).len(), 2);
}
