//! What a peer says that does not speak HTTP/2, for `crate::any_bytes`.

use super::heard::{Expected, Heard};

/// A peer's first bytes, as they come; of those that are another protocol's a line is shown.
pub fn opening(bytes: &[u8]) {
    for expected in [Expected::Tls, Expected::Http2] {
        let heard = Heard::default();
        for piece in bytes.chunks(7) {
            heard.begins(piece);
        }
        if let Some(shown) = heard.other_protocol(expected) {
            assert!(
                !shown.contains(['\r', '\n']) && shown.len() < 1024,
                "{shown}"
            );
        }
    }
}
