//! Parsers that a peer or a setting feeds, each as a function of any bytes, for `fuzz/` and the unit test below. Nothing may panic;
//! what else is promised, each asserts.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

pub use crate::call::any_bytes::status;
use crate::channel::ServiceConfig;
pub use crate::channel::any_bytes::opening;
use crate::channel::target::{Target, shown};
pub use crate::credentials::any_bytes::{discovery, pem, token_answer, token_file};
use crate::http2::{Decoder, Limits};
use crate::job_worker::{Fields, Text};
use crate::json::Rpc;
use crate::retry_after::retry_after_of;
use crate::wire::framing::{Limit, Reader};
use crate::wire::{Encoding, Metadata, decode_binary};

/// Takes any bytes.
pub type Parse = fn(&[u8]);

/// Each by its name, which is its fuzz target's.
pub static PARSERS: &[(&str, Parse)] = &[
    ("hpack", hpack),
    ("framing", framing),
    ("retry_after", retry_after),
    ("target", target),
    ("json", json),
    ("metadata", metadata),
    ("service_config", service_config),
    ("token_answer", token_answer),
    ("token_file", token_file),
    ("pem", pem),
    ("discovery", discovery),
    ("status", status),
    ("opening", opening),
    ("job", job),
];

type Block = Option<Vec<(Vec<u8>, Vec<u8>)>>;

fn decoder() -> Decoder {
    Decoder::new(Limits {
        fields: 500,
        kept_fields: 300,
        keeps: |name| name == b"grpc-status",
        block: 20_000,
    })
}

/// Header blocks, which come to the same however they are cut.
pub fn hpack(mut bytes: &[u8]) {
    let (mut whole, mut cut) = (decoder(), decoder());
    while let [length, at, rest @ ..] = bytes {
        let (block, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        bytes = rest;
        let (first, second) = block.split_at(usize::from(*at) % (block.len() + 1));
        let copied = |(name, value): (&[u8], &[u8])| (name.to_vec(), value.to_vec());
        let expected: Block = whole
            .block(block)
            .ok()
            .map(|fields| fields.iter().map(copied).collect());
        let pieces = cut.fragment(first).and_then(|()| cut.fragment(second));
        let found: Block = match pieces {
            Ok(()) => cut
                .end()
                .ok()
                .map(|fields| fields.iter().map(copied).collect()),
            Err(_) => None,
        };
        assert_eq!(expected, found);
        if found.is_none() {
            return;
        }
    }
}

/// Messages, which are the same however they are cut, and none longer than is allowed.
pub fn framing(bytes: &[u8]) {
    const MOST: usize = 1000;
    let [how, bytes @ ..] = bytes else { return };
    let encoding = if how % 2 == 0 {
        Encoding::Identity
    } else {
        Encoding::Gzip
    };
    let read = |piece: usize| {
        let limit = Limit {
            bytes: MOST,
            name: "the limit",
        };
        let mut reader = Reader::new(Some(limit), encoding);
        let mut messages = Vec::new();
        for chunk in bytes.chunks(piece.max(1)) {
            reader.push(Bytes::copy_from_slice(chunk));
            loop {
                match reader.next() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(_) => return messages,
                }
            }
        }
        messages
    };
    let messages = read(bytes.len());
    assert!(messages.iter().all(|message| message.len() <= MOST));
    assert_eq!(messages, read(usize::from(*how)));
}

/// Values of the headers that say when to ask again; no pause is longer than five minutes.
pub fn retry_after(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append("retry-after", value);
        }
    }
    let pause = retry_after_of(&headers, SystemTime::UNIX_EPOCH).unwrap_or_default();
    assert!(pause <= Duration::from_secs(300));
}

/// A target as a program or a variable gives it.
pub fn target(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    drop(shown(&text));
    if let Ok(target) = Target::parse(&text) {
        assert!(!target.authority.is_empty());
        let _ = (target.is_loopback(), target.server_name());
    }
}

/// Requests and answers in both forms; what is printed is JSON.
pub fn json(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for name in [
        "DeployResource",
        "CompleteJob",
        "CreateProcessInstance",
        "ActivateJobs",
    ] {
        let Ok(rpc) = Rpc::find(name) else { return };
        drop(rpc.request_from_json(&text));
        if let Ok(printed) = rpc.response_to_json(bytes) {
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(&printed).is_ok());
        }
    }
}

/// Metadata, a key and its value a line; what a peer decodes is what was added.
pub fn metadata(bytes: &[u8]) {
    let mut metadata = Metadata::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        drop(decode_binary(line));
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let key = String::from_utf8_lossy(parts.next().unwrap_or_default());
        let count = metadata.len();
        if metadata
            .add(&key, parts.next().unwrap_or_default())
            .is_err()
        {
            assert_eq!(metadata.len(), count);
        }
    }
    for (index, (key, sent)) in metadata.fields().enumerate() {
        let added = metadata.get(index).map(|(_, value)| value.to_vec());
        let seen = match key.ends_with("-bin") {
            true => decode_binary(&sent).map(|value| value.to_vec()),
            false => Some(sent.to_vec()),
        };
        assert_eq!(seen, added, "{key}");
    }
}

/// An encoded job; its texts lie within it.
pub fn job(bytes: &[u8]) {
    if let Some(fields) = Fields::read(bytes) {
        for text in Text::ALL {
            assert!(bytes.get(fields.text(text)).is_some(), "{text:?}");
        }
    }
}

/// A service config as an option or a variable gives it.
pub fn service_config(bytes: &[u8]) {
    if let Ok(config) = ServiceConfig::parse(&String::from_utf8_lossy(bytes)) {
        let _ = config.method("/gateway_protocol.Gateway/Topology");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From which others are made by chance.
    const SAMPLES: &[&[u8]] = &[
        b"",
        b"\x0c\x05\x88\x5f\x8b\x1d\x75\xd0\x62\x0d\x26\x3d\x4c\x4d\x65\x64\x02\x00\xbe\xbf",
        b"\x0a\x02\x40\x03abc\x03def\xbe\x03\x01\xbe\xbe\xbe",
        b"\x00\x00\0\0\0\x03abc\0\0\0\0\0\0\0\0\0\x01x",
        b"\x03\x00\0\0\0\x02ab\x01\0\0\0\x04abcd",
        b"120",
        b"Fri, 31 Dec 1999 23:59:59 GMT\n1e9\n3.5",
        b"dns:///zeebe.example:26500",
        b"ipv6:[fe80::1%25eth0]:26500,[::1]:1",
        b"https://user:password@host:443/path?query#fragment",
        b"unix:///run/zeebe.sock",
        br#"{"jobKey":"7","variables":{"a":[1,{"b":"\u00e4"}]}}"#,
        br#"{"resources":[{"name":"a.bpmn","content":"AAAA"}],"tenantId":""}"#,
        b"\x08\x07\x12\x01p\x18\x02\x20\x07",
        b"key:value\nother-bin:\x00\xff\nAAECAw==",
        br#"{"methodConfig":[{"name":[{"service":"a"}],"timeout":"1.5s","retryPolicy":{"maxAttempts":3,"initialBackoff":"0.1s","maxBackoff":"1s","backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE"]}}]}"#,
        b"\x00\x64\n{\"access_token\":\"t\",\"expires_in\":3600,\"scope\":\"a\"}",
        b"\x01\x2dBearer error=\"invalid_client\"\n{\"error\":\"invalid_client\",\"error_description\":\"s3cret is wrong\"}",
        br#"{"version":1,"tokens":{"k":{"access_token":"t","issued_at":1,"expires_at":2,"scope":"a"}}}"#,
        br#"{"issuer":"https://login.example/","token_endpoint":"https://login.example/token"}"#,
        b"\x40\x0bgrpc-status\x0214\x40\x0cgrpc-message\x05a%20b\x40\x17grpc-status-details-bin\x04CAcS",
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<p>a plain HTTP request to an HTTPS port</p>",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\x08\x07\x12\x03pay\x58\x03\x60\x01\x6a\x02{}\x72\x00",
        b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
    ];

    fn changed(random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = SAMPLES[random.usize(..SAMPLES.len())].to_vec();
        for _ in 0..random.usize(..6) {
            let at = random.usize(..=bytes.len());
            match random.u8(..4) {
                0 => bytes.insert(at, random.u8(..)),
                1 => bytes.truncate(at),
                2 => bytes.extend_from_slice(SAMPLES[random.usize(..SAMPLES.len())]),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << random.u8(..8);
                    }
                }
            }
        }
        bytes
    }

    #[test]
    fn no_bytes_make_a_parser_panic() {
        for (name, parse) in PARSERS {
            for seed in 0..4000 {
                let bytes = changed(&mut fastrand::Rng::with_seed(seed));
                let outcome = std::panic::catch_unwind(|| parse(&bytes));
                assert!(outcome.is_ok(), "{name}, seed {seed}: {bytes:?}");
            }
        }
    }

    #[test]
    fn each_has_a_fuzz_target() {
        let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        for (name, _) in PARSERS {
            assert!(
                manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
                "{name}"
            );
            let target = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs")));
            assert!(
                target.unwrap().contains(&format!("any_bytes::{name}(")),
                "{name}"
            );
        }
    }
}
