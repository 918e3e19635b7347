//! Any bytes: nothing that comes makes a connection panic. The same as the fuzz target, with bytes by chance, of which some
//! are what a server might say.

use crate::http2;
use generator::Generator;

#[path = "../../../tests/http2/frames.rs"]
mod frames;
#[path = "../../../tests/http2/generator.rs"]
mod generator;

#[path = "../../../fuzz/fuzz_targets/drive.rs"]
mod drive;

#[test]
fn no_bytes_make_a_connection_panic() {
    for seed in 0..3000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bytes = Vec::new();
        let said = Generator::new(seed).conversation();
        let mut said = &said[..];
        while bytes.len() < 2000 {
            match random.u8(..4) {
                // What the peer says, in pieces.
                0 | 1 => {
                    let (piece, rest) = said.split_at(random.usize(..256).min(said.len()));
                    bytes.extend([9, piece.len() as u8]);
                    bytes.extend_from_slice(piece);
                    said = rest;
                }
                2 => bytes.extend([random.u8(..7), random.u8(..40)]),
                _ => bytes.extend((0..random.usize(..8)).map(|_| random.u8(..))),
            }
        }
        drive::drive(&bytes);
    }
}
