//! The library against authorization servers that others wrote: tests/c/token_servers.c gets tokens of them, and the
//! development gateway takes these by the keys that the servers publish.

#[path = "../support/mod.rs"]
mod support;

mod keycloak;
mod server;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;

use keycloak::Keycloak;
use serde_json::Value;
use server::Server;
use support::programs::{C, clean, program};
use support::{Gateway, make, root, run, scratch};

const AUDIENCE: &str = "https://zeebe.example/api";
/// For this, servers give tokens, too, which the gateway refuses.
const OTHER_AUDIENCE: &str = "https://other.example/api";
const SCOPE: &str = "jobs";
/// Of tokens, in seconds.
const LIFETIME: u64 = 6;

/// A client that each server knows.
#[derive(Clone, Copy)]
struct Client {
    /// As libzeebe calls it.
    authentication: &'static str,
    id: &'static str,
    proof: Proof,
}

impl Client {
    fn with_a_wrong_proof(self) -> Self {
        let proof = self.proof.wrong();
        Self { proof, ..self }
    }

    fn unknown(self) -> Self {
        Self {
            id: "nobody",
            ..self
        }
    }
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
        proof: Proof::Secret("o t:h%e+r/?=&~"), // Spring wants secrets to differ
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
    /// Its words for what is not a client's, and for a client that it does not know.
    wrong_secret: &'static str,
    wrong_key: &'static str,
    unknown_client: &'static str,
    /// Its words for a scope that it does not know; without any it gives a token all the same.
    unknown_scope: Option<&'static str>,
}

/// Whether a server is there: what has to be downloaded cannot always be had.
#[expect(clippy::print_stderr, reason = "a skip must be seen")]
fn have(name: &str) -> bool {
    make("token-servers"); // fails if something is missing that may not be skipped
    let stamp = format!("build/token_servers/{name}.ready");
    let had = root().join(stamp).exists();
    if !had {
        eprintln!("skipped: {name} could not be had");
    }
    had
}

/// A directory for one server's files, and the public keys of the private ones that were made there.
fn keys(name: &str) -> (PathBuf, Value) {
    let directory = scratch(name);
    run(Command::new("node")
        .arg(root().join("tests/token_servers/keys.mjs"))
        .arg(&directory));
    let keys = std::fs::read_to_string(directory.join("jwks.json")).unwrap();
    (directory, serde_json::from_str(&keys).unwrap())
}

/// Everything that a call can come to, with each kind of client.
fn serves_every_kind_of_client(name: &str, keys: &Path, issuer: &Issuer) {
    let arguments = ["--issuer", &issuer.url, "--audience", AUDIENCE].map(str::to_owned);
    let gateway = Gateway::start_with(name, &arguments);
    let address = format!("127.0.0.1:{}", gateway.get("plaintext_oauth"));
    // Once: a program that runs cannot be built anew.
    static PROGRAM: LazyLock<PathBuf> =
        LazyLock::new(|| program(C, "token_servers.c", &["-lzeebe"]));
    let expect = |what: &[&str], client: &Client, (scope, audience): (&str, &str)| {
        run(clean(Command::new(&*PROGRAM))
            .arg(client.authentication)
            .args(what)
            .env("GATEWAY", &address)
            .env("TOKEN_URL", &issuer.token_url)
            .env("CLIENT_ID", client.id)
            .envs(client.proof.environment(keys))
            .env("SCOPE", scope)
            .env("AUDIENCE", audience));
    };
    let good = (SCOPE, AUDIENCE);
    let has_every_answer = |client: &Client| {
        let (wrong, unknown) = (client.with_a_wrong_proof(), client.unknown());
        let words = match client.proof {
            Proof::Secret(_) => issuer.wrong_secret,
            Proof::Key(_) => issuer.wrong_key,
        };
        expect(&["refused", words], &wrong, good);
        expect(&["refused", issuer.unknown_client], &unknown, good);
        let other_scope = ("no-such-scope", AUDIENCE);
        match issuer.unknown_scope {
            Some(words) => expect(&["refused", words], client, other_scope),
            None => expect(&["token"], client, other_scope),
        }
        expect(&["refused-by-gateway", "audience"], client, issuer.refused);
        expect(&["renewals"], client, good);
    };
    // Side by side: most of the time they wait for a token to grow old.
    thread::scope(|scope| {
        for client in &CLIENTS {
            scope.spawn(|| has_every_answer(client));
        }
    });
    // All decode what comes by Basic, so that these characters do not arrive.
    let raw = Client {
        authentication: "basic",
        ..CLIENTS[1]
    };
    expect(&["refused", ""], &raw, good);
}

#[test]
fn oidc_provider_serves_every_kind_of_client() {
    if !have("oidc-provider") {
        return;
    }
    let (scratch, keys) = keys("oidc-provider");
    let mut program = Command::new("node");
    program.arg(root().join("tests/token_servers/oidc-provider/server.mjs"));
    let server = Server::start(&mut program, &scratch, &keys);
    serves_every_kind_of_client("oidc-provider", &scratch, &server.issuer("/token", None));
}

#[test]
fn authlib_serves_every_kind_of_client() {
    if !have("authlib") {
        return;
    }
    let (scratch, keys) = keys("authlib");
    let mut program = Command::new(root().join("build/token_servers/authlib/bin/python3"));
    program.arg(root().join("tests/token_servers/authlib/server.py"));
    let server = Server::start(&mut program, &scratch, &keys);
    serves_every_kind_of_client("authlib", &scratch, &server.issuer("/token", None));
}

#[test]
fn fosite_serves_every_kind_of_client() {
    if !have("fosite") {
        return;
    }
    let (scratch, keys) = keys("fosite");
    let mut program = Command::new(root().join("build/token_servers/fosite"));
    let server = Server::start(&mut program, &scratch, &keys);
    let issuer = server.issuer("/token", Some("invalid_scope"));
    serves_every_kind_of_client("fosite", &scratch, &issuer);
}

#[test]
fn spring_serves_every_kind_of_client() {
    if !have("spring") {
        return;
    }
    let (scratch, keys) = keys("spring");
    let built = root().join("build/token_servers/spring");
    let classes = format!("{0}/classes:{0}/lib/*", built.display());
    let mut program = Command::new("java");
    program
        .arg("-XX:TieredStopAtLevel=1") // it lives for seconds
        .args(["-cp", &classes, "Server"]);
    let server = Server::start(&mut program, &scratch, &keys);
    let issuer = server.issuer("/oauth2/token", Some("invalid_scope"));
    serves_every_kind_of_client("spring", &scratch, &issuer);
}

#[test]
fn keycloak_serves_every_kind_of_client() {
    if !have("keycloak") {
        return;
    }
    let (scratch, keys) = keys("keycloak");
    let server = Keycloak::start(&scratch, &keys);
    serves_every_kind_of_client("keycloak", &scratch, &server.issuer);
}
