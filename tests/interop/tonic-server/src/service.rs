//! The calls, with messages compressed as their requests say, save for FullDuplexCall's. A call with x-fail ends with a status
//! and details.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderValue, header};
use http_body::Frame;
use http_body_util::{BodyExt, BodyStream, StreamBody};
use prost::Message;
use tonic::body::Body;
use tonic::codec::{
    Codec, CompressionEncoding, EncodeBody, SingleMessageCompressionOverride, Streaming,
};
use tonic::server::Grpc;
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::flags::{Flags, Reader};
use crate::messages::{
    Any, BoolValue, Details, EchoStatus, Empty, Payload, PayloadResponse, SimpleRequest,
    StreamingInputCallRequest, StreamingInputCallResponse, StreamingOutputCallRequest,
};

const GZIP: CompressionEncoding = CompressionEncoding::Gzip;
const INITIAL: &str = "x-grpc-test-echo-initial";
const TRAILING: &str = "x-grpc-test-echo-trailing-bin";
const FAILURE: &str = "50 % ü of it";

pub(crate) async fn answer(request: http::Request<Body>) -> http::Response<Body> {
    if request.headers().contains_key("x-fail") {
        let details = Details {
            code: Code::FailedPrecondition.into(),
            message: FAILURE.to_owned(),
            details: vec![Any {
                type_url: "a/b".to_owned(),
            }],
        };
        let details = details.encode_to_vec().into();
        return Status::with_details(Code::FailedPrecondition, FAILURE, details).into_http();
    }
    let [initial, trailing] = [INITIAL, TRAILING].map(|name| request.headers().get(name).cloned());
    let mut response = call(request).await;
    if let Some(value) = initial {
        response.headers_mut().insert(INITIAL, value);
    }
    response.map(|body| {
        Body::new(body.map_frame(move |mut frame| {
            if let (Some(trailers), Some(value)) = (frame.trailers_mut(), &trailing) {
                trailers.insert(TRAILING, value.clone());
            }
            frame
        }))
    })
}

async fn call(request: http::Request<Body>) -> http::Response<Body> {
    let flags = Flags::default();
    let mut reader = Reader::new(flags.clone());
    let mut request = request.map(|body| {
        Body::new(body.map_frame(move |frame| {
            if let Some(data) = frame.data_ref() {
                reader.read(data);
            }
            frame
        }))
    });
    request.extensions_mut().insert(flags);
    match request.uri().path() {
        "/grpc.testing.TestService/EmptyCall" => {
            let empty = tower::service_fn(async |request: Request<Empty>| {
                Ok(Response::new(request.into_inner()))
            });
            Grpc::new(ProstCodec::default()).unary(empty, request).await
        }
        "/grpc.testing.TestService/UnaryCall" => {
            Grpc::new(ProstCodec::default())
                .accept_compressed(GZIP)
                .send_compressed(GZIP)
                .unary(tower::service_fn(unary_call), request)
                .await
        }
        "/grpc.testing.TestService/StreamingInputCall" => {
            Grpc::new(ProstCodec::default())
                .accept_compressed(GZIP)
                .client_streaming(tower::service_fn(streaming_input_call), request)
                .await
        }
        "/grpc.testing.TestService/StreamingOutputCall" => streaming_output_call(request)
            .await
            .unwrap_or_else(Status::into_http),
        "/grpc.testing.TestService/FullDuplexCall" => {
            Grpc::new(ProstCodec::default())
                .streaming(tower::service_fn(full_duplex_call), request)
                .await
        }
        other => Status::unimplemented(other).into_http(),
    }
}

async fn unary_call(request: Request<SimpleRequest>) -> Result<Response<PayloadResponse>, Status> {
    check(request.get_ref().expect_compressed, &flags(&request)?)?;
    let request = request.into_inner();
    check_status(request.response_status)?;
    let mut response = Response::new(zeros(request.response_size)?);
    if !is_true(request.response_compressed) {
        response.disable_compression();
    }
    Ok(response)
}

async fn streaming_input_call(
    request: Request<Streaming<StreamingInputCallRequest>>,
) -> Result<Response<StreamingInputCallResponse>, Status> {
    let flags = flags(&request)?;
    let mut messages = request.into_inner();
    let mut size = 0;
    while let Some(message) = messages.message().await? {
        check(message.expect_compressed, &flags)?;
        size += message.payload.map_or(0, |payload| payload.body.len());
    }
    let aggregated_payload_size =
        i32::try_from(size).map_err(|_| Status::out_of_range(format!("{size} bytes")))?;
    Ok(Response::new(StreamingInputCallResponse {
        aggregated_payload_size,
    }))
}

type Messages = Pin<Box<dyn Stream<Item = Result<PayloadResponse, Status>> + Send>>;

async fn full_duplex_call(
    request: Request<Streaming<StreamingOutputCallRequest>>,
) -> Result<Response<Messages>, Status> {
    let messages = request.into_inner().flat_map(|request| {
        let parameters = request.and_then(|request| {
            check_status(request.response_status)?;
            Ok(request.response_parameters)
        });
        let messages: Vec<_> = match parameters {
            Ok(parameters) => parameters.iter().map(|one| zeros(one.size)).collect(),
            Err(status) => vec![Err(status)],
        };
        stream::iter(messages)
    });
    Ok(Response::new(Box::pin(messages)))
}

/// tonic's server compresses all messages of a stream or none: so each is a body of tonic's here, and the stream joins them.
async fn streaming_output_call(
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Status> {
    let mut codec = ProstCodec::<PayloadResponse, StreamingOutputCallRequest>::default();
    let mut messages = Streaming::new_request(codec.decoder(), request.into_body(), None, None);
    let parameters = messages
        .message()
        .await?
        .ok_or_else(|| Status::invalid_argument("no message"))?
        .response_parameters;
    let mut bodies = Vec::new();
    for parameter in parameters {
        let message = zeros(parameter.size)?;
        let compression = match is_true(parameter.compressed) {
            true => SingleMessageCompressionOverride::Inherit,
            false => SingleMessageCompressionOverride::Disable,
        };
        let interval = Duration::from_micros(parameter.interval_us.unsigned_abs().into());
        let source = Box::pin(stream::once(async move {
            if !interval.is_zero() {
                tokio::time::sleep(interval).await;
            }
            Ok(message)
        }));
        let body = EncodeBody::new_server(codec.encoder(), source, Some(GZIP), compression, None);
        bodies.push(BodyStream::new(body));
    }
    let mut ok = HeaderMap::new();
    ok.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    let frames = stream::iter(bodies)
        .flatten()
        .filter(|frame| std::future::ready(frame.as_ref().is_ok_and(Frame::is_data)))
        .chain(stream::once(std::future::ready(Ok(Frame::trailers(ok)))));
    let mut response = http::Response::new(Body::new(StreamBody::new(frames)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
    Ok(response)
}

fn flags<T>(request: &Request<T>) -> Result<Flags, Status> {
    let flags = request.extensions().get::<Flags>().cloned();
    flags.ok_or_else(|| Status::internal("no flags"))
}

/// The next message came as it says it did.
fn check(expected: Option<BoolValue>, flags: &Flags) -> Result<(), Status> {
    let compressed = flags
        .next()
        .ok_or_else(|| Status::internal("a message without a flag"))?;
    match expected {
        Some(expected) if expected.value != compressed => Err(Status::invalid_argument(format!(
            "expect_compressed is {}, but the message came with {compressed}",
            expected.value
        ))),
        _ => Ok(()),
    }
}

/// The status that a request asks for.
fn check_status(asked: Option<EchoStatus>) -> Result<(), Status> {
    match asked {
        Some(EchoStatus { code, message }) if code != 0 => Err(Status::new(code.into(), message)),
        _ => Ok(()),
    }
}

fn is_true(value: Option<BoolValue>) -> bool {
    value.is_some_and(|value| value.value)
}

fn zeros(size: i32) -> Result<PayloadResponse, Status> {
    let size = usize::try_from(size)
        .map_err(|_| Status::invalid_argument(format!("a payload of {size} bytes")))?;
    let payload = Some(Payload {
        body: vec![0; size],
    });
    Ok(PayloadResponse { payload })
}
