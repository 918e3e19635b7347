//! What a channel shows of itself, as JSON whose form is part of the ABI: `describe`, what was resolved and from where, and `stats`,
//! what happened. Secrets are redacted before they come here.

use std::time::Duration;

use serde_json::{Value, json};

use super::settings::Unused;
use super::{Channel, Connectivity, prometheus, target};
use crate::environment::Origin;

impl Channel {
    /// Settings with their origins, options, and what is wrong with them.
    pub fn describe(&self) -> String {
        let setting = |(name, value, origin): &(&'static str, Value, Origin)| {
            (
                (*name).to_owned(),
                json!({"value": value, "origin": origin.to_string()}),
            )
        };
        let settings: serde_json::Map<_, _> = self.settings.shown.iter().map(setting).collect();
        let oauth2 = self.oauth2.as_ref().and_then(|(plugin, authentication)| {
            let facts = plugin.tokens().ok()?.facts();
            Some(json!({
                "client_authentication": authentication.name(),
                "leeway": seconds(facts.leeway),
                "expire_in": facts.expire_in.map(|duration| duration.as_secs()),
                "granted_scope": facts.granted_scope,
                "state": facts.state,
            }))
        });
        let unused: Vec<_> = self
            .settings
            .unused_variables
            .iter()
            .map(Unused::json)
            .collect();
        json!({
            "version": 1,
            "kind": self.settings.kind.name(),
            "target": target::shown(&self.settings.target.0),
            "security": self.security.name(),
            "settings": settings,
            "channel_options": self.options.describe(&self.service_config.not_honoured),
            "oauth2": oauth2,
            "unused_variables": unused,
            "problem": self.balancer.as_ref().err().map(|error| error.message().to_owned()),
        })
        .to_string()
    }

    /// Counters, of all the time since it was made.
    pub fn stats(&self) -> String {
        self.stats_json().to_string()
    }

    /// The same of all these as Prometheus reads it.
    pub fn prometheus(channels: &[&Self]) -> String {
        let one = |channel: &&Self| {
            (
                target::shown(&channel.settings.target.0).into_owned(),
                channel.stats_json(),
            )
        };
        prometheus::text(&channels.iter().map(one).collect::<Vec<_>>())
    }

    fn stats_json(&self) -> Value {
        let mut stats = json!({"version": 1});
        let transport = match &self.balancer {
            Ok(balancer) => balancer.stats(),
            Err(error) => json!({
                "state": Connectivity::TransientFailure.name(),
                "last_error": error.message(),
                "waiting_calls": 0,
                "subchannels": [],
            }),
        };
        stats["calls"] = self.counters.json();
        stats["job_streams"] = self.counters.job_streams_json();
        stats["calls"]["running"] = json!(self.running.len());
        if let (Value::Object(stats), Value::Object(transport)) = (&mut stats, transport) {
            stats.extend(transport);
        }
        stats["oauth2"] = self.tokens().map_or(Value::Null, |tokens| {
            let facts = tokens.facts();
            let left = facts.lifetime_left.map(|left| left.as_secs());
            json!({
                "state": facts.state,
                "expires_in_seconds": left,
                "requests": facts.counts.requests,
                "from_file": facts.counts.from_file,
                "failures": facts.counts.failures,
                "failures_by_reason": {
                    "refused": facts.counts.refused,
                    "unavailable": facts.counts.unavailable,
                    "settings": facts.counts.settings,
                },
                "renewals": facts.counts.renewals,
                "rejected": facts.counts.rejected,
                "waiting": facts.waiting,
                "last_request_ms": facts.last_request.map(|took| took.as_millis()),
            })
        });
        if *self.closing.borrow() {
            stats["state"] = json!(Connectivity::Shutdown.name());
        }
        stats
    }
}

/// Whole, if it is.
fn seconds(duration: Duration) -> Value {
    match duration.subsec_nanos() {
        0 => json!(duration.as_secs()),
        _ => json!(duration.as_secs_f64()),
    }
}
