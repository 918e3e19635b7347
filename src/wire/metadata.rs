//! Metadata: ordered key/value pairs of a call; values of `-bin` keys are raw bytes here.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::MetadataLimit;
use crate::http2::Fields;

/// When the gateway wants to be asked again (gRFC A6); it is kept whatever the limit.
pub(crate) const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// Whether it is HTTP/2's or gRPC's own, pseudo-header fields included.
pub(crate) fn is_reserved(key: &[u8]) -> bool {
    key.first() == Some(&b':')
        || matches!(
            key,
            b"te"
                | b"content-type"
                | b"user-agent"
                | b"host"
                | b"connection"
                | b"keep-alive"
                | b"proxy-connection"
                | b"transfer-encoding"
                | b"upgrade"
                | b"content-length"
                | b"grpc-timeout"
                | b"grpc-encoding"
                | b"grpc-accept-encoding"
                | b"grpc-status"
                | b"grpc-message"
                | b"grpc-status-details-bin"
        )
}

/// As a limit of metadata counts it (RFC 9113 section 6.5.2).
pub(crate) fn field_size(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + 32
}

/// Cheap to clone; empty metadata, which most calls have, takes no memory.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata(Option<Arc<Entries>>);

type Entries = Vec<(Box<str>, Bytes)>;

/// Keys only: values may be secrets.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.entries().iter().map(|(key, _)| key))
            .finish()
    }
}

impl Metadata {
    fn entries(&self) -> &[(Box<str>, Bytes)] {
        self.0.as_ref().map_or(&[], |entries| entries.as_slice())
    }

    /// Adds a pair at the end, if gRPC's HTTP/2 mapping allows it; else says why not.
    pub fn add(&mut self, key: &str, value: &[u8]) -> Result<(), String> {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
        if key.is_empty() || !key.bytes().all(allowed) {
            // Shown if it may be a name: who gives `authorization: Bearer …` for a key, gives a secret.
            let is_name = !key.contains([':', '=', ' ']) && key.len() <= 64;
            let shown = if is_name {
                format!(" {key:?}")
            } else {
                String::new()
            };
            return Err(format!(
                "the metadata key{shown} may have lower-case letters, digits, _, - and . only"
            ));
        }
        if is_reserved(key.as_bytes()) {
            return Err(format!(
                "the metadata key {key} is reserved by gRPC or HTTP/2"
            ));
        }
        let printable = value.iter().all(|byte| (0x20..0x7f).contains(byte));
        if !key.ends_with("-bin") && (!printable || value.trim_ascii() != value) {
            return Err(format!(
                "the metadata value of {key} must be printable ASCII without space at its ends; \
                 a key that ends in -bin takes any bytes"
            ));
        }
        let entries = Arc::make_mut(self.0.get_or_insert_default());
        entries.push((key.into(), Bytes::copy_from_slice(value)));
        Ok(())
    }

    /// Pairs, of which several may have one key.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// In the order in which they were added; a `-bin` value decoded.
    pub fn get(&self, index: usize) -> Option<(&str, &[u8])> {
        self.entries()
            .get(index)
            .map(|(key, value)| (&**key, &value[..]))
    }

    /// What the peer sent with a good answer; it is logged if something of it is left out.
    pub(crate) fn received(fields: &Fields, limit: &MetadataLimit) -> Self {
        let (metadata, left_out) = Self::within(fields, limit.bytes);
        if left_out {
            limit.left_out(fields.size());
        }
        metadata
    }

    /// What the peer sent, without gRPC's own headers; and whether there was more, for which the limit leaves no room.
    pub(crate) fn within(fields: &Fields, limit: usize) -> (Self, bool) {
        let is_over = fields.size() > limit;
        let own = |(key, value): (&[u8], &[u8])| is_reserved(key).then(|| field_size(key, value));
        let mut room = match is_over {
            true => limit.saturating_sub(fields.iter().filter_map(own).sum()),
            false => limit,
        };
        let mut left_out = fields.left_out();
        let mut entries: Entries = Vec::new();
        for (key, value) in fields.iter() {
            if is_reserved(key) {
                continue;
            }
            // HTTP/2 lets nothing else be one.
            let Ok(key) = std::str::from_utf8(key) else {
                continue;
            };
            if is_over && key != PUSHBACK {
                match room.checked_sub(field_size(key.as_bytes(), value)) {
                    Some(rest) => room = rest,
                    None => {
                        left_out = true;
                        continue;
                    }
                }
            }
            if !key.ends_with("-bin") {
                entries.push((key.into(), Bytes::copy_from_slice(value)));
                continue;
            }
            // Several binary values may stand in one header, separated by commas.
            for part in value.split(|byte| *byte == b',') {
                match decode_binary(part.trim_ascii()) {
                    Some(bytes) => entries.push((key.into(), bytes)),
                    None => tracing::debug!("the metadata value of {key} is not base64: left out"),
                }
            }
        }
        let metadata = Self((!entries.is_empty()).then(|| Arc::new(entries)));
        (metadata, left_out)
    }

    /// With what `cut` leaves of the values; `None`: it leaves all.
    pub(crate) fn cut(&self, cut: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Option<Self> {
        let changed: Vec<_> = self.entries().iter().map(|(_, value)| cut(value)).collect();
        changed.iter().any(Option::is_some).then(|| {
            let entries = self.entries().iter().zip(changed);
            let entries = entries.map(|((key, value), changed)| {
                (key.clone(), changed.map_or(value.clone(), Bytes::from))
            });
            Self(Some(Arc::new(entries.collect())))
        })
    }

    /// Of all keys and values.
    pub(crate) fn bytes(&self) -> usize {
        let sizes = self
            .entries()
            .iter()
            .map(|(key, value)| key.len() + value.len());
        sizes.sum()
    }

    /// The first value of this key.
    pub(crate) fn find(&self, key: &str) -> Option<&Bytes> {
        let same = |(other, _): &&(Box<str>, Bytes)| &**other == key;
        self.entries().iter().find(same).map(|(_, value)| value)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// As they stand in a request.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, Cow<'_, [u8]>)> {
        self.entries().iter().map(|(key, value)| {
            let value = match key.ends_with("-bin") {
                true => Cow::Owned(BASE64.encode(value).into_bytes()),
                false => Cow::Borrowed(&value[..]),
            };
            (&**key, value)
        })
    }
}

/// Sent without padding, taken with or without (gRPC over HTTP/2, "Binary-Header").
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(crate) fn decode_binary(text: &[u8]) -> Option<Bytes> {
    BASE64.decode(text).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_values_survive_the_wire() {
        let mut metadata = Metadata::default();
        metadata.add("a-bin", &[0, 255, 10]).unwrap();
        metadata.add("a", b"x").unwrap();
        let fields: Fields = metadata.fields().collect();
        assert_eq!(Metadata::within(&fields, 1000), (metadata, false));
    }

    #[test]
    fn what_http_cannot_carry_is_refused() {
        let mut metadata = Metadata::default();
        for (key, value) in [
            ("A", "x"),
            ("", "x"),
            ("te", "x"),
            ("a", "\n"),
            ("a", " x"),
            ("a b", "x"),
        ] {
            assert!(
                metadata.add(key, value.as_bytes()).is_err(),
                "{key:?} {value:?}"
            );
        }
        assert!(metadata.is_empty());
    }
}
