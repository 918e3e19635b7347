//! What can go wrong with a call, and how it changes the call's answer.

mod shapes;

use std::future::{self, Future};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, future::Either, stream};
use h2::Reason;
use http_body_util::{BodyStream, StreamBody};
use hyper::Response;
use hyper::body::{Bytes, Frame};
use tonic::body::Body;

use crate::connections::Connection;
use crate::http::Query;
use shapes::Shape;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The answer goes well up to a point.
    Break { at: Point, how: Break },
    /// The stream is reset so long after its headers, as by a proxy whose time-out for requests counts for streams, too.
    Cut { after: Duration, reason: Reason },
    /// The answer comes whole, but is not what gRPC wants.
    Shape(Shape),
    /// The answer is good and its connection's last: GOAWAY comes before it.
    GoAway,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Point {
    /// Before anything is answered; the call is not carried out.
    Headers,
    /// After the response headers, before the message.
    Data,
    /// After the messages.
    Trailers,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Break {
    /// The TCP connection is reset.
    Reset,
    /// The connection is closed: close_notify of TLS, then FIN.
    Close,
    /// The stream is reset.
    Rst(Reason),
    /// Nothing follows until the other side ends the call.
    Stuck,
}

impl Fault {
    pub(crate) fn of(query: &Query, body: &[u8]) -> Result<Self, String> {
        let kind: String = query.required("kind")?;
        let how = match kind.as_str() {
            "reset" => Break::Reset,
            "close" => Break::Close,
            "rst" => Break::Rst(query.required::<u32>("reason")?.into()),
            "stuck" => Break::Stuck,
            "goaway" => return Ok(Self::GoAway),
            "cut" => {
                return Ok(Self::Cut {
                    after: Duration::from_millis(query.required("ms")?),
                    reason: query.required::<u32>("reason")?.into(),
                });
            }
            _ => return Shape::of(&kind, query, body).map(Self::Shape),
        };
        let at = query.required("at")?;
        Ok(Self::Break { at, how })
    }

    /// The answer that the call gets in place of its real one. An error resets the stream with its reason.
    pub(crate) async fn answer(
        self,
        connection: &Arc<Connection>,
        real: impl Future<Output = Response<Body>>,
    ) -> Result<Response<Body>, h2::Error> {
        match self {
            Self::Break {
                at: Point::Headers,
                how,
            } => Err(how.happen(connection).await),
            Self::Break { at, how } => {
                let connection = Arc::clone(connection);
                let breaking = stream::once(async move {
                    connection.turns.flushed().await;
                    Err(BoxError::from(how.happen(&connection).await))
                });
                Ok(real.await.map(|body| {
                    let whole = match at {
                        Point::Trailers => Either::Left(messages(body)),
                        Point::Headers | Point::Data => Either::Right(stream::empty()),
                    };
                    Body::new(StreamBody::new(whole.chain(breaking)))
                }))
            }
            Self::Cut { after, reason } => {
                let cut = stream::once(async move {
                    tokio::time::sleep(after).await;
                    Err(BoxError::from(h2::Error::from(reason)))
                });
                Ok(real
                    .await
                    .map(|body| Body::new(StreamBody::new(stream::select(messages(body), cut)))))
            }
            Self::Shape(shape) => Ok(shape.answer(real).await),
            Self::GoAway => {
                connection.go_away.cancel();
                Ok(real.await)
            }
        }
    }
}

/// The frames of a body up to its trailers.
fn messages(body: Body) -> impl stream::Stream<Item = Result<Frame<Bytes>, BoxError>> + Send {
    BodyStream::new(body)
        .take_while(|frame| future::ready(frame.as_ref().is_ok_and(Frame::is_data)))
        .map(|frame| frame.map_err(BoxError::from))
}

impl Break {
    /// Returns only if the stream is to be reset, with the reason.
    async fn happen(self, connection: &Connection) -> h2::Error {
        match self {
            Self::Rst(reason) => return reason.into(),
            Self::Reset => connection.reset.cancel(),
            Self::Close => connection.close(),
            Self::Stuck => {}
        }
        future::pending().await
    }
}

impl FromStr for Point {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "headers" => Ok(Self::Headers),
            "data" => Ok(Self::Data),
            "trailers" => Ok(Self::Trailers),
            _ => Err(()),
        }
    }
}
