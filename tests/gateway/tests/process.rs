//! The gateway as a process: how it starts, what it says, how it stops.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use common::{Running, http};

const LISTENERS: [&str; 26] = [
    "plaintext",
    "plaintext_oauth",
    "tls",
    "tls_oauth",
    "mtls",
    "cloud",
    "reset",
    "reset_tls",
    "token_http",
    "token_https",
    "control",
    "no_alpn",
    "self_signed",
    "self_signed_expired",
    "token_self_signed",
    "gzip",
    "limited",
    "silent",
    "http1",
    "leaving",
    "proxy_407",
    "proxy_502",
    "endless_interim",
    "endless_chunk",
    "refused",
    "blackhole",
];

#[test]
fn it_says_where_it_listens() {
    let gateway = Running::start(&[]);
    assert!(
        gateway
            .ready_line
            .starts_with("zeebe-dev-gateway ready: plaintext 127.0.0.1:")
    );
    for name in LISTENERS {
        let said = format!("{name} 127.0.0.1:{}", gateway.port(name));
        assert!(gateway.ready_line.contains(&said), "{said}");
    }
    for name in [
        "ca",
        "other_ca",
        "client_certificate",
        "client_key",
        "self_signed_certificate",
        "self_signed_expired_certificate",
        "self_signed_other_certificate",
    ] {
        assert!(Path::new(&gateway.path(name)).is_absolute());
        let content = std::fs::read_to_string(gateway.path(name)).expect("the file");
        assert!(content.starts_with("-----BEGIN "), "{name}");
    }
    assert_eq!(gateway.ports["pid"], gateway.child.id());
}

#[test]
fn sigterm_and_sigint_stop_it() {
    for signal in ["-TERM", "-INT"] {
        let mut gateway = Running::start(&[]);
        let certificate = gateway.path("ca");
        let pid = gateway.child.id().to_string();
        let sent = Command::new("kill")
            .args([signal, &pid])
            .status()
            .expect("kill");
        assert!(sent.success());
        assert!(gateway.ended().success());
        assert!(!Path::new(&certificate).exists());
    }
}

#[test]
fn the_end_of_standard_input_stops_it() {
    let mut gateway = Running::start(&[]);
    gateway.close_stdin();
    assert!(gateway.ended().success());
}

#[test]
fn the_control_port_stops_it() {
    let mut gateway = Running::start(&[]);
    gateway.control("POST", "/stop", "");
    assert!(gateway.ended().success());
}

#[test]
fn certificates_stay_in_a_directory_that_was_given() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().to_str().expect("UTF-8");
    let mut gateway = Running::start(&["--directory", path]);
    gateway.close_stdin();
    assert!(gateway.ended().success());
    assert!(directory.path().join("client.key").exists());
}

#[test]
fn the_control_port_refuses_what_it_does_not_understand() {
    let gateway = Running::start(&[]);
    let control = gateway.port("control");
    for (method, target, status) in [
        ("GET", "/fail?status=14", 404),
        ("POST", "/nothing", 404),
        ("POST", "/fail", 400),
        ("POST", "/latency?ms=soon", 400),
        ("POST", "/latency?ms=0&unit=s", 400),
        ("GET", "/counters?last=1", 400),
        ("POST", "/fail?status=17", 400),
        ("POST", "/fail?status=14&cuont=3", 400),
        ("POST", "/fail?status=14&rpc=Toplogy", 400),
        ("POST", "/fault?kind=stuck&at=headers&rpc=Toplogy", 400),
        ("POST", "/token-answer?status=7", 400),
    ] {
        assert_eq!(
            http(control, method, target, &[], "").status,
            status,
            "{target}"
        );
    }
    let answer = http(control, "POST", "/fail?status=14&cuont=3", &[], "");
    let expected = "cuont is not known to /fail, but status, count, rpc, message";
    assert_eq!(answer.json()["error"], expected);
}

fn help() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_zeebe-dev-gateway"))
        .arg("--help")
        .output()
        .expect("the help");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn help_lists_the_rpcs() {
    let text = help();
    for part in [
        "no engine",
        "StreamActivatedJobs",
        "UNIMPLEMENTED",
        "EvaluateDecision",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn the_readme_has_the_options_of_the_help_and_their_defaults() {
    let readme = include_str!("../README.md");
    let rows: Vec<_> = readme
        .lines()
        .filter(|line| line.starts_with("| `--"))
        .collect();
    let said: BTreeSet<_> = rows
        .iter()
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .filter(|quoted| quoted.starts_with("--"))
        .filter_map(|option| option.split(' ').next())
        .collect();
    let text = help();
    let mut options = BTreeSet::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("--"))
    {
        let name = line.split(' ').next().unwrap();
        options.insert(name);
        let default = line.split_once("[default: ").map_or("", |(_, rest)| rest);
        let default = default.split([',', ']']).next().unwrap();
        let row = rows
            .iter()
            .find(|row| row.contains(&format!("`{name} ")) || row.contains(&format!("`{name}`")));
        assert!(
            row.is_some_and(|row| row.contains(default)),
            "{name}: {default}"
        );
    }
    assert_eq!(said, options);
}
