//! Answer: what an HTTP answer's beginning and its end say, and in which order they count.
//!
//! What says that it is gRPC and has a grpc-status is judged by that, whatever its HTTP status; only else does the HTTP
//! status count (gRPC's document "HTTP to gRPC Status Code Mapping"). What does not say that it is gRPC is a proxy's.

use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use tonic::Code;

use super::failure::{Failure, committed};
use super::status::{self, GRPC_STATUS, shown};
use crate::error::{Error, Source};
use crate::http2::Fields;
use crate::retry_after::retry_after;
use crate::wire::{Encoding, Metadata, MetadataLimit};

const CONTENT_TYPE: &[u8] = b"content-type";
const GRPC_ENCODING: &[u8] = b"grpc-encoding";

/// An answer whose messages may follow.
pub(super) struct Answer {
    pub(super) metadata: Metadata,
    pub(super) encoding: Encoding,
    /// What the call ends with if the trailers have no grpc-status.
    otherwise: Option<Box<Otherwise>>,
}

/// A good answer has none of it.
enum Otherwise {
    /// A grpc-status among the headers.
    Headers(Arc<Fields>),
    /// An HTTP status that is not 200.
    Http(Error),
}

/// What is usual, worked out once for fields that come again and again on a connection, all under one limit.
struct Usual {
    /// Of an answer whose messages follow.
    head: Option<(Metadata, Encoding)>,
    /// Of trailers with a grpc-status of 0.
    trailers: Option<Metadata>,
}

impl Usual {
    fn of<'a>(fields: &'a Fields, limit: &MetadataLimit) -> Option<&'a Self> {
        fields.judged(|fields| {
            let metadata = || {
                let (metadata, left_out) = Metadata::within(fields, limit.bytes);
                (!left_out).then_some(metadata)
            };
            let status = fields.get(GRPC_STATUS);
            let goes_on = status.is_none() && fields.status() == 200 && is_grpc(fields);
            let encoding = encoding(fields).ok().filter(|_| goes_on);
            Self {
                head: encoding.and_then(|encoding| Some((metadata()?, encoding))),
                trailers: status
                    .filter(|status| *status == b"0")
                    .and_then(|_| metadata()),
            }
        })
    }
}

/// The metadata before and after an answer that is as most are: its messages are not compressed, and it ended with OK.
pub(super) fn usual(
    head: &Fields,
    trailers: Option<&Fields>,
    limit: &MetadataLimit,
) -> Option<(Metadata, Metadata)> {
    let (metadata, encoding) = Usual::of(head, limit)?.head.as_ref()?;
    let trailers = Usual::of(trailers?, limit)?.trailers.as_ref()?;
    (*encoding == Encoding::Identity).then(|| (metadata.clone(), trailers.clone()))
}

/// How an answer begins.
pub(super) enum Begun {
    /// Trailers alone.
    Ended(Result<Metadata, Error>),
    Goes(Answer),
}

/// Judges the headers, with which the answer may end.
pub(super) fn begin(
    head: &Arc<Fields>,
    ends: bool,
    limit: &MetadataLimit,
) -> Result<Begun, Failure> {
    if !ends
        && let Some(usual) = Usual::of(head, limit)
        && let Some((metadata, encoding)) = &usual.head
    {
        return Ok(Begun::Goes(Answer {
            encoding: *encoding,
            metadata: metadata.clone(),
            otherwise: None,
        }));
    }
    if !is_grpc(head) {
        return Err(foreign(head).into());
    }
    let has_status = head.get(GRPC_STATUS).is_some();
    if ends {
        let ended = if has_status {
            status::of_trailers(head, None, limit)
        } else {
            Err(without_status(head))
        };
        return Ok(Begun::Ended(ended));
    }
    Ok(Begun::Goes(Answer {
        encoding: encoding(head).map_err(committed)?,
        metadata: Metadata::received(head, limit),
        otherwise: if has_status {
            Some(Box::new(Otherwise::Headers(Arc::clone(head))))
        } else if head.status() != 200 {
            Some(Box::new(Otherwise::Http(without_status(head))))
        } else {
            None
        },
    }))
}

impl Answer {
    /// Judges the end; `Ok` holds the trailers' metadata.
    pub(super) fn end(
        &self,
        trailers: Option<&Fields>,
        limit: &MetadataLimit,
    ) -> Result<Metadata, Error> {
        if let Some(usual) = trailers.and_then(|trailers| Usual::of(trailers, limit))
            && let Some(metadata) = &usual.trailers
        {
            return Ok(metadata.clone());
        }
        let initial = Some(&self.metadata);
        if let Some(trailers) = trailers.filter(|trailers| trailers.get(GRPC_STATUS).is_some()) {
            return status::of_trailers(trailers, initial, limit);
        }
        let error = match self.otherwise.as_deref() {
            Some(Otherwise::Headers(headers)) => {
                return status::of_trailers(headers, initial, limit);
            }
            Some(Otherwise::Http(error)) => error.clone(),
            None => no_status(),
        };
        let error = error.with_initial_metadata(initial.cloned());
        let Some(trailers) = trailers else {
            return Err(error);
        };
        let error = error.with_trailers(Metadata::received(trailers, limit));
        // Of what is far beyond the limit the rest is not even read.
        let is_cut = trailers.is_empty() || trailers.size() > limit.bytes;
        Err(if is_cut {
            error.noting(&format!(
                "its trailers are empty, or longer than is read: grpc.max_metadata_size is {}",
                limit.bytes
            ))
        } else {
            error
        })
    }
}

/// By each of its content types; types are compared without regard to case, and parameters do not count (RFC 9110 section 8.3.1).
fn is_grpc(head: &Fields) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    let is_token = |bytes: &[u8]| {
        bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
    };
    let is_grpc = |value: &[u8]| {
        let kind = value.split(|byte| *byte == b';').next().unwrap_or(value);
        let kind = kind.trim_ascii();
        let Some((kind, suffix)) = kind.split_at_checked(GRPC.len()) else {
            return false;
        };
        kind.eq_ignore_ascii_case(GRPC)
            && (suffix.is_empty() || suffix.strip_prefix(b"+").is_some_and(is_token))
    };
    let mut types = head.get_all(CONTENT_TYPE).peekable();
    types.peek().is_some() && types.all(is_grpc)
}

/// The table of gRPC's document.
fn code_of(status: u16) -> Code {
    match status {
        400 | 431 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// Of an HTTP status alone; `what` follows it in the message.
fn of_http(status: u16, what: &str) -> Error {
    let code = code_of(status);
    let known = StatusCode::from_u16(status).ok();
    let reason = known
        .and_then(|status| status.canonical_reason())
        .map_or(String::new(), |reason| format!(" {reason}"));
    let message = format!("the answer is HTTP {status}{reason} {what}");
    Error::rpc(Source::Transport, code, message).retryable(code == Code::Unavailable)
}

/// An answer that is no gRPC: a proxy's, most likely.
fn foreign(head: &Fields) -> Error {
    let kind = head
        .get(CONTENT_TYPE)
        .map_or("no content type".to_owned(), |value| {
            format!("the content type {}", shown(value))
        });
    asking(
        head,
        of_http(head.status(), &format!("in place of gRPC, with {kind}")),
    )
}

/// One that says it is gRPC, and has no grpc-status.
fn without_status(head: &Fields) -> Error {
    match head.status() {
        200 => no_status(),
        status => asking(head, of_http(status, "and has no grpc-status")),
    }
}

/// With when the peer wants to be asked again.
fn asking(head: &Fields, error: Error) -> Error {
    let values = |name: &'static str| head.get_all(name.as_bytes());
    error.with_retry_after(retry_after(values, SystemTime::now()))
}

fn no_status() -> Error {
    Error::rpc(
        Source::Transport,
        Code::Unknown,
        "the answer has no grpc-status",
    )
    .cut()
}

/// How the answer's messages are compressed.
fn encoding(head: &Fields) -> Result<Encoding, Error> {
    match head.get(GRPC_ENCODING) {
        None | Some(b"identity") => Ok(Encoding::Identity),
        Some(b"gzip") => Ok(Encoding::Gzip),
        Some(encoding) => Err(Error::rpc(
            Source::Transport,
            Code::Internal,
            format!(
                "the answer has the unknown grpc-encoding {}",
                shown(encoding)
            ),
        )),
    }
}
