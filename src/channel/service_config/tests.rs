use serde_json::{Value, json};

use super::place::{MOST_SECONDS, seconds};
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
            retry("retryableStatusCodes", json!(["OK", "unreachable"])),
            "retryableStatusCodes[1] is \"unreachable\": it is no gRPC status code",
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
fn numbers_are_those_of_proto3_json() {
    for four in [json!(4), json!(4.0), json!("4"), json!("4.0"), json!("4e0")] {
        assert_eq!(with_retry("maxAttempts", four).unwrap().max_attempts, 4);
    }
    for odd in ["x", "", "4.5", "-4", "NaN", "4294967296"] {
        assert!(with_retry("maxAttempts", json!(odd)).is_err(), "{odd}");
    }
    let multiplier = with_retry("backoffMultiplier", json!("1.5"))
        .unwrap()
        .multiplier;
    assert!((multiplier - 1.5).abs() < f64::EPSILON);
    for code in [
        json!("unavailable"),
        json!("Unavailable"),
        json!(14),
        json!(14.0),
    ] {
        let policy = with_retry("retryableStatusCodes", json!([code])).unwrap();
        assert!(policy.is_retryable(Code::Unavailable), "{code}");
    }
    for bytes in [json!(7), json!("7"), json!(7.0)] {
        let config = json!({"methodConfig": [{"name": [{}], "maxRequestMessageBytes": bytes, "maxResponseMessageBytes": 0}]});
        let config = parse(&config).unwrap();
        let method = config.method("/a/b").unwrap();
        assert_eq!(
            (method.max_request, method.max_response),
            (Some(7), Some(0))
        );
    }
    for bytes in [
        json!(-1),
        json!(1.5),
        json!(4_294_967_296_u64),
        json!("all"),
        json!(true),
    ] {
        let config = json!({"methodConfig": [{"name": [{}], "maxResponseMessageBytes": bytes}]});
        assert!(parse(&config).is_err(), "{config}");
    }
}

#[test]
fn what_has_no_effect_is_told_by_its_place() {
    let config = json!({
        "loadBalancingConfig": [{"xds": {"a": 1}}, {"round_robin": {}}, {"pick_first": {"shuffleAddressList": true}}],
        "healthCheckConfig": {"serviceName": "s"},
        "connectionScaling": {"maxConnectionsPerSubchannel": 2},
        "nothing": null,
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 1, "other": 1},
        "methodConfig": [{
            "name": [{"service": "s", "comment": "c"}],
            "timeout": "1s", "waitForReady": true, "maxRequestMessageBytes": 1, "maxResponseMessageBytes": 1,
            "hedgingPolicy": {"maxAttempts": 2},
        }],
    });
    let mut found = parse(&config).unwrap().not_honoured;
    found.sort();
    let expected = [
        "connectionScaling",
        "healthCheckConfig",
        "loadBalancingConfig[0].xds",
        "loadBalancingConfig[2].pick_first.shuffleAddressList",
        "methodConfig[0].hedgingPolicy",
        "methodConfig[0].name[0].comment",
        "retryThrottling.other",
    ];
    assert_eq!(found, expected);
    let both = json!({"methodConfig": [{"name": [{}], "retryPolicy": {}, "hedgingPolicy": {}}]});
    assert!(parse(&both).unwrap_err().contains("only one of the two"));
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
