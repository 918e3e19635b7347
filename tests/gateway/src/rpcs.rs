//! Which RPCs of the protocol the gateway answers.

/// The RPCs that are real.
pub(crate) const ANSWERED: &[&str] = &[
    "ActivateJobs",
    "BroadcastSignal",
    "CancelProcessInstance",
    "CompleteJob",
    "CreateProcessInstance",
    "CreateProcessInstanceWithResult",
    "DeleteResource",
    "DeployProcess",
    "DeployResource",
    "FailJob",
    "PublishMessage",
    "ResolveIncident",
    "SetVariables",
    "StreamActivatedJobs",
    "ThrowError",
    "Topology",
    "UpdateJobRetries",
    "UpdateJobTimeout",
];

/// The RPCs that are known, but answer UNIMPLEMENTED.
pub(crate) const UNANSWERED: &[&str] = &[
    "EvaluateConditional",
    "EvaluateDecision",
    "MigrateProcessInstance",
    "ModifyProcessInstance",
];

/// Those of `grpc.health.v1.Health`, which is served beside the gateway.
const HEALTH: [&str; 2] = ["Check", "Watch"];

pub(crate) fn is_known(rpc: &str) -> bool {
    [ANSWERED, UNANSWERED, &HEALTH].concat().contains(&rpc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_of_the_protocol_is_answered_or_listed_as_not() {
        let proto = include_str!("../../../proto/gateway.proto");
        let mut rpcs: Vec<_> = proto
            .lines()
            .filter_map(|line| line.trim().strip_prefix("rpc ")?.split('(').next())
            .collect();
        let mut listed = [ANSWERED, UNANSWERED].concat();
        rpcs.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, rpcs);
        assert_eq!(rpcs.len(), 22);
    }
}
