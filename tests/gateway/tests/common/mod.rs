//! Starts the gateway as a user would, and talks plain HTTP to it.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod client;
pub(crate) mod raw;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A running gateway, which ends with the test: its standard input closes.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) ready_line: String,
    pub(crate) ports: Value,
    stdin: Option<ChildStdin>,
    _directory: TempDir,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let directory = TempDir::new().expect("a directory");
        let ports_file = directory.path().join("ports.json");
        let mut child = Command::new(env!("CARGO_BIN_EXE_zeebe-dev-gateway"))
            .arg("--exit-with-stdin")
            .arg("--ports-file")
            .arg(&ports_file)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the gateway starts");
        let mut ready_line = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout)
            .read_line(&mut ready_line)
            .expect("the ready line");
        let ports = fs::read(&ports_file).expect("the ports file");
        let ports = serde_json::from_slice(&ports).expect("JSON in the ports file");
        let stdin = child.stdin.take();
        Self {
            child,
            ready_line,
            ports,
            stdin,
            _directory: directory,
        }
    }

    pub(crate) fn port(&self, name: &str) -> u16 {
        let port = self.ports[name].as_u64().expect("a port");
        port.try_into().expect("a port")
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.ports[name].as_str().expect("a path").to_owned()
    }

    pub(crate) fn control(&self, method: &str, target: &str, body: &str) -> Value {
        let answer = http(self.port("control"), method, target, &[], body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub(crate) fn counters(&self) -> Value {
        self.control("GET", "/counters", "")
    }

    /// Waits until the counters are as wished.
    pub(crate) async fn counters_until(&self, wish: impl Fn(&Value) -> bool) -> Value {
        raw::soon(async {
            loop {
                let counters = self.counters();
                if wish(&counters) {
                    return counters;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// How it ended, which must be soon.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.wait(Duration::from_secs(30))
            .expect("the gateway still runs")
    }

    fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < patience {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Running {
    /// A clean end, so that its temporary files go, too; by force only if it does not come.
    fn drop(&mut self) {
        self.close_stdin();
        if self.wait(Duration::from_secs(1)).is_none() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON in the answer")
    }
}

pub(crate) fn http(port: u16, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    let headers: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("the request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer is read");
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Answer {
        status: status.expect("a status"),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}
