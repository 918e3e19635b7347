//! How a call ended: from trailers, from an HTTP/2 error code.
//!
//! gRPC's document "PROTOCOL-HTTP2". Not here: when which of them counts (`answer`).

use percent_encoding::percent_decode;
use tonic::Code;

use super::failure::{Failure, pushback};
use crate::channel::Connection;
use crate::error::{Error, Source};
use crate::http2::{self, End, Fields};
use crate::wire::{Metadata, MetadataLimit, decode_binary, field_size, is_reserved, retry_info};

pub(super) const GRPC_STATUS: &[u8] = b"grpc-status";
const GRPC_MESSAGE: &[u8] = b"grpc-message";

/// Of a message this much is kept even where details and the like have used up all the metadata there may be.
const LEAST_MESSAGE: usize = 1024;

/// What trailers, or a trailers-only answer, say; `Ok` holds the trailers' metadata. What is over the limit costs the
/// end of a long message, and the program's own metadata, but neither status nor details.
pub(super) fn of_trailers(
    trailers: &Fields,
    initial_metadata: Option<&Metadata>,
    limit: &MetadataLimit,
) -> Result<Metadata, Error> {
    let code = code(trailers);
    if code == Ok(Code::Ok) {
        return Ok(Metadata::received(trailers, limit));
    }
    let (metadata, left_out) = Metadata::within(trailers, limit.bytes);
    let (mut message, is_cut) = message(trailers, limit.bytes);
    if let Err(why) = &code {
        message = match message.as_str() {
            "" => why.clone(),
            _ => format!("{message}; {why}"),
        };
    }
    match (is_cut, left_out) {
        (true, _) => message.push_str(&format!("… (cut: {})", limit.excess(trailers.size()))),
        (false, true) => message.push_str(&format!(
            " (some metadata is left out: {})",
            limit.excess(trailers.size())
        )),
        (false, false) => {}
    }
    let code = code.unwrap_or(Code::Unknown);
    let details = trailers
        .get(b"grpc-status-details-bin")
        .and_then(decode_binary);
    let retryable = matches!(code, Code::Unavailable | Code::ResourceExhausted);
    let retry_after = match pushback(&metadata) {
        Some(pause) => pause,
        None => details.as_ref().and_then(retry_info),
    };
    let error = Error::rpc(Source::Gateway, code, message)
        .retryable(retryable)
        .with_retry_after(retry_after)
        .with_initial_metadata(initial_metadata.cloned())
        .with_trailers(metadata);
    Err(match details {
        Some(details) => error.with_details(details),
        None => error,
    })
}

/// A decimal number without leading zeros, space around it as in any field (RFC 9110 section 5.5); of two that differ
/// neither counts.
fn code(trailers: &Fields) -> Result<Code, String> {
    let mut texts = trailers.get_all(GRPC_STATUS);
    let mut next = || texts.next().map(<[u8]>::trim_ascii);
    let text = next().unwrap_or_default();
    while let Some(other) = next() {
        if other != text {
            return Err(format!(
                "the answer has two grpc-status, {} and {}",
                shown(text),
                shown(other)
            ));
        }
    }
    match Code::from_bytes(text) {
        Code::Unknown if text != b"2" => {
            Err(format!("the grpc-status {} is none of gRPC's", shown(text)))
        }
        code => Ok(code),
    }
}

/// The message, and whether its end is missing because the trailers are over the limit. Bad escapes are left as they are.
fn message(trailers: &Fields, limit: usize) -> (String, bool) {
    let Some(text) = trailers.get(GRPC_MESSAGE) else {
        return (String::new(), false);
    };
    let others = trailers
        .iter()
        .filter(|(name, _)| is_reserved(name) && *name != GRPC_MESSAGE)
        .map(|(name, value)| field_size(name, value));
    let room = limit.saturating_sub(others.sum::<usize>() + field_size(GRPC_MESSAGE, b""));
    let Some(kept) = text
        .get(..room.max(limit.min(LEAST_MESSAGE)))
        .filter(|kept| kept.len() < text.len())
    else {
        return (percent_decode(text).decode_utf8_lossy().into_owned(), false);
    };
    // Not within an escape, nor within a character.
    let tail = kept.len().saturating_sub(2);
    let end = kept[tail..].iter().position(|byte| *byte == b'%');
    let mut decoded: Vec<u8> =
        percent_decode(&kept[..end.map_or(kept.len(), |at| tail + at)]).collect();
    if let Err(error) = std::str::from_utf8(&decoded)
        && error.error_len().is_none()
    {
        decoded.truncate(error.valid_up_to());
    }
    (String::from_utf8_lossy(&decoded).into_owned(), true)
}

/// The peer's bytes in an error: one line, not long.
pub(super) fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 100;
    match bytes.get(..MOST) {
        Some(beginning) if bytes.len() > MOST => {
            format!("{:?}…", String::from_utf8_lossy(beginning))
        }
        _ => format!("{:?}", String::from_utf8_lossy(bytes)),
    }
}

/// A call on this connection had this end in place of an answer; `committed` once that had begun.
pub(super) fn lost(end: End, connection: &Connection, committed: bool) -> Failure {
    if let End::TooLong { size, limit } = end {
        return too_long(size, limit, &connection.peer).into();
    }
    let unprocessed = is_unprocessed(end);
    let unsaid = matches!(end, End::Unwritten | End::Unheard);
    let error = of_end(end, connection).processed(!unprocessed || committed);
    Failure {
        unprocessed,
        unsaid,
        committed,
        ..error.into()
    }
}

fn of_end(end: End, connection: &Connection) -> Error {
    let peer = &connection.peer;
    let (code, text) = match end {
        End::Reset(reason) => {
            let code = match reason {
                http2::Code::REFUSED_STREAM => Code::Unavailable,
                http2::Code::CANCEL => Code::Cancelled,
                http2::Code::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
                http2::Code::INADEQUATE_SECURITY => Code::PermissionDenied,
                _ => Code::Internal,
            };
            (code, format!("{peer} reset the call: RST_STREAM {reason}"))
        }
        End::Fault(reason, why) => {
            let text =
                format!("this client reset the call, for {peer} broke HTTP/2: {reason}: {why}");
            (Code::Internal, text)
        }
        // An answer that is whole is none of these, nor is what was never sent.
        End::Lost
        | End::Unwritten
        | End::Unheard
        | End::Unprocessed
        | End::Complete
        | End::Given(_)
        | End::TooLong { .. } => {
            let why = connection.why_lost();
            let text = match connection.is_heard() {
                true => format!("the connection to {peer} was lost: {why}"),
                false => format!(
                    "the call went out to {peer}, which never said that it speaks HTTP/2: {why}"
                ),
            };
            return Error::unavailable(text).cut();
        }
    };
    // A proxy may have sent it: no gateway's word.
    Error::rpc(Source::Transport, code, text)
        .retryable(matches!(code, Code::Unavailable | Code::ResourceExhausted))
        .cut()
}

/// As gRPC C-core has it. Nothing was sent: some servers end the connection for it, with all its calls.
#[cold]
fn too_long(size: u32, limit: u32, peer: &str) -> Error {
    let message = format!(
        "the request's headers are {size} bytes, and {peer} takes {limit} (SETTINGS_MAX_HEADER_LIST_SIZE): the call's \
         metadata or its token are too long for it"
    );
    Error::rpc(Source::Library, Code::ResourceExhausted, message).processed(false)
}

/// Certainly not processed: refused, above the last stream of a GOAWAY (RFC 9113 section 8.7), said to a peer that speaks another
/// protocol, or not yet said (gRFC A6, "transparent retries").
fn is_unprocessed(end: End) -> bool {
    matches!(
        end,
        End::Unprocessed | End::Unheard | End::Unwritten | End::Reset(http2::Code::REFUSED_STREAM)
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn trailers(pairs: &[(&'static str, &str)]) -> Fields {
        pairs.iter().copied().collect()
    }

    const LIMIT: usize = 16384;

    fn judged(pairs: &[(&'static str, &str)], limit: usize) -> Result<Metadata, Error> {
        of_trailers(&trailers(pairs), None, &MetadataLimit::new(limit))
    }

    #[test]
    fn statuses_come_from_trailers() {
        let error = judged(
            &[
                ("grpc-status", "5"),
                ("grpc-message", "no%20such%zz"),
                ("a", "b"),
            ],
            LIMIT,
        )
        .unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            (Code::NotFound, "no such%zz")
        );
        assert_eq!(error.trailers().unwrap().get(0), Some(("a", &b"b"[..])));
        assert!(judged(&[("grpc-status", "0")], LIMIT).is_ok());
        for code in (1..17).map(Code::from_i32) {
            let error = judged(&[("grpc-status", &(code as i32).to_string())], LIMIT).unwrap_err();
            assert_eq!((error.code(), error.message()), (code, ""));
            assert!(error.may_have_been_processed());
            let retryable = matches!(code, Code::Unavailable | Code::ResourceExhausted);
            assert_eq!(error.is_retryable(), retryable, "{code:?}");
        }
    }

    #[test]
    fn a_status_that_is_none_of_grpcs_is_unknown_and_shown() {
        for odd in [
            "17",
            "99",
            "x",
            "-1",
            "+5",
            "00",
            "05",
            "0x5",
            "5.0",
            "",
            "1 4",
            "4294967301",
        ] {
            let pairs = [("grpc-status", odd), ("grpc-message", "why")];
            let error = judged(&pairs, LIMIT).unwrap_err();
            assert_eq!(error.code(), Code::Unknown, "{odd}");
            let message = error.message();
            assert!(
                message.starts_with("why; ") && message.contains(&format!("{odd:?}")),
                "{message}"
            );
        }
        let error = judged(&[("grpc-status", " 14\t")], LIMIT).unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
    }

    #[test]
    fn of_two_statuses_that_differ_neither_counts() {
        let two = |first: &str, second: &str| {
            let both = trailers(&[("grpc-status", first), ("grpc-status", second)]);
            of_trailers(&both, None, &MetadataLimit::new(LIMIT))
        };
        assert!(two("0", "0").is_ok());
        assert_eq!(two("5", "5").unwrap_err().code(), Code::NotFound);
        for (first, second) in [("0", "5"), ("5", "0"), ("5", "14"), ("0", "x")] {
            let error = two(first, second).unwrap_err();
            assert_eq!(error.code(), Code::Unknown);
            assert!(error.message().contains("two grpc-status"), "{error}");
        }
    }

    #[test]
    fn a_long_message_loses_its_end_and_nothing_else() {
        let fields = "grpc-status".len() + 1 + 32 + "grpc-message".len() + 32;
        for (length, is_cut) in [
            (100, false),
            (LIMIT - fields, false),
            (LIMIT - fields + 1, true),
            (100_000, true),
        ] {
            let text = "x".repeat(length);
            let error =
                judged(&[("grpc-status", "3"), ("grpc-message", &text)], LIMIT).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument);
            let kept = error
                .message()
                .bytes()
                .take_while(|byte| *byte == b'x')
                .count();
            assert_eq!(kept, length.min(LIMIT - fields), "{length}");
            let said = error
                .message()
                .contains("grpc.max_metadata_size allows 16384");
            assert_eq!((said, error.message().len() == length), (is_cut, !is_cut));
        }
    }

    #[test]
    fn a_message_is_cut_between_characters_and_escapes() {
        for character in ["a", "%C3%BC", "%E2%82%AC", "%F0%9F%8C%8D", "%25", "\u{fc}"] {
            let text = character.repeat(2000);
            for limit in 256..280 {
                let pairs = [("grpc-status", "3"), ("grpc-message", &text)];
                let error = judged(&pairs, limit).unwrap_err();
                let plain = percent_decode(character.as_bytes())
                    .decode_utf8()
                    .unwrap()
                    .into_owned();
                let kept = error.message().split('…').next().unwrap();
                assert_eq!(kept.replace(&plain, ""), "", "{limit}");
                assert!(kept.len() > 50 && kept.len() <= limit, "{limit}: {kept}");
            }
        }
    }

    #[test]
    fn details_and_what_is_said_of_retries_stay_where_metadata_is_left_out() {
        let (long, details) = ("x".repeat(20_000), "AAAA".repeat(6_000));
        let error = judged(
            &[
                ("grpc-status", "8"),
                ("long", &long),
                ("grpc-retry-pushback-ms", "7"),
                ("grpc-status-details-bin", &details),
                ("grpc-message", "busy"),
            ],
            LIMIT,
        )
        .unwrap_err();
        assert_eq!(
            (error.code(), error.is_retryable()),
            (Code::ResourceExhausted, true)
        );
        assert_eq!(error.details().len(), 18_000);
        assert_eq!(error.retry_after(), Some(Duration::from_millis(7)));
        assert!(
            error
                .message()
                .starts_with("busy (some metadata is left out: "),
            "{error}"
        );
        assert_eq!(error.trailers().unwrap().len(), 1);
        let metadata = judged(
            &[("grpc-status", "0"), ("long", &long), ("short", "s")],
            LIMIT,
        )
        .unwrap();
        assert_eq!(
            (metadata.len(), metadata.get(0)),
            (1, Some(("short", &b"s"[..])))
        );
    }
}
