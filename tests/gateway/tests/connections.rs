//! What the control port does to connections below their calls: raw frames, and standstill.

mod common;

use common::raw::{Framed, Raw, not_soon, soon};
use common::{Running, http};

const ACK: u8 = 1;

#[tokio::test]
async fn a_raw_goaway_is_sent_and_the_connection_stays() {
    let gateway = Running::start(&[]);
    for listener in ["plaintext", "tls", "unix"] {
        let mut framed = Framed::connect(&gateway, listener).await;
        soon(framed.next(Framed::SETTINGS)).await;
        for (parameters, last_stream_id, code) in [
            ("code=11", [0x7f, 0xff, 0xff, 0xff], 11),
            ("last_stream_id=0", [0; 4], 0),
            ("code=2&last_stream_id=258", [0, 0, 1, 2], 2),
        ] {
            let answer = gateway.control("POST", &format!("/goaway?{parameters}"), "");
            assert_eq!(answer["goaway"], 1);
            let frame = soon(framed.next(Framed::GOAWAY)).await;
            let expected = [last_stream_id, [0, 0, 0, code]].concat();
            assert_eq!(frame.payload, expected, "{listener} {parameters}");
        }
        framed.ping().await;
        let pong = soon(framed.next(Framed::PING)).await;
        assert_eq!((pong.flags, pong.payload), (ACK, b"pingpong".to_vec()));
        drop(framed);
        gateway
            .counters_until(|counters| counters["open_connections"] == 0)
            .await;
    }
}

#[tokio::test]
async fn without_parameters_goaway_is_hypers_own_and_ends_the_connection() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext").await;
    client.topology().await;
    gateway.control("POST", "/goaway", "");
    gateway
        .counters_until(|counters| counters["open_connections"] == 0)
        .await;
}

#[tokio::test]
async fn injected_bytes_arrive_as_they_are_on_every_connection() {
    let gateway = Running::start(&[]);
    let mut framed = Vec::new();
    for listener in ["plaintext", "plaintext_oauth", "tls"] {
        let mut one = Framed::connect(&gateway, listener).await;
        soon(one.next(Framed::SETTINGS)).await;
        framed.push(one);
    }
    // A frame of a type that HTTP/2 does not have, then half a header.
    let bytes = "\0\0\u{3}\u{7e}\u{5}\0\0\0\0abc\0\0";
    assert_eq!(gateway.control("POST", "/inject", bytes)["injected"], 3);
    for one in &mut framed {
        let frame = soon(one.next(0x7e)).await;
        assert_eq!((frame.flags, frame.payload), (5, b"abc".to_vec()));
        not_soon(one.next(0x7e)).await;
    }
}

#[tokio::test]
async fn injected_rubbish_is_an_error_to_a_client() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext").await;
    assert!(client.topology().await.error.is_none());
    gateway.control("POST", "/fault?kind=stuck&at=headers", "");
    let call = tokio::spawn(async move { client.topology().await });
    gateway
        .counters_until(|counters| counters["open_calls"] == 1)
        .await;
    // SETTINGS of five bytes.
    gateway.control("POST", "/inject", "\0\0\u{5}\u{4}\0\0\0\0\0abcde");
    let error = soon(call).await.expect("no panic").error.expect("an error");
    assert!(error.is_go_away() && error.is_library(), "{error}");
}

#[tokio::test]
async fn a_frozen_gateway_neither_reads_nor_writes_until_it_thaws() {
    let gateway = Running::start(&[]);
    for listener in ["plaintext", "tls", "unix"] {
        let mut framed = Framed::connect(&gateway, listener).await;
        soon(framed.next(Framed::SETTINGS)).await;
        let before = gateway.counters()["pings"].clone();
        assert_eq!(gateway.control("POST", "/freeze", "")["frozen"], 1);
        framed.ping().await;
        not_soon(framed.next(Framed::PING)).await;
        assert_eq!(gateway.counters()["pings"], before);
        gateway.control("POST", "/thaw", "");
        assert_eq!(soon(framed.next(Framed::PING)).await.flags, ACK);
        drop(framed);
        gateway
            .counters_until(|counters| counters["open_connections"] == 0)
            .await;
    }
}

#[tokio::test]
async fn a_new_connection_to_a_frozen_gateway_opens_and_waits() {
    let gateway = Running::start(&[]);
    gateway.control("POST", "/freeze", "");
    let mut framed = Framed::connect(&gateway, "plaintext").await;
    not_soon(framed.next(Framed::SETTINGS)).await;
    not_soon(Framed::connect(&gateway, "tls")).await;
    gateway.control("POST", "/thaw", "");
    soon(framed.next(Framed::SETTINGS)).await;
    soon(Framed::connect(&gateway, "tls")).await;
}

#[tokio::test]
async fn a_frozen_connection_can_be_reset() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext").await;
    client.topology().await;
    gateway.control("POST", "/freeze", "");
    gateway.control("POST", "/reset-connections", "");
    assert_eq!(gateway.counters()["open_connections"], 0);
    assert!(client.topology().await.error.is_some());
}

#[tokio::test]
async fn a_frozen_gateway_can_be_stopped() {
    let mut gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "plaintext").await;
    client.topology().await;
    gateway.control("POST", "/freeze", "");
    gateway.control("POST", "/stop", "");
    assert!(gateway.ended().success());
}

#[test]
fn a_goaway_with_a_wrong_parameter_is_refused() {
    let gateway = Running::start(&[]);
    for target in ["/goaway?code=x", "/goaway?last_stream_id=-1"] {
        let answer = http(gateway.port("control"), "POST", target, &[], "");
        assert_eq!(answer.status, 400, "{target}");
    }
}
