//! Stories: header lists one after the other as other encoders write them (nghttp2, Python's hpack, Go's x/net), decoded here;
//! and as this one does, which those decode. tests/hpack/make writes them.

use super::*;

const FIELDS: &str = include_str!("../../../tests/hpack/fields.txt");

const LIMITS: Limits = Limits {
    fields: 1 << 20,
    kept_fields: 0,
    keeps: |_| false,
    block: 1 << 20,
};

/// Changes of the table's size before a block, and its fields.
#[derive(Default)]
struct Block {
    sizes: Vec<u32>,
    fields: Vec<(&'static str, &'static str)>,
}

fn story() -> Vec<Block> {
    let mut blocks = vec![Block::default()];
    for line in FIELDS.split_terminator('\n') {
        let block = blocks.last_mut().unwrap();
        match line.split_once('\t') {
            Some(field) => block.fields.push(field),
            None if line == "." => blocks.push(Block::default()),
            None => block.sizes.push(line[1..].parse().unwrap()),
        }
    }
    blocks.pop();
    blocks
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn is_decoded(encoder: &str, blocks: &str) {
    let mut whole = Decoder::new(LIMITS);
    let mut cut = Decoder::new(LIMITS);
    let mut random = fastrand::Rng::with_seed(1);
    let story = story();
    assert_eq!(blocks.lines().count(), story.len());
    for (at, (block, line)) in story.iter().zip(blocks.lines()).enumerate() {
        let bytes = bytes(line);
        let (one, other) = bytes.split_at(random.usize(..=bytes.len()));
        cut.fragment(one)
            .and_then(|()| cut.fragment(other))
            .unwrap();
        for decoded in [whole.block(&bytes).unwrap(), cut.end().unwrap()] {
            let expected = block
                .fields
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            assert!(
                decoded.iter().eq(expected),
                "{encoder}, block {at}: {decoded:?}"
            );
        }
    }
}

#[test]
fn of_nghttp2() {
    is_decoded("nghttp2", include_str!("../../../tests/hpack/nghttp2.txt"));
}

#[test]
fn of_python() {
    is_decoded("python", include_str!("../../../tests/hpack/python.txt"));
}

#[test]
fn of_go() {
    is_decoded("go", include_str!("../../../tests/hpack/go.txt"));
}

/// What nghttp2, Python and Go were seen to decode.
#[test]
fn of_our_own() {
    let mut encoder = Encoder::default();
    let mut written = String::new();
    let indexing = |name| match name {
        "cookie" => Indexing::Never,
        "x-request-id" => Indexing::Once,
        _ => Indexing::Index,
    };
    for block in story() {
        block.sizes.iter().for_each(|size| encoder.resize(*size));
        let fields = block.fields.iter().map(|(name, value)| Field {
            name: name.as_bytes(),
            value: value.as_bytes(),
            indexing: indexing(name),
        });
        let mut out = Vec::new();
        encoder.encode(&mut Prepared::new(fields), &[], &mut out);
        written.extend(out.iter().map(|byte| format!("{byte:02x}")));
        written.push('\n');
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hpack/ours.txt");
    if std::env::var_os("ZEEBE_UPDATE_HPACK").is_some() {
        std::fs::write(path, &written).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert!(
        written == expected,
        "not what others were seen to decode: run tests/hpack/make"
    );
    is_decoded("ours", &written);
}
