#!/usr/bin/env bash
# A stream of short messages to a tonic server whose handler is slower than its sender: not the window holds the sender back, the connection ends, with
# the calls of all others on it.
#
# HTTP/2 has flow control for this, and the window is far from full: 3000 messages of 12 bytes are 51 kB with what gRPC puts before each, and
# hyper's window is 1 MiB. But h2 also counts, by connection, what is not read yet and shorter than 256 bytes: each such DATA frame that does not end its
# stream takes the rest to 256 from a budget, which is half of the connection's window, and gets it back once it is read. When nothing is left, it sends
# GOAWAY ENHANCE_YOUR_CALM. So with the defaults a little over 2000 short messages may lie unread at once; 1000 are taken, slowly as they are read, and
# 3000 of 300 bytes, 17 times as much, as well. The client is told RESOURCE_EXHAUSTED "Bandwidth exhausted or memory limit exceeded", which
# looks like a lack of memory, and so is a call beside it that did nothing. tonic's Server has no setting for the budget.
#
# Seen: tonic 0.14.9, hyper 1.12.0, h2 0.4.20 (Rust 1.95.0), @grpc/grpc-js 1.14.7 (Node 20.20.2).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-fund --no-audit @grpc/grpc-js@1.14.7
mkdir src
cat > Cargo.toml <<'E'
[package]
name = "server"
version = "0.0.0"
edition = "2021"

[dependencies]
h2 = "=0.4.20"
hyper = "=1.12.0"
tokio = { version = "1", features = ["macros", "net", "rt-multi-thread", "time"] }
tokio-stream = { version = "0.1", features = ["net"] }
tonic = "=0.14.9"
tonic-prost = "=0.14.9"
E
cat > src/main.rs <<'E'
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::sleep;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codegen::{http, Service};
use tonic::server::{ClientStreamingService, Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status, Streaming};

type Later<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Takes a millisecond for each message.
struct Slow;
impl ClientStreamingService<String> for Slow {
    type Response = u64;
    type Future = Later<Response<u64>, Status>;
    fn call(&mut self, request: Request<Streaming<String>>) -> Self::Future {
        Box::pin(async move {
            let (mut messages, mut count) = (request.into_inner(), 0);
            while messages.message().await?.is_some() {
                sleep(Duration::from_millis(1)).await;
                count += 1;
            }
            Ok(Response::new(count))
        })
    }
}

/// A call beside it.
struct Other;
impl UnaryService<String> for Other {
    type Response = u64;
    type Future = Later<Response<u64>, Status>;
    fn call(&mut self, _: Request<String>) -> Self::Future {
        Box::pin(async {
            sleep(Duration::from_secs(2)).await;
            Ok(Response::new(0))
        })
    }
}

#[derive(Clone)]
struct Both;
impl NamedService for Both {
    const NAME: &'static str = "S";
}
impl Service<http::Request<Body>> for Both {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Later<Self::Response, Infallible>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(tonic_prost::ProstCodec::default());
            Ok(match request.uri().path() {
                "/S/Slow" => grpc.client_streaming(Slow, request).await,
                _ => grpc.unary(Other, request).await,
            })
        })
    }
}

#[tokio::main]
async fn main() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder().add_service(Both);
    server.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
}
E
cargo build --quiet
cat > client.js <<'E'
const grpc = require("@grpc/grpc-js");
const { spawn } = require("node:child_process");
const server = spawn("target/debug/server", { stdio: ["ignore", "pipe", "inherit"] });
server.stdout.once("data", async (line) => {
  const same = (bytes) => bytes;
  const method = (path, requestStream) => ({ path, requestStream, responseStream: false,
    requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same });
  const Client = grpc.makeGenericClientConstructor({ slow: method("/S/Slow", true), other: method("/S/Other", false) }, "S");
  const client = new Client(String(line).trim(), grpc.credentials.createInsecure());
  const end = (done) => (error) => done(error ? `${grpc.status[error.code]}: ${error.details}` : "OK");
  for (const [count, length] of [[1000, 12], [3000, 300], [3000, 12]]) {
    const text = length - 3; // a field of text, its length in two bytes
    const message = Buffer.from([10, text & 127 | 128, text >> 7, ...Array(text).fill(120)]);
    const other = new Promise((done) => client.other(Buffer.alloc(0), end(done)));
    const slow = new Promise((done) => {
      const call = client.slow(end(done));
      for (let i = 0; i < count; i++) call.write(message);
      call.end();
    });
    console.log(`${count} messages of ${length} bytes: ${await slow}; the call beside: ${await other}`);
  }
  client.close();
  server.kill();
});
E
timeout 120 node client.js | tee out
diff - out <<'E'
1000 messages of 12 bytes: OK; the call beside: OK
3000 messages of 300 bytes: OK; the call beside: OK
3000 messages of 12 bytes: RESOURCE_EXHAUSTED: Bandwidth exhausted or memory limit exceeded; the call beside: RESOURCE_EXHAUSTED: Bandwidth exhausted or memory limit exceeded
E
