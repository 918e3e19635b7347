//! What a gateway says of a call, for `crate::any_bytes`.

use super::status::of_trailers;
use crate::http2::{Decoder, Limits};
use crate::wire::MetadataLimit;

/// Trailers, as a header block: status, message, details and when to ask again. What is said of them has bounds.
pub fn status(block: &[u8]) {
    const MOST: usize = 4096;
    let mut decoder = Decoder::new(Limits {
        fields: MOST,
        kept_fields: MOST,
        keeps: |name| name.starts_with(b"grpc-"),
        block: 1 << 20,
    });
    let Ok(trailers) = decoder.block(block) else {
        return;
    };
    let limit = MetadataLimit::new(512);
    if let Err(error) = of_trailers(trailers, None, &limit) {
        // Each byte may be shown as several.
        assert!(error.message().len() <= 8 * MOST, "{error}");
    }
}
