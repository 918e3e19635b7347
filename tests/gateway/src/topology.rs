//! The topology that the gateway shows: one broker, which is the gateway itself.

use crate::options::Options;
use crate::protocol::partition::{PartitionBrokerHealth, PartitionBrokerRole};
use crate::protocol::{BrokerInfo, Partition, TopologyResponse};

const VERSION: &str = "8.9.0-dev-gateway";

/// One broker that leads all partitions.
pub(crate) fn describe(options: &Options, port: u16) -> TopologyResponse {
    let partitions = (1..=options.partitions)
        .map(|partition_id| Partition {
            partition_id,
            role: PartitionBrokerRole::Leader.into(),
            health: PartitionBrokerHealth::Healthy.into(),
        })
        .collect();
    TopologyResponse {
        brokers: vec![BrokerInfo {
            node_id: 0,
            host: "127.0.0.1".to_owned(),
            port: port.into(),
            partitions,
            version: VERSION.to_owned(),
        }],
        cluster_size: 1,
        partitions_count: options.partitions,
        replication_factor: 1,
        gateway_version: VERSION.to_owned(),
        cluster_id: options.cluster_id.clone(),
    }
}
