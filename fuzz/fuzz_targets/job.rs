//! Any bytes for the parser of this name: src/any_bytes.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| zeebe::any_bytes::job(bytes));
