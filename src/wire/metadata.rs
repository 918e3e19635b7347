//! Metadata: ordered key/value pairs of a call; values of `-bin` keys are raw bytes here.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::MetadataLimit;
use crate::error::Error;

/// Keys that belong to HTTP/2 or gRPC.
const RESERVED: &[&str] = &[
    "te",
    "content-type",
    "user-agent",
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "grpc-timeout",
    "grpc-encoding",
    "grpc-accept-encoding",
    "grpc-status",
    "grpc-message",
    "grpc-status-details-bin",
];

/// When the gateway wants to be asked again (gRFC A6); it is kept whatever the limit.
pub(crate) const PUSHBACK: &str = "grpc-retry-pushback-ms";

pub(crate) fn is_reserved(key: &HeaderName) -> bool {
    RESERVED.contains(&key.as_str())
}

/// As a limit of metadata counts it, headers of HTTP included (RFC 9113 section 6.5.2).
pub(crate) fn size(headers: &HeaderMap) -> usize {
    let fields = headers.iter();
    fields
        .map(|(key, value)| field_size(key, value.as_bytes()))
        .sum()
}

pub(crate) fn field_size(key: &HeaderName, value: &[u8]) -> usize {
    key.as_str().len() + value.len() + 32
}

/// Cheap to clone; empty metadata, which most calls have, takes no memory.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata(Option<Arc<Entries>>);

type Entries = Vec<(HeaderName, Bytes)>;

/// Keys only: values may be secrets.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.entries().iter().map(|(key, _)| key.as_str()))
            .finish()
    }
}

impl Metadata {
    fn entries(&self) -> &[(HeaderName, Bytes)] {
        self.0.as_ref().map_or(&[], |entries| entries.as_slice())
    }

    /// Checks what gRPC's HTTP/2 mapping allows.
    pub fn add(&mut self, key: &str, value: &[u8]) -> Result<(), Error> {
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
            return Err(Error::invalid_argument(format!(
                "the metadata key{shown} may have lower-case letters, digits, _, - and . only"
            )));
        }
        if RESERVED.contains(&key) {
            return Err(Error::invalid_argument(format!(
                "the metadata key {key} is reserved by gRPC or HTTP/2"
            )));
        }
        let printable = value.iter().all(|byte| (0x20..0x7f).contains(byte));
        if !key.ends_with("-bin") && (!printable || value.trim_ascii() != value) {
            return Err(Error::invalid_argument(format!(
                "the metadata value of {key} must be printable ASCII without space at its ends; \
                 a key that ends in -bin takes any bytes"
            )));
        }
        let name = HeaderName::from_bytes(key.as_bytes())
            .map_err(|_| Error::invalid_argument(format!("{key:?} cannot be a metadata key")))?;
        let entries = Arc::make_mut(self.0.get_or_insert_default());
        entries.push((name, Bytes::copy_from_slice(value)));
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.entries().len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    pub fn get(&self, index: usize) -> Option<(&str, &[u8])> {
        self.entries()
            .get(index)
            .map(|(key, value)| (key.as_str(), &value[..]))
    }

    /// What the peer sent with a good answer; it is logged if something of it is left out.
    pub(crate) fn received(headers: &HeaderMap, limit: &MetadataLimit) -> Self {
        let (metadata, left_out) = Self::within(headers, limit.bytes);
        if left_out {
            limit.left_out(size(headers));
        }
        metadata
    }

    /// What the peer sent, without gRPC's own headers; and whether there was more, for which the limit leaves no room.
    pub(crate) fn within(headers: &HeaderMap, limit: usize) -> (Self, bool) {
        let is_over = size(headers) > limit;
        let own = headers.iter().filter(|(key, _)| is_reserved(key));
        let own: usize = own
            .map(|(key, value)| field_size(key, value.as_bytes()))
            .sum();
        let mut room = limit.saturating_sub(own);
        let mut left_out = false;
        let mut entries = Vec::new();
        for (key, value) in headers {
            if is_reserved(key) {
                continue;
            }
            if is_over && key.as_str() != PUSHBACK {
                match room.checked_sub(field_size(key, value.as_bytes())) {
                    Some(rest) => room = rest,
                    None => {
                        left_out = true;
                        continue;
                    }
                }
            }
            if !key.as_str().ends_with("-bin") {
                entries.push((key.clone(), Bytes::copy_from_slice(value.as_bytes())));
                continue;
            }
            // Several binary values may stand in one header, separated by commas.
            for part in value.as_bytes().split(|byte| *byte == b',') {
                match decode_binary(part.trim_ascii()) {
                    Some(bytes) => entries.push((key.clone(), bytes)),
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

    /// Puts these into a request's headers; a key given here replaces what stands there.
    pub(crate) fn write_to(&self, headers: &mut HeaderMap) {
        for (key, _) in self.entries() {
            headers.remove(key);
        }
        for (key, value) in self.entries() {
            let value = if key.as_str().ends_with("-bin") {
                HeaderValue::from_str(&BASE64.encode(value))
            } else {
                HeaderValue::from_bytes(value)
            };
            if let Ok(value) = value {
                headers.append(key.clone(), value);
            }
        }
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
        let mut headers = HeaderMap::new();
        metadata.write_to(&mut headers);
        assert_eq!(Metadata::within(&headers, 1000), (metadata, false));
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
