//! HPACK as a whole: the RFC's examples (RFC 7541, appendix C), what is coded and decoded back, what is recognised.

use std::sync::Arc;

use super::*;
use crate::http2::fields::Fields;

const LIMITS: Limits = Limits {
    fields: 1 << 20,
    kept_fields: 0,
    keeps: |_| false,
    block: 1 << 20,
};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn pairs(fields: &Fields) -> Pairs {
    let fields = fields.iter();
    fields
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect()
}

fn texts(fields: &[(&str, &str)]) -> Pairs {
    let fields = fields.iter();
    fields
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.bytes().filter(|byte| *byte != b' ').collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A block, its fields, and the table's size after it.
type Example<'a> = (&'a str, &'a [(&'a str, &'a str)], usize);

/// Decodes the blocks one after the other, whole and cut at every byte.
fn decodes(resize: Option<usize>, blocks: &[Example]) {
    let mut whole = Decoder::new(LIMITS);
    let mut cut = Decoder::new(LIMITS);
    for decoder in [&mut whole, &mut cut] {
        if let Some(size) = resize {
            decoder.table.resize(size);
        }
    }
    for (bytes, fields, size) in blocks {
        let bytes = hex(bytes);
        assert_eq!(pairs(whole.block(&bytes).unwrap()), texts(fields));
        assert_eq!(whole.table.size(), *size);
        for byte in &bytes {
            cut.fragment(&[*byte]).unwrap();
        }
        assert_eq!(pairs(cut.end().unwrap()), texts(fields));
        assert_eq!(cut.table.size(), *size);
    }
}

#[test]
fn rfc_7541_c_2_fields_by_themselves() {
    let custom = ("custom-key", "custom-header");
    decodes(
        None,
        &[(
            "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
            &[custom],
            55,
        )],
    );
    decodes(
        None,
        &[(
            "040c 2f73 616d 706c 652f 7061 7468",
            &[(":path", "/sample/path")],
            0,
        )],
    );
    decodes(
        None,
        &[(
            "1008 7061 7373 776f 7264 0673 6563 7265 74",
            &[("password", "secret")],
            0,
        )],
    );
    decodes(None, &[("82", &[(":method", "GET")], 0)]);
}

const FIRST: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "www.example.com"),
];
const SECOND: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "www.example.com"),
    ("cache-control", "no-cache"),
];
const THIRD: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "https"),
    (":path", "/index.html"),
    (":authority", "www.example.com"),
    ("custom-key", "custom-value"),
];

#[test]
fn rfc_7541_c_3_requests_without_huffman() {
    decodes(
        None,
        &[
            (
                "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
                FIRST,
                57,
            ),
            ("8286 84be 5808 6e6f 2d63 6163 6865", SECOND, 110),
            (
                "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
                THIRD,
                164,
            ),
        ],
    );
}

const REQUESTS: &[Example] = &[
    ("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", FIRST, 57),
    ("8286 84be 5886 a8eb 1064 9cbf", SECOND, 110),
    (
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        THIRD,
        164,
    ),
];

#[test]
fn rfc_7541_c_4_requests_with_huffman() {
    decodes(None, REQUESTS);
    // The encoder writes just this.
    let mut encoder = Encoder::default();
    for (bytes, fields, _) in REQUESTS {
        let mut out = Vec::new();
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| indexed(name, value))
            .collect();
        encoder.encode(&mut Prepared::default(), &fields, &mut out);
        assert_eq!(out, hex(bytes));
    }
}

fn indexed<'a>(name: &'a str, value: &'a str) -> Field<'a> {
    Field {
        name: name.as_bytes(),
        value: value.as_bytes(),
        indexing: Indexing::Index,
    }
}

const ANSWERS: [&[(&str, &str)]; 3] = [
    &[
        (":status", "302"),
        ("cache-control", "private"),
        ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
        ("location", "https://www.example.com"),
    ],
    &[
        (":status", "307"),
        ("cache-control", "private"),
        ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
        ("location", "https://www.example.com"),
    ],
    &[
        (":status", "200"),
        ("cache-control", "private"),
        ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
        ("location", "https://www.example.com"),
        ("content-encoding", "gzip"),
        (
            "set-cookie",
            "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
        ),
    ],
];

#[test]
fn rfc_7541_c_5_answers_without_huffman_in_a_small_table() {
    let first = "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 \
                 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d";
    let third = "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 \
                 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 \
                 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31";
    let blocks = [
        (first, ANSWERS[0], 222),
        ("4803 3330 37c1 c0bf", ANSWERS[1], 222),
        (third, ANSWERS[2], 215),
    ];
    decodes(Some(256), &blocks);
}

#[test]
fn rfc_7541_c_6_answers_with_huffman_in_a_small_table() {
    let first = "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad \
                 1718 63c7 8f0b 97c8 e9ae 82ae 43d3";
    let third = "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 \
                 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07";
    let blocks = [
        (first, ANSWERS[0], 222),
        ("4883 640e ffc1 c0bf", ANSWERS[1], 222),
        (third, ANSWERS[2], 215),
    ];
    decodes(Some(256), &blocks);
}

/// Fields as requests and answers have them, and worse ones.
fn random_fields(random: &mut fastrand::Rng) -> Vec<(Vec<u8>, Vec<u8>, Indexing)> {
    let names: [&[u8]; 10] = [
        b":status",
        b":path",
        b"content-type",
        b"grpc-status",
        b"grpc-timeout",
        b"authorization",
        b"user-agent",
        b"x",
        b"",
        b"grpc-status-details-bin",
    ];
    let count = random.usize(..8);
    let mut fields = Vec::new();
    for _ in 0..count {
        let name = names[random.usize(..names.len())].to_vec();
        let value = match random.u8(..8) {
            0 => b"200".to_vec(),
            1 => (0..random.usize(..3000))
                .map(|_| random.alphanumeric() as u8)
                .collect(),
            2 => (0..random.usize(..60)).map(|_| random.u8(..)).collect(),
            _ => format!("value {}", random.u8(..20)).into_bytes(),
        };
        let indexing = [
            Indexing::Index,
            Indexing::Index,
            Indexing::Once,
            Indexing::Never,
        ][random.usize(..4)];
        fields.push((name, value, indexing));
    }
    fields
}

fn as_fields(fields: &[(Vec<u8>, Vec<u8>, Indexing)]) -> Vec<Field<'_>> {
    fields
        .iter()
        .map(|(name, value, indexing)| Field {
            name,
            value,
            indexing: *indexing,
        })
        .collect()
}

#[test]
fn what_is_encoded_is_decoded_with_prepared_fields_and_tables_of_any_size() {
    for seed in 0..12 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut encoder = Encoder::default();
        let mut decoder = Decoder::new(LIMITS);
        let prepared: Vec<_> = (0..4).map(|_| random_fields(&mut random)).collect();
        let mut made: Vec<_> = prepared
            .iter()
            .map(|fields| Prepared::new(as_fields(fields)))
            .collect();
        for _ in 0..200 {
            for _ in 0..random.usize(..8).saturating_sub(5) {
                encoder.resize([0, 50, 100, 1000, 4096, 1 << 30][random.usize(..6)]);
            }
            // The decoder's own limit is the protocol's first one.
            encoder.resize(encoder.table_size().min(4096) as u32);
            let which = random.usize(..made.len());
            let more = random_fields(&mut random);
            let mut out = Vec::new();
            encoder.encode(&mut made[which], &as_fields(&more), &mut out);
            let expected: Pairs = prepared[which]
                .iter()
                .chain(&more)
                .map(|(name, value, _)| (name.clone(), value.clone()))
                .collect();
            assert_eq!(pairs(decoder.block(&out).unwrap()), expected, "seed {seed}");
            assert_eq!(decoder.table.size(), encoder.size(), "seed {seed}");
        }
    }
}

impl Encoder {
    fn size(&self) -> usize {
        self.table.size()
    }
}

#[test]
fn rfc_7541_6_2_3_what_is_never_indexed_says_so_and_stays_out_of_the_table() {
    let mut encoder = Encoder::default();
    let secret = Field {
        name: b"authorization",
        value: b"x",
        indexing: Indexing::Never,
    };
    let once = Field {
        indexing: Indexing::Once,
        ..secret
    };
    for _ in 0..2 {
        let mut out = Vec::new();
        encoder.encode(&mut Prepared::default(), &[secret, once], &mut out);
        assert_eq!(out, [0x1f, 8, 1, b'x', 0x0f, 8, 1, b'x']);
        assert_eq!(encoder.size(), 0);
    }
    // Not even if the same is in the table for another reason.
    let mut out = Vec::new();
    let indexed = Field {
        indexing: Indexing::Index,
        ..secret
    };
    encoder.encode(
        &mut Prepared::default(),
        &[indexed, secret, indexed],
        &mut out,
    );
    assert_eq!(out, [0x40 | 23, 1, b'x', 0x1f, 8, 1, b'x', 0xbe]);
}

#[test]
fn a_prepared_block_costs_a_byte_a_field_the_second_time() {
    let token = format!("Bearer {}", "abcdefgh".repeat(120));
    let fields = [
        indexed(":method", "POST"),
        indexed(":scheme", "http"),
        indexed(":path", "/gateway_protocol.Gateway/Topology"),
        indexed(":authority", "localhost:26500"),
        indexed("te", "trailers"),
        indexed("content-type", "application/grpc"),
        indexed("user-agent", "libzeebe"),
        indexed("authorization", &token),
    ];
    let mut encoder = Encoder::default();
    let mut prepared = Prepared::new(fields);
    let mut lengths = Vec::new();
    for _ in 0..4 {
        let mut out = Vec::new();
        encoder.encode(&mut prepared, &[indexed("grpc-timeout", "10S")], &mut out);
        lengths.push(out.len());
    }
    assert!(lengths[0] > 700, "{lengths:?}");
    assert_eq!(lengths[1..], [9, 9, 9]);
    // Another connection has its own table, and is not given what the first one would understand.
    let mut other = Encoder::default();
    let mut out = Vec::new();
    other.encode(&mut prepared, &[], &mut out);
    let mut decoder = Decoder::new(LIMITS);
    assert_eq!(
        decoder.block(&out).unwrap().get(b"authorization"),
        Some(token.as_bytes())
    );
}

#[test]
fn rfc_7541_4_2_a_size_that_was_smaller_in_between_is_said_twice() {
    let encoded = |sizes: &[u32]| {
        let mut encoder = Encoder::default();
        let mut out = Vec::new();
        encoder.encode(&mut Prepared::default(), &[indexed("a", "b")], &mut out);
        sizes.iter().for_each(|size| encoder.resize(*size));
        out.clear();
        encoder.encode(&mut Prepared::default(), &[indexed("a", "b")], &mut out);
        out
    };
    let anew = [0x40, 1, b'a', 1, b'b'];
    assert_eq!(encoded(&[]), [0xbe]);
    assert_eq!(encoded(&[4096]), [0xbe], "no change");
    assert_eq!(encoded(&[100]), [0x3f, 69, 0xbe]);
    assert_eq!(encoded(&[0]), [0x20, 0, 1, b'a', 1, b'b']);
    assert_eq!(
        encoded(&[0, 4096]),
        [&[0x20, 0x3f, 0xe1, 0x1f][..], &anew].concat()
    );
    assert_eq!(
        encoded(&[100, 0, 1000]),
        [&[0x20, 0x3f, 0xc9, 0x07][..], &anew].concat()
    );
    assert_eq!(encoded(&[4000, 100]), [0x3f, 69, 0xbe]);
    assert_eq!(
        encoded(&[100, 200]),
        [&[0x20, 0x3f, 0xa9, 0x01][..], &anew].concat()
    );
    // More is used than the first size, but not all that a peer offers.
    assert_eq!(encoded(&[u32::MAX]), [0x3f, 0xe1, 0x7f, 0xbe]);
}

#[test]
fn rfc_7541_4_2_a_size_changes_only_before_the_first_field_and_within_the_limit() {
    let decode = |bytes: &[u8]| {
        Decoder::new(LIMITS)
            .block(bytes)
            .map(|fields| pairs(fields))
    };
    assert!(decode(&[0x20, 0x3f, 0xe1, 0x1f, 0x88]).is_ok());
    assert!(decode(&[0x3f, 0xe2, 0x1f]).is_err(), "4097 bytes");
    assert!(decode(&[0x88, 0x20]).is_err(), "after a field");
    assert_eq!(decode(&[0x20]), Ok(Vec::new()));
}

#[test]
fn rfc_7541_decoding_errors() {
    for (bytes, why) in [
        (&[0x80][..], "6.1: index 0"),
        (&[0xbe], "2.3.3: an index beyond both tables"),
        (&[0x7f, 0, 1, b'a'], "2.3.3: a name beyond both tables"),
        (
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            "5.1: too long an integer",
        ),
        (&[0x00, 0x01], "a name is cut"),
        (&[0x00, 0x01, b'a', 0x02, b'b'], "a value is cut"),
        (&[0x7f], "an index is cut"),
        (&[0x00, 0x81, 0xff, 0x00], "5.2: eight bits of padding"),
        (
            &[0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00],
            "5.2: the end of string",
        ),
    ] {
        assert!(Decoder::new(LIMITS).block(bytes).is_err(), "{why}");
    }
}

#[test]
fn a_block_that_was_seen_is_the_same_list_until_the_table_changes() {
    let mut decoder = Decoder::new(LIMITS);
    let same = |one: &Arc<Fields>, other: &Arc<Fields>| Arc::ptr_eq(one, other);
    let head = [0x88, 0x0f, 0x10, 1, b'x'];
    let first = Arc::clone(decoder.block(&head).unwrap());
    assert!(same(&first, decoder.block(&head).unwrap()));
    let other = Arc::clone(decoder.block(&[0x89]).unwrap());
    assert!(!same(&first, &other));
    assert!(same(&first, decoder.block(&head).unwrap()));
    // An entry changes what indexes mean.
    decoder.block(&[0x40, 1, b'a', 1, b'b']).unwrap();
    let by_index = decoder.block(&[0xbe]).unwrap();
    assert_eq!(pairs(by_index), texts(&[("a", "b")]));
    decoder.block(&[0x40, 1, b'c', 1, b'd']).unwrap();
    let by_index = decoder.block(&[0xbe]).unwrap();
    assert_eq!(pairs(by_index), texts(&[("c", "d")]));
}

#[test]
fn a_block_that_changes_the_tables_size_does_so_each_time() {
    let mut decoder = Decoder::new(LIMITS);
    for _ in 0..3 {
        decoder.block(&[0x3f, 0x45, 0x88]).unwrap();
        assert_eq!(decoder.table.max(), 100);
        decoder.block(&[0x3f, 0xe1, 0x1f, 0x88]).unwrap();
        assert_eq!(decoder.table.max(), 4096);
    }
}

#[test]
fn recognising_blocks_changes_nothing() {
    for seed in 0..12 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut encoder = Encoder::default();
        let (mut decoder, mut plain) = (Decoder::new(LIMITS), Decoder::new(LIMITS));
        let lists: Vec<_> = (0..20).map(|_| random_fields(&mut random)).collect();
        let mut kept = Vec::new();
        for _ in 0..400 {
            let list = &lists[random.usize(..lists.len())];
            let mut out = Vec::new();
            encoder.encode(&mut Prepared::default(), &as_fields(list), &mut out);
            plain.fragment(&out).unwrap();
            let expected = pairs(plain.end().unwrap());
            let fields = decoder.block(&out).unwrap();
            assert_eq!(pairs(fields), expected, "seed {seed}");
            if random.bool() {
                kept.push((Arc::clone(fields), expected)); // as a call does
            }
            // What others keep stays as it is.
            if kept.len() > 30 {
                kept.swap_remove(random.usize(..kept.len()));
            }
            if let Some((fields, expected)) = kept.first() {
                assert_eq!(&pairs(fields), expected, "seed {seed}");
            }
        }
    }
}

#[test]
fn beyond_the_limit_only_what_is_asked_for_is_kept_and_the_table_stays_right() {
    let limits = Limits {
        fields: 100,
        kept_fields: 200,
        keeps: |name| name == b"grpc-status" || name == b"grpc-message",
        block: 1 << 20,
    };
    let mut decoder = Decoder::new(limits);
    let mut encoder = Encoder::default();
    let (long, unkept) = ("m".repeat(100), "x".repeat(60));
    let fields = [
        indexed(":status", "200"),
        indexed("x-long", &unkept),
        indexed("x-short", "y"),
        indexed("grpc-status", "13"),
        indexed("grpc-message", &long),
        indexed("grpc-message", &long), // beyond what is kept
    ];
    for round in 0..2 {
        let mut out = Vec::new();
        encoder.encode(&mut Prepared::default(), &fields, &mut out);
        let decoded = decoder.block(&out).unwrap();
        assert!(decoded.left_out(), "round {round}");
        assert_eq!(
            pairs(decoded),
            texts(&[
                (":status", "200"),
                ("grpc-status", "13"),
                ("grpc-message", &long)
            ])
        );
        let size: usize = fields
            .iter()
            .map(|field| field.name.len() + field.value.len() + 32)
            .sum();
        assert_eq!(decoded.size(), size);
    }
    let fit = decoder.block(&[0x88]).unwrap();
    assert!(!fit.left_out() && fit.get_all(b":status").eq([b"200"]));
}

#[test]
fn no_bytes_make_the_decoder_panic() {
    for seed in 0..5000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut decoder = Decoder::new(LIMITS);
        for _ in 0..4 {
            let bytes: Vec<_> = (0..random.usize(..30)).map(|_| random.u8(..)).collect();
            let cut = random.usize(..=bytes.len());
            let decoded = decoder
                .fragment(&bytes[..cut])
                .and_then(|()| decoder.fragment(&bytes[cut..]));
            if decoded.and_then(|()| decoder.end()).is_err() {
                break;
            }
        }
    }
}

#[test]
fn fields_show_their_names_only() {
    let mut decoder = Decoder::new(LIMITS);
    let shown = format!(
        "{:?}",
        decoder
            .block(&[0x88, 0x00, 1, b'a', 6, b's', b'e', b'c', b'r', b'e', b't'])
            .unwrap()
    );
    assert_eq!(shown, "[\":status\", \"a\"]");
    let field = indexed("a", "secret");
    assert_eq!(
        format!("{field:?} {:?}", Prepared::new([field])),
        "\"a\" [\"a\"]"
    );
}
