//! What the tests share: the artefacts that ship, the development gateway, running programs.

#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod keys;
pub(crate) mod programs;
pub(crate) mod test_service;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Of the workspace, whichever of its packages the test is of.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut above = package.ancestors();
    above.find(|path| path.join("Cargo.lock").exists()).unwrap()
}

/// Where a test may write.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Builds the library as it is released and stages it; returns the staged tree.
///
/// Not the libraries that `cargo test` builds beside the rlib: those have no LTO, and carry the
/// `headers` feature of safer-ffi.
pub(crate) fn artefacts() -> PathBuf {
    make("build/lib/libzeebe.so.0");
    root().join("build")
}

/// Once for a process of tests, and one make at a time: its tests run side by side.
pub(crate) fn make(target: &'static str) {
    static MADE: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if !made.contains(&target) {
        run(Command::new("make")
            .current_dir(root())
            .args(["--silent", target]));
        made.push(target);
    }
}

/// What runs longer has lost something that it waits for, which its own waits should have said before.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Runs a program that must succeed, in time; returns what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let mut process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = read(process.stdout.take().unwrap());
    let complaints = read(process.stderr.take().unwrap());
    let end = Instant::now() + PATIENCE;
    let status = loop {
        match process.try_wait().unwrap() {
            Some(status) => break Some(status),
            None if Instant::now() > end => break None,
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    if status.is_none() {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let (printed, complaints) = (printed.join().unwrap(), complaints.join().unwrap());
    let how = match status {
        Some(status) if status.success() => return printed,
        Some(status) => status.to_string(),
        None => format!("has not ended within {PATIENCE:?}; it had printed:"),
    };
    panic!("{command:?}: {how}\n{printed}{complaints}");
}

fn read(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        from.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// A compiler: what the variable says, or else `default`.
pub(crate) fn compiler(variable: &str, default: &str) -> Command {
    Command::new(std::env::var(variable).unwrap_or_else(|_| default.to_owned()))
}

/// The development gateway, built.
pub(crate) fn gateway_program() -> PathBuf {
    make("gateway");
    root().join("target/debug/zeebe-dev-gateway")
}

/// The servers of gRPC's interoperability cases, built: on grpc-go and on tonic.
pub(crate) fn interop_servers() -> [PathBuf; 2] {
    make("interop-servers");
    ["build/interop-grpc-go", "target/debug/zeebe-interop-tonic"].map(|path| root().join(path))
}

/// The benchmark's server, built.
pub(crate) fn bench_server() -> PathBuf {
    make("gateway");
    root().join("target/debug/server")
}

/// A program that says in a line when it is ready, and ends with its input: with the test.
pub(crate) struct Server {
    process: Child,
    /// The line.
    pub(crate) ready: String,
}

impl Server {
    pub(crate) fn start(program: &mut Command) -> Self {
        let mut process = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program:?}: {error}"));
        let mut ready = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut ready).unwrap();
        assert!(!ready.is_empty(), "{program:?} ended");
        Self { process, ready }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

/// The development gateway, ended with the test.
pub(crate) struct Gateway {
    _server: Server,
    pub(crate) ports: serde_json::Value,
}

impl Gateway {
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    pub(crate) fn start_with(name: &str, arguments: &[String]) -> Self {
        let ports_file = scratch(name).join("ports.json");
        let mut program = Command::new(gateway_program());
        program.arg("--ports-file").arg(&ports_file);
        let server = Server::start(program.arg("--exit-with-stdin").args(arguments));
        // Written before it is ready.
        let ports = std::fs::read_to_string(&ports_file).unwrap();
        Self {
            _server: server,
            ports: serde_json::from_str(&ports).unwrap(),
        }
    }

    /// An entry of the ports file as text.
    pub(crate) fn get(&self, name: &str) -> String {
        match &self.ports[name] {
            serde_json::Value::String(text) => text.clone(),
            value => value.to_string(),
        }
    }

    /// A request to the control port, such as `POST /goaway`, and what it answers.
    pub(crate) fn ask(&self, request: &str, body: &str) -> serde_json::Value {
        let mut control = TcpStream::connect(format!("127.0.0.1:{}", self.get("control"))).unwrap();
        let length = body.len();
        write!(
            control,
            "{request} HTTP/1.1\r\nhost: control\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        control.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{request}: {answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}
