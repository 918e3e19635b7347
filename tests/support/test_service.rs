//! Servers of gRPC's interoperability cases, those cases, and a certificate for localhost.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Server;

/// Of tests/c/interop.c, those without compression, which not all servers have.
pub(crate) const INTEROP_CASES: [&str; 14] = [
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

/// A self-signed certificate for localhost, and its key.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Identity {
    pub(crate) fn create(directory: &Path) -> Self {
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

/// A server of gRPC's TestService, which prints its port; ended with the test.
pub(crate) struct TestService {
    _server: Server,
    pub(crate) port: u16,
}

impl TestService {
    pub(crate) fn start(mut program: Command, identity: Option<&Identity>) -> Self {
        if let Some(identity) = identity {
            program.arg("--certificate").arg(&identity.certificate);
            program.arg("--key").arg(&identity.key);
        }
        let server = Server::start(&mut program);
        Self {
            port: server.ready.trim().parse().unwrap(),
            _server: server,
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }
}
