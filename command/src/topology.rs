//! `zeebe topology`: the brokers of the cluster and what they are of its partitions.

use std::time::Duration;

use serde_json::Value;

use crate::failure::Failure;
use crate::gateway;
use crate::output::{Output, wrapped};

pub(crate) fn run(timeout: Duration, output: &Output) -> Result<(), Failure> {
    let topology = gateway::call("Topology", "{}", timeout)?;
    output.show(&topology, text)
}

/// The whole cluster in a line.
pub(crate) fn summary(topology: &Value) -> String {
    format!(
        "gateway {}, cluster {}: {} broker{}, {} partition{}, replication factor {}",
        shown(&topology["gatewayVersion"]),
        shown(&topology["clusterId"]),
        shown(&topology["clusterSize"]),
        plural(&topology["clusterSize"]),
        shown(&topology["partitionsCount"]),
        plural(&topology["partitionsCount"]),
        shown(&topology["replicationFactor"]),
    )
}

fn text(topology: &Value) -> String {
    let brokers = topology["brokers"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let mut lines = vec![wrapped(&summary(topology), 0)];
    for broker in brokers {
        let partitions = broker["partitions"].as_array();
        let partitions: Vec<_> = partitions
            .into_iter()
            .flatten()
            .map(|partition| {
                let [role, health] =
                    ["role", "health"].map(|name| shown(&partition[name]).to_lowercase());
                format!("{} {role} {health}", shown(&partition["partitionId"]))
            })
            .collect();
        let name = format!(
            "broker {}  {}:{}  {}  ",
            shown(&broker["nodeId"]),
            shown(&broker["host"]),
            shown(&broker["port"]),
            shown(&broker["version"])
        );
        lines.push(name.trim_end().to_owned());
        lines.push(format!(
            "    partitions: {}",
            wrapped(&partitions.join(", "), 16)
        ));
    }
    lines.join("\n")
}

/// What a gateway does not say is a dash.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => "-".to_owned(),
    }
}

fn plural(number: &Value) -> &'static str {
    match number.as_i64() {
        Some(1) => "",
        _ => "s",
    }
}
