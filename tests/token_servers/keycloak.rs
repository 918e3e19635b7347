//! Keycloak, as tests/token_servers/keycloak/install puts it into build/token_servers/keycloak.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use support::{root, run};

use crate::{AUDIENCE, CLIENTS, Issuer, LIFETIME, Proof, SCOPE, support};

/// Ended with the test.
pub(crate) struct Keycloak {
    process: Child,
    pub(crate) issuer: Issuer,
}

impl Keycloak {
    pub(crate) fn start(scratch: &Path, keys: &Value) -> Self {
        let home = root().join("build/token_servers/keycloak");
        let import = home.join("data/import");
        std::fs::create_dir_all(&import).unwrap();
        std::fs::write(import.join("zeebe.json"), realm(keys).to_string()).unwrap();
        let process = Command::new(home.join("bin/kc.sh"))
            .args(["start", "--optimized", "--import-realm", "--cache=local"])
            .args(["--http-enabled=true", "--http-host=127.0.0.1"])
            .args(["--http-port=0", "--hostname-strict=false"])
            .env("JAVA_OPTS_APPEND", "-XX:TieredStopAtLevel=1") // it lives for seconds
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self {
            process,
            issuer: Issuer::default(),
        };
        let place = server.wait_until_it_listens(&scratch.join("keycloak.log"));
        let url = format!("{place}/realms/zeebe");
        server.issuer = Issuer {
            token_url: format!("{url}/protocol/openid-connect/token"),
            url,
            refused: ("", AUDIENCE), // the audience comes with the scope
            wrong_secret: "unauthorized_client",
            wrong_key: "invalid_client",
            unknown_client: "invalid_client",
            unknown_scope: Some("invalid_scope"),
        };
        server
    }

    fn wait_until_it_listens(&mut self, log: &Path) -> String {
        let mut output = BufReader::new(self.process.stdout.take().unwrap());
        let mut log = File::create(log).unwrap();
        let mut said = String::new();
        loop {
            let mut line = String::new();
            let end = output.read_line(&mut line).unwrap() == 0;
            assert!(!end, "Keycloak ended before it listened:\n{said}");
            said.push_str(&line);
            let Some((_, place)) = line.split_once("Listening on: ") else {
                continue;
            };
            let place = place.split_whitespace().next().unwrap().to_owned();
            // It must not be held up by a pipe that nobody reads.
            thread::spawn(move || {
                io::Write::write_all(&mut log, said.as_bytes())?;
                io::copy(&mut output, &mut log)
            });
            return place;
        }
    }
}

/// The realm that is imported at the start.
fn realm(keys: &Value) -> Value {
    let clients = CLIENTS.iter().map(|client| {
        let mut realm_client = json!({
            "clientId": client.id,
            "protocol": "openid-connect",
            "publicClient": false,
            "serviceAccountsEnabled": true, // Keycloak's name for the client credentials grant
            "standardFlowEnabled": false,
            "defaultClientScopes": [],
            "optionalClientScopes": [SCOPE],
        });
        match client.proof {
            Proof::Secret(secret) => {
                realm_client["clientAuthenticatorType"] = json!("client-secret");
                realm_client["secret"] = json!(secret);
            }
            Proof::Key(algorithm) => {
                realm_client["clientAuthenticatorType"] = json!("client-jwt");
                realm_client["attributes"] = json!({
                    "token.endpoint.auth.signing.alg": algorithm,
                    "use.jwks.string": "true",
                    "jwks.string": keys.to_string(),
                });
            }
        }
        realm_client
    });
    json!({
        "realm": "zeebe",
        "enabled": true,
        "sslRequired": "none",
        "accessTokenLifespan": LIFETIME,
        "clients": clients.collect::<Vec<_>>(),
        "clientScopes": [{
            "name": SCOPE,
            "protocol": "openid-connect",
            "attributes": {"include.in.token.scope": "true"},
            "protocolMappers": [{
                "name": "audience",
                "protocol": "openid-connect",
                "protocolMapper": "oidc-audience-mapper",
                "config": {"included.custom.audience": AUDIENCE, "access.token.claim": "true"},
            }],
        }],
    })
}

impl Drop for Keycloak {
    fn drop(&mut self) {
        // Its script hands SIGTERM on to Java, but not SIGKILL.
        run(Command::new("kill").arg(self.process.id().to_string()));
        self.process.wait().unwrap();
    }
}
