//! Servers of gRPC's TestService, which print their port.

use std::path::Path;
use std::process::Command;

use crate::client;
use crate::matrix::{Matrix, asked_of_all};
use crate::support::programs::{C, clean, program};
use crate::support::test_service::{INTEROP_CASES, Identity, TestService};
use crate::support::{run, scratch};

/// All cases on a server that the command starts, whose version the file pins.
pub(crate) fn is_as_documented(name: &str, pinned: &str, command: impl Fn() -> Command) {
    let mut seen = Matrix::of(name, Path::new(pinned));
    let identity = Identity::create(&scratch(&format!("peers-{name}")));
    let plain = TestService::start(command(), None);
    let tls = TestService::start(command(), Some(&identity));
    let mut aging = command();
    aging.args(["--max-connection-age", "1000"]);
    let aging = TestService::start(aging, None);

    run(clean(Command::new(program(C, "interop.c", &["-lzeebe"])))
        .arg(plain.address())
        .arg("-")
        .args(INTEROP_CASES));
    client::plain(&mut seen, plain.port, asked_of_all());
    client::tls(&mut seen, tls.port, &identity.certificate);
    client::drain(&mut seen, aging.port, || ());
    seen.is_as_documented();
}
