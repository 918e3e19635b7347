//! google.rpc.RetryInfo: when a server wants to be asked again, among the details of its status.

use std::time::Duration;

use bytes::Bytes;
use prost::{DecodeError, Message};
use prost_reflect::prost_types;

use super::fields;

const TYPE: &str = "google.rpc.RetryInfo";
/// Of a google.rpc.Status.
const DETAILS: u32 = 3;
const RETRY_DELAY: u32 = 1;

/// `details` is a google.rpc.Status. Nothing if it does not say, or cannot be read.
pub(crate) fn retry_info(details: &Bytes) -> Option<Duration> {
    read(details).ok().flatten()
}

fn read(details: &Bytes) -> Result<Option<Duration>, DecodeError> {
    for detail in fields(details.clone(), DETAILS)? {
        let detail = prost_types::Any::decode(detail)?;
        if detail.type_url.rsplit('/').next() != Some(TYPE) {
            continue;
        }
        if let Some(delay) = fields(detail.value.into(), RETRY_DELAY)?.pop() {
            return Ok(prost_types::Duration::decode(delay)?.try_into().ok());
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of a type that has a length.
    fn field(number: u8, value: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, value.len() as u8], value].concat()
    }

    fn status(kind: &str, delay: &[u8]) -> Bytes {
        let any = [field(1, kind.as_bytes()), field(2, &field(1, delay))].concat();
        let other = field(1, b"type.googleapis.com/google.rpc.Help");
        [
            &[8, 14][..],
            &field(2, b"busy"),
            &field(3, &other),
            &field(3, &any),
        ]
        .concat()
        .into()
    }

    #[test]
    fn the_delay_is_found_among_the_details() {
        let kind = "type.googleapis.com/google.rpc.RetryInfo";
        for (kind, delay, millis) in [
            (kind, &[8, 2, 16, 0x80, 0xca, 0xb5, 0xee, 1][..], Some(2500)),
            ("google.rpc.RetryInfo", &[8, 1], Some(1000)),
            (kind, &[], Some(0)),
            (
                kind,
                &[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                None,
            ),
            (kind, &[8], None),
            ("x/google.rpc.QuotaFailure", &[8, 1], None),
        ] {
            let found = retry_info(&status(kind, delay));
            assert_eq!(
                found.map(|pause| pause.as_millis()),
                millis,
                "{kind} {delay:?}"
            );
        }
        assert_eq!(retry_info(&Bytes::from_static(b"\x1a\x05no")), None);
        assert_eq!(retry_info(&Bytes::new()), None);
    }
}
