//! Clients that others wrote, unchanged, on the development gateway. Each makes one round trip over each kind of channel:
//! it deploys order.bpmn, publishes messages, starts four instances, and has a worker. One job is completed at once, one
//! at the second attempt, one throws an error that the process catches, and one fails until its incident. What the worker of the
//! Java client relies on beyond that, `Workers.java` goes through.
//!
//! `make test-clients` fetches what this needs and runs it; nothing else does.

#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::programs::clean;
use support::{Gateway, root, scratch};

const PATIENCE: Duration = Duration::from_secs(60);

fn java(class: &str) -> Command {
    let fetched = root().join("build/clients/java");
    let (classes, libraries) = (fetched.join("classes"), fetched.join("dependency"));
    let mut command = Command::new("java");
    command.arg("-cp");
    command.arg(format!("{}:{}/*", classes.display(), libraries.display()));
    command.arg(class);
    command
}

/// The start of a client's program, of those in the directories beside this file.
fn program(client: &str) -> Command {
    let here = root().join("tests/clients");
    let fetched = root().join("build/clients");
    match client {
        "python" => {
            let mut command = Command::new(fetched.join("python/bin/python"));
            command.arg(here.join("python/round_trip.py"));
            command
        }
        "java" => java("RoundTrip"),
        _ => {
            let mut command = Command::new("node");
            command.arg(here.join("node/round-trip.mjs"));
            command
        }
    }
}

/// Ended with the test, however that ends.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn round_trip(client: &str, mode: &str) {
    let name = format!("clients-{client}-{mode}");
    let calls: PathBuf = scratch(&name).join("calls.jsonl");
    let gateway = Gateway::start_with(
        &name,
        &["--call-log".to_owned(), calls.display().to_string()],
    );
    let listener = match mode {
        "oauth" => "tls_oauth",
        mode => mode,
    };
    let mut command = clean(program(client));
    let mut client = Client(
        command
            .arg(root().join("tests/clients/order.bpmn"))
            .arg(mode)
            .env("GATEWAY", format!("localhost:{}", gateway.get(listener)))
            .env("CA", gateway.get("ca"))
            .env(
                "TOKEN_URL",
                format!("http://localhost:{}/oauth/token", gateway.get("token_http")),
            )
            .env("OAUTHLIB_INSECURE_TRANSPORT", "1")
            .env("CLIENT_ID", "demo-client")
            .env("CLIENT_SECRET", "demo-secret")
            .env("AUDIENCE", "zeebe-api")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let output = BufReader::new(client.0.stdout.take().unwrap());
    let said = output
        .lines()
        .map(Result::unwrap)
        .find(|line| line == "round trip");
    assert!(said.is_some(), "{name}: it ended before its round trip did");

    let incidents = incident(&gateway);
    assert_eq!(incidents[0]["message"], "never at 1", "{incidents}");
    let counters = gateway.ask("GET /counters", "");
    let calls = &counters["calls"];
    for (rpc, times) in [
        ("DeployResource", 1),
        ("PublishMessage", 2),
        ("CreateProcessInstanceWithResult", 3),
        ("CreateProcessInstance", 1),
    ] {
        assert_eq!(calls[rpc], times, "{name}: {rpc} in {calls}");
    }
    for (rpc, times) in [("CompleteJob", 2), ("FailJob", 4), ("ThrowError", 1)] {
        assert_eq!(calls[rpc], times, "{name}: {rpc} in {calls}");
    }
    assert!(
        calls["StreamActivatedJobs"].as_u64() >= Some(1),
        "{name}: {calls}"
    );
    let is_secure = mode != "plaintext";
    assert_eq!(
        counters["tls_handshakes"]["full"].as_u64() > Some(0),
        is_secure,
        "{counters}"
    );
    assert_eq!(
        counters["token_requests"].as_u64() > Some(0),
        mode == "oauth",
        "{counters}"
    );
    let state = gateway.ask("GET /state", "");
    assert_eq!(
        state["instances"].as_array().map(Vec::len),
        Some(1),
        "{state}"
    );

    client.0.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(client.0.wait().unwrap().success(), "{name}");
}

/// The Java client's worker, which says itself what it saw.
fn workers(way: &str) {
    let name = format!("clients-java-workers-{way}");
    let gateway = Gateway::start(&name);
    let ended = clean(java("Workers"))
        .arg(way)
        .env("GATEWAY", format!("localhost:{}", gateway.get("plaintext")))
        .env("CONTROL", format!("127.0.0.1:{}", gateway.get("control")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    let complained = String::from_utf8_lossy(&ended.stderr);
    assert!(
        ended.status.success() && said.ends_with("workers\n"),
        "{said}{complained}"
    );
    let streams = &gateway.ask("GET /counters", "")["calls"]["StreamActivatedJobs"];
    assert_eq!(streams.as_u64() > Some(0), way == "stream", "{streams}");
}

#[test]
#[ignore = "needs published packages: make test-clients"]
fn java_workers_by_streams() {
    workers("stream");
}

#[test]
#[ignore = "needs published packages: make test-clients"]
fn java_workers_by_polls() {
    workers("polls");
}

/// The incidents, once there is one.
fn incident(gateway: &Gateway) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let incidents = gateway.ask("GET /incidents", "");
        if incidents != json!([]) {
            return incidents;
        }
        assert!(Instant::now() < end, "no incident came");
        thread::sleep(Duration::from_millis(20));
    }
}

macro_rules! round_trips {
    ($($name:ident: $client:literal over $mode:literal;)*) => {$(
        #[test]
        #[ignore = "needs published packages: make test-clients"]
        fn $name() {
            round_trip($client, $mode);
        }
    )*};
}

round_trips! {
    pyzeebe_over_plaintext: "python" over "plaintext";
    pyzeebe_over_tls: "python" over "tls";
    pyzeebe_with_oauth: "python" over "oauth";
    java_over_plaintext: "java" over "plaintext";
    java_over_tls: "java" over "tls";
    java_with_oauth: "java" over "oauth";
    node_over_plaintext: "node" over "plaintext";
    node_over_tls: "node" over "tls";
    node_with_oauth: "node" over "oauth";
}
