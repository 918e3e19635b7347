//! What `/fault` and `/fail` do to calls.

mod common;

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::pin;
use std::process::Command;
use std::sync::Mutex;
use std::task::Poll;
use std::time::{Duration, Instant};

use common::raw::{Exchange, Raw, lock, not_soon, soon};
use common::{Running, client, http};
use h2::Reason;
use hyper::HeaderMap;
use zeebe_dev_gateway::protocol::CreateProcessInstanceRequest;

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn trailer<'a>(exchange: &'a Exchange, name: &str) -> Option<&'a str> {
    header(exchange.trailers.as_ref().expect("trailers"), name)
}

/// The length that the prefix of the first message promises.
fn promised(data: &[u8]) -> usize {
    u32::from_be_bytes(data[1..5].try_into().expect("a prefix")) as usize
}

/// The answer without a fault.
async fn good(client: &Raw) -> Exchange {
    let exchange = client.topology().await;
    assert!(exchange.error.is_none());
    assert_eq!(trailer(&exchange, "grpc-status"), Some("0"));
    assert_eq!(exchange.data.len(), 5 + promised(&exchange.data));
    exchange
}

/// An answer with a fault that comes whole, and the good one after it on the same connection.
async fn spoilt(gateway: &Running, parameters: &str) -> (Exchange, Exchange) {
    let client = Raw::connect(gateway, "plaintext").await;
    gateway.control("POST", &format!("/fault?{parameters}"), "");
    let spoilt = client.topology().await;
    assert!(spoilt.error.is_none(), "{parameters}: {:?}", spoilt.error);
    (spoilt, good(&client).await)
}

/// Whether all that is due before the point has come.
fn has_all_before(at: &str, exchange: &Exchange) -> bool {
    (at == "headers" || exchange.status.is_some())
        && (at != "trailers" || !exchange.data.is_empty())
}

/// Checks that all that is due before the point has come, and nothing else.
fn assert_broken_at(at: &str, exchange: &Exchange) {
    assert_eq!(exchange.status.is_some(), at != "headers", "{at}");
    assert_eq!(!exchange.data.is_empty(), at == "trailers", "{at}");
    assert_eq!(exchange.trailers, None, "{at}");
}

#[tokio::test]
async fn a_connection_breaks_at_the_point() {
    let gateway = Running::start(&[]);
    for listener in ["plaintext", "tls"] {
        for (kind, end) in [
            ("reset", ErrorKind::ConnectionReset),
            ("close", ErrorKind::BrokenPipe),
        ] {
            for at in ["headers", "data", "trailers"] {
                let client = Raw::connect(&gateway, listener).await;
                good(&client).await;
                gateway.control("POST", &format!("/fault?kind={kind}&at={at}"), "");
                let exchange = client.topology().await;
                assert_broken_at(at, &exchange);
                let error = exchange.error.expect("an end");
                let io = error.get_io().map(std::io::Error::kind);
                assert_eq!(io, Some(end), "{listener} {kind} {at}: {error}");
                gateway
                    .counters_until(|counters| counters["open_connections"] == 0)
                    .await;
            }
        }
    }
}

#[tokio::test]
async fn a_stream_is_reset_at_the_point_with_its_reason() {
    let gateway = Running::start(&[]);
    for listener in ["plaintext", "tls"] {
        let client = Raw::connect(&gateway, listener).await;
        for at in ["headers", "data", "trailers"] {
            for reason in [
                Reason::REFUSED_STREAM,
                Reason::CANCEL,
                Reason::ENHANCE_YOUR_CALM,
                Reason::INTERNAL_ERROR,
            ] {
                let number = u32::from(reason);
                gateway.control(
                    "POST",
                    &format!("/fault?kind=rst&reason={number}&at={at}"),
                    "",
                );
                let exchange = client.topology().await;
                assert_broken_at(at, &exchange);
                let error = exchange.error.expect("a reset");
                assert!(error.is_remote(), "{error}");
                assert_eq!(error.reason(), Some(reason), "{listener} {at}");
            }
        }
        good(&client).await;
    }
    assert_eq!(gateway.counters()["accepted_connections"], 2);
}

#[tokio::test]
async fn a_stuck_call_ends_from_the_other_side() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext").await;
    for (number, at) in (1..).zip(["headers", "data", "trailers"]) {
        gateway.control("POST", &format!("/fault?kind=stuck&at={at}"), "");
        let exchange = Mutex::default();
        {
            let mut call = pin!(client.exchange("Topology", &[], &exchange));
            let due = async {
                gateway
                    .counters_until(|counters| counters["calls"]["Topology"] == number)
                    .await;
                poll_fn(|_| match has_all_before(at, &lock(&exchange)) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                })
                .await;
            };
            // First all that is due, however long it takes, and then nothing.
            soon(async {
                tokio::select! {
                    biased; // what has come is taken before it is looked at
                    _ = call.as_mut() => panic!("it ends"),
                    () = due => {}
                }
            })
            .await;
            not_soon(call).await;
        }
        assert_broken_at(at, &lock(&exchange));
        // The call was dropped, which cancels it.
        let counters = gateway
            .counters_until(|counters| counters["streams_reset"] == number)
            .await;
        assert_eq!(counters["max_open_calls"], 1);
        gateway
            .counters_until(|counters| counters["open_calls"] == 0)
            .await;
    }
    good(&client).await;
}

#[tokio::test]
async fn a_call_is_carried_out_unless_it_breaks_before_its_headers() {
    let gateway = Running::start(&[]);
    let mut client = client::connect(&gateway, "plaintext").await;
    client::deploy(&mut client).await;
    for (at, jobs) in [("headers", 0), ("data", 1), ("trailers", 1)] {
        gateway.control("POST", &format!("/fault?kind=rst&reason=8&at={at}"), "");
        let request = CreateProcessInstanceRequest {
            bpmn_process_id: "p".to_owned(),
            version: -1,
            ..Default::default()
        };
        let outcome = client.create_process_instance(request).await;
        outcome.expect_err("a reset");
        let polled = client::poll(&mut client, -1).await.expect("a poll");
        assert_eq!(polled.len(), jobs, "{at}");
    }
}

#[tokio::test]
async fn answers_that_are_not_grpc() {
    let gateway = Running::start(&[]);
    let (html, _) = spoilt(&gateway, "kind=http&status=502&content_type=text/html").await;
    assert_eq!(html.status, Some(502));
    assert_eq!(header(&html.headers, "content-type"), Some("text/html"));
    assert_eq!(header(&html.headers, "grpc-status"), None);
    assert!(html.data.starts_with(b"<"));

    let (large, good) = spoilt(&gateway, "kind=large-headers&bytes=100000").await;
    assert_eq!(header(&large.headers, "large").map(str::len), Some(100_000));
    assert_eq!(large.data, good.data);
    assert_eq!(trailer(&large, "grpc-status"), Some("0"));

    let (no_trailers, good) = spoilt(&gateway, "kind=no-trailers").await;
    assert_eq!(no_trailers.trailers, None);
    assert_eq!(no_trailers.data, good.data);

    let (page, good) = spoilt(&gateway, "kind=page").await;
    assert_eq!(page.trailers, None);
    assert!(
        page.data.starts_with(&good.data)
            && page.data[good.data.len()..].starts_with(b"<!DOCTYPE HTML>")
    );
}

#[tokio::test]
async fn answers_with_wrong_messages() {
    let gateway = Running::start(&[]);
    let (none, _) = spoilt(&gateway, "kind=no-message").await;
    assert!(none.data.is_empty());
    let (two, good) = spoilt(&gateway, "kind=two-messages").await;
    assert_eq!(two.data, [good.data.clone(), good.data].concat());
    let (cut, good) = spoilt(&gateway, "kind=cut-message").await;
    assert_eq!(cut.data.len(), good.data.len());
    assert!(promised(&cut.data) > cut.data.len() - 5);
    let (unknown, good) = spoilt(&gateway, "kind=unknown-encoding").await;
    assert_eq!(header(&unknown.headers, "grpc-encoding"), Some("snappy"));
    assert_eq!((unknown.data[0], &unknown.data[1..]), (1, &good.data[1..]));
    let (flagged, good) = spoilt(&gateway, "kind=flag-without-encoding").await;
    assert_eq!(header(&flagged.headers, "grpc-encoding"), None);
    assert_eq!((flagged.data[0], &flagged.data[1..]), (1, &good.data[1..]));
    for exchange in [none, two, cut, unknown, flagged] {
        assert_eq!(trailer(&exchange, "grpc-status"), Some("0"));
    }
}

#[tokio::test]
async fn answers_with_odd_statuses() {
    let gateway = Running::start(&[]);
    let (unknown, _) = spoilt(&gateway, "kind=unknown-status").await;
    assert_eq!(trailer(&unknown, "grpc-status"), Some("99"));
    let (escape, _) = spoilt(&gateway, "kind=bad-message-escape").await;
    assert_eq!(trailer(&escape, "grpc-status"), Some("13"));
    let message = trailer(&escape, "grpc-message").expect("a message");
    assert!(message.contains("%zz"), "{message}");
    for ms in ["300", "-1"] {
        let (pushback, _) = spoilt(&gateway, &format!("kind=pushback&ms={ms}&status=14")).await;
        assert!(pushback.trailers_only);
        assert_eq!(header(&pushback.headers, "grpc-status"), Some("14"));
        let pushed = header(&pushback.headers, "grpc-retry-pushback-ms");
        assert_eq!(pushed, Some(ms));
    }
}

#[tokio::test]
async fn faults_and_failures_are_counted_and_may_be_of_one_rpc() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext").await;
    gateway.control("POST", "/fault?kind=no-message&count=2&rpc=Topology", "");
    gateway.control("POST", "/fail?status=8&count=2&rpc=PublishMessage", "");
    for _ in 0..2 {
        let failed = client.call("PublishMessage", &[]).await;
        assert!(failed.trailers_only);
        assert_eq!(header(&failed.headers, "grpc-status"), Some("8"));
        assert!(client.topology().await.data.is_empty());
    }
    good(&client).await;
    let published = client.call("PublishMessage", &[]).await;
    assert_ne!(header(&published.headers, "grpc-status"), Some("8"));
}

#[tokio::test]
async fn a_fault_ends_when_it_is_replaced() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext").await;
    gateway.control("POST", "/fault?kind=no-message&count=100", "");
    assert!(client.topology().await.data.is_empty());
    gateway.control("POST", "/fault?kind=no-message&count=0", "");
    good(&client).await;
}

#[test]
fn a_fault_that_does_not_exist_is_refused() {
    let gateway = Running::start(&[]);
    for (parameters, reason) in [
        ("kind=nonsense", "kind cannot be nonsense"),
        ("kind=reset", "at is missing"),
        ("kind=reset&at=nowhere", "at cannot be nowhere"),
        ("kind=rst&at=data", "reason is missing"),
        ("kind=http&status=wrong", "status cannot be wrong"),
        ("", "kind is missing"),
    ] {
        let target = format!("/fault?{parameters}");
        let answer = http(gateway.port("control"), "POST", &target, &[], "");
        assert_eq!(answer.status, 400, "{parameters}");
        assert_eq!(answer.json()["error"], reason);
    }
}

#[tokio::test]
async fn a_call_may_be_the_last_of_its_connection() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext").await;
    gateway.control("POST", "/fault?kind=goaway", "");
    good(&client).await;
    gateway
        .counters_until(|counters| counters["open_connections"] == 0)
        .await;
    good(&Raw::connect(&gateway, "plaintext").await).await;
    assert_eq!(gateway.counters()["open_connections"], 1);
}

#[tokio::test]
async fn it_misbehaves_from_the_first_call_if_the_command_line_says_so() {
    let requests = [
        "/fail?status=8",
        "/fault?kind=no-trailers",
        r#"/token-answer?status=503 {"error": "later"}"#,
    ];
    let gateway = Running::start(&requests.map(|it| ["--misbehave", it]).concat());
    let client = Raw::connect(&gateway, "plaintext").await;
    let failed = client.topology().await;
    assert_eq!(header(&failed.headers, "grpc-status"), Some("8"));
    assert_eq!(client.topology().await.trailers, None);
    good(&client).await;
    let refused = http(gateway.port("token_http"), "POST", "/oauth/token", &[], "");
    assert_eq!(
        (refused.status, &*refused.body),
        (503, r#"{"error": "later"}"#)
    );
}

#[test]
fn a_misbehaviour_that_does_not_exist_stops_it() {
    for (request, reason) in [
        ("/nonsense", "does not know this"),
        ("/latency", "ms is missing"),
        ("no target", "--misbehave no target: "),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_zeebe-dev-gateway"))
            .args(["--misbehave", request])
            .output()
            .expect("an end");
        assert!(!output.status.success(), "{request}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(reason), "{request}: {said}");
    }
}

#[tokio::test]
async fn every_message_of_a_slow_stream_is_late() {
    let gateway = Running::start(&[]);
    let mut client = client::connect(&gateway, "plaintext").await;
    client::deploy(&mut client).await;
    gateway.control(
        "POST",
        "/fault?kind=slow&ms=150&rpc=StreamActivatedJobs",
        "",
    );
    let mut stream = client::stream_jobs(&mut client).await;
    for _ in 0..2 {
        let start = Instant::now();
        client::create(&mut client).await;
        assert!(stream.message().await.expect("a job").is_some());
        assert!(start.elapsed() >= Duration::from_millis(150));
    }
}

#[tokio::test]
async fn a_stream_is_cut_so_long_after_its_headers() {
    let gateway = Running::start(&[]);
    gateway.control(
        "POST",
        "/fault?kind=cut&ms=150&reason=2&rpc=StreamActivatedJobs",
        "",
    );
    let mut client = client::connect(&gateway, "plaintext").await;
    let began = Instant::now();
    let cut = client::stream_jobs(&mut client).await.message().await;
    assert!(began.elapsed() >= Duration::from_millis(150));
    let cut = format!("{:?}", cut.expect_err("a cut"));
    assert!(cut.contains("INTERNAL_ERROR"), "{cut}");
}
