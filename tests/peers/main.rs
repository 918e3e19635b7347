//! The library against servers and reverse proxies that others wrote: each case of tests/c/peers.c, and what came of it, is as
//! docs/peers.md says.
//!
//! `make test-peers` fetches what this needs and runs it; nothing else does.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod matrix;
mod proxy;
mod server;

use std::process::Command;

use proxy::Proxy;
use support::{interop_servers, make, root};

/// Whether a peer is there: what has to be downloaded cannot always be had.
#[expect(clippy::print_stderr, reason = "a skip must be seen")]
fn have(name: &str) -> bool {
    make("peers"); // fails if something is missing that may not be skipped
    let had = root().join(format!("build/peers/{name}.ready")).exists();
    if !had {
        eprintln!("skipped: {name} could not be had");
    }
    had
}

fn grpc_go() -> Command {
    let [program, _] = interop_servers();
    Command::new(program)
}

#[test]
#[ignore = "needs published packages: make test-peers"]
fn grpc_go_is_as_documented() {
    server::is_as_documented("grpc-go", "tests/interop/go-server/go.mod", grpc_go);
}

#[test]
#[ignore = "needs published packages: make test-peers"]
fn tonic_is_as_documented() {
    server::is_as_documented("tonic", "Cargo.lock", || {
        let [_, program] = interop_servers();
        Command::new(program)
    });
}

#[test]
#[ignore = "needs published packages: make test-peers"]
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
#[ignore = "needs published packages: make test-peers"]
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
    ($($test:ident: $proxy:expr;)*) => {$(
        #[test]
        #[ignore = "needs published packages: make test-peers"]
        fn $test() {
            let proxy: Proxy = $proxy;
            if have(proxy.name) {
                proxy.is_as_documented(grpc_go());
            }
        }
    )*};
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
