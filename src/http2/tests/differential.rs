//! The same bytes of a server to this connection and to that of the h2 crate: what they make of them is compared.

use std::fmt;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use super::generator::{Generator, STREAMS};
use super::peer::*;

/// How a call of a stream ended, in words that both have.
#[derive(Clone, Debug, Default)]
struct Call {
    why: Option<&'static str>,
    status: Option<u16>,
    content: Vec<u8>,
    trailers: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    end: Ended,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ended {
    Complete,
    /// By the peer's RST_STREAM.
    Reset(u32),
    /// By ours, for a fault.
    Fault(u32),
    /// With the connection, by a fault, a GOAWAY or its end.
    #[default]
    Lost,
}

/// Of a conversation: the fault that ended the connection, and each call.
#[derive(Clone)]
struct Heard {
    fault: Option<u32>,
    calls: Vec<Call>,
    /// The last bytes that count are no whole frame or header block.
    is_cut: bool,
    /// A GOAWAY came with an error's code.
    was_left: bool,
    /// A frame came of a stream that had ended, or never was.
    is_late: bool,
    /// Of SETTINGS, of which one is waited for.
    acknowledgements: usize,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  fault of the connection: {:?}", self.fault)?;
        for call in &self.calls {
            let trailers = call.trailers.as_ref().map(|fields| {
                fields
                    .iter()
                    .map(|(name, value)| {
                        format!("{}={}", name.escape_ascii(), value.escape_ascii())
                    })
                    .collect::<Vec<_>>()
            });
            writeln!(
                f,
                "  {:?} {} bytes {trailers:?} {:?}",
                call.status,
                call.content.len(),
                call.end
            )?;
        }
        Ok(())
    }
}

struct Calls(Vec<Call>);

impl Calls {
    fn of(&mut self, key: Key) -> &mut Call {
        &mut self.0[(key.id() / 2) as usize]
    }
}

impl Sink<u32> for Calls {
    fn head(&mut self, key: Key, _: &mut u32, head: &std::sync::Arc<Fields>, _: bool) -> Verdict {
        self.of(key).status = Some(head.status());
        Verdict::Done
    }
    fn data(&mut self, key: Key, _: &mut u32, data: &[u8]) -> Verdict {
        self.of(key).content.extend_from_slice(data);
        Verdict::Done
    }
    fn trailers(&mut self, key: Key, _: &mut u32, trailers: &std::sync::Arc<Fields>) {
        let fields = trailers
            .iter()
            .map(|(name, value)| (name.to_vec(), value.to_vec()));
        self.of(key).trailers = Some(fields.collect());
    }
    fn end(&mut self, key: Key, _: u32, end: End) {
        if let End::Fault(_, why) = end {
            self.of(key).why = Some(why);
        }
        self.of(key).end = match end {
            End::Complete => Ended::Complete,
            End::Reset(code) => Ended::Reset(code.0),
            End::Fault(code, _) => Ended::Fault(code.0),
            End::Given(_) | End::Unprocessed | End::Lost => Ended::Lost,
        };
    }
}

fn ours(bytes: &[u8]) -> Heard {
    let mut connection = Connection::new(CONFIG);
    let mut prepared = request();
    for id in 0..STREAMS {
        connection
            .open(&mut prepared, &[], &[b"request"], true, id)
            .unwrap();
    }
    let mut calls = Calls(vec![Call::default(); STREAMS as usize]);
    let (mut rest, mut fault) = (bytes, None);
    let (mut is_late, mut acknowledgements) = (false, 0);
    while let Some(header) = rest.first_chunk() {
        let header = crate::http2::frame::Header::parse(header);
        acknowledgements += usize::from(header.kind == kind::SETTINGS && header.has(flag::ACK));
        is_late |= header.stream != 0 && connection.streams.find(header.stream).is_none();
        match connection.receive(rest, 1, std::time::Instant::now(), &mut calls) {
            Ok(received) if received.bytes == 0 => break,
            Ok(received) => rest = &rest[received.bytes..],
            Err(error) => {
                fault = Some(error.code.0);
                break;
            }
        }
    }
    let header = rest.first_chunk().map(crate::http2::frame::Header::parse);
    let was_left = connection
        .goaway_received()
        .is_some_and(|goaway| goaway.code != Code::NO_ERROR);
    connection.lose(&mut calls);
    Heard {
        fault,
        calls: calls.0,
        is_cut: !rest.is_empty()
            && header.is_none_or(|header| {
                let is_begun = header.kind == kind::HEADERS && !header.has(flag::END_HEADERS);
                is_begun || rest.len() < 9 + header.length
            }),
        was_left,
        is_late,
        acknowledgements,
    }
}

async fn of_h2(bytes: &[u8]) -> Heard {
    let (io, mut server) = tokio::io::duplex(1 << 20);
    let (mut send, connection) = h2::client::Builder::new()
        .initial_window_size(CONFIG.stream_window)
        .initial_connection_window_size(CONFIG.connection_window)
        .enable_push(false)
        .handshake::<_, Bytes>(io)
        .await
        .unwrap();
    let driven = tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..STREAMS {
        let request = http::Request::post("http://b/a").body(()).unwrap();
        let (answer, mut body) = send.send_request(request, false).unwrap();
        body.send_data(Bytes::from_static(b"request"), true)
            .unwrap();
        answers.push(answer);
    }
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    server.write_all(bytes).await.unwrap();
    server.shutdown().await.unwrap();
    let ended = driven.await.unwrap();
    let mut calls = Vec::new();
    for answer in answers {
        let mut call = Call::default();
        call.end = match h2_call(answer, &mut call).await {
            Ok(()) => Ended::Complete,
            Err(error) => match error.reason() {
                Some(reason) if error.is_reset() && error.is_remote() => {
                    Ended::Reset(reason.into())
                }
                Some(reason) if error.is_reset() => Ended::Fault(reason.into()),
                _ => Ended::Lost,
            },
        };
        calls.push(call);
    }
    drop(send);
    let fault = ended
        .err()
        .filter(|error| error.is_go_away() && error.is_library());
    Heard {
        fault: fault.and_then(|error| error.reason()).map(u32::from),
        calls,
        is_cut: false,
        was_left: false,
        is_late: false,
        acknowledgements: 0,
    }
}

async fn h2_call(answer: h2::client::ResponseFuture, call: &mut Call) -> Result<(), h2::Error> {
    let (head, mut body) = answer.await?.into_parts();
    call.status = Some(head.status.as_u16());
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        call.content.extend_from_slice(&data);
    }
    if let Some(trailers) = body.trailers().await? {
        let fields = trailers
            .iter()
            .map(|(name, value)| (name.as_str().into(), value.as_bytes().to_vec()));
        call.trailers = Some(fields.collect());
    }
    Ok(())
}

/// What h2 takes, and RFC 9113 calls malformed.
const LAX: [&str; 6] = [
    "an answer has a field whose value has space at its ends", // section 8.2.1
    "an answer has a field of HTTP/1's connections",           // section 8.2.2, `te: gzip`
    "an answer has a field without a name",                    // section 8.2.1
    "an answer has a pseudo-header field that is none of an answer's", // section 8.3
    "an answer has two :status",
    "an answer's trailers have a pseudo-header field", // section 8.1
];

/// Whether the difference is one of those that are known:
/// - h2 ends the connection for what is malformed in one stream, be it one that has ended, and then knows no more of the others;
/// - it takes what is [`LAX`];
/// - it ends the connection by an acknowledgement that nobody waits for, and by a GOAWAY that has an error's code, after which
///   answers that were begun are lost and nothing is judged;
/// - of a stream's fault and a reset that comes later, the later one counts;
/// - it counts a length that a 204 names;
/// - a frame that is cut by the end is a fault, and not judged by its header, as is a header block that is not there whole.
fn is_known(ours: &Heard, h2: &Heard) -> bool {
    let is_faulty = ours
        .calls
        .iter()
        .any(|call| matches!(call.end, Ended::Fault(_)));
    let connection = match (ours.fault, h2.fault) {
        (None, None) | (Some(_), Some(_)) => true,
        (None, Some(_)) => is_faulty || ours.is_cut || ours.is_late || ours.acknowledgements > 1,
        (Some(_), None) => ours.was_left || ours.is_cut,
    };
    let h2_ended = h2.fault.is_some() || ours.was_left;
    let mut calls = ours.calls.iter().zip(&h2.calls);
    connection
        && calls.all(|(our, other)| match (our.end, other.end) {
            (Ended::Complete, Ended::Complete) => {
                (our.status, &our.content, &our.trailers)
                    == (other.status, &other.content, &other.trailers)
            }
            (_, Ended::Lost) if h2_ended => true,
            (Ended::Lost, Ended::Lost) => true,
            (Ended::Reset(our), Ended::Reset(other)) => our == other,
            (_, Ended::Fault(_)) if our.status == Some(204) => true,
            (Ended::Fault(our), Ended::Fault(other)) => our == other,
            (Ended::Fault(_), Ended::Reset(_)) => true,
            (Ended::Fault(_), Ended::Complete | Ended::Lost) => {
                our.why.is_some_and(|why| LAX.contains(&why))
            }
            _ => false,
        })
}

#[test]
fn the_same_bytes_to_h2() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (mut complete, mut faults, mut fatal) = (0, 0, 0);
    for seed in 0..10_000 {
        let bytes = Generator::new(seed).conversation();
        let ours = ours(&bytes);
        let h2 = runtime.block_on(of_h2(&bytes));
        let ended = |is: fn(&Ended) -> bool| ours.calls.iter().filter(|call| is(&call.end)).count();
        complete += ended(|end| *end == Ended::Complete);
        faults += ended(|end| matches!(end, Ended::Fault(_)));
        fatal += usize::from(ours.fault.is_some());
        assert!(
            is_known(&ours, &h2),
            "seed {seed}\nours:\n{ours:?}h2:\n{h2:?}"
        );
    }
    // The conversations are worth their time.
    assert!(
        complete > 10_000 && faults > 3000 && fatal > 1500,
        "{complete} {faults} {fatal}"
    );
}
