//! The same bytes of a server to this connection and to that of the h2 crate: what they make of them is compared.

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use super::generator::{Generator, STREAMS};
use super::heard::{CONFIG, Call, Ended, Heard, ours};

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
        left: None,
        is_late: false,
        acknowledgements: 0,
        has_odd_priority: false,
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
const LAX: [&str; 5] = [
    "an answer has a field of HTTP/1's connections", // section 8.2.2, `te: gzip`
    "an answer has a field without a name",          // section 8.2.1
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
/// - it counts a length that a 204 names, and takes what it may not have;
/// - a frame that is cut by the end is a fault, and not judged by its header, as is a header block that is not there whole.
fn is_known(ours: &Heard, h2: &Heard) -> bool {
    let is_faulty = ours
        .calls
        .iter()
        .any(|call| matches!(call.end, Ended::Fault(_)));
    let was_left = ours.left.is_some_and(|code| code != 0);
    let connection = match (ours.fault, h2.fault) {
        (None, None) | (Some(_), Some(_)) => true,
        (None, Some(_)) => is_faulty || ours.is_cut || ours.is_late || ours.acknowledgements > 1,
        (Some(_), None) => was_left || ours.is_cut,
    };
    let h2_ended = h2.fault.is_some() || was_left;
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
            (_, Ended::Fault(_)) | (Ended::Fault(_), _) if our.status == Some(204) => true,
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
