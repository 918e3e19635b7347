//! Servers that are a small program of ours on a library of others. The program gets the name of a file with its
//! settings, prints a line of JSON, `{"issuer": …}`, when it listens, and ends with its input.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::{AUDIENCE, CLIENTS, Issuer, LIFETIME, OTHER_AUDIENCE, Proof, SCOPE};

/// Ended with the test.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(program: &mut Command, scratch: &Path, keys: &Value) -> Self {
        let settings = scratch.join("settings.json");
        let document = json!({
            "clients": clients(keys),
            "scope": SCOPE,
            "lifetime": LIFETIME,
            "audiences": [AUDIENCE, OTHER_AUDIENCE],
        });
        std::fs::write(&settings, document.to_string()).unwrap();
        let mut process = program
            .arg(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = ready["issuer"].as_str().unwrap().to_owned();
        Self { process, url }
    }

    /// One that says `invalid_client` of every client that is not as it should be.
    pub(crate) fn issuer(&self, token_path: &str, unknown_scope: Option<&'static str>) -> Issuer {
        Issuer {
            url: self.url.clone(),
            token_url: format!("{}{token_path}", self.url),
            refused: (SCOPE, OTHER_AUDIENCE),
            wrong_secret: "invalid_client",
            wrong_key: "invalid_client",
            unknown_client: "invalid_client",
            unknown_scope,
        }
    }
}

/// As OpenID Connect Dynamic Client Registration has them.
fn clients(keys: &Value) -> Vec<Value> {
    let clients = CLIENTS.iter().map(|client| match client.proof {
        Proof::Secret(secret) => json!({
            "client_id": client.id,
            "client_secret": secret,
            "token_endpoint_auth_method": match client.authentication {
                "body" => "client_secret_post",
                _ => "client_secret_basic",
            },
        }),
        Proof::Key(algorithm) => json!({
            "client_id": client.id,
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": algorithm,
            "jwks": keys,
        }),
    });
    clients.collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take()); // it ends with its input
        self.process.wait().unwrap();
    }
}
