//! Any bytes as what a caller and its peer do to a connection of HTTP/2.
#![no_main]

mod drive;

use zeebe::http2;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drive::drive(bytes));
