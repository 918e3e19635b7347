//! Fingerprint: SHA-256 over several texts, to tell whether they are the same without keeping them.

use aws_lc_rs::digest::{Context, SHA256};

/// Of SHA-256.
pub type Fingerprint = [u8; 32];

/// Each text with its length, so that no two lists run together; `None` differs from every text.
pub fn fingerprint(texts: &[Option<&str>]) -> Fingerprint {
    let texts: Vec<_> = texts.iter().map(|text| text.map(str::as_bytes)).collect();
    fingerprint_of_bytes(&texts)
}

/// The same of texts in any encoding.
pub fn fingerprint_of_bytes(texts: &[Option<&[u8]>]) -> Fingerprint {
    let mut context = Context::new(&SHA256);
    for text in texts {
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        context.update(&length.to_be_bytes());
        context.update(text.unwrap_or_default());
    }
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(context.finish().as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_differ_have_other_fingerprints() {
        let lists: [&[Option<&str>]; 5] = [
            &[Some("ab"), Some("c")],
            &[Some("a"), Some("bc")],
            &[Some("abc"), Some("")],
            &[Some("abc"), None],
            &[Some("abc")],
        ];
        for (index, one) in lists.iter().enumerate() {
            for (other_index, other) in lists.iter().enumerate() {
                assert_eq!(fingerprint(one) == fingerprint(other), index == other_index);
            }
        }
    }
}
