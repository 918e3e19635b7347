//! gRPC's interoperability cases: tests/c/interop.c against grpc-go's own service, and the compression cases against tonic,
//! which grpc-go's has not; in plaintext and over TLS.

mod support;

use std::path::Path;
use std::process::Command;

use support::programs::{C, clean, program, valgrind};
use support::test_service::{INTEROP_CASES, Identity, TestService};
use support::{interop_servers, run, scratch};

const COMPRESSION_CASES: [&str; 4] = [
    "client_compressed_unary",
    "server_compressed_unary",
    "client_compressed_streaming",
    "server_compressed_streaming",
];

#[allow(
    clippy::print_stdout,
    reason = "each case, by name, is what is to be seen"
)]
fn run_cases(mut client: Command, server: &TestService, ca: &Path, cases: &[&str]) {
    let printed = run(client.arg(server.address()).arg(ca).args(cases));
    println!("{client:?}:\n{printed}");
    let all: String = cases.iter().map(|case| format!("{case}: ok\n")).collect();
    assert_eq!(printed, all);
}

#[test]
fn grpcs_own_cases_hold_in_plaintext_and_over_tls() {
    let program = program(C, "interop.c", &["-lzeebe"]);
    let identity = Identity::create(&scratch("interop"));
    let [grpc_go, tonic] = interop_servers();
    for (server, cases) in [(grpc_go, &INTEROP_CASES[..]), (tonic, &COMPRESSION_CASES)] {
        let plain = TestService::start(Command::new(&server), None);
        run_cases(clean(Command::new(&program)), &plain, Path::new("-"), cases);
        let tls = TestService::start(Command::new(&server), Some(&identity));
        run_cases(
            clean(Command::new(&program)),
            &tls,
            &identity.certificate,
            cases,
        );
        run_cases(valgrind(&program), &tls, &identity.certificate, cases);
    }
}
