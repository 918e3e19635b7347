//! How a call ended: from trailers, from an HTTP status, from an HTTP/2 error code.
//!
//! gRPC's documents "PROTOCOL-HTTP2" and "HTTP to gRPC Status Code Mapping".

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::percent_decode;
use tonic::Code;

use super::retry::Failure;
use crate::channel::{Connection, named};
use crate::error::{Error, Source};
use crate::wire::{Encoding, Metadata, decode_binary};

// Names are made once: a text would be parsed at each look.
pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// What trailers, or a trailers-only answer, say; `Ok` holds the trailers' metadata.
pub(super) fn of_trailers(
    trailers: &HeaderMap,
    initial_metadata: Option<&Metadata>,
) -> Result<Metadata, Error> {
    let initial_metadata = || initial_metadata.cloned();
    let metadata = Metadata::from_headers(trailers);
    let Some(status) = trailers.get(&GRPC_STATUS) else {
        return Err(Error::rpc(
            Source::Transport,
            Code::Unknown,
            "the answer has no grpc-status",
        )
        .processed(true)
        .with_initial_metadata(initial_metadata())
        .with_trailers(metadata));
    };
    let code = Code::from_bytes(status.as_bytes());
    if code == Code::Ok {
        return Ok(metadata);
    }
    let message = trailers.get(&GRPC_MESSAGE).map(|text| {
        percent_decode(text.as_bytes())
            .decode_utf8_lossy()
            .into_owned()
    });
    let details = trailers
        .get("grpc-status-details-bin")
        .and_then(|text| decode_binary(text.as_bytes()));
    let retryable = matches!(code, Code::Unavailable | Code::ResourceExhausted);
    let retry_after = pushback(&metadata).flatten();
    let error = Error::rpc(Source::Gateway, code, message.unwrap_or_default())
        .retryable(retryable)
        .processed(true)
        .with_retry_after(retry_after)
        .with_initial_metadata(initial_metadata())
        .with_trailers(metadata);
    Err(match details {
        Some(details) => error.with_details(details),
        None => error,
    })
}

/// What the gateway says of a retry (gRFC A6): when, or `Some(None)`: not at all.
pub(super) fn pushback(trailers: &Metadata) -> Option<Option<Duration>> {
    let (_, value) = (0..trailers.len())
        .filter_map(|index| trailers.get(index))
        .find(|(key, _)| *key == "grpc-retry-pushback-ms")?;
    let text = std::str::from_utf8(value).ok();
    let milliseconds = text.and_then(|text| text.parse::<u32>().ok());
    Some(milliseconds.map(|milliseconds| Duration::from_millis(milliseconds.into())))
}

/// The receive limit of metadata, headers of HTTP included (RFC 9113 section 6.5.2).
pub(super) fn check_size(headers: &HeaderMap, limit: usize) -> Result<(), Error> {
    let field = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 32;
    let size: usize = headers.iter().map(field).sum();
    if size <= limit {
        return Ok(());
    }
    let message = format!(
        "metadata of {size} bytes is longer than the {limit} that grpc.max_metadata_size allows"
    );
    Err(Error::rpc(Source::Library, Code::ResourceExhausted, message).processed(true))
}

/// An answer that is no gRPC: a proxy's, most likely.
pub(super) fn of_http(status: StatusCode, headers: &HeaderMap) -> Option<Error> {
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    let is_grpc = content_type.is_some_and(|value| value.starts_with(b"application/grpc"));
    if status == StatusCode::OK && is_grpc {
        return None;
    }
    let code = match status.as_u16() {
        200 => Code::Unknown,
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    let what = if status == StatusCode::OK {
        "without a gRPC content type"
    } else {
        "in place of gRPC"
    };
    Some(
        Error::rpc(
            Source::Transport,
            code,
            format!("the answer is HTTP {status} {what}"),
        )
        .retryable(code == Code::Unavailable)
        .processed(true),
    )
}

/// How the answer's messages are compressed.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Encoding, Error> {
    match headers
        .get(&GRPC_ENCODING)
        .map(|encoding| encoding.as_bytes())
    {
        None | Some(b"identity") => Ok(Encoding::Identity),
        Some(b"gzip") => Ok(Encoding::Gzip),
        Some(encoding) => Err(Error::rpc(
            Source::Transport,
            Code::Internal,
            format!(
                "the answer has the unknown grpc-encoding {:?}",
                String::from_utf8_lossy(encoding)
            ),
        )
        .processed(true)),
    }
}

/// An HTTP/2 error of a call on this connection; `committed` once its answer had begun.
pub(super) fn lost(error: &h2::Error, connection: &Connection, committed: bool) -> Failure {
    let unprocessed = is_unprocessed(error);
    Failure {
        error: of_h2(error, connection).processed(!unprocessed || committed),
        unprocessed,
        committed,
        refused: None,
    }
}

fn of_h2(error: &h2::Error, connection: &Connection) -> Error {
    let peer = &connection.peer;
    let Some(reason) = error.reason().filter(|_| error.is_reset()) else {
        let why = connection.why_lost(error);
        return Error::unavailable(format!("the connection to {peer} was lost: {why}"));
    };
    let code = match reason {
        h2::Reason::REFUSED_STREAM => Code::Unavailable,
        h2::Reason::CANCEL => Code::Cancelled,
        h2::Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        h2::Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Internal,
    };
    let reason = named(reason);
    let text = if error.is_remote() {
        format!("{peer} reset the call: RST_STREAM {reason}")
    } else {
        format!("this client reset the call, for {peer} broke HTTP/2: {reason}")
    };
    // A proxy may have sent it: no gateway's word.
    Error::rpc(Source::Transport, code, text)
        .retryable(matches!(code, Code::Unavailable | Code::ResourceExhausted))
}

/// RST_STREAM with CANCEL, and not a status that the gateway wrote.
pub(super) fn is_cancel(error: &Error) -> bool {
    error.code() == Code::Cancelled
        && error.source() == Source::Transport
        && error.trailers().is_none()
}

/// Certainly not processed: refused, or above the last stream of a GOAWAY.
fn is_unprocessed(error: &h2::Error) -> bool {
    (error.is_go_away() && error.is_remote())
        || (error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trailers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let parsed = pairs
            .iter()
            .map(|(key, value)| (key.parse().unwrap(), value.parse().unwrap()));
        parsed.collect()
    }

    #[test]
    fn statuses_come_from_trailers() {
        let error = of_trailers(
            &trailers(&[
                ("grpc-status", "5"),
                ("grpc-message", "no%20such%zz"),
                ("a", "b"),
            ]),
            None,
        )
        .unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            (Code::NotFound, "no such%zz")
        );
        assert_eq!(error.trailers().unwrap().get(0), Some(("a", &b"b"[..])));
        assert!(of_trailers(&trailers(&[("grpc-status", "0")]), None).is_ok());
        for odd in ["17", "x", "-1", ""] {
            let error = of_trailers(&trailers(&[("grpc-status", odd)]), None).unwrap_err();
            assert_eq!(error.code(), Code::Unknown, "{odd}");
        }
        assert_eq!(
            of_trailers(&HeaderMap::new(), None).unwrap_err().code(),
            Code::Unknown
        );
    }

    #[test]
    fn http_statuses_are_mapped() {
        for (status, code) in [
            (401, Code::Unauthenticated),
            (503, Code::Unavailable),
            (404, Code::Unimplemented),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(of_http(status, &HeaderMap::new()).unwrap().code(), code);
        }
    }
}
