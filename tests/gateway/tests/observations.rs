//! What the control port tells of the calls that came.

mod common;

use common::Running;
use common::raw::{Framed, Raw, soon};
use serde_json::json;

#[tokio::test]
async fn the_last_calls_are_shown_without_secrets() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext_oauth").await;
    for (rpc, timeout) in [("Topology", "1S"), ("FailJob", "2S"), ("Topology", "3S")] {
        let headers = [
            ("authorization", "Bearer secret"),
            ("grpc-timeout", timeout),
            ("user-agent", "grpc-test/1"),
            ("custom", "a"),
            ("custom", "b"),
        ];
        client.call(rpc, &headers).await;
    }
    let all = gateway.control("GET", "/calls", "");
    let last = gateway.control("GET", "/calls?last=2", "");
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    assert_eq!((&all[1], &all[2]), (&last[0], &last[1]));
    assert_eq!(last[0]["rpc"], "FailJob");
    assert_eq!(
        last[1],
        json!({
            "rpc": "Topology",
            "listener": "plaintext_oauth",
            "headers": {
                "authorization": "Bearer …",
                "content-type": "application/grpc",
                "custom": "a,b",
                "grpc-timeout": "3S",
                "te": "trailers",
                "user-agent": "grpc-test/1",
            },
        })
    );
}

#[tokio::test]
async fn every_call_is_a_line_of_the_call_log() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("calls.jsonl");
    let gateway = Running::start(&["--call-log", path.to_str().expect("UTF-8")]);
    let client = Raw::connect(&gateway, "plaintext").await;
    for rpc in ["Topology", "FailJob"] {
        client
            .call(rpc, &[("authorization", "Bearer secret")])
            .await;
    }
    let written = std::fs::read_to_string(&path).expect("the log");
    assert!(!written.contains("secret"));
    let lines: Vec<serde_json::Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(json!(lines), gateway.control("GET", "/calls", ""));
    assert_eq!(lines[1]["rpc"], "FailJob");
    assert_eq!(lines[1]["headers"]["authorization"], "Bearer …");
}

#[tokio::test]
async fn previous_attempts_are_counted() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext").await;
    client.topology().await;
    let previous = json!({ "calls": 0, "last": null });
    assert_eq!(gateway.counters()["previous_attempts"], previous);
    for attempts in ["1", "2"] {
        let headers = [("grpc-previous-rpc-attempts", attempts)];
        client.call("Topology", &headers).await;
    }
    let previous = json!({ "calls": 2, "last": "2" });
    assert_eq!(gateway.counters()["previous_attempts"], previous);
}

#[tokio::test]
async fn calls_under_way_are_counted_until_they_end() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext").await;
    gateway.control("POST", "/fault?kind=stuck&at=data&count=3", "");
    let open: Vec<_> = (0..3)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.topology().await })
        })
        .collect();
    gateway
        .counters_until(|counters| counters["open_calls"] == 3)
        .await;
    open[0].abort();
    gateway
        .counters_until(|counters| counters["open_calls"] == 2)
        .await;
    gateway.control("POST", "/reset-connections", "");
    let counters = gateway
        .counters_until(|counters| counters["open_calls"] == 0)
        .await;
    assert_eq!(counters["max_open_calls"], 3);
    assert_eq!(counters["streams_reset"], 1);
}

#[tokio::test]
async fn pings_are_counted_and_their_answers_are_not() {
    let gateway = Running::start(&[]);
    let mut framed = Framed::connect(&gateway, "tls").await;
    for pings in 1..=3 {
        framed.ping().await;
        soon(framed.next(Framed::PING)).await;
        assert_eq!(gateway.counters()["pings"], pings);
    }
}
