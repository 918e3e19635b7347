//! gRPC's interoperability cases: tests/c/interop.c against grpc-go's own service, and the compression cases against tonic,
//! which grpc-go's has not; in plaintext and over TLS.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::programs::{C, clean, program, valgrind};
use support::{Server, interop_servers, run, scratch};

const CASES: [&str; 14] = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "custom_metadata",
    "status_code_and_message",
    "special_status_message",
    "unimplemented_method",
    "unimplemented_service",
    "cancel_after_begin",
    "cancel_after_first_response",
    "timeout_on_sleeping_server",
];

const COMPRESSION_CASES: [&str; 4] = [
    "client_compressed_unary",
    "server_compressed_unary",
    "client_compressed_streaming",
    "server_compressed_streaming",
];

/// A self-signed certificate for localhost, and its key.
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
}

impl Identity {
    fn create(directory: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let identity = Self {
            certificate: directory.join("certificate.pem"),
            key: directory.join("key.pem"),
        };
        std::fs::write(&identity.certificate, made.cert.pem()).unwrap();
        std::fs::write(&identity.key, made.signing_key.serialize_pem()).unwrap();
        identity
    }
}

fn start(program: &Path, identity: Option<&Identity>) -> Server {
    let mut command = Command::new(program);
    if let Some(identity) = identity {
        command.arg("--certificate").arg(&identity.certificate);
        command.arg("--key").arg(&identity.key);
    }
    Server::start(&mut command)
}

#[allow(
    clippy::print_stdout,
    reason = "each case, by name, is what is to be seen"
)]
fn run_cases(mut client: Command, server: &Server, ca: &Path, cases: &[&str]) {
    let printed = run(client
        .arg(format!("localhost:{}", server.ready.trim()))
        .arg(ca)
        .args(cases));
    println!("{client:?}:\n{printed}");
    let all: String = cases.iter().map(|case| format!("{case}: ok\n")).collect();
    assert_eq!(printed, all);
}

#[test]
fn grpcs_own_cases_hold_in_plaintext_and_over_tls() {
    let program = program(C, "interop.c", &["-lzeebe"]);
    let identity = Identity::create(&scratch("interop"));
    let [grpc_go, tonic] = interop_servers();
    for (server, cases) in [(grpc_go, &CASES[..]), (tonic, &COMPRESSION_CASES)] {
        let plain = start(&server, None);
        run_cases(clean(Command::new(&program)), &plain, Path::new("-"), cases);
        let tls = start(&server, Some(&identity));
        run_cases(
            clean(Command::new(&program)),
            &tls,
            &identity.certificate,
            cases,
        );
        run_cases(valgrind(&program), &tls, &identity.certificate, cases);
    }
}
