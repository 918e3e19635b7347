//! What channels did, in Prometheus' text format (version 0.0.4), from their stats: which number is which metric is a table. Names and labels
//! are those that OpenTelemetry makes of gRPC's attributes, `grpc.target` and `grpc.status`, for Prometheus.

use serde_json::Value;

const PREFIX: &str = "zeebe_channel";

/// A label's value, escaped.
pub(crate) fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

struct Family {
    name: &'static str,
    kind: Kind,
    about: &'static str,
    /// Where in the stats it is; what is null is left out.
    at: &'static str,
    /// What tells its samples apart.
    by: By,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    /// In thousandths of a second.
    Milliseconds,
    Microseconds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// It is one.
    Nothing,
    /// An object's members are this label's values.
    Member(&'static str),
    /// A text, which is this label's value, of the number 1.
    Text(&'static str),
    /// `at` is within each of the subchannels.
    Endpoint,
}

const fn family(
    name: &'static str,
    kind: Kind,
    at: &'static str,
    by: By,
    about: &'static str,
) -> Family {
    Family {
        name,
        kind,
        about,
        at,
        by,
    }
}

use By::{Endpoint, Member, Nothing, Text};
use Kind::{Counter, Gauge, Microseconds, Milliseconds};

#[rustfmt::skip]
const FAMILIES: [Family; 27] = [
    family("state", Gauge, "/state", Text("state"), "The connectivity that the channel has, 1."),
    family("calls_started_total", Counter, "/calls/started", Nothing, "Calls that began."),
    family("calls_ended_total", Counter, "/calls/ended", Member("grpc_status"), "Calls that ended."),
    family("calls_running", Gauge, "/calls/running", Nothing, "Calls that have not ended."),
    family("calls_waiting", Gauge, "/waiting_calls", Nothing, "Calls that wait for a connection."),
    family("calls_retried_total", Counter, "/calls/retried", Nothing, "Attempts by the retry policy."),
    family("calls_replayed_total", Counter, "/calls/replayed", Nothing, "Attempts after one that was not processed."),
    family("job_streams_reopened_total", Counter, "/job_streams/reopened", Nothing, "Job streams that were opened again."),
    family("job_streams_failed_total", Counter, "/job_streams/failed", Member("grpc_status"), "Failures after which a job stream went on."),
    family("jobs_pushed_total", Counter, "/job_streams/pushed", Nothing, "Jobs that job streams brought."),
    family("jobs_polled_total", Counter, "/job_streams/polled", Nothing, "Jobs that polls beside job streams found."),
    family("open_calls", Gauge, "/open_calls", Endpoint, "Calls on the connection."),
    family("connections_total", Counter, "/connections", Endpoint, "Connections that were made."),
    family("connection_attempts_failed_total", Counter, "/failed_attempts", Endpoint, "Attempts to connect that failed."),
    family("sent_bytes_total", Counter, "/bytes_sent", Endpoint, "Bytes that were sent."),
    family("received_bytes_total", Counter, "/bytes_received", Endpoint, "Bytes that were received."),
    family("pings_total", Counter, "/pings", Endpoint, "Pings that were sent."),
    family("round_trip_seconds", Microseconds, "/round_trip_us", Endpoint, "How long the last ping took."),
    family("token_state", Gauge, "/oauth2/state", Text("state"), "The state that the token has, 1."),
    family("token_expires_in_seconds", Gauge, "/oauth2/expires_in_seconds", Nothing, "How long the token is good."),
    family("token_requests_total", Counter, "/oauth2/requests", Nothing, "Tokens that were asked for."),
    family("token_requests_from_file_total", Counter, "/oauth2/from_file", Nothing, "Of these, those that the file of tokens answered."),
    family("token_requests_failed_total", Counter, "/oauth2/failures_by_reason", Member("reason"), "Of these, those that failed."),
    family("token_renewals_total", Counter, "/oauth2/renewals", Nothing, "Of these, those ahead of expiry."),
    family("tokens_rejected_total", Counter, "/oauth2/rejected", Nothing, "Tokens that a gateway refused, and that were replaced."),
    family("token_waiting_calls", Gauge, "/oauth2/waiting", Nothing, "Calls that wait for a token."),
    family("token_request_seconds", Milliseconds, "/oauth2/last_request_ms", Nothing, "How long the last token took."),
];

/// Each metric once, with the samples of each channel, of which there are the target and the stats.
pub(super) fn text(channels: &[(String, Value)]) -> String {
    let mut text = String::new();
    for family in &FAMILIES {
        let name = format!("{PREFIX}_{}", family.name);
        let kind = if family.kind == Counter {
            "counter"
        } else {
            "gauge"
        };
        text += &format!("# HELP {name} {}\n# TYPE {name} {kind}\n", family.about);
        for (place, (target, stats)) in channels.iter().enumerate() {
            let channel = format!("channel=\"{place}\",grpc_target=\"{}\"", escaped(target));
            for (label, value) in samples(family, stats) {
                text += &format!("{name}{{{channel}{label}}} {value}\n");
            }
        }
    }
    text
}

/// Labels, each after a comma, and values.
fn samples(family: &Family, stats: &Value) -> Vec<(String, String)> {
    let label = |name: &str, value: &str| format!(",{name}=\"{}\"", escaped(value));
    let found = stats.pointer(family.at);
    match family.by {
        Nothing => Vec::from_iter(
            found
                .and_then(|it| number(family.kind, it))
                .map(|it| (String::new(), it)),
        ),
        Text(name) => Vec::from_iter(
            found
                .and_then(Value::as_str)
                .map(|it| (label(name, it), "1".to_owned())),
        ),
        Member(name) => {
            let members = found.and_then(Value::as_object).into_iter().flatten();
            members
                .filter_map(|(key, it)| Some((label(name, key), number(family.kind, it)?)))
                .collect()
        }
        Endpoint => {
            let subchannels = stats["subchannels"].as_array().into_iter().flatten();
            subchannels
                .filter_map(|one| {
                    let endpoint = one["endpoint"].as_str().unwrap_or_default();
                    Some((
                        label("endpoint", endpoint),
                        number(family.kind, one.pointer(family.at)?)?,
                    ))
                })
                .collect()
        }
    }
}

fn number(kind: Kind, value: &Value) -> Option<String> {
    let per_second = match kind {
        Counter | Gauge => return value.is_number().then(|| value.to_string()),
        Milliseconds => 1e3,
        Microseconds => 1e6,
    };
    Some((value.as_f64()? / per_second).to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    /// As `zeebe_channel_stats` has it.
    fn stats() -> Value {
        json!({
            "version": 1,
            "calls": {"started": 5, "ended": {"OK": 3, "UNAVAILABLE": 1}, "retried": 2, "replayed": 0, "running": 1},
            "job_streams": {"failed": {"ABORTED": 1}, "last_error": "lost", "reopened": 6, "pushed": 7, "polled": 8},
            "state": "READY", "last_error": null, "waiting_calls": 9,
            "subchannels": [
                {"endpoint": null, "state": "READY", "peer": "127.0.0.1:1", "open_calls": 1, "connections": 2, "failed_attempts": 3,
                 "bytes_sent": 4, "bytes_received": 18_446_744_073_709_551_615_u64, "pings": 6, "round_trip_us": 1500},
                {"endpoint": "a:1", "state": "IDLE", "peer": null, "open_calls": 0, "connections": 0, "failed_attempts": 0,
                 "bytes_sent": 0, "bytes_received": 0, "pings": 0, "round_trip_us": null},
            ],
            "oauth2": {"state": "valid", "expires_in_seconds": 59, "requests": 1, "from_file": 0, "failures": 3,
                "failures_by_reason": {"refused": 1, "unavailable": 2, "settings": 0}, "renewals": 0, "rejected": 0, "waiting": 0, "last_request_ms": 250},
        })
    }

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let none = json!({"state": "IDLE", "subchannels": [], "oauth2": null});
        let text = text(&[("a\"b\\c\nd".to_owned(), stats()), ("t".to_owned(), none)]);
        let labels = r#"channel="0",grpc_target="a\"b\\c\nd""#;
        for line in [
            "# TYPE zeebe_channel_calls_started_total counter".to_owned(),
            "# TYPE zeebe_channel_round_trip_seconds gauge".to_owned(),
            format!("zeebe_channel_calls_started_total{{{labels}}} 5"),
            format!("zeebe_channel_calls_ended_total{{{labels},grpc_status=\"OK\"}} 3"),
            format!("zeebe_channel_calls_ended_total{{{labels},grpc_status=\"UNAVAILABLE\"}} 1"),
            format!("zeebe_channel_state{{{labels},state=\"READY\"}} 1"),
            format!(
                "zeebe_channel_received_bytes_total{{{labels},endpoint=\"\"}} 18446744073709551615"
            ),
            format!("zeebe_channel_connections_total{{{labels},endpoint=\"a:1\"}} 0"),
            format!("zeebe_channel_round_trip_seconds{{{labels},endpoint=\"\"}} 0.0015"),
            format!("zeebe_channel_token_request_seconds{{{labels}}} 0.25"),
            format!(
                "zeebe_channel_token_requests_failed_total{{{labels},reason=\"unavailable\"}} 2"
            ),
            r#"zeebe_channel_state{channel="1",grpc_target="t",state="IDLE"} 1"#.to_owned(),
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(
            !text.contains("null") && !text.contains("round_trip_seconds{channel=\"1\""),
            "{text}"
        );
        // Each family is announced once, before its samples, and no sample comes twice.
        let types: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("# TYPE"))
            .collect();
        assert_eq!(types.len(), FAMILIES.len());
        let lines: Vec<_> = text
            .lines()
            .map(|line| line.rsplit_once(' ').unwrap().0)
            .collect();
        assert_eq!(lines.iter().collect::<BTreeSet<_>>().len(), lines.len());
        for family in &FAMILIES {
            assert_eq!(
                family.name.ends_with("_total"),
                family.kind == Counter,
                "{}",
                family.name
            );
        }
    }

    #[test]
    fn no_number_of_the_stats_is_left_out() {
        fn numbers(at: &str, value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(members) => members
                    .iter()
                    .for_each(|(name, it)| numbers(&format!("{at}/{name}"), it, found)),
                Value::Array(items) => items.iter().for_each(|it| numbers("", it, found)),
                Value::Number(_) => drop(found.insert(at.to_owned())),
                _ => {}
            }
        }
        let mut found = BTreeSet::new();
        numbers("", &stats(), &mut found);
        // All of its reasons are counted.
        found.retain(|at| at != "/version" && at != "/oauth2/failures");
        let known = |at: &String| {
            FAMILIES.iter().any(|family| {
                at == family.at
                    || at
                        .strip_prefix(family.at)
                        .is_some_and(|rest| rest.starts_with('/'))
            })
        };
        assert!(found.len() > 25 && found.iter().all(known), "{found:?}");
    }
}
