//! The library against servers and reverse proxies that others wrote: each case of tests/c/peers.c, and what came of it, is as
//! docs/peers.md says. A peer that cannot be had on this machine is skipped, by name; `make test` names it again at its end.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod matrix;
mod proxy;
mod server;

use std::io::Write as _;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use proxy::Proxy;
use support::{interop_servers, root};

/// Whether a peer is there: what has to be downloaded cannot always be had. One at a time: two tests may want the same.
fn have(name: &str) -> bool {
    static MAKE: Mutex<()> = Mutex::new(());
    let _one = MAKE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = Command::new("make")
        .current_dir(root())
        .args(["--silent", &format!("build/peers/{name}.ready")])
        .output()
        .unwrap();
    if !made.status.success() {
        let why = String::from_utf8_lossy(&made.stderr);
        let text = format!("SKIPPED: {name} could not be had:\n{why}");
        // Not by eprintln!, which is kept back for tests that pass.
        std::io::stderr().write_all(text.as_bytes()).unwrap();
    }
    made.status.success()
}

fn grpc_go() -> Command {
    let [program, _] = interop_servers();
    Command::new(program)
}

#[test]
fn grpc_go_is_as_documented() {
    server::is_as_documented("grpc-go", "tests/interop/go-server/go.mod", grpc_go);
}

#[test]
fn tonic_is_as_documented() {
    server::is_as_documented("tonic", "Cargo.lock", || {
        let [_, program] = interop_servers();
        Command::new(program)
    });
}

#[test]
fn grpc_java_is_as_documented() {
    if have("grpc-java") {
        server::is_as_documented("grpc-java", "tests/peers/grpc-java/pom.xml", || {
            let built = root().join("build/peers/grpc-java");
            let mut command = Command::new("java");
            command
                .arg("-cp")
                .arg(format!("{0}/classes:{0}/lib/*", built.display()))
                .arg("Server");
            command
        });
    }
}

#[test]
fn grpc_python_is_as_documented() {
    if have("grpc-python") {
        server::is_as_documented(
            "grpc-python",
            "tests/peers/grpc-python/requirements.txt",
            || {
                let mut command = Command::new(root().join("build/peers/grpc-python/bin/python"));
                command.arg(root().join("tests/peers/grpc-python/server.py"));
                command
            },
        );
    }
}

macro_rules! proxies {
    ($($test:ident: $proxy:expr;)*) => {
        const PROXIES: &[Proxy] = &[$($proxy),*];

        $(
            #[test]
            fn $test() {
                let proxy: Proxy = $proxy;
                if have(proxy.name) {
                    proxy.is_as_documented(grpc_go());
                }
            }
        )*
    };
}

proxies! {
    nginx_is_as_documented: proxy::NGINX;
    haproxy_is_as_documented: proxy::HAPROXY;
    httpd_is_as_documented: proxy::HTTPD;
    nghttpx_is_as_documented: proxy::NGHTTPX;
    envoy_is_as_documented: proxy::ENVOY;
    caddy_is_as_documented: proxy::CADDY;
    traefik_is_as_documented: proxy::TRAEFIK;
}

#[test]
fn a_stream_that_was_silent_for_minutes_brings_what_comes() {
    let had: Vec<_> = PROXIES.iter().filter(|proxy| have(proxy.name)).collect();
    if !had.is_empty() {
        proxy::keep_silent_streams(&had);
    }
}
