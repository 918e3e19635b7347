//! Broadcast signals, and the instances that wait for one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Rejection, State, not_blank, tenant, variables};
use crate::bpmn::Trigger;
use crate::protocol::{BroadcastSignalRequest, BroadcastSignalResponse};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Signal {
    tenant_id: String,
    pub(super) name: String,
}

impl Signal {
    pub(super) fn new(tenant_id: &str, name: &str) -> Self {
        Self {
            tenant_id: tenant_id.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// The keys of the waiting instances.
#[derive(Debug, Default)]
pub(super) struct Signals(BTreeMap<Signal, BTreeSet<i64>>);

impl Signals {
    pub(super) fn subscribe(&mut self, signal: &Signal, instance_key: i64) {
        self.0
            .entry(signal.clone())
            .or_default()
            .insert(instance_key);
    }

    pub(super) fn unsubscribe(&mut self, signal: &Signal, instance_key: i64) {
        if let Some(waiting) = self.0.get_mut(signal) {
            waiting.remove(&instance_key);
            if waiting.is_empty() {
                self.0.remove(signal);
            }
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }
}

impl State {
    /// Reaches every instance that waits now, and starts those that begin with it; a signal is not kept for later ones.
    pub(crate) fn broadcast(
        &mut self,
        request: &BroadcastSignalRequest,
    ) -> Result<BroadcastSignalResponse, Rejection> {
        not_blank("signalName", &request.signal_name)?;
        let variables = variables(&request.variables)?;
        let tenant_id = tenant(&request.tenant_id).to_owned();
        let signal = Signal::new(&tenant_id, &request.signal_name);
        for instance_key in self.signals.0.remove(&signal).unwrap_or_default() {
            self.leave(instance_key, variables.clone());
        }
        let trigger = Trigger::Signal(signal.name);
        for (definition, place) in self.started_by(&trigger, &tenant_id) {
            self.start(definition, place, variables.clone(), "");
        }
        let partition = self.next_partition();
        Ok(BroadcastSignalResponse {
            key: self.next_key(partition),
            tenant_id,
        })
    }
}
