//! The library against authorization servers that others wrote: tests/c/token_servers.c gets tokens of them, and the
//! development gateway takes these by the keys that the servers publish.

#[path = "../support/mod.rs"]
mod support;

mod keycloak;
mod oidc_provider;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use keycloak::Keycloak;
use oidc_provider::OidcProvider;
use serde_json::Value;
use support::programs::{C, clean, program};
use support::{Gateway, make, root, run, scratch};

const AUDIENCE: &str = "https://zeebe.example/api";
const SCOPE: &str = "jobs";
/// Of tokens, in seconds.
const LIFETIME: u64 = 6;

/// A client that each server knows.
struct Client {
    /// As libzeebe calls it.
    authentication: &'static str,
    id: &'static str,
    proof: Proof,
}

/// By what a client shows who it is.
#[derive(Clone, Copy)]
enum Proof {
    Secret(&'static str),
    /// The key of this algorithm that keys.mjs makes, whose id is the algorithm, too.
    Key(&'static str),
}

impl Proof {
    /// A proof of the same kind that is not the client's.
    fn wrong(self) -> Self {
        match self {
            Self::Secret(_) => Self::Secret("wrong-secret"),
            Self::Key("RS256") => Self::Key("ES256"),
            Self::Key(_) => Self::Key("RS256"),
        }
    }

    fn environment(self, keys: &Path) -> Vec<(&'static str, OsString)> {
        match self {
            Self::Secret(secret) => vec![("CLIENT_SECRET", secret.into())],
            Self::Key(algorithm) => {
                let file = format!("{}.pem", algorithm.to_lowercase());
                vec![
                    ("PRIVATE_KEY", keys.join(file).into()),
                    ("KEY_ID", algorithm.into()),
                ]
            }
        }
    }
}

/// With `basic` no character may need encoding: servers decode, and libzeebe does not encode.
const CLIENTS: [Client; 5] = [
    Client {
        authentication: "basic",
        id: "worker-1",
        proof: Proof::Secret("letters-and-dashes"),
    },
    Client {
        authentication: "basic_rfc6749",
        id: "worker: 50%&+",
        proof: Proof::Secret("s e:c%r+e/t?=&~"),
    },
    Client {
        authentication: "body",
        id: "worker 2+2",
        proof: Proof::Secret("s e:c%r+e/t?=&~"),
    },
    Client {
        authentication: "private_key_jwt",
        id: "worker-rs256",
        proof: Proof::Key("RS256"),
    },
    Client {
        authentication: "private_key_jwt",
        id: "worker-es256",
        proof: Proof::Key("ES256"),
    },
];

/// What a server that runs has to be known by.
#[derive(Default)]
struct Issuer {
    url: String,
    token_url: String,
    /// A scope and an audience for which it gives tokens that the gateway refuses.
    refused: (&'static str, &'static str),
}

/// A directory for one server's files, and the public keys of the private ones that were made there.
fn keys(name: &str) -> (PathBuf, Value) {
    make("token-servers");
    let directory = scratch(name);
    run(Command::new("node")
        .arg(root().join("tests/token_servers/keys.mjs"))
        .arg(&directory));
    let keys = std::fs::read_to_string(directory.join("jwks.json")).unwrap();
    (directory, serde_json::from_str(&keys).unwrap())
}

fn clients_get_tokens(name: &str, keys: &Path, issuer: &Issuer) {
    let arguments = ["--issuer", &issuer.url, "--audience", AUDIENCE].map(str::to_owned);
    let gateway = Gateway::start_with(name, &arguments);
    let address = format!("127.0.0.1:{}", gateway.get("plaintext_oauth"));
    let program = program(C, "token_servers.c", &["-lzeebe"]);
    let expect = |what: &str, client: &Client, proof: Proof, (scope, audience): (&str, &str)| {
        run(clean(Command::new(&program))
            .args([what, client.authentication])
            .env("GATEWAY", &address)
            .env("TOKEN_URL", &issuer.token_url)
            .env("CLIENT_ID", client.id)
            .envs(proof.environment(keys))
            .env("SCOPE", scope)
            .env("AUDIENCE", audience));
    };
    let expect = &expect;
    // Side by side: most of the time they wait for a token to grow old.
    thread::scope(|scope| {
        for client in &CLIENTS {
            scope.spawn(move || {
                expect(
                    "refused-client",
                    client,
                    client.proof.wrong(),
                    (SCOPE, AUDIENCE),
                );
                expect("refused-audience", client, client.proof, issuer.refused);
                expect("renewals", client, client.proof, (SCOPE, AUDIENCE));
            });
        }
    });
}

#[test]
fn oidc_provider_serves_every_kind_of_client() {
    let (scratch, keys) = keys("oidc-provider");
    let server = OidcProvider::start(&scratch, &keys);
    clients_get_tokens("oidc-provider", &scratch, &server.issuer);
}

#[test]
fn keycloak_serves_every_kind_of_client() {
    let (scratch, keys) = keys("keycloak");
    let server = Keycloak::start(&scratch, &keys);
    clients_get_tokens("keycloak", &scratch, &server.issuer);
}
