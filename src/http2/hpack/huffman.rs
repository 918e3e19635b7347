//! The Huffman code of strings (RFC 7541, section 5.2 and appendix B).
//!
//! The code is canonical, so that the lengths of its words say all; the tables are made by the compiler.

use super::Halt;

/// Of each octet's word, and of the end of string, in bits.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
const END_OF_STRING: usize = 256;
const LONGEST: u8 = 30;

/// Words in the order of their lengths, then of their octets.
const WORDS: [u32; 257] = {
    let mut words = [0; 257];
    let (mut word, mut length) = (0_u32, 1);
    while length <= LONGEST {
        word <<= 1;
        let mut symbol = 0;
        while symbol < words.len() {
            if LENGTHS[symbol] == length {
                words[symbol] = word;
                word += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    words
};

/// A code of 257 words has 256 inner nodes.
const NODES: usize = 256;
/// In place of a node: a word ends here, and the octet is in the low bits.
const LEAF: u16 = 1 << 15;

/// What follows a node by one bit.
const TREE: [[u16; 2]; NODES] = {
    let mut tree = [[0; 2]; NODES];
    let mut nodes = 1;
    let mut symbol = 0;
    while symbol < LENGTHS.len() {
        let mut at = 0;
        let mut left = LENGTHS[symbol];
        while left > 0 {
            left -= 1;
            let bit = (WORDS[symbol] >> left & 1) as usize;
            if left == 0 {
                tree[at][bit] = LEAF | symbol as u16;
            } else {
                if tree[at][bit] == 0 {
                    tree[at][bit] = nodes as u16;
                    nodes += 1;
                }
                at = tree[at][bit] as usize;
            }
        }
        symbol += 1;
    }
    tree
};

/// What follows a node by four bits: no word is shorter than five, so that at most one ends.
#[derive(Clone, Copy)]
struct Step {
    next: u16,
    /// What ends here, else beyond an octet.
    symbol: u16,
}
const NO_SYMBOL: u16 = 256;
const BROKEN: u16 = u16::MAX;

static STEPS: [[Step; 16]; NODES] = {
    let mut steps = [[Step {
        next: 0,
        symbol: NO_SYMBOL,
    }; 16]; NODES];
    let mut node = 0;
    while node < NODES {
        let mut nibble = 0;
        while nibble < 16 {
            let mut at = node as u16;
            let mut bit = 4;
            while bit > 0 && at != BROKEN {
                bit -= 1;
                let next = TREE[at as usize][nibble >> bit & 1];
                if next == LEAF | END_OF_STRING as u16 {
                    at = BROKEN;
                } else if next & LEAF != 0 {
                    steps[node][nibble].symbol = next & !LEAF;
                    at = 0;
                } else {
                    at = next;
                }
            }
            steps[node][nibble].next = at;
            nibble += 1;
        }
        node += 1;
    }
    steps
};

/// Whether a string may end at a node: its padding is at most seven bits, all ones.
static ENDS: [bool; NODES] = {
    let mut ends = [false; NODES];
    let (mut at, mut bits) = (0, 0);
    while bits < 8 {
        ends[at] = true;
        at = TREE[at][1] as usize;
        bits += 1;
    }
    ends
};

/// Appends what the bytes stand for.
pub(super) fn decode(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Halt> {
    const REFUSED: Halt = Halt::Bad("a string of HPACK is no Huffman code");
    let mut at = 0;
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            let step = STEPS[at][usize::from(nibble)];
            if step.next == BROKEN {
                return Err(REFUSED);
            }
            if step.symbol != NO_SYMBOL {
                out.push(step.symbol as u8);
            }
            at = usize::from(step.next);
        }
    }
    if ENDS[at] { Ok(()) } else { Err(REFUSED) }
}

/// How many bytes [`encode`] makes.
pub(super) fn encoded_length(bytes: &[u8]) -> usize {
    let bits = bytes
        .iter()
        .map(|byte| usize::from(LENGTHS[usize::from(*byte)]));
    bits.sum::<usize>().div_ceil(8)
}

pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let (mut pending, mut bits) = (0_u64, 0);
    for byte in bytes {
        let symbol = usize::from(*byte);
        pending = pending << LENGTHS[symbol] | u64::from(WORDS[symbol]);
        bits += u32::from(LENGTHS[symbol]);
        while bits >= 8 {
            bits -= 8;
            out.push((pending >> bits) as u8);
        }
    }
    if bits > 0 {
        out.push((pending << (8 - bits)) as u8 | (0xff >> bits) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        decode(bytes, &mut out).ok().map(|()| out)
    }

    #[test]
    fn each_octet_alone_and_among_others_comes_back() {
        let mut random = fastrand::Rng::with_seed(2);
        let single = (0..=255).map(|octet| vec![octet]);
        let many = (0..2000).map(|_| (0..random.usize(..40)).map(|_| random.u8(..)).collect());
        for text in single.chain(many.collect::<Vec<_>>()) {
            let mut bytes = Vec::new();
            encode(&text, &mut bytes);
            assert_eq!(bytes.len(), encoded_length(&text));
            assert_eq!(decoded(&bytes), Some(text));
        }
    }

    #[test]
    fn appendix_b_words_as_it_has_them() {
        for (symbol, word, length) in [
            (usize::from(b'0'), 0x0, 5),
            (usize::from(b'a'), 0x3, 5),
            (usize::from(b' '), 0x14, 6),
            (usize::from(b'X'), 0xfc, 8),
            (usize::from(b'|'), 0x7fc, 11),
            (0, 0x1ff8, 13),
            (10, 0x3fff_fffc, 30),
            (249, 0xfff_fffe, 28),
            (END_OF_STRING, 0x3fff_ffff, 30),
        ] {
            assert_eq!((WORDS[symbol], LENGTHS[symbol]), (word, length), "{symbol}");
        }
    }

    #[test]
    fn rfc_7541_5_2_padding_is_of_ones_and_shorter_than_an_octet_and_no_string_has_its_end() {
        assert_eq!(decoded(&[0b0001_1111]), Some(b"a".to_vec()));
        assert_eq!(decoded(&[0b0001_1110]), None, "padding of other bits");
        assert_eq!(
            decoded(&[0b0001_1111, 0xff]),
            None,
            "eleven bits of padding"
        );
        assert_eq!(decoded(&[0xff]), None, "eight bits of padding");
        assert_eq!(
            decoded(&[0xff, 0xff, 0xff, 0xff]),
            None,
            "the end of string"
        );
        assert_eq!(decoded(&[]), Some(Vec::new()));
    }
}
