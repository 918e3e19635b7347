//! tonic's Channel with messages that stay bytes, as a library for other languages would use it.

use bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use zeebe_benches::{STREAM_ACTIVATED_JOBS, TOPOLOGY};

use crate::service::Service;
use crate::{Gateway, request};

#[derive(Clone)]
pub(crate) struct Raw<S>(Grpc<S>);

impl<S: Service> Raw<S> {
    async fn ready(&mut self) -> Result<(), Status> {
        let ready = self.0.ready().await;
        ready.map_err(|error| Status::unavailable(error.into().to_string()))
    }
}

impl<S: Service> Gateway for Raw<S> {
    type Service = S;

    fn new(service: S) -> Self {
        Self(Grpc::new(service))
    }

    async fn topology(&mut self) -> Result<(), Status> {
        self.ready().await?;
        let path = PathAndQuery::from_static(TOPOLOGY);
        self.0
            .unary(request(Bytes::new()), path, BytesCodec)
            .await?;
        Ok(())
    }

    async fn jobs(&mut self, mut on_message: impl FnMut() -> bool + Send) -> Result<(), Status> {
        self.ready().await?;
        let path = PathAndQuery::from_static(STREAM_ACTIVATED_JOBS);
        let call = self
            .0
            .server_streaming(request(Bytes::new()), path, BytesCodec);
        let mut jobs = call.await?.into_inner();
        while jobs.message().await?.is_some() && on_message() {}
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
