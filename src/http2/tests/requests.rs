//! Requests: header blocks as this side sends them (RFC 9113, sections 4.3, 6.2 and 6.10; RFC 7541, section 4.2).

use super::peer::*;

fn decoded(decoder: &mut Decoder, written: &[Frame]) -> Vec<(String, String)> {
    for frame in written {
        match frame.kind {
            kind::HEADERS | kind::CONTINUATION => decoder.fragment(&frame.payload).unwrap(),
            other => panic!("{other}"),
        }
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let fields = decoder.end().unwrap().iter();
    fields
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

fn decoder() -> Decoder {
    Decoder::new(Limits {
        fields: 1 << 24,
        ..CONFIG.headers
    })
}

#[test]
fn section_8_3_1_fields_go_out_in_their_order_and_cost_a_byte_each_the_second_time() {
    let mut peer = Peer::new();
    let mut decoder = decoder();
    let mut prepared = request();
    let more = [Field {
        name: b"grpc-timeout",
        value: b"10S",
        indexing: Indexing::Index,
    }];
    let mut lengths = Vec::new();
    for _ in 0..3 {
        peer.connection
            .open(&mut prepared, &more, &[], false, 0)
            .unwrap();
        let written = peer.written();
        lengths.push(written[0].payload.len());
        let fields = decoded(&mut decoder, &written);
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [":method", ":scheme", ":path", ":authority", "grpc-timeout"]
        );
    }
    assert_eq!(lengths[1..], [5, 5]);
}

#[test]
fn section_4_3_and_6_10_a_block_longer_than_a_frame_goes_on_in_continuations() {
    for (most, long) in [
        (16_384, 16_384),
        (16_384, 40_000),
        (16_384, 3 * 16_384),
        (20_000, 50_000),
    ] {
        let mut peer = Peer::with_settings(CONFIG, &[(5, most)]);
        let value = "\\".repeat(long); // which no code makes shorter
        let more = [Field {
            name: b"x",
            value: value.as_bytes(),
            indexing: Indexing::Once,
        }];
        let key = peer
            .connection
            .open(&mut request(), &more, &[], true, 0)
            .unwrap();
        let written = peer.written();
        let kinds: Vec<_> = written.iter().map(|frame| frame.kind).collect();
        assert!(kinds.len() > 1);
        assert!(
            kinds[0] == kind::HEADERS && kinds[1..].iter().all(|kind| *kind == kind::CONTINUATION)
        );
        for (at, frame) in written.iter().enumerate() {
            assert_eq!(frame.stream, key.id());
            assert!(frame.payload.len() <= most as usize);
            assert_eq!(
                frame.flags & flag::END_HEADERS != 0,
                at + 1 == written.len()
            );
            assert_eq!(frame.flags & flag::END_STREAM != 0, at == 0);
        }
        let fields = decoded(&mut decoder(), &written);
        assert_eq!(fields.last(), Some(&("x".to_owned(), value)));
    }
}

#[test]
fn section_10_5_1_a_list_longer_than_the_peer_takes_is_not_sent() {
    let field = |value| Field {
        name: b"x",
        value,
        indexing: Indexing::Once,
    };
    let lists: [&[Field<'_>]; 3] = [&[], &[field(b"")], &[field(b""), field(b"12345")]];
    for (more, beyond) in lists.into_iter().zip([0, 33, 33 + 38]) {
        // As section 6.5.2 counts: names, values, and 32 for each field.
        let fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/a"),
            (":authority", "b"),
        ];
        let common: usize = fields
            .map(|(name, value)| name.len() + value.len() + 32)
            .iter()
            .sum();
        let size = common as u32 + beyond;
        for limit in [0, size - 1, size, size + 1, u32::MAX] {
            let peer = Peer::with_settings(CONFIG, &[(6, limit)]);
            let refused = peer.connection.refuses(&request(), more);
            let too_long = (size > limit).then_some(End::TooLong { size, limit });
            assert_eq!(refused, too_long);
        }
        let unlimited = Peer::new();
        assert_eq!(unlimited.connection.refuses(&request(), more), None);
    }
}

#[test]
fn section_6_5_2_the_peers_table_size_is_kept_to_and_said() {
    let mut peer = Peer::with_settings(CONFIG, &[(1, 0)]);
    let mut decoder = decoder();
    let mut prepared = request();
    peer.connection
        .open(&mut prepared, &[], &[], false, 0)
        .unwrap();
    let first = peer.written();
    assert_eq!(first[0].payload[0], 0x20);
    decoded(&mut decoder, &first);
    peer.connection
        .open(&mut prepared, &[], &[], false, 0)
        .unwrap();
    let second = peer.written();
    assert_eq!(
        second[0].payload.len() + 1,
        first[0].payload.len(),
        "nothing was indexed"
    );
    decoded(&mut decoder, &second);
    peer.take(&settings(&[(1, 4096), (1, 100), (1, 2000)]));
    peer.written();
    peer.connection
        .open(&mut prepared, &[], &[], false, 0)
        .unwrap();
    let third = peer.written();
    assert_eq!(
        third[0].payload[..4],
        [0x20, 0x3f, 0xb1, 0x0f],
        "emptied, then the last"
    );
    decoded(&mut decoder, &third);
    peer.connection
        .open(&mut prepared, &[], &[], false, 0)
        .unwrap();
    let fourth = peer.written();
    assert!(fourth[0].payload.len() < 10);
    decoded(&mut decoder, &fourth);
}

#[test]
fn data_goes_with_its_head_in_one_frame_however_many_parts_it_has() {
    let mut peer = Peer::new();
    peer.connection
        .open(&mut request(), &[], &[b"\0\0\0\0\x05", b"hello"], true, 0)
        .unwrap();
    let [head, data] = &peer.written()[..] else {
        panic!()
    };
    assert_eq!(head.flags, flag::END_HEADERS);
    assert_eq!(
        (data.kind, data.flags, &data.payload[..]),
        (kind::DATA, flag::END_STREAM, &b"\0\0\0\0\x05hello"[..])
    );
}

#[test]
fn section_5_1_after_end_stream_or_a_reset_nothing_is_sent() {
    let mut peer = Peer::new();
    let key = peer.open();
    assert_eq!(peer.connection.send(key, &[b"x"], true), Ok(0));
    assert_eq!(peer.connection.send(key, &[b"x"], false), Err(Closed));
    assert_eq!(peer.connection.reset(key, Code::CANCEL), Some(1));
    assert_eq!(peer.connection.send(key, &[b"x"], false), Err(Closed));
    let kinds: Vec<_> = peer.written().iter().map(|frame| frame.kind).collect();
    assert_eq!(kinds, [kind::HEADERS, kind::DATA, kind::RST_STREAM]);
}

#[test]
fn a_connection_without_traffic_gives_its_memory_back() {
    let mut peer = Peer::new();
    let key = peer.open_with(&[0; 60_000], true);
    peer.take(&[head(key, 0), trailers(key)].concat());
    peer.written();
    peer.connection.shrink();
    assert!(peer.connection.output().is_empty());
    let key = peer.open();
    assert_eq!(peer.take(&head(key, flag::END_STREAM)).len(), 2);
}

#[test]
fn nothing_that_is_shown_has_a_secret() {
    let mut peer = Peer::new();
    let secret = Field {
        name: b"authorization",
        value: b"s3cret",
        indexing: Indexing::Index,
    };
    let mut prepared = Prepared::new([secret]);
    let key = peer
        .connection
        .open(&mut prepared, &[secret], &[b"s3cret"], false, 1)
        .unwrap();
    peer.connection
        .send(key, &[&[b's'; 100_000]], true)
        .unwrap();
    peer.take(&headers(
        key.id(),
        0,
        &[(":status", "200"), ("a", "s3cret")],
    ));
    let mut encoder = Encoder::default();
    let mut block = Vec::new();
    encoder.encode(&mut prepared, &[secret], &mut block);
    let mut decoder = decoder();
    decoder.block(&block).unwrap();
    let shown = format!(
        "{:?} {prepared:?} {secret:?} {encoder:?} {decoder:?}",
        peer.connection
    );
    for spelling in ["s3cret", "115, 51", "73, 33"] {
        assert!(!shown.contains(spelling), "{shown}");
    }
}
