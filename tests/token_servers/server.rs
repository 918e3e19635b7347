//! Servers that are a small program of ours on a library of others. The program gets the name of a file with its
//! settings, prints a line of JSON, `{"issuer": …}`, when it listens, and ends with its input.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support;
use crate::{AUDIENCE, CLIENTS, Issuer, LIFETIME, OTHER_AUDIENCE, Proof, SCOPE};

pub(crate) struct Server {
    _server: support::Server,
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
        let server = support::Server::start(program.arg(settings));
        let ready: Value = serde_json::from_str(&server.ready).unwrap();
        let url = ready["issuer"].as_str().unwrap().to_owned();
        Self {
            _server: server,
            url,
        }
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
