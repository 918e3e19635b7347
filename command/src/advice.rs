//! Advice: what to do about an error, and which variables to look at.
//!
//! The library's errors say what failed; a gateway's or an authorization server's words are their own, so that what they mean is
//! looked for by what all of them call it.

use zeebe::error::{Code, Error, Kind, Source};

use crate::settings::Settings;

/// What to do, for people, and the variables that it names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) text: String,
    pub(crate) variables: Vec<String>,
}

impl Advice {
    /// `text` names settings in braces, for which their variables stand.
    pub(crate) fn new(settings: &Settings, text: &str) -> Self {
        let mut advice = Self::default();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (setting, after) = after.split_once('}').unwrap_or((after, ""));
            let variable = match setting {
                "address" => settings.variable(settings.address_setting()),
                _ => settings.variable(setting),
            };
            advice.text += before;
            advice.text += &variable;
            advice.variables.push(variable);
            rest = after;
        }
        advice.text += rest;
        advice
    }

    /// For one of variables that make no channel: it names them.
    pub(crate) fn of_variables(error: &Error) -> Self {
        let is_variable = |word: &&str| {
            let prefixes = ["CAMUNDA_", "ZEEBE_", "GRPC_"];
            prefixes.iter().any(|prefix| word.starts_with(prefix))
        };
        let letters = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
        let mut variables: Vec<_> = error
            .message()
            .split(letters)
            .filter(is_variable)
            .map(str::to_owned)
            .collect();
        variables.dedup();
        Self {
            text: format!("set or change {}", variables.join(" or ")),
            variables,
        }
    }

    /// For an error of a channel that was made.
    pub(crate) fn of(error: &Error, settings: &Settings) -> Self {
        let text = match error.source() {
            Source::TokenEndpoint => of_token_endpoint(error),
            Source::Transport => of_transport(&words(error), settings),
            Source::Gateway => of_gateway(error, settings),
            Source::Caller if error.kind() == Kind::IllegalState => {
                "to have tokens, set {client_id}, {client_secret} and {authorization_server}"
            }
            Source::Library if error.code() == Code::DeadlineExceeded => {
                "is the gateway at {address} overloaded, or a longer --timeout needed?"
            }
            _ => "",
        };
        Self::new(settings, text)
    }
}

/// What an error says, without the library's own remark on the scope, which stands behind every refusal.
fn words(error: &Error) -> String {
    let message = error.message();
    let own = message.find("; the scope ").unwrap_or(message.len());
    message[..own].to_lowercase()
}

fn has(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

const CERTIFICATES: [&str; 3] = ["certificate", "unknownissuer", "unknown issuer"];
/// What is said of `nbf` and `iat`.
const TOO_EARLY: [&str; 8] = [
    "not yet",
    "good yet",
    "valid yet",
    "nbf",
    "not before",
    "notbefore",
    "iat",
    "in the future",
];
const CLOCK: &str = "is this machine's clock right? It says whether certificates and tokens are good: compare `date -u` with another machine's, and \
     set it by NTP; look at the clock of the authorization server at {authorization_server}, too";

fn of_token_endpoint(error: &Error) -> &'static str {
    let words = words(error);
    if has(&words, &["audience", "resource server"]) {
        return "the authorization server does not know this audience: change {audience}";
    }
    if has(&words, &["scope"]) {
        return "the authorization server does not grant this scope: change {scope}";
    }
    match error.kind() {
        Kind::InvalidOauthCredentials => {
            "the authorization server does not take this client: change {client_id} or {client_secret}; is it \
             the right one at {authorization_server}?"
        }
        _ if has(&words, &CERTIFICATES) => {
            "the token endpoint's certificate is not trusted or not good now: name its authority's certificate in {ca_certificate}, \
             or change {authorization_server}; is this machine's clock right?"
        }
        _ => {
            "the token endpoint cannot be used: change {authorization_server}, or set https_proxy, of an http:// URL http_proxy, if it is behind a proxy"
        }
    }
}

fn of_transport(words: &str, settings: &Settings) -> &'static str {
    if has(words, &["proxy"]) {
        return "change the variable of the proxy: grpc_proxy, https_proxy or http_proxy; no_grpc_proxy or no_proxy to go without";
    }
    if has(words, &CERTIFICATES) {
        return match settings.value("ca_certificate") {
            Some(_) => "change {ca_certificate}, or {address} if this is the wrong gateway",
            None => {
                "if the gateway's authority is one of your own, name its certificate in {ca_certificate}; change {address} if this is the wrong \
                 gateway"
            }
        };
    }
    if has(words, &["insecure_connection", "grpc://", "grpcs://"]) {
        return "change {insecure} or {address}, so that both sides speak TLS or neither does";
    }
    "is the gateway there? Change {address} if not"
}

fn of_gateway(error: &Error, settings: &Settings) -> &'static str {
    let is_refusal = matches!(error.code(), Code::Unauthenticated | Code::PermissionDenied);
    if !is_refusal {
        return match error.code() {
            Code::Unimplemented => {
                "the gateway is older than this RPC, or something else than a gateway is at {address}"
            }
            _ => "",
        };
    }
    let words = words(error);
    let has_tokens = settings.value("authorization_server").is_some();
    if has(&words, &TOO_EARLY) {
        CLOCK
    } else if has(&words, &["audience", "aud claim", "\"aud\""]) {
        "the token is for something else than this gateway: change {audience}"
    } else if has(&words, &["scope"]) {
        "the gateway wants a scope that the token has not: change {scope}"
    } else if has(&words, &["expired"]) {
        CLOCK
    } else if !has_tokens
        && has(
            &words,
            &["missing", "required", "no token", "authentication"],
        )
    {
        "the gateway wants a token: set {client_id}, {client_secret} and {authorization_server}"
    } else if has(&words, &["issuer", "signature", "unknown"]) {
        "the gateway does not trust whoever issued the token: change {authorization_server}"
    } else if !has_tokens {
        "change {password} or {token}, whichever is meant, or set {client_id} and {client_secret}"
    } else if error.code() == Code::PermissionDenied {
        "the client may not do this: give the client of {client_id} the right to it, or ask for another {scope}"
    } else {
        "the gateway does not take the token: are {audience}, {scope} and {authorization_server} those that it expects?"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let json = r#"{"settings": {"authorization_server": {"value": "u", "origin": "environment:ZEEBE_AUTHORIZATION_SERVER_URL"}}}"#;
        Settings::of_json(json)
    }

    #[test]
    fn what_gateways_say_leads_to_the_variable() {
        for (code, said, variable) in [
            (
                Code::Unauthenticated,
                "the bearer token has the wrong audience",
                "CAMUNDA_TOKEN_AUDIENCE",
            ),
            (
                Code::Unauthenticated,
                "The required audience is missing",
                "CAMUNDA_TOKEN_AUDIENCE",
            ),
            (
                Code::PermissionDenied,
                "insufficient_scope",
                "CAMUNDA_TOKEN_SCOPE",
            ),
            (
                Code::Unauthenticated,
                "Jwt used before 2026-01-01T00:00:00Z (not before)",
                "ZEEBE_AUTHORIZATION_SERVER_URL",
            ),
            (
                Code::Unauthenticated,
                "the signature is by no key of its issuer",
                "ZEEBE_AUTHORIZATION_SERVER_URL",
            ),
            (Code::PermissionDenied, "no", "CAMUNDA_CLIENT_ID"),
        ] {
            let advice = Advice::of(&Error::rpc(Source::Gateway, code, said), &settings());
            assert!(
                advice.variables.iter().any(|found| found == variable),
                "{said}: {advice:?}"
            );
            assert!(advice.text.contains(variable), "{advice:?}");
        }
    }

    #[test]
    fn the_librarys_remark_on_the_scope_is_no_cause() {
        let said = "the bearer token is not good yet; the scope \"a\" was asked for, and the token endpoint granted \"b\"";
        let error = Error::rpc(Source::Gateway, Code::Unauthenticated, said);
        assert!(
            Advice::of(&error, &settings()).text.contains("clock"),
            "{error}"
        );
    }
}
