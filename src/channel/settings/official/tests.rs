//! The table as a whole; tests/environment has a case for each row.

use std::ffi::OsString;

use super::super::{ChannelKind, Unused};
use super::names::{ALL, GRPC_CA, KEEPALIVE_TIMEOUT};
use super::{FromEnvironment, from_environment};
use crate::environment::{Environment, Origin};
use crate::error::Error;

fn found(variables: &[(&str, &str)]) -> Result<FromEnvironment, Error> {
    let read = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| OsString::from(value))
    };
    from_environment(&Environment(&read))
}

const OAUTH: [(&str, &str); 4] = [
    ("CAMUNDA_CLIENT_ID", "id"),
    ("CAMUNDA_CLIENT_SECRET", "secret"),
    ("CAMUNDA_OAUTH_URL", "https://login.example/token"),
    ("CAMUNDA_TOKEN_AUDIENCE", "zeebe-api"),
];

#[test]
fn the_variables_choose_the_channel() {
    let insecure = ("ZEEBE_INSECURE_CONNECTION", "TRUE");
    let cluster = ("CAMUNDA_CLUSTER_ID", "c");
    let oauth = |more: &[(&'static str, &'static str)]| [&OAUTH[..], more].concat();
    use ChannelKind::{CamundaCloud, Insecure, Oauth2ClientCredentials, Secure};
    for (variables, kind, plaintext) in [
        (vec![], Secure, false),
        (vec![insecure], Insecure, true),
        (vec![("ZEEBE_INSECURE_CONNECTION", "1")], Secure, false),
        (oauth(&[]), Oauth2ClientCredentials, false),
        (oauth(&[insecure]), Oauth2ClientCredentials, true),
        (oauth(&[cluster]), CamundaCloud, false),
        (oauth(&[cluster, insecure]), CamundaCloud, false),
    ] {
        let found = found(&variables).unwrap();
        assert_eq!(
            (found.settings.kind, found.plaintext),
            (kind, plaintext),
            "{variables:?}"
        );
    }
}

#[test]
fn a_built_address_has_the_origin_of_its_cluster_id() {
    let found = found(&[&OAUTH[..], &[("CAMUNDA_CLUSTER_ID", "c")]].concat()).unwrap();
    let origin = Origin::Environment("CAMUNDA_CLUSTER_ID");
    assert_eq!(
        found.settings.target,
        ("c.bru-2.zeebe.camunda.io:443".to_owned(), origin)
    );
}

#[test]
fn no_name_stands_twice_in_the_table() {
    let mut names: Vec<_> = ALL.iter().flat_map(|group| group.names).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// A value that each variable takes.
fn value(name: &str) -> &'static str {
    match name {
        "ZEEBE_CLIENT_AUTHENTICATION" => "body",
        "CAMUNDA_AUTH_STRATEGY" => "OAUTH",
        "CAMUNDA_OAUTH_DISABLED" => "false",
        name if name.contains("TIMEOUT") || name.contains("KEEP") => "12345",
        name if name.contains("SECURE_CONNECTION") => "true",
        "ZEEBE_PORT" => "1",
        _ => "https://value.example",
    }
}

#[test]
fn each_variable_alone_is_used_or_has_its_reason() {
    for name in ALL.iter().flat_map(|group| group.names) {
        let Ok(found) = found(&[(name, value(name))]) else {
            continue; // it lacks another, whose name the error says
        };
        let settings = &found.settings;
        let used = format!("environment:{name}");
        let shown = format!("{settings:?} {:?}", found.official).contains(name);
        let decides = found
            .settings
            .security_hint
            .as_ref()
            .is_some_and(|hint| hint.contains(name))
            || *name == "CAMUNDA_OAUTH_DISABLED"
            || *name == "GRPC_KEEPALIVE_TIMEOUT_MS";
        assert!(shown || decides, "{used}");
    }
}

#[test]
fn of_all_at_once_those_that_are_not_used_are_in_the_order_of_the_table() {
    let all: Vec<_> = ALL.iter().flat_map(|group| group.names).collect();
    let variables: Vec<_> = all.iter().map(|name| (**name, value(name))).collect();
    let found = found(&variables).unwrap();
    let unused: Vec<_> = found
        .settings
        .unused_variables
        .iter()
        .map(|unused| unused.name)
        .collect();
    let used = [
        "CAMUNDA_CLUSTER_ID",
        "CAMUNDA_CLUSTER_REGION",
        "CAMUNDA_CLIENT_ID",
        "CAMUNDA_CLIENT_SECRET",
        "CAMUNDA_OAUTH_URL",
        "CAMUNDA_TOKEN_AUDIENCE",
        "CAMUNDA_TOKEN_SCOPE",
        "CAMUNDA_TOKEN_RESOURCE",
        "ZEEBE_CLIENT_AUTHENTICATION",
        "CAMUNDA_AUTH_CONNECT_TIMEOUT",
        "CAMUNDA_AUTH_READ_TIMEOUT",
        "CAMUNDA_AUTH_STRATEGY",
        "CAMUNDA_OAUTH_DISABLED",
        "CAMUNDA_CA_CERTIFICATE_PATH",
        "CAMUNDA_CUSTOM_CERT_CHAIN_PATH",
        "CAMUNDA_CUSTOM_PRIVATE_KEY_PATH",
        "CAMUNDA_OVERRIDE_AUTHORITY",
        "CAMUNDA_KEEP_ALIVE",
        "GRPC_KEEPALIVE_TIMEOUT_MS",
    ];
    let expected: Vec<_> = all
        .into_iter()
        .copied()
        .filter(|name| !used.contains(name))
        .collect();
    assert_eq!(unused, expected);
}

#[test]
fn a_reason_shows_no_secret() {
    let found = found(&[
        ("CAMUNDA_OAUTH_TOKEN", "visible"),
        ("CAMUNDA_BASIC_AUTH_PASSWORD", "visible"),
        ("CAMUNDA_BASIC_AUTH_USERNAME", "u"),
    ])
    .unwrap();
    let shown = format!("{found:?}");
    assert!(!shown.contains("visible"), "{shown}");
    let names: Vec<_> = found
        .settings
        .unused_variables
        .iter()
        .map(|Unused { name, .. }| *name)
        .collect();
    assert_eq!(names, ["CAMUNDA_OAUTH_TOKEN"]);
}

/// docs/moving.md is what users read of `names`.
#[test]
fn the_page_on_moving_has_every_variable_that_is_used_and_none_else() {
    let page = include_str!("../../../../docs/moving.md");
    let quoted = page.split('`').skip(1).step_by(2);
    let quoted = quoted.filter_map(|word| word.split('=').next());
    let is_variable = |word: &&str| {
        word.contains('_')
            && !word.ends_with('_')
            && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    };
    let said: Vec<_> = quoted.filter(is_variable).collect();
    let all = || ALL.iter().flat_map(|group| group.names);
    for name in &said {
        assert!(
            all().any(|known| known == name) || *name == GRPC_CA,
            "{name}"
        );
    }
    let last = ALL
        .iter()
        .position(|group| group.names == [KEEPALIVE_TIMEOUT]);
    for name in ALL[..=last.unwrap()].iter().flat_map(|group| group.names) {
        // `ZEEBE_…` behind them.
        let is_short = matches!(*name, "ZEEBE_CLIENT_ID" | "ZEEBE_CLIENT_SECRET");
        assert!(is_short || said.contains(name), "{name}");
    }
}
