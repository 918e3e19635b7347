//! tests/c/peers.c, run against a peer.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use crate::matrix::Matrix;
use crate::support::programs::{C, clean, program};
use crate::support::{gateway_program, run, scratch};

/// Built once: a program that runs cannot be built anew.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| program(C, "peers.c", &["-lzeebe"]));

fn client(port: u16, ca: Option<&Path>) -> Command {
    let mut command = clean(Command::new(&*PROGRAM));
    match ca {
        Some(ca) => command.arg(format!("localhost:{port}")).arg(ca),
        None => command.arg(format!("127.0.0.1:{port}")).arg("-"),
    };
    command
}

fn outcome<'a>(line: &'a str, case: &str) -> &'a str {
    let outcome = line.strip_prefix(&format!("{case}: "));
    outcome.unwrap_or_else(|| panic!("{line:?} is not of {case}"))
}

/// Cases in plaintext.
pub(crate) fn plain(seen: &mut Matrix, port: u16, cases: &[&str]) {
    let printed = run(client(port, None).args(cases));
    assert_eq!(printed.lines().count(), cases.len(), "{printed}");
    for (line, case) in printed.lines().zip(cases) {
        seen.add(case, outcome(line, case));
    }
}

/// What one case comes to.
pub(crate) fn outcome_of(case: &str, port: u16, ca: Option<&Path>) -> String {
    let printed = run(client(port, ca).arg(case));
    outcome(printed.trim_end(), case).to_owned()
}

/// Over TLS.
pub(crate) fn tls(seen: &mut Matrix, port: u16, ca: &Path) {
    seen.add("tls", &outcome_of("unary", port, Some(ca)));
    seen.add("tls large", &outcome_of("large", port, Some(ca)));
}

/// Calls and streams while connections are drained, as `begin` says or by themselves.
pub(crate) fn drain(seen: &mut Matrix, port: u16, begin: impl FnOnce()) {
    let outcome = meanwhile("drain", client(port, None).arg("drain"), begin);
    seen.add("drain", &outcome);
}

/// What tests/c/proxied_jobs.c comes to, with a worker and calls at these ports of a proxy, and its gateway at the last.
pub(crate) fn jobs(worker: u16, calls: u16, gateway: u16, reload: impl FnOnce()) -> String {
    let mut command = clean(Command::new(program(C, "proxied_jobs.c", &["-lzeebe"])));
    command
        .env("GATEWAY", gateway_program())
        .env("SCRATCH", scratch(&format!("peers-jobs-{gateway}")))
        .args([worker, calls].map(|port| format!("127.0.0.1:{port}")))
        .arg(gateway.to_string());
    meanwhile("jobs", &mut command, reload)
}

/// tests/c/silent_jobs.c, with workers at these ports, silent for so many seconds.
pub(crate) fn silent_jobs(seconds: u16, gateway: u16, ports: impl Iterator<Item = u16>) {
    let mut command = clean(Command::new(program(C, "silent_jobs.c", &["-lzeebe"])));
    command
        .env("GATEWAY", gateway_program())
        .env("SCRATCH", scratch("peers-silent-jobs"))
        .args([seconds, gateway].map(|number| number.to_string()))
        .args(ports.map(|port| format!("127.0.0.1:{port}")));
    assert_eq!(run(&mut command), "silent jobs: ok\n");
}

/// What the case comes to, which says when something is to be done meanwhile.
fn meanwhile(case: &str, command: &mut Command, act: impl FnOnce()) -> String {
    let mut process = Client(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let mut line = || lines.next().expect("a line").unwrap();
    assert_eq!(line(), format!("{case}: running"));
    act();
    let outcome = outcome(&line(), case).to_owned();
    assert!(process.0.wait().unwrap().success());
    outcome
}

/// Ended with the test, which may fail first.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.kill().unwrap(); // no error if it has ended by itself
        self.0.wait().unwrap();
    }
}
