//! A channel by variables alone, through each language: tests/environment/cases.json has every row of what the official clients
//! read, and the environments of their quick starts, which reach the development gateway.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use support::programs::{C, CPP, clean, program, valgrind};
use support::{Gateway, make, root};

/// One object of the file's `cases`:
///
/// - `environment`, and `base`, the name of more variables that many cases have
/// - `describe`: what the description has, by JSON pointer
/// - `unused`: the names of the variables that are not used, in order
/// - `error`: no channel is made, and the error has this
/// - `topology`: asks the gateway; true if it answers, else what the error has
/// - `tell`: requests to the gateway's control port beforehand, each with its body
/// - `body`: of the token request
/// - `thumbprints_of`: the token request's assertion names the certificate of this file by its digests; "" for none
/// - `authorization`: its scheme, in what came to the gateway
struct Case<'a> {
    file: &'a Value,
    case: &'a Value,
}

#[test]
fn in_c() {
    let program = program(C, "environment.c", &["-lzeebe"]);
    holds("c", || Command::new(&program));
}

#[test]
fn in_c_under_valgrind() {
    let program = program(C, "environment.c", &["-lzeebe"]);
    let gateway = Gateway::start("environment-valgrind");
    for name in [
        "client authentication: tls",
        "strategy BEARER reaches the gateway",
        "Basic: a username with a colon",
        "REST: named, and not used",
    ] {
        let file = file();
        let mut cases = cases(&file);
        let case = cases.find(|case| case.case["name"] == name).unwrap();
        case.holds(&gateway, valgrind(&program), "c");
    }
}

#[test]
fn in_cpp() {
    let program = program(CPP, "environment.cpp", &["-lzeebe"]);
    holds("cpp", || Command::new(&program));
}

#[test]
fn in_go() {
    make("build/environment-go");
    holds("go", || Command::new(root().join("build/environment-go")));
}

#[test]
fn in_java() {
    make("build/java/environment/Environment.class");
    holds("java", || {
        let java = root().join("build/java");
        let path = format!("{0}/environment:{0}/lib/*", java.display());
        let mut command = Command::new("java");
        command.args([
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            &path,
            "Environment",
        ]);
        command
    });
}

fn file() -> Value {
    let path = root().join("tests/environment/cases.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn cases(file: &Value) -> impl Iterator<Item = Case<'_>> {
    let cases = file["cases"].as_array().unwrap();
    cases.iter().map(move |case| Case { file, case })
}

fn holds(language: &str, command: impl Fn() -> Command) {
    let gateway = Gateway::start(&format!("environment-{language}"));
    let file = file();
    // All of them, so that one run shows each that fails.
    let outcomes: Vec<_> = cases(&file)
        .map(|case| {
            catch_unwind(AssertUnwindSafe(|| {
                case.holds(&gateway, clean(command()), language)
            }))
        })
        .collect();
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert!(
        !outcomes.is_empty() && failed == 0,
        "{failed} of {} cases fail",
        outcomes.len()
    );
}

impl Case<'_> {
    fn text(&self, member: &str) -> Option<&str> {
        self.case[member].as_str()
    }

    fn variables(&self) -> impl Iterator<Item = (&String, &str)> {
        let base = self.text("base").map(|base| &self.file["bases"][base]);
        let both = base.into_iter().chain([&self.case["environment"]]);
        both.flat_map(|variables| variables.as_object().unwrap())
            .map(|(name, value)| (name, value.as_str().unwrap()))
    }

    fn holds(&self, gateway: &Gateway, mut command: Command, language: &str) {
        let name = format!("{language}: {}", self.text("name").unwrap());
        for (variable, value) in self.variables() {
            command.env(variable, filled_in(value, gateway));
        }
        for told in self.case["tell"].as_array().into_iter().flatten() {
            gateway.ask(
                told[0].as_str().unwrap(),
                &filled_in(told[1].as_str().unwrap(), gateway),
            );
        }
        let topology = self.case.get("topology");
        if topology.is_some() {
            command.arg("topology");
        }
        let output = command.output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let logged = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{name}: {printed}{logged}");
        for secret in ["secret-value", "demo-secret", "PRIVATE KEY"] {
            assert!(
                !printed.contains(secret) && !logged.contains(secret),
                "{name}: {printed}{logged}"
            );
        }
        let lines: Vec<_> = printed.lines().collect();
        if let Some(error) = self.text("error") {
            assert!(
                printed.starts_with("error: ") && printed.contains(error),
                "{name}: {printed}"
            );
            return;
        }
        let description: Value =
            serde_json::from_str(lines[0]).unwrap_or_else(|_| panic!("{name}: {printed}"));
        for (pointer, expected) in self.case["describe"].as_object().into_iter().flatten() {
            let found = description.pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(found, expected, "{name}: {pointer} of {description:#}");
        }
        self.check_unused(&name, &description, (language == "c").then_some(&logged));
        match topology {
            None => assert_eq!(lines.len(), 1, "{name}: {printed}"),
            Some(Value::String(error)) => {
                let error = filled_in(error, gateway);
                assert!(
                    lines[1].starts_with("error: ") && lines[1].contains(&error),
                    "{name}: {printed}"
                );
            }
            Some(_) => assert_eq!(lines[1..], ["topology"], "{name}: {printed}"),
        }
        if let Some(body) = self.text("body") {
            assert_eq!(
                gateway.ask("GET /token-request", "")["body"],
                json!(body),
                "{name}"
            );
        }
        if let Some(certificate) = self.text("thumbprints_of") {
            let request = gateway.ask("GET /token-request", "");
            let header = assertion_header(request["body"].as_str().unwrap());
            let digest = |algorithm| match certificate {
                "" => Value::Null,
                file => json!(BASE64_URL_SAFE_NO_PAD.encode(digest::digest(
                    algorithm,
                    &der(&std::fs::read_to_string(gateway.get(file)).unwrap())
                ))),
            };
            let expected = [
                digest(&digest::SHA1_FOR_LEGACY_USE_ONLY),
                digest(&digest::SHA256),
            ];
            let found = [&header["x5t"], &header["x5t#S256"]].map(Clone::clone);
            assert_eq!(found, expected, "{name}: {header}");
        }
        if let Some(scheme) = self.text("authorization") {
            let calls = gateway.ask("GET /calls?last=1", "").to_string();
            assert!(calls.contains(&format!("\"{scheme}")), "{name}: {calls}");
        }
    }

    fn check_unused(&self, name: &str, description: &Value, logged: Option<&String>) {
        let unused = description["unused_variables"].as_array().unwrap();
        let names: Vec<_> = unused
            .iter()
            .map(|unused| unused["name"].as_str().unwrap())
            .collect();
        let expected = self.case["unused"].as_array();
        let expected: Vec<_> = expected
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{name}: {description:#}");
        for unused in unused {
            for member in ["why", "hint"] {
                assert!(
                    unused[member].as_str().is_some_and(|text| !text.is_empty()),
                    "{name}: {unused}"
                );
            }
        }
        let Some(logged) = logged else { return };
        let prefix = "log 2: the environment variable ";
        let told = logged
            .lines()
            .filter_map(|line| line.strip_prefix(prefix)?.split_whitespace().next());
        assert_eq!(told.collect::<Vec<_>>(), expected, "{name}: {logged}");
    }
}

/// Of the JWT in a form.
fn assertion_header(form: &str) -> Value {
    let assertion = form
        .split('&')
        .find_map(|field| field.strip_prefix("client_assertion="))
        .unwrap();
    let header = assertion.split('.').next().unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

/// The first certificate of PEM text.
fn der(pem: &str) -> Vec<u8> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----").unwrap();
    let (text, _) = rest.split_once("-----END").unwrap();
    let text: String = text.split_whitespace().collect();
    BASE64_STANDARD.decode(text).unwrap()
}

/// `${name}` is a port or a path of the gateway's, `${text:name}` what is in the file of that path.
fn filled_in(text: &str, gateway: &Gateway) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').unwrap();
        filled += before;
        filled += &match name.strip_prefix("text:") {
            Some(name) => std::fs::read_to_string(gateway.get(name)).unwrap(),
            None => gateway.get(name),
        };
        rest = after;
    }
    filled + rest
}
