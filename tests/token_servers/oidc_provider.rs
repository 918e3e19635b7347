//! oidc-provider, in tests/token_servers/oidc-provider.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::root;

use crate::{CLIENTS, Issuer, LIFETIME, Proof, SCOPE, support};

/// Ended with the test.
pub(crate) struct OidcProvider {
    process: Child,
    pub(crate) issuer: Issuer,
}

impl OidcProvider {
    pub(crate) fn start(scratch: &Path, keys: &Value) -> Self {
        let settings = scratch.join("settings.json");
        let document = json!({"clients": clients(keys), "scope": SCOPE, "lifetime": LIFETIME});
        std::fs::write(&settings, document.to_string()).unwrap();
        let mut process = Command::new("node")
            .arg(root().join("tests/token_servers/oidc-provider/server.mjs"))
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
        let issuer = Issuer {
            token_url: format!("{url}/token"),
            url,
            refused: (SCOPE, "https://other.example/api"),
        };
        Self { process, issuer }
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

impl Drop for OidcProvider {
    fn drop(&mut self) {
        drop(self.process.stdin.take()); // it ends with its input
        self.process.wait().unwrap();
    }
}
