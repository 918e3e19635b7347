//! The examples in languages that load the library as it is, each by the FFI of its runtime: a channel by variables, a call by JSON, a job
//! by completion queue, and an error.

#![allow(clippy::print_stderr, reason = "says what it skips")]

mod support;

use std::process::Command;

use support::programs::clean;
use support::{Gateway, artefacts, make, root, scratch};

#[test]
fn in_ruby() {
    works("ruby", "worker.rb");
}

#[test]
fn in_luajit() {
    works("luajit", "worker.lua");
}

#[test]
fn in_php() {
    works("php", "worker.php");
}

#[test]
fn in_node() {
    let koffi = root().join("examples/ffi/node_modules/koffi");
    make("ffi-runtimes");
    if koffi.exists() {
        works("node", "worker.mjs");
    } else {
        eprintln!("skipped: koffi could not be had");
    }
}

const PROCESS: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0">
  <process id="order" isExecutable="true"><startEvent id="s"/><serviceTask id="pay"><extensionElements>
  <z:taskDefinition type="payment"/></extensionElements></serviceTask><endEvent id="e"/>
  <sequenceFlow id="a" sourceRef="s" targetRef="pay"/><sequenceFlow id="b" sourceRef="pay" targetRef="e"/></process>
</definitions>"#;

fn works(runtime: &str, source: &str) {
    make("ffi-runtimes"); // fails if something is missing that may not be skipped
    if Command::new(runtime).arg("--version").output().is_err() {
        eprintln!("skipped: {runtime} could not be had");
        return;
    }
    let prefix = artefacts();
    let name = format!("ffi-{runtime}");
    let process = scratch(&name).join("order.bpmn");
    std::fs::write(&process, PROCESS).unwrap();
    let seed = ["--seed".to_owned(), process.display().to_string()];
    let gateway = Gateway::start_with(&name, &seed);
    let program = |port: &str| {
        let mut command = clean(Command::new("timeout"));
        command
            .args(["60", runtime])
            .arg(root().join("examples/ffi").join(source))
            .args(["order", "payment"])
            .arg(&prefix)
            .env("ZEEBE_ADDRESS", format!("127.0.0.1:{}", gateway.get(port)))
            .env("ZEEBE_INSECURE_CONNECTION", "true");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status, text(output.stdout), text(output.stderr))
    };

    let (status, printed, complaints) = program("plaintext");
    assert!(status.success(), "{status}: {printed}{complaints}");
    let lines: Vec<_> = printed.lines().collect();
    assert!(lines[0].contains("\"processInstanceKey\":\""), "{printed}");
    assert_eq!(lines[1..], [r#"job {"amount":7}"#, "completed"]);
    assert_eq!(complaints, "");
    let counters = gateway.ask("GET /counters", "");
    assert_eq!(counters["calls"]["CompleteJob"], 1, "{counters}");

    // The library's own words, and no crash.
    let (status, printed, complaints) = program("refused");
    assert_eq!(status.code(), Some(1), "{printed}{complaints}");
    assert!(
        complaints.contains(&gateway.get("refused")),
        "{printed}{complaints}"
    );
}
