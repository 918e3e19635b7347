//! Channel options: gRPC's channel arguments, checked, with what is effective of them.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::keepalive::Keepalive;
use super::service_config::Policy;
use super::target::is_no_authority;
use crate::backoff::Backoff;
use crate::environment::Origin;
use crate::error::Error;
use crate::options::{Spec, Takes, grpc};
use crate::proxy::{Proxy, Source};
use crate::wire::Encoding;

/// A value as the caller gave it.
#[derive(Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// Of gRPC's integers, which are of 32 bits; checked with the key.
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

fn known(key: &str) -> Option<&'static Spec> {
    grpc::ALL.iter().find(|known| known.name == key).copied()
}

fn is(option: &'static Spec, key: &str) -> bool {
    option.name == key
}

/// What goes into `:authority`, or names the gateway's certificate.
fn is_authority(key: &str) -> bool {
    is(&grpc::SSL_TARGET_NAME_OVERRIDE, key) || is(&grpc::DEFAULT_AUTHORITY, key)
}

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
struct Given(Vec<ChannelOption>);

/// What counts of gRPC's arguments, parsed once.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub(super) keepalive: Keepalive,
    /// Bytes, as the next; `None`: no limit.
    pub(super) max_receive: Option<usize>,
    pub(super) max_receive_is_given: bool,
    pub(super) max_send: Option<usize>,
    pub(super) max_metadata: usize,
    pub(super) ssl_target_name_override: Option<String>,
    pub(super) default_authority: Option<String>,
    pub(super) primary_user_agent: Option<String>,
    pub(super) secondary_user_agent: Option<String>,
    /// The pauses between attempts.
    pub(super) backoff: Backoff,
    pub(super) connect_timeout: Duration,
    pub(super) policy: Policy,
    pub(super) service_config: Option<String>,
    pub(super) retries: bool,
    /// It may hold a password.
    pub(super) http_proxy: Option<Zeroizing<String>>,
    pub(super) http_proxy_by_variables: bool,
    /// `None`: never.
    pub(super) idle_timeout: Option<Duration>,
    pub(super) encoding: Encoding,
    pub(super) dns_interval: Duration,
    /// A stream's window.
    pub(super) lookahead_bytes: u32,
}

/// gRPC's channel arguments: as given, for `describe`, and as the channel goes by them.
#[derive(Clone, Debug)]
pub struct ChannelOptions {
    given: Given,
    pub(super) values: Values,
}

impl Given {
    fn find(&self, option: &'static Spec) -> Option<&OptionValue> {
        let found = self.0.iter().find(|given| is(option, &given.key));
        found.map(|given| &given.value)
    }

    /// As given, or its default.
    fn raw_integer(&self, option: &'static Spec) -> i64 {
        match (self.find(option), &option.takes) {
            (Some(OptionValue::Integer(value)), _) => *value,
            (_, Takes::Number(number)) => number.default.value(),
            _ => 0,
        }
    }

    fn integer(&self, option: &'static Spec) -> i64 {
        effective(option.name, self.raw_integer(option))
    }

    fn flag(&self, option: &'static Spec) -> bool {
        self.integer(option) == 1
    }

    fn milliseconds(&self, option: &'static Spec) -> Duration {
        Duration::from_millis(u64::try_from(self.integer(option)).unwrap_or(0))
    }

    /// INT32_MAX is never.
    fn milliseconds_or_never(&self, option: &'static Spec) -> Option<Duration> {
        let never = self.integer(option) == i64::from(i32::MAX);
        (!never).then(|| self.milliseconds(option))
    }

    /// A limit; `None` is unlimited.
    fn length(&self, option: &'static Spec) -> Option<usize> {
        usize::try_from(self.integer(option)).ok()
    }

    /// An empty one counts as not given.
    fn text(&self, option: &'static Spec) -> Option<&str> {
        match self.find(option) {
            Some(OptionValue::Text(value)) if !value.is_empty() => Some(value),
            _ => None,
        }
    }

    fn owned_text(&self, option: &'static Spec) -> Option<String> {
        self.text(option).map(str::to_owned)
    }

    fn values(&self) -> Values {
        Values {
            keepalive: Keepalive {
                time: self.milliseconds_or_never(&grpc::KEEPALIVE_TIME),
                timeout: self.milliseconds(&grpc::KEEPALIVE_TIMEOUT),
                without_calls: self.flag(&grpc::KEEPALIVE_PERMIT_WITHOUT_CALLS),
            },
            max_receive: self.length(&grpc::MAX_RECEIVE_MESSAGE_LENGTH),
            max_receive_is_given: self.find(&grpc::MAX_RECEIVE_MESSAGE_LENGTH).is_some(),
            max_send: self.length(&grpc::MAX_SEND_MESSAGE_LENGTH),
            max_metadata: self.length(&grpc::MAX_METADATA_SIZE).unwrap_or(0),
            ssl_target_name_override: self.owned_text(&grpc::SSL_TARGET_NAME_OVERRIDE),
            default_authority: self.owned_text(&grpc::DEFAULT_AUTHORITY),
            primary_user_agent: self.owned_text(&grpc::PRIMARY_USER_AGENT),
            secondary_user_agent: self.owned_text(&grpc::SECONDARY_USER_AGENT),
            backoff: Backoff::new(
                self.milliseconds(&grpc::INITIAL_RECONNECT_BACKOFF),
                self.milliseconds(&grpc::MAX_RECONNECT_BACKOFF),
            ),
            connect_timeout: self.milliseconds(&grpc::MIN_RECONNECT_BACKOFF),
            policy: match self.text(&grpc::LB_POLICY_NAME) {
                Some("round_robin") => Policy::RoundRobin,
                _ => Policy::PickFirst,
            },
            service_config: self.owned_text(&grpc::SERVICE_CONFIG),
            retries: self.flag(&grpc::ENABLE_RETRIES),
            http_proxy: self
                .text(&grpc::HTTP_PROXY)
                .map(|url| url.to_owned().into()),
            http_proxy_by_variables: self.flag(&grpc::ENABLE_HTTP_PROXY),
            idle_timeout: self.milliseconds_or_never(&grpc::CLIENT_IDLE_TIMEOUT),
            encoding: match self.integer(&grpc::DEFAULT_COMPRESSION_ALGORITHM) {
                2 => Encoding::Gzip,
                _ => Encoding::Identity,
            },
            dns_interval: self.milliseconds(&grpc::DNS_MIN_TIME_BETWEEN_RESOLUTIONS),
            // Within 31 bits, as `check` sees to it.
            lookahead_bytes: u32::try_from(self.integer(&grpc::LOOKAHEAD_BYTES))
                .unwrap_or(u32::MAX >> 1),
        }
    }
}

impl ChannelOptions {
    /// Of duplicates the first counts.
    pub fn new(given: Vec<(String, OptionValue)>) -> Result<Self, Error> {
        let argument = |(key, value)| (key, value, Origin::Argument);
        Self::with_origins(given.into_iter().map(argument))
    }

    /// As [`Self::new`], of options that variables brought, too.
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
        let mut given = Given(options);
        let asked = given.raw_integer(&grpc::KEEPALIVE_TIME);
        if given.find(&grpc::KEEPALIVE_TIME).is_none() {
            given.0.push(ChannelOption {
                key: grpc::KEEPALIVE_TIME.name.to_owned(),
                value: OptionValue::Integer(asked),
                origin: Origin::Default,
            });
        }
        if asked < MIN_KEEPALIVE_TIME_MS {
            tracing::warn!(
                "{} is {asked}: gateways cut off who pings that often; \
                 {MIN_KEEPALIVE_TIME_MS} is used",
                grpc::KEEPALIVE_TIME
            );
        }
        Ok(Self {
            values: given.values(),
            given,
        })
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
            if is(&grpc::SERVICE_CONFIG, &option.key) {
                described["not_honoured"] = json!(not_honoured);
            }
            described
        };
        self.given.0.iter().map(describe).collect()
    }
}

fn effective(key: &str, value: i64) -> i64 {
    if is(&grpc::KEEPALIVE_TIME, key) {
        value.max(MIN_KEEPALIVE_TIME_MS)
    } else if is(&grpc::CLIENT_IDLE_TIMEOUT, key) {
        value.max(MIN_IDLE_TIMEOUT_MS)
    } else {
        value
    }
}

/// A proxy's URL may hold its password, and keys that are not ours may hold anything. What is no proxy at all is not
/// shown either: who knows what it was to be.
fn is_secret(key: &str, value: &str) -> bool {
    if is(&grpc::HTTP_PROXY, key) {
        let proxy = Proxy::parse(value, Source::Option(&grpc::HTTP_PROXY));
        return proxy.map_or(true, |proxy| proxy.credentials().is_some());
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
    let Some(option) = known(key) else {
        return Ok(());
    };
    let wrong = |what: String| {
        Err(Error::invalid_argument(format!(
            "the channel option {key} {what}"
        )))
    };
    match (option.takes, value) {
        (Takes::Number(number), OptionValue::Integer(value)) => {
            let (from, to) = (number.least, number.most);
            if (from..=to).contains(value) {
                Ok(())
            } else {
                wrong(format!("is {value}, not in {from} to {to}"))
            }
        }
        (Takes::Named(names), OptionValue::Integer(value)) => {
            if names.iter().any(|(number, _)| number == value) {
                return Ok(());
            }
            let names = names
                .iter()
                .map(|(number, name)| format!("{number} ({name})"));
            let names = names.collect::<Vec<_>>().join(" nor ");
            wrong(format!("is {value}, neither {names}"))
        }
        (Takes::Number(_) | Takes::Named(_), OptionValue::Text(_)) => {
            wrong("is a string: it takes an integer".to_owned())
        }
        (_, OptionValue::Integer(value)) => {
            wrong(format!("is the integer {value}: it takes a string"))
        }
        (Takes::OneOf(names), OptionValue::Text(text)) => {
            if names.contains(&text.as_str()) {
                Ok(())
            } else {
                wrong(format!("is {text:?}, not one of {}", names.join(", ")))
            }
        }
        (_, OptionValue::Text(text)) => {
            if is_authority(key) && is_no_authority(text) {
                wrong("has a user, a password or a query".to_owned())
            } else if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
                Ok(())
            } else {
                wrong("has characters beyond printable ASCII".to_owned())
            }
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
        let keys: Vec<_> = options
            .given
            .0
            .iter()
            .map(|option| option.key.as_str())
            .collect();
        assert_eq!(keys, ["b", "a", grpc::KEEPALIVE_TIME.name]);
    }

    #[test]
    fn of_duplicates_the_first_counts_but_all_are_checked() {
        let options = ChannelOptions::new(vec![
            integer("grpc.max_metadata_size", 1),
            integer("grpc.max_metadata_size", 2),
        ]);
        assert_eq!(options.unwrap().values.max_metadata, 1);
        let bad = vec![integer("a", 1), integer("a", i64::MAX)];
        assert!(ChannelOptions::new(bad).is_err());
    }

    #[test]
    fn a_short_keepalive_is_shown_as_given_and_effective_as_ten_seconds() {
        let options = ChannelOptions::new(vec![integer(grpc::KEEPALIVE_TIME.name, 1)]).unwrap();
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
        for key in ["grpc.ssl_target_name_override", "grpc.default_authority"] {
            let error = shown(key, "u:s3cret@a").unwrap_err();
            assert!(
                error.message().contains(key) && !error.message().contains("s3cret"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_readme_has_what_is_used_in_place_of_what_is_given() {
        let readme = include_str!("../../README.md");
        for (option, said) in [
            (
                &grpc::KEEPALIVE_TIME,
                format!("below {MIN_KEEPALIVE_TIME_MS} it is {MIN_KEEPALIVE_TIME_MS}"),
            ),
            (
                &grpc::CLIENT_IDLE_TIMEOUT,
                format!("below {MIN_IDLE_TIMEOUT_MS} it is {MIN_IDLE_TIMEOUT_MS}"),
            ),
        ] {
            let mut rows = readme.lines();
            let row = rows.find(|line| line.starts_with(&format!("| `{option}` |")));
            assert!(row.is_some_and(|row| row.contains(&said)), "{row:?}");
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
