//! Channel options: gRPC's channel arguments, checked, with what is effective of them.

use std::fmt;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::target::is_no_authority;
use crate::environment::Origin;
use crate::error::Error;
use crate::proxy::{self, Proxy};

/// A value as the caller gave it.
#[derive(Clone, PartialEq, Eq)]
pub enum OptionValue {
    Integer(i64),
    /// That of a proxy may hold a password.
    Text(Zeroizing<String>),
}

impl fmt::Debug for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "Integer({value})"),
            Self::Text(_) => f.write_str("Text(<redacted>)"),
        }
    }
}

/// What a known key takes.
#[derive(Clone, Copy)]
enum Rule {
    /// From, to.
    Integer(i64, i64),
    Text,
    OneOf(&'static [&'static str]),
    /// 0 identity, 2 gzip; 1 is deflate, which gRPC servers do not offer.
    Compression,
}

/// A key that gRPC knows and this library honours, with its default; 0 is also a text's "none".
type Known = (&'static str, Rule, i64);

const MAX: i64 = i32::MAX as i64;

const KEEPALIVE_TIME: &str = "grpc.keepalive_time_ms";
const IDLE_TIMEOUT: &str = "grpc.client_idle_timeout_ms";

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    (KEEPALIVE_TIME, Rule::Integer(0, MAX), 45_000),
    ("grpc.keepalive_timeout_ms", Rule::Integer(1, MAX), 20_000),
    ("grpc.keepalive_permit_without_calls", Rule::Integer(0, 1), 0),
    ("grpc.max_receive_message_length", Rule::Integer(-1, MAX), 4 * 1024 * 1024),
    ("grpc.max_send_message_length", Rule::Integer(-1, MAX), -1),
    ("grpc.max_metadata_size", Rule::Integer(0, MAX), 16_384),
    ("grpc.ssl_target_name_override", Rule::Text, 0),
    ("grpc.default_authority", Rule::Text, 0),
    ("grpc.primary_user_agent", Rule::Text, 0),
    ("grpc.secondary_user_agent", Rule::Text, 0),
    ("grpc.initial_reconnect_backoff_ms", Rule::Integer(100, MAX), 1_000),
    ("grpc.min_reconnect_backoff_ms", Rule::Integer(100, MAX), 20_000),
    ("grpc.max_reconnect_backoff_ms", Rule::Integer(100, MAX), 120_000),
    ("grpc.lb_policy_name", Rule::OneOf(&["pick_first", "round_robin"]), 0),
    ("grpc.service_config", Rule::Text, 0),
    ("grpc.enable_retries", Rule::Integer(0, 1), 1),
    ("grpc.http_proxy", Rule::Text, 0),
    ("grpc.enable_http_proxy", Rule::Integer(0, 1), 1),
    (IDLE_TIMEOUT, Rule::Integer(0, MAX), 1_800_000),
    ("grpc.default_compression_algorithm", Rule::Compression, 0),
    ("grpc.dns_min_time_between_resolutions_ms", Rule::Integer(0, MAX), 30_000),
    ("grpc.http2.lookahead_bytes", Rule::Integer(65_535, MAX), 0),
];

fn known(key: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|(known, ..)| *known == key)
}

/// What goes into `:authority`, or names the gateway's certificate.
const AUTHORITIES: [&str; 2] = ["grpc.ssl_target_name_override", "grpc.default_authority"];

const MIN_KEEPALIVE_TIME_MS: i64 = 10_000;
/// As in gRPC C-core.
const MIN_IDLE_TIMEOUT_MS: i64 = 1_000;

/// One option of a channel.
#[derive(Clone, Debug)]
struct ChannelOption {
    key: String,
    value: OptionValue,
    origin: Origin,
}

/// The caller's options in the caller's order, then the library's own.
#[derive(Clone, Debug)]
pub struct ChannelOptions(Vec<ChannelOption>);

impl ChannelOptions {
    /// Of duplicates the first counts.
    pub fn new(given: Vec<(String, OptionValue)>) -> Result<Self, Error> {
        let argument = |(key, value)| (key, value, Origin::Argument);
        Self::with_origins(given.into_iter().map(argument))
    }

    pub fn with_origins(
        given: impl IntoIterator<Item = (String, OptionValue, Origin)>,
    ) -> Result<Self, Error> {
        let mut options: Vec<ChannelOption> = Vec::new();
        for (key, value, origin) in given {
            check(&key, &value)?;
            if options.iter().any(|option| option.key == key) {
                continue;
            }
            if known(&key).is_none() {
                tracing::warn!("the channel option {key} has no effect in this library");
            }
            options.push(ChannelOption { key, value, origin });
        }
        if !options.iter().any(|option| option.key == KEEPALIVE_TIME) {
            options.push(ChannelOption {
                key: KEEPALIVE_TIME.to_owned(),
                value: OptionValue::Integer(default(KEEPALIVE_TIME)),
                origin: Origin::Default,
            });
        }
        let options = Self(options);
        let asked = options.raw_integer(KEEPALIVE_TIME);
        if asked < MIN_KEEPALIVE_TIME_MS {
            tracing::warn!(
                "{KEEPALIVE_TIME} is {asked}: gateways cut off who pings that often; \
                 {MIN_KEEPALIVE_TIME_MS} is used"
            );
        }
        Ok(options)
    }

    fn find(&self, key: &str) -> Option<&OptionValue> {
        let found = self.0.iter().find(|option| option.key == key);
        found.map(|option| &option.value)
    }

    /// By the program, whatever its value.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    fn raw_integer(&self, key: &str) -> i64 {
        match self.find(key) {
            Some(OptionValue::Integer(value)) => *value,
            _ => default(key),
        }
    }

    /// The effective value of an integer option, which may be its default.
    pub fn integer(&self, key: &str) -> i64 {
        effective(key, self.raw_integer(key))
    }

    /// A text option; an empty one counts as not given.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.find(key) {
            Some(OptionValue::Text(value)) if !value.is_empty() => Some(value),
            _ => None,
        }
    }

    /// A length limit; `None` is unlimited.
    pub fn length(&self, key: &str) -> Option<usize> {
        usize::try_from(self.integer(key)).ok()
    }

    /// With the places of the service config that have no effect.
    pub fn describe(&self, not_honoured: &[String]) -> Value {
        let describe = |option: &ChannelOption| {
            let (value, effective) = match &option.value {
                OptionValue::Integer(value) => {
                    (json!(value), json!(effective(&option.key, *value)))
                }
                OptionValue::Text(value) if is_secret(&option.key, value) => {
                    (json!("<redacted>"), json!("<redacted>"))
                }
                OptionValue::Text(value) => (json!(**value), json!(**value)),
            };
            let mut described = json!({
                "key": option.key,
                "value": value,
                "effective": effective,
                "origin": option.origin.to_string(),
                "honoured": known(&option.key).is_some(),
            });
            if option.key == "grpc.service_config" {
                described["not_honoured"] = json!(not_honoured);
            }
            described
        };
        self.0.iter().map(describe).collect()
    }
}

fn effective(key: &str, value: i64) -> i64 {
    match key {
        KEEPALIVE_TIME => value.max(MIN_KEEPALIVE_TIME_MS),
        IDLE_TIMEOUT => value.max(MIN_IDLE_TIMEOUT_MS),
        _ => value,
    }
}

/// A proxy's URL may hold its password, and keys that are not ours may hold anything. What is no proxy at all is not
/// shown either: who knows what it was to be.
fn is_secret(key: &str, value: &str) -> bool {
    let option = proxy::GATEWAY.option;
    if key == option {
        return Proxy::parse(value, option).map_or(true, |proxy| proxy.credentials().is_some());
    }
    let key_lower = key.to_ascii_lowercase();
    let names = [
        "pass",
        "secret",
        "token",
        "credential",
        "key",
        "auth",
        "cert",
    ];
    known(key).is_none()
        && (is_no_authority(value) || names.iter().any(|name| key_lower.contains(name)))
}

fn default(key: &str) -> i64 {
    known(key).map_or(0, |(_, _, default)| *default)
}

fn check(key: &str, value: &OptionValue) -> Result<(), Error> {
    if key.is_empty() {
        return Err(Error::invalid_argument("a channel option has an empty key"));
    }
    if let OptionValue::Integer(value) = value
        && i32::try_from(*value).is_err()
    {
        return Err(Error::invalid_argument(format!(
            "the channel option {key} is {value}, beyond 32 bits"
        )));
    }
    let Some((_, rule, _)) = known(key) else {
        return Ok(());
    };
    let wrong = |what: String| {
        Err(Error::invalid_argument(format!(
            "the channel option {key} {what}"
        )))
    };
    match (*rule, value) {
        (Rule::Integer(from, to), OptionValue::Integer(value)) => {
            if (from..=to).contains(value) {
                Ok(())
            } else {
                wrong(format!("is {value}, not in {from} to {to}"))
            }
        }
        (Rule::Compression, OptionValue::Integer(0 | 2)) => Ok(()),
        (Rule::Compression, OptionValue::Integer(value)) => {
            wrong(format!("is {value}, neither 0 (identity) nor 2 (gzip)"))
        }
        (Rule::Text, OptionValue::Text(text)) => {
            if AUTHORITIES.contains(&key) && is_no_authority(text) {
                wrong("has a user, a password or a query".to_owned())
            } else if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
                Ok(())
            } else {
                wrong("has characters beyond printable ASCII".to_owned())
            }
        }
        (Rule::OneOf(names), OptionValue::Text(text)) => {
            if names.contains(&text.as_str()) {
                Ok(())
            } else {
                wrong(format!("is {text:?}, not one of {}", names.join(", ")))
            }
        }
        (Rule::Text | Rule::OneOf(_), OptionValue::Integer(value)) => {
            wrong(format!("is the integer {value}: it takes a string"))
        }
        (Rule::Integer(..) | Rule::Compression, OptionValue::Text(_)) => {
            wrong("is a string: it takes an integer".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(key: &str, value: i64) -> (String, OptionValue) {
        (key.to_owned(), OptionValue::Integer(value))
    }

    #[test]
    fn keepalive_is_added_after_the_callers_options() {
        let options = ChannelOptions::new(vec![integer("b", 1), integer("a", 2)]).unwrap();
        let keys: Vec<_> = options.0.iter().map(|option| option.key.as_str()).collect();
        assert_eq!(keys, ["b", "a", KEEPALIVE_TIME]);
    }

    #[test]
    fn of_duplicates_the_first_counts_but_all_are_checked() {
        let options = ChannelOptions::new(vec![
            integer("grpc.max_metadata_size", 1),
            integer("grpc.max_metadata_size", 2),
        ]);
        assert_eq!(options.unwrap().integer("grpc.max_metadata_size"), 1);
        let bad = vec![integer("a", 1), integer("a", i64::MAX)];
        assert!(ChannelOptions::new(bad).is_err());
    }

    #[test]
    fn a_short_keepalive_is_shown_as_given_and_effective_as_ten_seconds() {
        let options = ChannelOptions::new(vec![integer(KEEPALIVE_TIME, 1)]).unwrap();
        let described = &options.describe(&[])[0];
        assert_eq!(
            (&described["value"], &described["effective"]),
            (&json!(1), &json!(10_000))
        );
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let shown = |key: &str, value: &str| {
            let value = OptionValue::Text(value.to_owned().into());
            let options = ChannelOptions::new(vec![(key.to_owned(), value)]);
            options
                .map(|options| options.describe(&[])[0]["value"].as_str().unwrap() != "<redacted>")
        };
        for (key, value, expected) in [
            ("grpc.http_proxy", "http://proxy:3128", true),
            ("grpc.http_proxy", "http://u:s3cret@proxy", false),
            ("grpc.http_proxy", "u:s3cret", false),
            ("grpc.primary_user_agent", "app (me@example)", true),
            ("my.key.unknown", "s3cret", false),
            ("my.access_TOKEN", "s3cret", false),
            ("my.url", "http://u:s3cret@a", false),
            ("my.url", "http://u:s3cret%40a", false),
            ("my.url", "http://a/?t=s3cret", false),
            ("my.url", "http://a", true),
        ] {
            assert_eq!(shown(key, value).unwrap(), expected, "{key} {value}");
        }
        for key in AUTHORITIES {
            let error = shown(key, "u:s3cret@a").unwrap_err();
            assert!(
                error.message().contains(key) && !error.message().contains("s3cret"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_readme_has_every_key_and_its_default() {
        let readme = include_str!("../../README.md");
        for (key, rule, default) in KNOWN {
            let mut rows = readme.lines().filter(|line| line.starts_with("| `grpc."));
            let row = rows.find(|line| line.contains(&format!("`{key}`")));
            let row = row.unwrap_or_else(|| panic!("{key} is not in the README"));
            if matches!(rule, Rule::Integer(..)) && *default != 0 {
                assert!(row.contains(&default.to_string()), "{row}");
            }
        }
    }

    #[test]
    fn wrong_types_and_ranges_name_the_key() {
        for (key, value) in [
            integer("grpc.keepalive_time_ms", -1),
            integer("grpc.initial_reconnect_backoff_ms", 99),
            integer("grpc.default_authority", 1),
            integer("grpc.lb_policy_name", 1),
            integer("grpc.default_compression_algorithm", 1),
            (
                "grpc.keepalive_time_ms".into(),
                OptionValue::Text("1".to_owned().into()),
            ),
            (
                "grpc.lb_policy_name".into(),
                OptionValue::Text("grpclb".to_owned().into()),
            ),
            (
                "grpc.primary_user_agent".into(),
                OptionValue::Text("a\nb".to_owned().into()),
            ),
        ] {
            let error = ChannelOptions::new(vec![(key.clone(), value)]).unwrap_err();
            assert!(error.message().contains(&key), "{error}");
        }
    }
}
