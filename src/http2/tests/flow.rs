//! Flow control both ways (RFC 9113, sections 5.2 and 6.9).

use super::peer::*;

/// Lengths of the DATA frames, and whether the last one ends its stream.
fn data_of(written: &[Frame], key: Key) -> (Vec<usize>, bool) {
    let is_data = |frame: &&Frame| frame.kind == kind::DATA && frame.stream == key.id();
    let lengths = written
        .iter()
        .filter(is_data)
        .map(|frame| frame.payload.len());
    let last = written.iter().rfind(is_data);
    (
        lengths.collect(),
        last.is_some_and(|frame| frame.flags & flag::END_STREAM != 0),
    )
}

fn sum(written: &[Frame], key: Key) -> usize {
    data_of(written, key).0.iter().sum()
}

#[test]
fn section_6_9_2_the_first_window_is_65535_bytes_of_each_stream_and_of_all() {
    let mut peer = Peer::new();
    let one = peer.open_with(&[1; 70_000], true);
    let other = peer.open_with(&[2; 10], true);
    let written = peer.written();
    assert_eq!((sum(&written, one), sum(&written, other)), (65_535, 0));
    assert_eq!(
        (peer.connection.queued(one), peer.connection.queued(other)),
        (4465, 10)
    );
    // Room for the connection alone: the first stream has none of its own.
    peer.take(&window_update(0, 5));
    assert_eq!(data_of(&peer.written(), other), (vec![5], false));
    peer.take(&window_update(one.id(), 10_000));
    assert_eq!(peer.written(), []);
    peer.take(&window_update(0, 0x7fff_0000));
    let written = peer.written();
    assert_eq!(data_of(&written, one), (vec![4465], true));
    assert_eq!(data_of(&written, other), (vec![5], true));
}

#[test]
fn section_6_9_1_a_window_of_one_byte_sends_one_byte() {
    let mut peer = Peer::with_settings(CONFIG, &[(4, 1)]);
    let key = peer.open_with(b"xy", true);
    assert_eq!(data_of(&peer.written(), key), (vec![1], false));
    peer.take(&window_update(key.id(), 1));
    assert_eq!(data_of(&peer.written(), key), (vec![1], true));
}

#[test]
fn section_6_9_1_an_end_without_data_needs_no_window() {
    let mut peer = Peer::with_settings(CONFIG, &[(4, 0)]);
    let key = peer.open();
    assert_eq!(peer.connection.send(key, &[], true), Ok(0));
    assert_eq!(data_of(&peer.written(), key), (vec![0], true));
    assert_eq!(peer.connection.send(key, &[], true), Err(Closed));
    // Nor one that goes with the head.
    let key = peer
        .connection
        .open(&mut request(), &[], &[], true, 3)
        .unwrap();
    let [head] = &peer.written()[..] else {
        panic!()
    };
    assert_eq!(head.flags, flag::END_HEADERS | flag::END_STREAM);
    assert_eq!(peer.connection.send(key, &[b"x"], true), Err(Closed));
}

#[test]
fn section_6_9_2_a_change_of_the_initial_window_moves_those_of_all_streams_also_below_zero() {
    let mut peer = Peer::with_settings(CONFIG, &[(4, 10)]);
    let one = peer.open_with(&[1; 8], false); // two left
    let other = peer.open_with(&[2; 30], false); // none left
    assert_eq!(sum(&peer.written(), one), 8);
    peer.take(&settings(&[(4, 3)])); // minus five, minus seven
    assert_eq!(peer.connection.send(one, &[b"abcdef"], false), Ok(6));
    peer.take(&window_update(one.id(), 5));
    peer.take(&window_update(other.id(), 7));
    assert_eq!(sum(&peer.written(), one), 0);
    peer.take(&window_update(one.id(), 1));
    assert_eq!(sum(&peer.written(), one), 1);
    peer.take(&settings(&[(4, 5)])); // two more of each
    let written = peer.written();
    assert_eq!((sum(&written, one), sum(&written, other)), (2, 2));
    peer.take(&settings(&[(4, 0), (4, 100)])); // the last one counts
    let written = peer.written();
    assert_eq!((sum(&written, one), sum(&written, other)), (3, 18));
}

#[test]
fn section_6_9_2_windows_that_grow_beyond_the_largest_end_the_connection() {
    let mut peer = Peer::new();
    let key = peer.open();
    peer.take(&window_update(key.id(), 0x7fff_ffff - 65_535));
    assert_eq!(
        peer.refuses(&settings(&[(4, 65_536)])),
        Code::FLOW_CONTROL_ERROR
    );
    let mut peer = Peer::new();
    peer.take(&window_update(0, 0x7fff_ffff - 65_535));
    assert_eq!(peer.refuses(&window_update(0, 1)), Code::FLOW_CONTROL_ERROR);
    assert_eq!(
        Peer::new().refuses(&window_update(0, 0)),
        Code::PROTOCOL_ERROR
    );
}

#[test]
fn section_6_9_the_reserved_bit_of_an_increment_is_ignored() {
    let mut peer = Peer::with_settings(CONFIG, &[(4, 0)]);
    let key = peer.open_with(b"xyz", true);
    peer.take(&window_update(key.id(), 0x8000_0002));
    assert_eq!(sum(&peer.written(), key), 2);
}

#[test]
fn section_4_2_data_is_cut_as_the_peer_takes_it_and_streams_take_turns() {
    let mut peer = Peer::with_settings(CONFIG, &[(4, 1 << 20), (5, 20_000)]);
    peer.take(&window_update(0, 1 << 20));
    let one = peer.open_with(&[1; 50_000], true);
    let other = peer.open_with(&[2; 20_000], true);
    let written = peer.written();
    assert_eq!(
        data_of(&written, one),
        (vec![16_384, 16_384, 16_384, 848], true)
    );
    assert_eq!(data_of(&written, other), (vec![16_384, 3616], true));
}

#[test]
fn what_waits_goes_out_as_the_output_has_room_and_who_sent_it_learns_it() {
    let mut peer = Peer::with_settings(CONFIG, &[(4, 1 << 30)]);
    peer.take(&window_update(0, 1 << 30));
    let keys = [peer.open(), peer.open()];
    let waits: Vec<_> = keys
        .map(|key| {
            peer.connection
                .send(key, &[&[7; 200_000], b"end"], true)
                .unwrap()
        })
        .into();
    assert!(waits[0] > 100_000 && waits[1] == 200_003, "{waits:?}");
    assert!(peer.connection.output().len() < 100_000);
    assert_eq!(peer.connection.next_drained(), Some(keys[0]));
    let (mut rounds, mut seen) = (0, [0, 0]);
    while !peer.connection.output().is_empty() {
        let length = peer.connection.output().len();
        peer.connection.advance(length.min(50_000));
        assert!(peer.connection.output().len() < 100_000);
        rounds += 1;
        while let Some(key) = peer.connection.next_drained() {
            seen[usize::from(key == keys[1])] += 1;
        }
    }
    assert!(
        rounds >= 8 && seen[0] >= 3 && seen[1] >= 3,
        "{rounds} {seen:?}"
    );
    assert_eq!(keys.map(|key| peer.connection.queued(key)), [0, 0]);
}

#[test]
fn section_6_9_1_more_than_a_streams_window_ends_it_and_more_than_the_connections_ends_that() {
    let mut peer = Peer::new();
    peer.sink.verdict = Verdict::Held;
    let key = peer.answered();
    let full: Vec<_> = (0..10).flat_map(|_| data(key, 0, &[0; 10_000])).collect();
    assert_eq!(peer.take(&full).len(), 10);
    assert_eq!(peer.take(&data(key, 0, b"")), []);
    let more = peer.take(&data(key, 0, b"x"));
    assert!(matches!(
        more[..],
        [Event::End(1, End::Fault(Code::FLOW_CONTROL_ERROR, _))]
    ));
    let written = peer.written();
    assert_eq!(written.len(), 1, "{written:?}");
    assert!(is_reset(&written, key, Code::FLOW_CONTROL_ERROR));

    let mut peer = Peer::with_settings(
        Config {
            connection_window: 70_000,
            ..CONFIG
        },
        &[],
    );
    peer.sink.verdict = Verdict::Held;
    let keys = [peer.answered(), peer.answered()];
    for key in keys {
        let full: Vec<_> = (0..5).flat_map(|_| data(key, 0, &[0; 7000])).collect();
        peer.take(&full);
    }
    assert_eq!(
        peer.refuses(&data(keys[0], 0, b"x")),
        Code::FLOW_CONTROL_ERROR
    );
}

#[test]
fn section_5_2_2_what_is_held_holds_its_stream_back_and_not_the_others() {
    let mut peer = Peer::new();
    let (slow, quick) = (peer.answered(), peer.answered());
    peer.sink.verdict = Verdict::Held;
    let part = data(slow, 0, &[0; 10_000]);
    for _ in 0..10 {
        peer.take(&part);
    }
    assert_eq!(peer.written(), []);
    peer.sink.verdict = Verdict::Done;
    let mut updates = Vec::new();
    for _ in 0..50 {
        peer.take(&data(quick, 0, &[0; 10_000]));
        updates.extend(peer.written());
    }
    let of = |stream| {
        updates
            .iter()
            .filter(|frame| frame.stream == stream)
            .count()
    };
    assert_eq!((of(slow.id()), of(quick.id()), of(0)), (0, 10, 1));
    assert!(
        updates
            .iter()
            .all(|frame| frame.kind == kind::WINDOW_UPDATE)
    );
    // Half of the window, and not before.
    peer.connection.release(slow, 49_999);
    assert_eq!(peer.written(), []);
    peer.connection.release(slow, 1);
    let [update] = &peer.written()[..] else {
        panic!()
    };
    assert_eq!(
        (update.stream, &update.payload[..]),
        (slow.id(), &50_000_u32.to_be_bytes()[..])
    );
    // More than is held is not given back.
    peer.connection.release(slow, 1_000_000);
    let [update] = &peer.written()[..] else {
        panic!()
    };
    assert_eq!(update.payload, 50_000_u32.to_be_bytes());
}

#[test]
fn what_a_stream_held_is_given_back_when_it_ends_however_it_ends() {
    type Ends = fn(&mut Peer, Key);
    let ends: [Ends; 6] = [
        |peer, key| drop(peer.take(&trailers(key))),
        |peer, key| drop(peer.take(&data(key, flag::END_STREAM, b"x"))),
        |peer, key| drop(peer.take(&rst_stream(key, Code::CANCEL))),
        |peer, key| assert!(peer.connection.reset(key, Code::CANCEL).is_some()),
        |peer, key| drop(peer.take(&window_update(key.id(), 0))),
        |peer, key| {
            peer.sink.verdict = Verdict::Reset(Code::CANCEL);
            peer.take(&data(key, 0, b"x"));
            peer.sink.verdict = Verdict::Held;
        },
    ];
    for end in ends {
        let mut peer = Peer::new();
        peer.sink.verdict = Verdict::Held;
        let mut given_back = 0;
        for _ in 0..100 {
            let key = peer.answered();
            for _ in 0..9 {
                peer.take(&data(key, 0, &[0; 10_000]));
            }
            end(&mut peer, key);
            let updates = peer.written();
            let updates = updates
                .iter()
                .filter(|frame| frame.kind == kind::WINDOW_UPDATE && frame.stream == 0);
            given_back += updates
                .map(|frame| u32::from_be_bytes(frame.payload[..].try_into().unwrap()))
                .sum::<u32>();
        }
        assert!(given_back >= 8_500_000, "{given_back}");
    }
}

#[test]
fn section_6_9_1_padding_counts_and_is_given_back_at_once() {
    let mut peer = Peer::new();
    peer.sink.verdict = Verdict::Held;
    let key = peer.answered();
    let mut given_back = [0, 0];
    // A byte of data, which is held, and 256 that are none.
    let mut padded = vec![255, b'x'];
    padded.extend([0; 255]);
    for _ in 0..4000 {
        peer.take(&data(key, flag::PADDED, &padded));
        for frame in peer.written() {
            let increment = u32::from_be_bytes(frame.payload[..].try_into().unwrap());
            given_back[usize::from(frame.stream != 0)] += increment;
        }
    }
    let padding = 4000 * 256;
    assert!(
        (padding - 500_000..=padding).contains(&given_back[0]),
        "{given_back:?}"
    );
    assert!(
        (padding - 50_000..=padding).contains(&given_back[1]),
        "{given_back:?}"
    );
    peer.take(&data(key, flag::PADDED, &[&[255][..], &[0; 255]].concat())); // nothing but padding
    peer.take(&data(key, flag::PADDED, b"\x02abc\0\0"));
    peer.connection.release(key, usize::MAX);
    assert_eq!(peer.connection.streams.get(key).unwrap().receive.held(), 0);
}

#[test]
fn section_6_9_3_until_settings_are_acknowledged_the_first_window_is_the_protocols() {
    let small = Config {
        stream_window: 1000,
        ..CONFIG
    };
    let mut peer = Peer::silent(small);
    peer.sink.verdict = Verdict::Held;
    let key = peer.open_with(b"x", true);
    peer.take(&[settings(&[]), head(key, 0)].concat());
    assert_eq!(peer.take(&data(key, 0, &[0; 16_384])).len(), 1);
    peer.take(&frame(kind::SETTINGS, flag::ACK, 0, b""));
    let fault = peer.take(&data(key, 0, b"x"));
    assert!(matches!(
        fault[..],
        [Event::End(1, End::Fault(Code::FLOW_CONTROL_ERROR, _))]
    ));
}

#[test]
fn the_windows_of_the_configuration_are_announced() {
    let mut peer = Peer::silent(CONFIG);
    let written = peer.written();
    let [settings, update] = &written[..] else {
        panic!("{written:?}")
    };
    let mut expected = Vec::new();
    for (id, value) in [(2_u16, 0_u32), (4, 100_000), (6, 16 * 1024)] {
        expected.extend(id.to_be_bytes());
        expected.extend(value.to_be_bytes());
    }
    assert_eq!(settings.payload, expected);
    assert_eq!(
        (update.stream, &update.payload[..]),
        (0, &(1_000_000_u32 - 65_535).to_be_bytes()[..])
    );
}

#[test]
fn streams_that_wait_take_turns_a_frame_each() {
    let mut peer = Peer::with_settings(CONFIG, &[(4, 1 << 20)]);
    let first = peer.open_with(&[0; 65_535], true); // all of the connection's window
    let keys = [
        peer.open_with(&[1; 40_000], true),
        peer.open_with(&[2; 40_000], true),
    ];
    assert!(
        peer.written()
            .iter()
            .filter(|frame| frame.kind == kind::DATA)
            .all(|frame| frame.stream == first.id())
    );
    peer.take(&window_update(0, 1 << 20));
    let order: Vec<_> = peer.written().iter().map(|frame| frame.stream).collect();
    let [one, other] = keys.map(Key::id);
    assert_eq!(order, [one, other, one, other, one, other]);
}

/// Streams whose readers are slow hold most of the connection's window; the rest is the others', all of it.
#[test]
fn what_slow_readers_leave_of_the_connections_window_is_given_back_before_it_is_used_up() {
    let mut peer = Peer::new();
    let window = CONFIG.stream_window;
    let piece = vec![0; window as usize / 10];
    peer.sink.verdict = Verdict::Held;
    for _ in 0..6 {
        let key = peer.answered();
        for _ in 0..10 {
            peer.take(&data(key, 0, &piece));
        }
    }
    peer.sink.verdict = Verdict::Done;
    let key = peer.answered();
    let mut left = CONFIG.connection_window - 6 * window;
    for _ in 0..1000 {
        let length = piece.len() as u32;
        assert!(left >= length, "the connection stands still");
        left -= length;
        peer.take(&data(key, 0, &piece));
        for update in peer.written() {
            if (update.kind, update.stream) == (kind::WINDOW_UPDATE, 0) {
                left += u32::from_be_bytes(update.payload[..].try_into().unwrap());
            }
        }
    }
}
