//! The token endpoint's answers.

mod common;

use std::process::Command;

use common::{Answer, Running, http};

const FORM: &str = "content-type: application/x-www-form-urlencoded";
// demo-client:demo-secret
const BASIC: &str = "authorization: Basic ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=";

fn ask(gateway: &Running, headers: &[&str], body: &str) -> Answer {
    http(
        gateway.port("token_http"),
        "POST",
        "/oauth/token",
        headers,
        body,
    )
}

#[test]
fn a_known_client_gets_a_token() {
    let gateway = Running::start(&["--token-lifetime", "60"]);
    let in_header = ask(
        &gateway,
        &[FORM, BASIC],
        "grant_type=client_credentials&scope=a+b",
    );
    let in_body = ask(
        &gateway,
        &[FORM],
        "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret",
    );
    for answer in [&in_header, &in_body] {
        assert_eq!(answer.status, 200);
        assert!(answer.head.contains("cache-control: no-store"));
        assert!(answer.head.contains("content-type: application/json"));
        let token = answer.json();
        assert_eq!(token["token_type"], "Bearer");
        assert_eq!(token["expires_in"], 60);
        assert!(
            token["access_token"]
                .as_str()
                .is_some_and(|token| token.len() > 20)
        );
    }
    assert_eq!(in_header.json()["scope"], "a b");
    assert!(in_body.json().get("scope").is_none());
    assert_ne!(
        in_header.json()["access_token"],
        in_body.json()["access_token"]
    );
    assert_eq!(gateway.control("GET", "/counters", "")["token_requests"], 2);
}

#[test]
fn refusals_are_those_of_the_rfc() {
    let gateway = Running::start(&["--client", "other:one"]);
    let grant = "grant_type=client_credentials";
    let as_other = "grant_type=client_credentials&client_id=other&client_secret=one";
    let twice = format!("{as_other}&{grant}");
    for (headers, body, status, error) in [
        (&[FORM, BASIC][..], grant, 401, "invalid_client"),
        (&[FORM], grant, 401, "invalid_client"),
        (
            &[FORM],
            "grant_type=password&client_id=other&client_secret=one",
            400,
            "unsupported_grant_type",
        ),
        (
            &[FORM],
            "client_id=other&client_secret=one",
            400,
            "invalid_request",
        ),
        (&[], as_other, 400, "invalid_request"),
        (&[FORM], &twice, 400, "invalid_request"),
        (&[FORM, BASIC], as_other, 400, "invalid_request"),
    ] {
        let answer = ask(&gateway, headers, body);
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (status, Some(error)),
            "{body}"
        );
        assert!(answer.json()["error_description"].is_string());
    }
    assert_eq!(ask(&gateway, &[FORM], as_other).status, 200);
}

#[test]
fn only_its_path_and_post_are_served() {
    let gateway = Running::start(&[]);
    let port = gateway.port("token_http");
    assert_eq!(http(port, "GET", "/oauth/token", &[], "").status, 405);
    assert_eq!(http(port, "POST", "/token", &[], "").status, 404);
}

#[test]
fn the_next_answers_can_be_prescribed() {
    let gateway = Running::start(&[]);
    let target = "/token-answer?status=503&count=2&retry_after=1&content_type=text/plain";
    gateway.control("POST", target, "closed");
    for _ in 0..2 {
        let answer = ask(&gateway, &[FORM, BASIC], "grant_type=client_credentials");
        assert_eq!((answer.status, answer.body.as_str()), (503, "closed"));
        assert!(answer.head.contains("retry-after: 1\r\n"));
        assert!(answer.head.contains("content-type: text/plain"));
    }
    assert_eq!(
        ask(&gateway, &[FORM, BASIC], "grant_type=client_credentials").status,
        200
    );
}

#[test]
fn a_prescribed_answer_may_have_a_header_an_encoding_and_a_framing_of_its_own() {
    let gateway = Running::start(&[]);
    let asked = || ask(&gateway, &[FORM, BASIC], "grant_type=client_credentials");
    let prescribe = |parameters: &str| {
        let target = format!("/token-answer?status=302&{parameters}");
        gateway.control("POST", &target, "some text");
    };
    prescribe("header=location:%20http://elsewhere/");
    assert!(asked().head.contains("location: http://elsewhere/\r\n"));
    prescribe("encoding=gzip");
    let head = asked().head;
    assert!(head.contains("content-encoding: gzip\r\n"), "{head}");
    prescribe("framing=chunked");
    assert!(asked().head.contains("transfer-encoding: chunked\r\n"));
    prescribe("framing=close");
    let answer = asked();
    assert!(answer.head.starts_with("http/1.0 302"), "{}", answer.head);
    assert_eq!(answer.body, "some text");
}

#[test]
fn an_answer_is_held_back_until_the_next_is_prescribed() {
    let gateway = Running::start(&[]);
    gateway.control("POST", "/token-answer?status=418&hold=1", "");
    std::thread::scope(|scope| {
        let held = scope.spawn(|| ask(&gateway, &[FORM, BASIC], "grant_type=client_credentials"));
        while gateway.control("GET", "/counters", "")["token_requests"] == 0 {
            std::thread::yield_now();
        }
        assert!(!held.is_finished());
        gateway.control("POST", "/token-answer?status=200&count=0", "");
        assert_eq!(held.join().expect("an answer").status, 418);
    });
}

#[test]
fn the_last_request_is_shown_as_it_came() {
    let gateway = Running::start(&[]);
    assert!(gateway.control("GET", "/token-request", "").is_null());
    ask(&gateway, &[FORM, BASIC], "grant_type=client_credentials");
    let last = gateway.control("GET", "/token-request", "");
    assert_eq!(last["body"], "grant_type=client_credentials");
    assert_eq!(
        format!(
            "authorization: {}",
            last["authorization"].as_str().unwrap_or("")
        ),
        BASIC
    );
    assert!(last["accept"].is_null());
}

#[test]
fn a_token_may_be_good_for_longer_than_anybody_lives() {
    let gateway = Running::start(&["--token-lifetime", "4294967295"]);
    let answer = ask(&gateway, &[FORM, BASIC], "grant_type=client_credentials");
    assert_eq!(answer.json()["expires_in"], 4_294_967_295_u64);
    let refused = Command::new(env!("CARGO_BIN_EXE_zeebe-dev-gateway"))
        .args(["--token-lifetime", "4294967296"])
        .output();
    let said = refused.expect("an answer").stderr;
    assert!(String::from_utf8_lossy(&said).contains("up to 4294967295"));
}
