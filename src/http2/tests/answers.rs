//! Answers: what is malformed ends its stream, and nothing else (RFC 9113, section 8).

use super::peer::*;

const STATUS: (&str, &str) = (":status", "200");

/// The answer's frames after a request; the stream ends with a fault, of which the peer is told, and another goes on.
fn is_malformed(frames: impl Fn(Key) -> Vec<Vec<u8>>) {
    let mut peer = Peer::new();
    let (key, other) = (peer.open_with(b"x", true), peer.answered());
    peer.written();
    let mut events = Vec::new();
    for bytes in frames(key) {
        events.extend(peer.take(&bytes));
    }
    let last = events.pop();
    assert!(
        matches!(
            last,
            Some(Event::End(1, End::Fault(Code::PROTOCOL_ERROR, _)))
        ),
        "{events:?}, then {last:?}"
    );
    assert!(is_reset(&peer.written(), key, Code::PROTOCOL_ERROR));
    assert_eq!(peer.take(&trailers(other)).len(), 2);
}

fn is_malformed_head(fields: &[(&str, &str)]) {
    is_malformed(|key| vec![headers(key.id(), 0, fields)]);
    is_malformed(|key| vec![headers(key.id(), flag::END_STREAM, fields)]);
}

fn are_malformed_trailers(fields: &[(&str, &str)]) {
    is_malformed(|key| vec![head(key, 0), headers(key.id(), flag::END_STREAM, fields)]);
}

#[test]
fn section_8_1_an_answer_is_a_head_then_content_then_trailers() {
    let mut peer = Peer::new();
    let key = peer.open_with(b"x", true);
    let mut answer = head(key, 0);
    answer.extend(data(key, 0, b"one"));
    answer.extend(data(key, 0, b"two"));
    answer.extend(headers(
        key.id(),
        flag::END_STREAM,
        &[("grpc-status", "0"), ("a", "b")],
    ));
    let events = peer.take(&answer);
    let expected = [
        Event::Head(1, 200, false),
        Event::Data(1, b"one".to_vec()),
        Event::Data(1, b"two".to_vec()),
        Event::Trailers(1, vec!["grpc-status: 0".into(), "a: b".into()]),
        Event::End(1, End::Complete),
    ];
    assert_eq!(events, expected);
}

#[test]
fn section_8_1_an_answer_may_end_with_any_of_its_parts() {
    let mut peer = Peer::new();
    let key = peer.open_with(b"x", true);
    let only_head = peer.take(&head(key, flag::END_STREAM));
    assert_eq!(
        only_head,
        [Event::Head(1, 200, true), Event::End(1, End::Complete)]
    );
    let key = peer.answered();
    let ends = peer.take(&data(key, flag::END_STREAM, b"x"));
    assert_eq!(
        ends,
        [Event::Data(3, b"x".to_vec()), Event::End(3, End::Complete)]
    );
    let key = peer.answered();
    let ends = peer.take(&data(key, flag::END_STREAM, b""));
    assert_eq!(ends, [Event::End(5, End::Complete)]);
    let key = peer.answered();
    let ends = peer.take(&headers(key.id(), flag::END_STREAM, &[]));
    assert_eq!(
        ends,
        [Event::Trailers(7, vec![]), Event::End(7, End::Complete)]
    );
}

#[test]
fn section_8_1_informational_answers_come_before_the_last_one_any_number_of_times() {
    let mut peer = Peer::new();
    let key = peer.open_with(b"x", true);
    for status in ["100", "102", "103", "199"] {
        let informational = headers(key.id(), 0, &[(":status", status), ("link", "x")]);
        assert_eq!(peer.take(&informational), []);
    }
    assert_eq!(peer.take(&head(key, 0)), [Event::Head(1, 200, false)]);
    is_malformed(|key| vec![headers(key.id(), flag::END_STREAM, &[(":status", "103")])]);
    is_malformed(|key| vec![head(key, 0), headers(key.id(), 0, &[(":status", "103")])]);
    is_malformed(|key| {
        vec![
            headers(key.id(), 0, &[(":status", "103")]),
            data(key, 0, b"x"),
        ]
    });
    is_malformed(|key| vec![headers(key.id(), 0, &[(":status", "103")]), trailers(key)]);
}

#[test]
fn section_8_1_trailers_end_the_answer() {
    is_malformed(|key| vec![head(key, 0), headers(key.id(), 0, &[("grpc-status", "0")])]);
    is_malformed(|key| {
        vec![
            head(key, 0),
            data(key, 0, b"x"),
            headers(key.id(), 0, &[("grpc-status", "0")]),
        ]
    });
    is_malformed(|key| vec![data(key, 0, b"x")]);
    is_malformed(|key| vec![data(key, flag::END_STREAM, b"")]);
}

#[test]
fn section_8_1_an_answer_that_ends_before_its_request_ends_the_stream() {
    for ends in [true, false] {
        let mut peer = Peer::with_settings(CONFIG, &[(4, 3)]); // a window of three bytes
        let key = peer.open_with(b"request", ends);
        peer.written();
        let events = peer.take(&head(key, flag::END_STREAM));
        assert_eq!(events[1], Event::End(1, End::Complete));
        assert!(is_reset(&peer.written(), key, Code::NO_ERROR));
        peer.take(&window_update(key.id(), 100));
        assert_eq!(peer.written(), [], "nothing more of it is sent");
        assert_eq!(peer.connection.send(key, &[b"x"], true), Err(Closed));
    }
}

#[test]
fn section_8_1_1_content_is_as_long_as_its_length_says() {
    let head =
        |key: Key, flags, length| headers(key.id(), flags, &[STATUS, ("content-length", length)]);
    is_malformed(|key| vec![head(key, 0, "2"), data(key, 0, b"xxx")]);
    is_malformed(|key| vec![head(key, 0, "2"), data(key, 0, b"xx"), data(key, 0, b"x")]);
    is_malformed(|key| vec![head(key, 0, "2"), data(key, flag::END_STREAM, b"x")]);
    is_malformed(|key| vec![head(key, 0, "2"), data(key, 0, b"x"), trailers(key)]);
    is_malformed(|key| vec![head(key, 0, "2"), trailers(key)]);
    is_malformed(|key| vec![head(key, flag::END_STREAM, "2")]);
    is_malformed(|key| vec![head(key, 0, "x")]);
    is_malformed(|key| {
        vec![headers(
            key.id(),
            0,
            &[STATUS, ("content-length", "2"), ("content-length", "3")],
        )]
    });
    let mut peer = Peer::new();
    for (flags, end) in [(0, true), (flag::END_STREAM, false)] {
        let key = peer.open_with(b"x", true);
        peer.take(&head(key, 0, "3"));
        peer.take(&data(key, flag::PADDED, b"\x02xx\0\0"));
        let mut events = peer.take(&data(key, flags, b"x"));
        if end {
            events.extend(peer.take(&trailers(key)));
        }
        assert_eq!(events.last(), Some(&Event::End(key.id(), End::Complete)));
    }
    // What has no content by its status may name the length of another.
    let key = peer.open_with(b"x", true);
    let none = headers(
        key.id(),
        flag::END_STREAM,
        &[(":status", "304"), ("content-length", "9")],
    );
    assert_eq!(peer.take(&none)[1], Event::End(key.id(), End::Complete));
    for status in ["204", "304"] {
        is_malformed(|key| {
            vec![
                headers(key.id(), 0, &[(":status", status)]),
                data(key, 0, b"x"),
            ]
        });
    }
}

#[test]
fn section_8_1_1_a_message_that_is_too_long_or_short_is_not_told_as_whole() {
    let mut peer = Peer::new();
    let key = peer.open_with(b"x", true);
    peer.take(&headers(key.id(), 0, &[STATUS, ("content-length", "2")]));
    let events = peer.take(&data(key, flag::END_STREAM, b"xxx"));
    assert!(
        matches!(events[..], [Event::End(1, End::Fault(..))]),
        "{events:?}"
    );
}

#[test]
fn section_8_2_1_names_and_values() {
    for (name, value) in [
        ("A", "x"),
        ("Grpc-Status", "0"),
        ("a b", "x"),
        ("a:", "x"),
        ("", "x"),
        ("a\u{7f}", "x"),
        ("é", "x"),
        ("a", "x\r\ny"),
        ("a", "x\0"),
    ] {
        is_malformed_head(&[STATUS, (name, value)]);
        are_malformed_trailers(&[("grpc-status", "0"), (name, value)]);
    }
}

#[test]
fn section_8_2_2_fields_of_connections() {
    for name in [
        "connection",
        "proxy-connection",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
        "te",
    ] {
        is_malformed_head(&[STATUS, (name, "close")]);
        are_malformed_trailers(&[(name, "close")]);
    }
}

#[test]
fn section_8_3_pseudo_header_fields() {
    is_malformed_head(&[]);
    is_malformed_head(&[("content-type", "application/grpc")]);
    is_malformed_head(&[("content-type", "application/grpc"), STATUS]);
    is_malformed_head(&[STATUS, STATUS]);
    is_malformed_head(&[STATUS, (":path", "/")]);
    is_malformed_head(&[(":new", "x"), STATUS]);
    for status in ["000", "099", "99", "1000", "2xx", "", "200 OK"] {
        is_malformed_head(&[(":status", status)]);
    }
    are_malformed_trailers(&[STATUS, ("grpc-status", "0")]);
    are_malformed_trailers(&[("grpc-status", "0"), (":method", "GET")]);
}

#[test]
fn section_8_6_there_is_no_101() {
    is_malformed_head(&[(":status", "101")]);
}

#[test]
fn section_8_7_a_refused_stream_says_so() {
    let mut peer = Peer::new();
    let key = peer.open_with(b"x", true);
    let refused = peer.take(&rst_stream(key, Code::REFUSED_STREAM));
    assert_eq!(refused, [Event::End(1, End::Reset(Code::REFUSED_STREAM))]);
}

#[test]
fn a_sink_that_wants_no_more_resets_the_stream() {
    for at in 0..2 {
        let mut peer = Peer::new();
        let key = peer.open_with(b"x", true);
        peer.written();
        let begins = head(key, 0);
        if at == 1 {
            peer.take(&begins);
        }
        peer.sink.verdict = Verdict::Reset(Code::CANCEL);
        let events = peer.take(&if at == 1 { data(key, 0, b"x") } else { begins });
        assert_eq!(
            events.last(),
            Some(&Event::End(1, End::Given(Code::CANCEL)))
        );
        assert!(is_reset(&peer.written(), key, Code::CANCEL));
    }
}

#[test]
fn a_status_is_told_however_much_comes_with_it() {
    let mut peer = Peer::new();
    let key = peer.answered();
    let mut fields = vec![("x", "y"); 2000];
    fields.extend([("grpc-status", "13"), ("grpc-message", "long")]);
    let block = block(&fields);
    let mut pieces = block.chunks(4000).peekable();
    let first = pieces.next().unwrap();
    peer.take(&frame(kind::HEADERS, flag::END_STREAM, key.id(), first));
    let mut events = Vec::new();
    while let Some(piece) = pieces.next() {
        let flags = if pieces.peek().is_none() {
            flag::END_HEADERS
        } else {
            0
        };
        events.extend(peer.take(&frame(kind::CONTINUATION, flags, key.id(), piece)));
    }
    let [Event::Trailers(1, fields), Event::End(1, End::Complete)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        fields[fields.len() - 2..],
        ["grpc-status: 13", "grpc-message: long"]
    );
    assert!(fields.len() < 600, "{}", fields.len());
}

#[test]
fn section_10_5_1_a_block_far_beyond_all_limits_ends_the_connection() {
    let mut peer = Peer::new();
    let key = peer.answered();
    peer.take(&frame(kind::HEADERS, 0, key.id(), &[]));
    let piece = frame(kind::CONTINUATION, 0, key.id(), &block(&[("x", "y"); 2000]));
    let refused = (0..100).find_map(|_| peer.receive(&piece).err()).unwrap();
    assert_eq!(refused.code, Code::ENHANCE_YOUR_CALM);
}
