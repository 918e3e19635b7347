//! Calls to the server of the h2 crate, over memory: another decoder for our header blocks, and windows that another counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::peer::*;

/// What a call sent, and what came back.
struct Call {
    path: String,
    token: String,
    content: Vec<u8>,
    sent: usize,
    came: Vec<u8>,
    held: usize,
    echoed: bool,
}

#[derive(Default)]
struct Calls {
    ended: usize,
    to_release: HashMap<Key, usize>,
    holds: bool,
}

impl Sink<Call> for Calls {
    fn head(&mut self, _: Key, _: &mut Call, head: &Arc<Fields>, _: bool) -> Verdict {
        assert_eq!(head.status(), 200);
        Verdict::Done
    }
    fn data(&mut self, key: Key, call: &mut Call, data: &[u8]) -> Verdict {
        call.came.extend_from_slice(data);
        if !self.holds {
            return Verdict::Done;
        }
        call.held += data.len();
        *self.to_release.entry(key).or_default() += data.len();
        Verdict::Held
    }
    fn trailers(&mut self, _: Key, call: &mut Call, trailers: &Arc<Fields>) {
        assert!(trailers.get(b"x-path") == Some(call.path.as_bytes()));
        assert!(trailers.get(b"x-token") == Some(call.token.as_bytes()));
        call.echoed = true;
    }
    fn end(&mut self, _: Key, call: Call, end: End) {
        assert_eq!(end, End::Complete);
        assert!(call.echoed && call.came == call.content);
        self.ended += 1;
    }
}

/// Sends back what comes, and what it was asked for.
async fn serve(io: DuplexStream, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut builder = h2::server::Builder::new();
    let mut window = random.u32(1..100_000);
    builder.initial_window_size(window);
    builder.max_concurrent_streams(random.u32(1..20));
    builder.max_frame_size(random.u32(16_384..40_000));
    builder.header_table_size([0, 100, 4096, 65_536][random.usize(..4)]);
    let mut connection = builder.handshake::<_, Bytes>(io).await.unwrap();
    while let Some(request) = connection.accept().await {
        let (request, mut respond) = match request {
            Ok(request) => request,
            Err(error) if error.is_io() => return, // the client has all it wants
            Err(error) => panic!("{error}"),
        };
        if random.u8(..10) == 0 {
            // Larger ones only: h2 0.4.20 gives nothing back of what came before a window became smaller.
            window += random.u32(1..10_000);
            connection.set_initial_window_size(window).ok();
        }
        let seed = random.u64(..);
        tokio::spawn(async move {
            let mut random = fastrand::Rng::with_seed(seed);
            let (parts, mut body) = request.into_parts();
            let head = http::Response::builder()
                .header("x-seed", seed % 5)
                .body(())
                .unwrap();
            let mut send = respond.send_response(head, false).unwrap();
            while let Some(data) = body.data().await {
                let mut data = data.unwrap();
                body.flow_control().release_capacity(data.len()).unwrap();
                while !data.is_empty() {
                    let length = random.usize(1..20_000).min(data.len());
                    send.send_data(data.split_to(length), false).unwrap();
                }
            }
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-path", parts.uri.path().parse().unwrap());
            trailers.insert("x-token", parts.headers["authorization"].clone());
            send.send_trailers(trailers).unwrap();
        });
    }
}

async fn call(mut io: DuplexStream, seed: u64, most: usize) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut connection: Connection<Call> = Connection::new(Config {
        stream_window: random.u32(1000..100_000),
        connection_window: 100_000,
        headers: Limits {
            fields: 64 * 1024,
            ..CONFIG.headers
        },
    });
    let paths = ["/a.B/C", "/a.B/D", "/a.B/E"];
    let field = |name: &'static str, value: &'static str| Field {
        name: name.as_bytes(),
        value: value.as_bytes(),
        indexing: Indexing::Index,
    };
    let mut prepared = paths.map(|path| {
        Prepared::new([
            field(":method", "POST"),
            field(":scheme", "http"),
            field(":path", path),
            field(":authority", "b"),
            field("te", "trailers"),
        ])
    });
    let mut calls = Calls::default();
    let (mut opened, mut keys) = (0, Vec::new());
    let mut buffer = Vec::new();
    while calls.ended < most {
        // The one that goes first need not know how many there may be.
        while opened < most
            && connection.can_open()
            && (opened == 0 || connection.is_ready())
            && random.u8(..4) > 0
        {
            let which = random.usize(..paths.len());
            let token = format!(
                "Bearer {}",
                "t".repeat([3, 20, 900, 20_000][random.usize(..4)])
            );
            let more = [Field {
                name: b"authorization",
                value: token.as_bytes(),
                indexing: [Indexing::Index, Indexing::Once, Indexing::Never][random.usize(..3)],
            }];
            let content: Vec<_> = (0..random.usize(..60_000)).map(|at| at as u8).collect();
            let first = random.usize(..=content.len());
            let call = Call {
                path: paths[which].to_owned(),
                token: token.clone(),
                sent: first,
                came: Vec::new(),
                held: 0,
                echoed: false,
                content,
            };
            let part = call.content[..first].to_vec();
            let opened_one = connection.open(&mut prepared[which], &more, &[&part], false, call);
            keys.push(opened_one.ok().unwrap());
            opened += 1;
        }
        keys.retain(|key| {
            let Some(call) = connection.get_mut(*key) else {
                return false;
            };
            let more = random.usize(..30_000).min(call.content.len() - call.sent);
            let part = call.content[call.sent..call.sent + more].to_vec();
            call.sent += more;
            let ends = call.sent == call.content.len();
            connection.send(*key, &[&part], ends).unwrap();
            !ends
        });
        calls.holds = random.bool();
        for (key, held) in calls.to_release.drain() {
            connection.release(key, held);
        }
        let length = random.usize(..=connection.output().len());
        io.write_all(&connection.output()[..length]).await.unwrap();
        connection.advance(length);
        let mut came = [0; 8192];
        tokio::select! {
            biased;
            read = io.read(&mut came) => {
                let read = read.unwrap();
                assert!(read > 0);
                buffer.extend_from_slice(&came[..read]);
            }
            () = tokio::task::yield_now() => {}
        }
        let received = connection
            .receive(&buffer, random.usize(1..50), Instant::now(), &mut calls)
            .unwrap();
        buffer.drain(..received.bytes);
    }
    assert_eq!(connection.open_streams(), 0);
}

#[test]
fn calls_to_h2s_server_with_windows_and_tables_of_any_size() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    for seed in 0..25 {
        // With room for all that is said: neither side waits for the other to read.
        let (client, server) = tokio::io::duplex(16 << 20);
        let done = runtime.block_on(async {
            tokio::spawn(serve(server, seed));
            tokio::time::timeout(std::time::Duration::from_secs(20), call(client, seed, 30)).await
        });
        assert!(done.is_ok(), "seed {seed}: no end");
    }
}
