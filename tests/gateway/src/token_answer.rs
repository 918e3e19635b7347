//! Answers that the control port prescribes to the token endpoint, in every form that HTTP allows them.

use std::convert::Infallible;
use std::io::{self, Read};

use flate2::Compression;
use flate2::read::GzEncoder;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use hyper::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::{Response, StatusCode, Version};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use crate::http::{self, Query};

/// An answer in place of the endpoint's own.
#[derive(Debug, Clone)]
pub(crate) struct TokenAnswer {
    status: StatusCode,
    headers: HeaderMap,
    framing: Framing,
    body: Bytes,
    /// Held back until this is cancelled.
    pub(crate) held: Option<CancellationToken>,
}

/// How the end of the body is told.
#[derive(Debug, Clone, Copy)]
enum Framing {
    Length,
    Chunked,
    /// HTTP/1.0: it ends with the connection.
    Close,
}

impl TokenAnswer {
    pub(crate) fn of(query: &Query, body: Bytes) -> Result<Self, String> {
        let invalid = |error: &dyn std::error::Error| error.to_string();
        let status = StatusCode::from_u16(query.required("status")?).map_err(|e| invalid(&e))?;
        let mut headers = HeaderMap::new();
        let mut add = |name: HeaderName, value: String| {
            let value = HeaderValue::try_from(value).map_err(|error| invalid(&error))?;
            headers.insert(name, value);
            Ok::<_, String>(())
        };
        let content_type = query.optional("content_type")?;
        add(
            CONTENT_TYPE,
            content_type.unwrap_or_else(|| "application/json".to_owned()),
        )?;
        if let Some(retry_after) = query.optional("retry_after")? {
            add(RETRY_AFTER, retry_after)?;
        }
        if let Some(line) = query.optional::<String>("header")? {
            let (name, value) = line.split_once(':').ok_or("header is no name: value")?;
            let name = HeaderName::try_from(name).map_err(|error| invalid(&error))?;
            add(name, value.trim().to_owned())?;
        }
        let body = match query.optional::<String>("encoding")?.as_deref() {
            None => body,
            Some("gzip") => {
                add(CONTENT_ENCODING, "gzip".to_owned())?;
                compressed(&body).map_err(|error| invalid(&error))?
            }
            Some(other) => return Err(format!("encoding cannot be {other}")),
        };
        let framing = match query.optional::<String>("framing")?.as_deref() {
            None => Framing::Length,
            Some("chunked") => Framing::Chunked,
            Some("close") => Framing::Close,
            Some(other) => return Err(format!("framing cannot be {other}")),
        };
        let held = query.optional("hold")?.unwrap_or(0) != 0;
        Ok(Self {
            status,
            headers,
            framing,
            body,
            held: held.then(CancellationToken::new),
        })
    }

    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    pub(crate) fn response(self) -> Response<Body> {
        let body = match self.framing {
            Framing::Length => http::whole(self.body),
            Framing::Chunked | Framing::Close => in_pieces(self.body),
        };
        let mut response = Response::new(body);
        if let Framing::Close = self.framing {
            *response.version_mut() = Version::HTTP_10;
        }
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

fn compressed(body: &[u8]) -> io::Result<Bytes> {
    let mut compressed = Vec::new();
    GzEncoder::new(body, Compression::fast()).read_to_end(&mut compressed)?;
    Ok(compressed.into())
}

/// Two pieces, whose sum nobody knows in advance.
fn in_pieces(mut body: Bytes) -> Body {
    let second = body.split_off(body.len() / 2);
    let pieces = [body, second].map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    Body::new(StreamBody::new(stream::iter(pieces)))
}
