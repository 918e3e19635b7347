//! The listeners beyond the usual ones: other transports, other settings, and those with no gateway behind them.

mod common;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use common::raw::{self, Raw, not_soon, soon};
use common::{Running, client, http};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::codec::CompressionEncoding;

#[tokio::test]
async fn it_serves_on_a_unix_socket_and_on_ipv6() {
    let gateway = Running::start(&[]);
    for listener in ["unix", "plaintext_v6"] {
        if gateway.ports.get(listener).is_none() {
            assert_eq!(listener, "plaintext_v6", "only IPv6 may be missing");
            continue;
        }
        let exchange = Raw::connect(&gateway, listener).await.topology().await;
        assert!(!exchange.data.is_empty(), "{listener}");
        let calls = gateway.control("GET", "/calls?last=1", "");
        assert_eq!(calls[0]["listener"], listener);
    }
}

#[test]
fn a_unix_socket_that_was_left_behind_is_replaced() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().to_str().expect("a path");
    for _ in 0..2 {
        let gateway = Running::start(&["--directory", path]);
        assert!(gateway.path("unix").starts_with(path));
        // As a killed gateway, an ended one leaves the socket in a directory that is not its own.
    }
    assert!(directory.path().join("gateway.sock").exists());
}

#[test]
fn without_room_for_the_path_there_is_no_unix_socket() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let deep = directory.path().join("d".repeat(120));
    let gateway = Running::start(&["--directory", deep.to_str().expect("a path")]);
    assert_eq!(gateway.ports.get("unix"), None);
}

#[tokio::test]
async fn the_gzip_listener_compresses_for_those_who_can_read_it() {
    let gateway = Running::start(&[]);
    for (listener, accepted, encoding) in [
        ("gzip", "identity,gzip", Some("gzip")),
        ("gzip", "identity", None),
        ("plaintext", "identity,gzip", None),
    ] {
        let client = Raw::connect(&gateway, listener).await;
        let headers = [("grpc-accept-encoding", accepted)];
        let exchange = client.call("Topology", &headers).await;
        let found = exchange.headers.get("grpc-encoding");
        let found = found.map(|value| value.to_str().expect("a value"));
        assert_eq!(found, encoding, "{listener} {accepted}");
        assert_eq!(exchange.data[0], u8::from(encoding.is_some()));
    }
    let mut client = client::connect(&gateway, "gzip")
        .await
        .send_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Gzip);
    client::topology(&mut client).await.expect("a topology");
    let calls = gateway.control("GET", "/calls?last=1", "");
    assert_eq!(calls[0]["headers"]["grpc-encoding"], "gzip");
}

#[tokio::test]
async fn the_limited_listener_takes_four_calls_at_once() {
    let gateway = Running::start(&[]);
    let client = Raw::connect(&gateway, "limited").await;
    client.topology().await;
    assert_eq!(client.0.current_max_send_streams(), 4);
    gateway.control("POST", "/fault?kind=stuck&at=headers&count=4", "");
    let stuck: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.topology().await })
        })
        .collect();
    gateway
        .counters_until(|counters| counters["open_calls"] == 4)
        .await;
    let fifth = client.topology();
    tokio::pin!(fifth);
    not_soon(fifth.as_mut()).await;
    assert_eq!(gateway.counters()["max_open_calls"], 4);
    stuck[0].abort();
    assert!(!soon(fifth).await.data.is_empty());
}

#[tokio::test]
async fn a_tls_listener_may_know_no_alpn() {
    let gateway = Running::start(&[]);
    let config = raw::tls_config(&gateway);
    for (listener, protocol) in [("no_alpn", None), ("tls", Some("h2".as_bytes()))] {
        let stream = soon(raw::tls(&gateway, listener, &config)).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), protocol, "{listener}");
    }
}

#[tokio::test]
async fn tls_sessions_are_resumed_and_counted() {
    let gateway = Running::start(&[]);
    let config = raw::tls_config(&gateway);
    for (full, resumed) in [(1, 0), (1, 1), (1, 2)] {
        let mut stream = soon(raw::tls(&gateway, "tls", &config)).await;
        // The tickets come with the first bytes that are read.
        let mut settings = [0; 9];
        soon(stream.read_exact(&mut settings))
            .await
            .expect("SETTINGS");
        let handshakes = &gateway.counters()["tls_handshakes"];
        assert_eq!(
            (&handshakes["full"], &handshakes["resumed"]),
            (&full.into(), &resumed.into())
        );
    }
    soon(raw::tls(&gateway, "tls", &raw::tls_config(&gateway))).await;
    gateway
        .counters_until(|counters| counters["tls_handshakes"]["full"] == 2)
        .await;
}

#[tokio::test]
async fn the_silent_listener_says_nothing() {
    let gateway = Running::start(&[]);
    let mut stream = raw::tcp("127.0.0.1", gateway.port("silent")).await;
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .expect("a preface");
    not_soon(stream.read_u8()).await;
}

#[test]
fn a_port_refuses_and_another_one_swallows() {
    let gateway = Running::start(&[]);
    let connect = |name| {
        let address = SocketAddr::from(([127, 0, 0, 1], gateway.port(name)));
        let outcome = TcpStream::connect_timeout(&address, Duration::from_millis(1500));
        outcome.expect_err("no connection").kind()
    };
    for _ in 0..3 {
        assert_eq!(connect("refused"), ErrorKind::ConnectionRefused);
    }
    // Longer than the first retransmission of a SYN.
    assert_eq!(connect("blackhole"), ErrorKind::TimedOut);
}

#[tokio::test]
async fn some_peers_speak_http_1_only() {
    let gateway = Running::start(&[]);
    for (listener, target, status) in [
        ("http1", "/", 404),
        ("proxy_407", "localhost:1", 407),
        ("proxy_502", "localhost:1", 502),
    ] {
        let answer = http(gateway.port(listener), "CONNECT", target, &[], "");
        assert_eq!(answer.status, status, "{listener}");
        let challenge = "proxy-authenticate: basic realm=\"test\"";
        assert_eq!(answer.head.contains(challenge), status == 407);
    }
    let mut stream = raw::tcp("127.0.0.1", gateway.port("http1")).await;
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .expect("a preface");
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer))
        .await
        .expect("an answer and an end");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn certificates_expire_and_can_be_renewed() {
    let gateway = Running::start(&["--certificate-lifetime", "0"]);
    let config = raw::tls_config(&gateway);
    for listener in ["tls", "token_https"] {
        let expired = soon(raw::try_tls(&gateway, listener, &config)).await;
        let error = expired.expect_err("a refusal").to_string();
        assert!(error.contains("expired"), "{error}");
    }
    gateway.control("POST", "/renew-certificates?lifetime=3600", "");
    for listener in ["tls", "token_https"] {
        soon(raw::tls(&gateway, listener, &config)).await;
    }
}
