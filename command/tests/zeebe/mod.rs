//! The command, run as a user runs it. What it prints is searched for secrets in every test, whatever else that is about.

#![allow(dead_code, reason = "each test uses a part")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::Value;

use crate::support::programs::clean;
use crate::support::{Gateway, scratch};

/// Its spellings differ: form-encoded, escaped, as base64.
pub(crate) const SECRET: &str = "s3cret&of/the+command=%\"ü";
pub(crate) const CLIENT: &str = "command-client";

/// A process with one job, of the type `payment`.
const PROCESS: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0">
  <process id="order" isExecutable="true"><startEvent id="s"/><serviceTask id="pay"><extensionElements>
  <z:taskDefinition type="payment"/></extensionElements></serviceTask><endEvent id="e"/>
  <sequenceFlow id="a" sourceRef="s" targetRef="pay"/><sequenceFlow id="b" sourceRef="pay" targetRef="e"/></process>
</definitions>"#;

/// A gateway that knows the client.
pub(crate) fn gateway(name: &str, arguments: &[&str]) -> Gateway {
    let client = ["--client".to_owned(), format!("{CLIENT}:{SECRET}")];
    let arguments = arguments.iter().map(|argument| (*argument).to_owned());
    let arguments: Vec<_> = client.into_iter().chain(arguments).collect();
    Gateway::start_with(&format!("command-{name}"), &arguments)
}

/// A file with a process.
pub(crate) fn process(name: &str) -> PathBuf {
    let path = scratch(&format!("command-{name}")).join("order.bpmn");
    std::fs::write(&path, PROCESS).unwrap();
    path
}

/// A command with variables, of which those of the user are none.
pub(crate) struct Zeebe(Vec<(&'static str, String)>);

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Zeebe {
    /// Nothing but the address.
    pub(crate) fn at(address: &str) -> Self {
        Self(vec![("ZEEBE_ADDRESS", address.to_owned())])
    }

    /// In plaintext, without a token.
    pub(crate) fn plaintext(gateway: &Gateway) -> Self {
        let address = format!("localhost:{}", gateway.get("plaintext"));
        Self::at(&address).with("ZEEBE_INSECURE_CONNECTION", "true")
    }

    /// Over TLS, without a token.
    pub(crate) fn tls(gateway: &Gateway, listener: &str) -> Self {
        Self::at(&format!("localhost:{}", gateway.get(listener)))
            .with("CAMUNDA_CA_CERTIFICATE_PATH", &gateway.get("ca"))
    }

    /// Over TLS, with a token.
    pub(crate) fn oauth(gateway: &Gateway) -> Self {
        let url = format!(
            "https://localhost:{}/oauth/token",
            gateway.get("token_https")
        );
        Self::tls(gateway, "tls_oauth")
            .with("CAMUNDA_CLIENT_ID", CLIENT)
            .with("CAMUNDA_CLIENT_SECRET", SECRET)
            .with("CAMUNDA_OAUTH_URL", &url)
            .with("CAMUNDA_TOKEN_AUDIENCE", "zeebe-api")
    }

    /// A later one of the same name counts.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.push((name, value.to_owned()));
        self
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(Command::new(env!("CARGO_BIN_EXE_zeebe")));
        command
            .args(arguments)
            .envs(self.0.iter().map(|(name, value)| (name, value)))
            .env_remove("SSL_CERT_FILE")
            .env_remove("SSL_CERT_DIR");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with_input(arguments, "")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let ended = Ended {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        no_secret_is_in(&ended.out);
        no_secret_is_in(&ended.err);
        ended
    }

    /// What it prints as JSON, of a run that succeeds.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat());
        assert_eq!((ended.code, &*ended.err), (0, ""), "{ended:?}");
        serde_json::from_str(&ended.out).unwrap()
    }
}

impl Ended {
    /// In its words, wherever lines are broken.
    pub(crate) fn said(&self) -> String {
        let text = format!("{}\n{}", self.out, self.err);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What is for people fits a terminal; only a word that is longer has a longer line, of its own.
    pub(crate) fn fits_a_terminal(&self) {
        for line in self.out.lines().chain(self.err.lines()) {
            let is_word = !line.trim().contains(' ');
            assert!(line.chars().count() <= 80 || is_word, "{line}");
        }
    }
}

/// The secret and what would lead to it, and any token of the gateway, which are all JWTs.
fn no_secret_is_in(text: &str) {
    let encoded = |byte: u8| format!("%{byte:02X}");
    let all: String = SECRET.bytes().map(encoded).collect();
    let form: String = SECRET
        .bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
            _ => encoded(byte),
        })
        .collect();
    let escaped = serde_json::to_string(SECRET).unwrap();
    let pair = format!("{CLIENT}:{SECRET}");
    let form_pair = format!("{CLIENT}:{form}");
    let mut spellings = vec![
        SECRET.to_owned(),
        all.to_lowercase(),
        form.to_lowercase(),
        escaped.trim_matches('"').to_owned(),
        SECRET.bytes().map(|byte| format!("{byte:02x}")).collect(),
        // Enough of it to know the rest is ours.
        "s3cret".to_owned(),
        "eyJ".to_owned(),
    ];
    for text in [SECRET, &form, &pair, &form_pair] {
        spellings.push(BASE64_STANDARD.encode(text));
        spellings.push(BASE64_STANDARD_NO_PAD.encode(text));
        spellings.push(BASE64_URL_SAFE_NO_PAD.encode(text));
    }
    let lower = text.to_lowercase();
    for spelling in spellings {
        assert!(
            !text.contains(&spelling) && !lower.contains(&spelling.to_lowercase()),
            "{spelling:?} is in {text}"
        );
    }
}
