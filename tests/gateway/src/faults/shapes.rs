//! Answers that come whole, but are not what gRPC wants.

use std::future::Future;
use std::mem;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http_body_util::{BodyStream, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::http::{self, Query};

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
/// The name of the oversized header.
const LARGE: HeaderName = HeaderName::from_static("large");
const PAGE: &[u8] = b"<!DOCTYPE HTML>\n<html><head><title>Proxy Error</title></head></html>\n";
/// The compressed flag and the length before a message.
const PREFIX: usize = 5;

#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// HTTP without gRPC, as a proxy answers; the call is not carried out.
    Http(StatusCode, String),
    /// Fails, and says when to try again; the call is not carried out.
    Pushback(Status, HeaderValue),
    /// These headers; then the real messages and these trailers, or nothing. Without trailers to come the call is not
    /// carried out.
    Answer {
        status: StatusCode,
        headers: HeaderMap,
        trailers: Option<HeaderMap>,
    },
    LargeHeaders(usize),
    NoTrailers,
    /// A page in place of trailers, as a proxy adds one that has waited for too long.
    Page,
    NoMessage,
    TwoMessages,
    CutMessage,
    UnknownEncoding,
    FlagWithoutEncoding,
    UnknownStatus,
    BadMessageEscape,
    /// Each message comes this much later.
    Slow(Duration),
}

impl Shape {
    pub(crate) fn of(kind: &str, query: &Query, body: &[u8]) -> Result<Self, String> {
        Ok(match kind {
            "http" => {
                let content_type = query.optional("content_type")?;
                let content_type = content_type.unwrap_or_else(|| "text/html".to_owned());
                Self::Http(query.required("status")?, content_type)
            }
            "pushback" => {
                let code = Code::from_i32(query.required("status")?);
                let ms: String = query.required("ms")?;
                let value = ms.parse().map_err(|_| format!("ms cannot be {ms}"))?;
                Self::Pushback(Status::new(code, "try again later"), value)
            }
            "answer" => {
                let mut lines = body.split(|byte| *byte == b'\n');
                let headers = fields(lines.by_ref().take_while(|line| !line.is_empty()))?;
                let has_end = body.windows(2).any(|pair| pair == b"\n\n");
                Self::Answer {
                    status: query.required("status")?,
                    headers,
                    trailers: has_end.then(|| fields(lines)).transpose()?,
                }
            }
            "large-headers" => Self::LargeHeaders(query.required("bytes")?),
            "no-trailers" => Self::NoTrailers,
            "page" => Self::Page,
            "no-message" => Self::NoMessage,
            "two-messages" => Self::TwoMessages,
            "cut-message" => Self::CutMessage,
            "unknown-encoding" => Self::UnknownEncoding,
            "flag-without-encoding" => Self::FlagWithoutEncoding,
            "unknown-status" => Self::UnknownStatus,
            "bad-message-escape" => Self::BadMessageEscape,
            "slow" => Self::Slow(Duration::from_millis(query.required("ms")?)),
            other => return Err(format!("kind cannot be {other}")),
        })
    }

    pub(crate) async fn answer(self, real: impl Future<Output = Response<Body>>) -> Response<Body> {
        match self {
            Self::Http(status, content_type) => {
                http::answer(status, &content_type, format!("<h1>{status}</h1>"))
            }
            Self::Pushback(status, ms) => {
                let mut response = status.into_http();
                response.headers_mut().insert(PUSHBACK, ms);
                response
            }
            Self::Answer {
                status,
                headers,
                trailers,
            } => {
                let body = match trailers {
                    None => Body::empty(),
                    Some(trailers) => {
                        let end = (!trailers.is_empty()).then(|| Ok(Frame::trailers(trailers)));
                        let messages = super::messages(real.await.into_body());
                        Body::new(StreamBody::new(messages.chain(stream::iter(end))))
                    }
                };
                let mut response = Response::new(body);
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                response
            }
            shape => shape.reshape(real.await),
        }
    }

    fn reshape(self, mut response: Response<Body>) -> Response<Body> {
        self.change_headers(response.headers_mut());
        let mut first = true;
        let delay = match self {
            Self::Slow(delay) => delay,
            _ => Duration::ZERO,
        };
        response.map(|body| {
            let delayed = BodyStream::new(body).then(move |frame| async move {
                if frame.as_ref().is_ok_and(Frame::is_data) {
                    tokio::time::sleep(delay).await;
                }
                frame
            });
            let frames = delayed.flat_map(move |frame| {
                stream::iter(match frame {
                    Ok(frame) => self
                        .frames(frame, mem::take(&mut first))
                        .into_iter()
                        .map(Ok)
                        .collect(),
                    Err(status) => vec![Err(status)],
                })
            });
            Body::new(StreamBody::new(frames))
        })
    }

    fn change_headers(&self, headers: &mut HeaderMap) {
        match self {
            Self::LargeHeaders(bytes) => {
                if let Ok(value) = "x".repeat(*bytes).parse() {
                    headers.insert(LARGE, value);
                }
            }
            Self::UnknownEncoding => {
                headers.insert(GRPC_ENCODING, HeaderValue::from_static("snappy"));
            }
            Self::FlagWithoutEncoding => {
                headers.remove(GRPC_ENCODING);
            }
            _ => {}
        }
    }

    /// What goes out in place of a frame; a data frame has whole messages.
    fn frames(&self, frame: Frame<Bytes>, first: bool) -> Vec<Frame<Bytes>> {
        match frame.into_data() {
            Ok(data) => self
                .messages(data, first)
                .into_iter()
                .map(Frame::data)
                .collect(),
            Err(_) if matches!(self, Self::Page) => vec![Frame::data(Bytes::from_static(PAGE))],
            Err(frame) => frame
                .into_trailers()
                .ok()
                .and_then(|trailers| self.trailers(trailers))
                .map(Frame::trailers)
                .into_iter()
                .collect(),
        }
    }

    fn messages(&self, data: Bytes, first: bool) -> Vec<Bytes> {
        match self {
            Self::NoMessage => Vec::new(),
            Self::TwoMessages => vec![data.clone(), data],
            Self::CutMessage if !first => Vec::new(),
            Self::CutMessage => vec![prefixed(&data, |prefix| {
                // Promises as many bytes more as the prefix has.
                let promised = u32::try_from(data.len()).unwrap_or(u32::MAX);
                prefix[1..].copy_from_slice(&promised.to_be_bytes());
            })],
            Self::UnknownEncoding | Self::FlagWithoutEncoding => {
                vec![prefixed(&data, |prefix| prefix[0] = 1)]
            }
            _ => vec![data],
        }
    }

    fn trailers(&self, mut trailers: HeaderMap) -> Option<HeaderMap> {
        match self {
            Self::NoTrailers => return None,
            Self::UnknownStatus => {
                trailers.insert(GRPC_STATUS, HeaderValue::from_static("99"));
            }
            Self::BadMessageEscape => {
                trailers.insert(GRPC_STATUS, (Code::Internal as i32).into());
                trailers.insert(GRPC_MESSAGE, HeaderValue::from_static("100%, or %zz%2"));
            }
            _ => {}
        }
        Some(trailers)
    }
}

/// Lines of `name:value`, the value as it is.
fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<HeaderMap, String> {
    let mut fields = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let refused = || format!("{:?} is no name:value", String::from_utf8_lossy(line));
        let at = line
            .iter()
            .position(|byte| *byte == b':')
            .ok_or_else(refused)?;
        let name = HeaderName::from_bytes(&line[..at]).map_err(|_| refused())?;
        let value = HeaderValue::from_bytes(&line[at + 1..]).map_err(|_| refused())?;
        fields.append(name, value);
    }
    Ok(fields)
}

/// The data with another prefix before its first message.
fn prefixed(data: &Bytes, change: impl FnOnce(&mut [u8])) -> Bytes {
    let mut data = data.to_vec();
    if let Some(prefix) = data.get_mut(..PREFIX) {
        change(prefix);
    }
    data.into()
}
