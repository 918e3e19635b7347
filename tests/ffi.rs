//! The examples in languages that load the library as it is, each by the FFI of its runtime: a channel by variables, a call by JSON, a job
//! by completion queue, and an error.

#![allow(clippy::print_stderr, reason = "says what it skips")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::programs::clean;
use support::{Gateway, artefacts, make, root, scratch};

#[test]
fn in_ruby() {
    works("ruby", &source("worker.rb"));
}

#[test]
fn in_luajit() {
    works("luajit", &source("worker.lua"));
}

#[test]
fn in_php() {
    works("php", &source("worker.php"));
}

#[test]
fn in_node() {
    let koffi = root().join("examples/ffi/node_modules/koffi");
    make("ffi-runtimes");
    if koffi.exists() {
        works("node", &source("worker.mjs"));
    } else {
        eprintln!("skipped: koffi could not be had");
    }
}

/// In C#.
#[test]
fn in_mono() {
    make("ffi-runtimes");
    let built = scratch("ffi-mono-built");
    let program = built.join("worker.exe");
    let mut compiler = Command::new("mcs");
    compiler.arg(format!("-out:{}", program.display()));
    match compiler.arg(source("worker.cs")).output() {
        Err(_) => eprintln!("skipped: mcs could not be had"),
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            // It is looked for beside the program.
            let library = artefacts().join("lib/libzeebe.so.0");
            std::fs::copy(library, built.join("libzeebe.so.0")).unwrap();
            works("mono", &program);
        }
    }
}

fn source(name: &str) -> PathBuf {
    root().join("examples/ffi").join(name)
}

const PROCESS: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0">
  <process id="order" isExecutable="true"><startEvent id="s"/><serviceTask id="pay"><extensionElements>
  <z:taskDefinition type="payment"/></extensionElements></serviceTask><endEvent id="e"/>
  <sequenceFlow id="a" sourceRef="s" targetRef="pay"/><sequenceFlow id="b" sourceRef="pay" targetRef="e"/></process>
</definitions>"#;

fn works(runtime: &str, program: &Path) {
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
    let run = |port: &str| {
        let mut command = clean(Command::new("timeout"));
        command
            .args(["60", runtime])
            .arg(program)
            .args(["order", "payment"])
            .arg(&prefix)
            .env("ZEEBE_ADDRESS", format!("127.0.0.1:{}", gateway.get(port)))
            .env("ZEEBE_INSECURE_CONNECTION", "true");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status, text(output.stdout), text(output.stderr))
    };

    let (status, printed, complaints) = run("plaintext");
    assert!(status.success(), "{status}: {printed}{complaints}");
    let lines: Vec<_> = printed.lines().collect();
    assert!(lines[0].contains("\"processInstanceKey\":\""), "{printed}");
    assert_eq!(lines[1..], [r#"job {"amount":7}"#, "completed"]);
    assert_eq!(complaints, "");
    let counters = gateway.ask("GET /counters", "");
    assert_eq!(counters["calls"]["CompleteJob"], 1, "{counters}");

    // The library's own words, and no crash.
    let (status, printed, complaints) = run("refused");
    assert_eq!(status.code(), Some(1), "{printed}{complaints}");
    assert!(
        complaints.contains(&gateway.get("refused")),
        "{printed}{complaints}"
    );
}
