//! `zeebe token`: whether the token endpoint gives a token, and for how long it is good. The token itself stays in the library.

use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use zeebe::channel::Channel;
use zeebe::error::Error;

use crate::failure::Failure;
use crate::gateway;
use crate::output::{Output, row};
use crate::settings::Settings;

pub(crate) fn run(output: &Output) -> Result<(), Failure> {
    let channel = gateway::channel()?;
    let settings = Settings::of(&channel);
    let token = obtained(&channel, &settings)
        .map_err(|error| Failure::of("asking for a token", error, settings))?;
    output.show(&token.to_string(), text)
}

/// Asks for a token, and says what is known of it.
pub(crate) fn obtained(channel: &Channel, settings: &Settings) -> Result<Value, Error> {
    let tokens = channel.tokens()?;
    let began = Instant::now();
    tokens.retrieve_blocking()?;
    let took = began.elapsed();
    let facts = tokens.facts();
    let setting =
        |name: &str| json!({ "value": settings.value(name), "origin": settings.origin(name) });
    let left = facts.lifetime_left;
    Ok(json!({
        "endpoint": setting("authorization_server"),
        "client_id": setting("client_id"),
        "audience": setting("audience"),
        "scope": setting("scope"),
        "granted_scope": facts.granted_scope,
        "expires_in_seconds": left.map(|left| left.as_secs()),
        "expires_at": left.map(|left| date(SystemTime::now() + rounded(left))),
        "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }))
}

/// A part of a second has passed since the answer.
fn rounded(left: Duration) -> Duration {
    Duration::from_secs_f64(left.as_secs_f64().round())
}

/// In UTC, as HTTP has it.
pub(crate) fn date(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

/// As rows.
pub(crate) fn text(token: &Value) -> String {
    let setting = |name: &str| {
        let value = token[name]["value"]
            .as_str()
            .filter(|text| !text.is_empty());
        match value {
            Some(value) => format!(
                "{value} ({})",
                token[name]["origin"].as_str().unwrap_or("-")
            ),
            None => "none".to_owned(),
        }
    };
    let scope = match token["granted_scope"].as_str() {
        Some(granted) => format!("{}; granted: {granted}", setting("scope")),
        None => setting("scope"),
    };
    let good = match (&token["expires_in_seconds"], token["expires_at"].as_str()) {
        (Value::Number(left), Some(until)) => format!("{left} s, until {until}"),
        _ => "not known".to_owned(),
    };
    [
        row("endpoint", &setting("endpoint")),
        row("client", &setting("client_id")),
        row("audience", &setting("audience")),
        row("scope", &scope),
        row("good for", &good),
        row("took", &format!("{} ms", token["took_ms"])),
    ]
    .join("\n")
}
