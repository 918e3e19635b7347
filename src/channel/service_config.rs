//! Service config: the JSON of `grpc.service_config`, checked (service_config.md, gRFC A6), and the
//! arithmetic of its retries.
//!
//! Unknown fields are ignored, as gRPC does. Not here: the retries themselves (`call`), the balancing (`balancer`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tonic::Code;

use crate::error::CODE_NAMES;

/// gRFC A6, "Limits on Retries and Hedges".
const MOST_ATTEMPTS: u32 = 5;
/// gRFC A6, "Exponential Backoff": each pause is taken times 0.8 to 1.2.
const JITTER: f64 = 0.2;
/// Of the protobuf type Duration.
const MOST_SECONDS: u64 = 315_576_000_000;
const MOST_TOKENS: f64 = 1000.0;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ServiceConfig {
    /// `None`: the config does not say.
    pub(crate) policy: Option<Policy>,
    pub(crate) throttling: Option<Throttling>,
    /// By `/service/method`, `/service/` and the empty path, which is the default.
    methods: HashMap<String, MethodConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    PickFirst,
    RoundRobin,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MethodConfig {
    pub(crate) timeout: Option<Duration>,
    pub(crate) wait_for_ready: Option<bool>,
    pub(crate) retry: Option<RetryPolicy>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RetryPolicy {
    /// The first attempt included.
    pub(crate) max_attempts: u32,
    pub(crate) initial_backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) multiplier: f64,
    codes: Vec<Code>,
}

/// Tokens in thousandths: tokenRatio has three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Throttling {
    max_tokens: u32,
    token_ratio: u32,
}

impl ServiceConfig {
    /// The error names the place in the JSON.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let root =
            serde_json::from_str(json).map_err(|error| format!("it is not JSON: {error}"))?;
        let root = Place::of(&root)?;
        let mut methods = HashMap::new();
        for place in root.list("methodConfig")? {
            let config = method_config(&place)?;
            for name in place.list("name")? {
                if methods.insert(path(&name)?, config.clone()).is_some() {
                    return Err(name.wrong("the same method is configured before"));
                }
            }
        }
        Ok(Self {
            policy: policy(&root)?,
            throttling: root.optional("retryThrottling", throttling)?,
            methods,
        })
    }

    /// Of a path `/service/method`: what is said of the method, else of its service, else of all.
    pub(crate) fn method(&self, path: &str) -> Option<&MethodConfig> {
        let service = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
        let mut configs = [path, service, ""]
            .into_iter()
            .map(|key| self.methods.get(key));
        configs.find_map(|config| config)
    }
}

impl RetryPolicy {
    pub(crate) fn is_retryable(&self, code: Code) -> bool {
        self.codes.contains(&code)
    }

    /// The pause before a retry, the first of which is 1; `random` is in 0 to 1.
    pub(crate) fn backoff(&self, retry: u32, random: f64) -> Duration {
        let exponent = i32::try_from(retry.saturating_sub(1)).unwrap_or(i32::MAX);
        let pause = self.initial_backoff.as_secs_f64() * self.multiplier.powi(exponent);
        let pause = pause.min(self.max_backoff.as_secs_f64());
        Duration::from_secs_f64(pause * (1.0 - JITTER + 2.0 * JITTER * random))
    }
}

/// Stops retries while failures outweigh successes (gRFC A6, "Throttling Retry Attempts").
#[derive(Debug)]
pub(crate) struct Throttle {
    limits: Throttling,
    tokens: AtomicU32,
}

impl Throttle {
    pub(crate) fn new(limits: Throttling) -> Self {
        Self {
            limits,
            tokens: AtomicU32::new(limits.max_tokens),
        }
    }

    pub(crate) fn allows(&self) -> bool {
        self.tokens.load(Ordering::Relaxed) > self.limits.max_tokens / 2
    }

    /// An attempt failed with a retryable code, or was told not to retry.
    pub(crate) fn failed(&self) {
        self.change(|tokens| tokens.saturating_sub(1000));
    }

    pub(crate) fn succeeded(&self) {
        let Throttling {
            max_tokens,
            token_ratio,
        } = self.limits;
        self.change(|tokens| tokens.saturating_add(token_ratio).min(max_tokens));
    }

    fn change(&self, change: impl Fn(u32) -> u32) {
        // What stays as it is, is not written: calls that succeed do not fight for the cache line.
        let _: Result<u32, u32> =
            self.tokens
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                    Some(change(tokens)).filter(|changed| *changed != tokens)
                });
    }
}

/// loadBalancingConfig, else the older loadBalancingPolicy.
fn policy(root: &Place) -> Result<Option<Policy>, String> {
    let known = |name: &str| match name {
        "pick_first" => Some(Policy::PickFirst),
        "round_robin" => Some(Policy::RoundRobin),
        _ => None,
    };
    if let Some(place) = root.get("loadBalancingConfig") {
        let names = place.items()?.into_iter().map(|item| {
            let mut names = item.object()?.keys();
            match (names.next(), names.next()) {
                (Some(name), None) => Ok(known(name)),
                _ => Err(item.wrong("it must have one policy and nothing else")),
            }
        });
        // Each is checked, of those known the first counts.
        let policies: Vec<_> = names.collect::<Result<_, _>>()?;
        let policy = policies.into_iter().flatten().next();
        return match policy {
            Some(policy) => Ok(Some(policy)),
            None => Err(place.wrong("it must list pick_first or round_robin")),
        };
    }
    root.optional("loadBalancingPolicy", |place| {
        known(&place.text()?.to_ascii_lowercase())
            .ok_or_else(|| place.wrong("it must be pick_first or round_robin"))
    })
}

fn throttling(place: &Place) -> Result<Throttling, String> {
    let tokens = place.required("maxTokens")?;
    let ratio = place.required("tokenRatio")?;
    Ok(Throttling {
        max_tokens: match tokens.thousandths()? {
            0 => return Err(tokens.wrong("it must be more than 0")),
            _ if tokens.number()? > MOST_TOKENS => {
                return Err(tokens.wrong("it must be 1000 at most"));
            }
            thousandths => thousandths,
        },
        token_ratio: match ratio.thousandths()? {
            0 => return Err(ratio.wrong("it must be 0.001 or more")),
            thousandths => thousandths,
        },
    })
}

fn method_config(place: &Place) -> Result<MethodConfig, String> {
    Ok(MethodConfig {
        timeout: place.optional("timeout", Place::duration)?,
        wait_for_ready: place.optional("waitForReady", Place::boolean)?,
        retry: place.optional("retryPolicy", retry_policy)?,
    })
}

/// The key of a name; no service is the default for all.
fn path(name: &Place) -> Result<String, String> {
    name.object()?;
    let part = |key| name.optional(key, |part| Ok(part.text()?.to_owned()));
    let (service, method) = (part("service")?, part("method")?);
    match (service.unwrap_or_default(), method.unwrap_or_default()) {
        (service, method) if service.is_empty() && method.is_empty() => Ok(String::new()),
        (service, _) if service.is_empty() => Err(name.wrong("it has a method and no service")),
        (service, method) => Ok(format!("/{service}/{method}")),
    }
}

fn retry_policy(place: &Place) -> Result<RetryPolicy, String> {
    let pause = |key| {
        let place = place.required(key)?;
        match place.duration()? {
            Duration::ZERO => Err(place.wrong("it must be more than 0s")),
            pause => Ok(pause),
        }
    };
    let attempts = place.required("maxAttempts")?;
    let multiplier = place.required("backoffMultiplier")?;
    let codes = place.required("retryableStatusCodes")?;
    Ok(RetryPolicy {
        max_attempts: match attempts.value.as_u64() {
            None => return Err(attempts.wrong("it must be a whole number")),
            Some(0 | 1) => {
                return Err(attempts.wrong("it must be 2 or more, the first attempt included"));
            }
            Some(number) => u32::try_from(number).unwrap_or(u32::MAX).min(MOST_ATTEMPTS),
        },
        initial_backoff: pause("initialBackoff")?,
        max_backoff: pause("maxBackoff")?,
        multiplier: match multiplier.number()? {
            number if number > 0.0 => number,
            _ => return Err(multiplier.wrong("it must be more than 0")),
        },
        codes: match codes.items()? {
            items if items.is_empty() => return Err(codes.wrong("it must have a code")),
            items => items.iter().map(code).collect::<Result<_, _>>()?,
        },
    })
}

/// By name or number.
fn code(place: &Place) -> Result<Code, String> {
    let number = (0..).zip(CODE_NAMES).find(|(number, name)| {
        place.value.as_i64() == Some(i64::from(*number)) || place.value.as_str() == Some(name)
    });
    match number {
        Some((number, _)) => Ok(Code::from_i32(number)),
        None => Err(place.wrong("it is no gRPC status code")),
    }
}

/// A value and where it stands, for the errors.
struct Place<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Place<'a> {
    /// The whole text.
    fn of(value: &'a Value) -> Result<Self, String> {
        let root = Self {
            path: String::new(),
            value,
        };
        match value {
            Value::Object(_) => Ok(root),
            _ => Err("it is no JSON object".to_owned()),
        }
    }

    fn wrong(&self, why: &str) -> String {
        let Self { path, value } = self;
        match value {
            Value::Object(_) | Value::Array(_) => format!("{path}: {why}"),
            _ => format!("{path} is {value}: {why}"),
        }
    }

    /// A field; null is as good as none.
    fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self {
            path: self.field(key),
            value,
        })
    }

    fn optional<T>(
        &self,
        key: &str,
        parse: impl Fn(&Self) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        self.get(key).as_ref().map(parse).transpose()
    }

    fn field(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    fn required(&self, key: &str) -> Result<Self, String> {
        self.object()?;
        self.get(key)
            .ok_or_else(|| format!("{} is missing", self.field(key)))
    }

    /// A field's items; none if it is missing.
    fn list(&self, key: &str) -> Result<Vec<Self>, String> {
        self.object()?;
        self.get(key).map_or(Ok(Vec::new()), |place| place.items())
    }

    fn items(&self) -> Result<Vec<Self>, String> {
        let items = self.value.as_array();
        let items = items.ok_or_else(|| self.wrong("it must be an array"))?;
        let place = |(index, value)| Self {
            path: format!("{}[{index}]", self.path),
            value,
        };
        Ok(items.iter().enumerate().map(place).collect())
    }

    fn object(&self) -> Result<&'a serde_json::Map<String, Value>, String> {
        self.value
            .as_object()
            .ok_or_else(|| self.wrong("it must be an object"))
    }

    fn text(&self) -> Result<&'a str, String> {
        self.value
            .as_str()
            .ok_or_else(|| self.wrong("it must be a string"))
    }

    fn boolean(&self) -> Result<bool, String> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("it must be true or false"))
    }

    fn number(&self) -> Result<f64, String> {
        self.value
            .as_f64()
            .ok_or_else(|| self.wrong("it must be a number"))
    }

    /// Zero for what is negative, as too little as zero is.
    fn thousandths(&self) -> Result<u32, String> {
        Ok((self.number()? * 1000.0).round() as u32)
    }

    /// A protobuf Duration: `1.5s`, nine decimals at most; and `.1s`, which gRFC A6 has.
    fn duration(&self) -> Result<Duration, String> {
        seconds(self.text()?)
            .ok_or_else(|| self.wrong("it must be a time such as \"1.5s\", not negative"))
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let seconds = if whole.is_empty() { "0" } else { whole }.parse().ok()?;
    let nanos = match fraction.len() {
        0..=9 => format!("{fraction:0<9}").parse().ok()?,
        _ => return None,
    };
    (seconds <= MOST_SECONDS).then(|| Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(json: &Value) -> Result<ServiceConfig, String> {
        ServiceConfig::parse(&json.to_string())
    }

    /// A config of one method with a retry policy, in which `key` is changed.
    fn with_retry(key: &str, value: Value) -> Result<RetryPolicy, String> {
        let mut policy = json!({
            "maxAttempts": 3, "initialBackoff": ".1s", "maxBackoff": "0.25s",
            "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE", 8],
        });
        policy[key] = value;
        let config = parse(&json!({"methodConfig": [{"name": [{}], "retryPolicy": policy}]}))?;
        Ok(config.method("/a/b").unwrap().retry.clone().unwrap())
    }

    #[test]
    fn a_method_comes_before_its_service_and_that_before_the_default() {
        let config = parse(&json!({"methodConfig": [
            {"name": [{"service": "s", "method": "m"}], "timeout": "1.5s", "waitForReady": true},
            {"name": [{"service": "s"}, {"service": "t"}], "timeout": "2s"},
            {"name": [{"service": ""}], "timeout": "3s", "waitForReady": null},
            {"timeout": "4s"},
        ]}))
        .unwrap();
        for (path, millis) in [
            ("/s/m", 1500),
            ("/s/n", 2000),
            ("/t/m", 2000),
            ("/u/m", 3000),
        ] {
            let timeout = config.method(path).unwrap().timeout.unwrap();
            assert_eq!(timeout.as_millis(), millis, "{path}");
        }
        assert_eq!(config.method("/s/m").unwrap().wait_for_ready, Some(true));
        assert_eq!(config.method("/u/m").unwrap().wait_for_ready, None);
        assert_eq!(parse(&json!({"x": 1})).unwrap().method("/s/m"), None);
    }

    #[test]
    fn the_first_known_policy_counts() {
        for (json, policy) in [
            (json!({}), None),
            (
                json!({"loadBalancingConfig": [{"x": {}}, {"round_robin": {}}, {"pick_first": {}}]}),
                Some(Policy::RoundRobin),
            ),
            (
                json!({"loadBalancingConfig": [{"pick_first": {}}], "loadBalancingPolicy": "round_robin"}),
                Some(Policy::PickFirst),
            ),
            (
                json!({"loadBalancingPolicy": "ROUND_ROBIN"}),
                Some(Policy::RoundRobin),
            ),
        ] {
            assert_eq!(parse(&json).unwrap().policy, policy, "{json}");
        }
    }

    #[test]
    fn a_retry_policy_is_read_and_its_attempts_are_capped() {
        let policy = with_retry("maxAttempts", json!(9)).unwrap();
        assert_eq!(policy.max_attempts, 5);
        for code in (0..17).map(Code::from_i32) {
            let retryable = matches!(code, Code::Unavailable | Code::ResourceExhausted);
            assert_eq!(policy.is_retryable(code), retryable, "{code:?}");
        }
    }

    #[test]
    fn codes_have_their_names() {
        for (number, name) in (0..).zip(CODE_NAMES) {
            let policy = with_retry("retryableStatusCodes", json!([name])).unwrap();
            let code = Code::from_i32(number);
            assert!(policy.is_retryable(code), "{name}");
            let spelled = format!("{code:?}").to_ascii_uppercase();
            assert_eq!(spelled, name.replace('_', ""));
        }
    }

    #[test]
    fn pauses_grow_to_the_limit_and_vary_by_a_fifth() {
        let mut policy = with_retry("maxAttempts", json!(5)).unwrap();
        let millis = |retry, random| policy.backoff(retry, random).as_millis();
        assert_eq!(
            [1, 2, 3, 4].map(|retry| millis(retry, 0.5)),
            [100, 200, 250, 250]
        );
        assert_eq!([millis(1, 0.0), millis(1, 1.0)], [80, 120]);
        assert_eq!([millis(9, 0.0), millis(u32::MAX, 1.0)], [200, 300]);
        policy.max_backoff = Duration::from_secs(MOST_SECONDS);
        assert!(policy.backoff(u32::MAX, 1.0) > policy.max_backoff);
    }

    #[test]
    fn errors_name_the_place_the_value_and_what_to_do() {
        let retry = |key: &str, value: Value| with_retry(key, value).unwrap_err();
        let place = |rest: &str| format!("methodConfig[0].retryPolicy.{rest}");
        for (found, expected) in [
            (
                retry("maxAttempts", json!(1)),
                "maxAttempts is 1: it must be 2 or more, the first attempt included",
            ),
            (retry("maxAttempts", json!(null)), "maxAttempts is missing"),
            (
                retry("maxAttempts", json!(2.5)),
                "maxAttempts is 2.5: it must be a whole number",
            ),
            (
                retry("initialBackoff", json!("0s")),
                "initialBackoff is \"0s\": it must be more than 0s",
            ),
            (
                retry("maxBackoff", json!("1")),
                "maxBackoff is \"1\": it must be a time such as \"1.5s\", not negative",
            ),
            (
                retry("backoffMultiplier", json!(0)),
                "backoffMultiplier is 0: it must be more than 0",
            ),
            (
                retry("retryableStatusCodes", json!([])),
                "retryableStatusCodes: it must have a code",
            ),
            (
                retry("retryableStatusCodes", json!(["OK", "unavailable"])),
                "retryableStatusCodes[1] is \"unavailable\": it is no gRPC status code",
            ),
            (
                retry("retryableStatusCodes", json!([17])),
                "retryableStatusCodes[0] is 17: it is no gRPC status code",
            ),
        ] {
            assert_eq!(found, place(expected));
        }
        for (json, expected) in [
            (json!([]), "it is no JSON object"),
            (
                json!({"methodConfig": [{"name": [{"service": "s"}, {"service": "s", "method": ""}]}]}),
                "methodConfig[0].name[1]: the same method is configured before",
            ),
            (
                json!({"methodConfig": [{"name": [{"method": "m"}]}]}),
                "methodConfig[0].name[0]: it has a method and no service",
            ),
            (
                json!({"methodConfig": [{"retryPolicy": 1}]}),
                "methodConfig[0].retryPolicy is 1: it must be an object",
            ),
            (
                json!({"methodConfig": [7]}),
                "methodConfig[0] is 7: it must be an object",
            ),
            (
                json!({"loadBalancingConfig": [{"grpclb": {}}]}),
                "loadBalancingConfig: it must list pick_first or round_robin",
            ),
            (
                json!({"loadBalancingConfig": [{"pick_first": {}}, {}]}),
                "loadBalancingConfig[1]: it must have one policy and nothing else",
            ),
            (
                json!({"loadBalancingPolicy": "grpclb"}),
                "loadBalancingPolicy is \"grpclb\": it must be pick_first or round_robin",
            ),
            (
                json!({"retryThrottling": {"maxTokens": 1001, "tokenRatio": 1}}),
                "retryThrottling.maxTokens is 1001: it must be 1000 at most",
            ),
            (
                json!({"retryThrottling": {"maxTokens": -1, "tokenRatio": 1}}),
                "retryThrottling.maxTokens is -1: it must be more than 0",
            ),
            (
                json!({"retryThrottling": {"maxTokens": 10, "tokenRatio": 0.0001}}),
                "retryThrottling.tokenRatio is 0.0001: it must be 0.001 or more",
            ),
        ] {
            assert_eq!(parse(&json).unwrap_err(), expected);
        }
        let error = ServiceConfig::parse("{").unwrap_err();
        assert!(error.starts_with("it is not JSON: EOF"), "{error}");
    }

    #[test]
    fn durations_are_those_of_protobuf() {
        for (text, nanos) in [
            ("0s", Some(0)),
            ("1.5s", Some(1_500_000_000)),
            (".1s", Some(100_000_000)),
            ("0.000000001s", Some(1)),
            ("315576000000s", Some(315_576_000_000_000_000_000)),
            ("315576000001s", None),
            ("0.0000000001s", None),
            ("-1s", None),
            ("+1s", None),
            ("1e1s", None),
            ("1.-1s", None),
            (".s", None),
            ("s", None),
            ("1", None),
            ("1ms", None),
        ] {
            assert_eq!(seconds(text).map(|time| time.as_nanos()), nanos, "{text}");
        }
    }

    #[test]
    fn retries_stop_at_half_the_tokens_and_start_again_above() {
        let json = json!({"retryThrottling": {"maxTokens": 4, "tokenRatio": 0.5}});
        let throttle = Throttle::new(parse(&json).unwrap().throttling.unwrap());
        throttle.succeeded(); // full is full
        throttle.failed();
        assert!(throttle.allows(), "3 of 4");
        throttle.failed();
        assert!(!throttle.allows(), "2 of 4");
        throttle.succeeded();
        assert!(throttle.allows(), "2.5 of 4");
        for _ in 0..9 {
            throttle.failed(); // empty is empty
        }
        for _ in 0..4 {
            throttle.succeeded();
        }
        assert!(!throttle.allows(), "2 of 4 again");
        throttle.succeeded();
        assert!(throttle.allows(), "2.5 of 4 again");
    }
}
