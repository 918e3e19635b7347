//! Instances that a published message or a broadcast signal starts.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::catalogue::TenantId;
use super::deployments::Definition;
use super::messages::Correlation;
use super::{State, Variables};
use crate::bpmn::Trigger;

/// What messages started: of a process there is one instance at a time for each correlation key.
#[derive(Debug, Default)]
pub(super) struct Starts {
    running: BTreeSet<MessageStart>,
    /// These have ended, so that the next message may start another one.
    ended: Vec<MessageStart>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MessageStart {
    process: TenantId,
    correlation_key: String,
}

impl Starts {
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    pub(super) fn end(&mut self, start: MessageStart) {
        self.running.remove(&start);
        self.ended.push(start);
    }

    fn is_running(&self, process: &TenantId, correlation_key: &str) -> bool {
        self.running.contains(&MessageStart {
            process: process.clone(),
            correlation_key: correlation_key.to_owned(),
        })
    }
}

impl State {
    /// The latest processes that this starts, and the places of their start events.
    pub(super) fn started_by(
        &self,
        trigger: &Trigger,
        tenant_id: &str,
    ) -> Vec<(Arc<Definition>, usize)> {
        let latest = self.deployments.processes.all_latest();
        latest
            .filter(|definition| definition.id.tenant_id == tenant_id)
            .filter_map(|definition| {
                let place = definition.what.start(Some(trigger))?;
                Some((Arc::clone(definition), place))
            })
            .collect()
    }

    /// As `started_by`, without the processes that have an instance for this correlation key already.
    pub(super) fn started_by_message(
        &self,
        correlation: &Correlation,
    ) -> Vec<(Arc<Definition>, usize)> {
        let trigger = Trigger::Message(correlation.name.clone());
        let mut started = self.started_by(&trigger, &correlation.tenant_id);
        started.retain(|(definition, _)| !self.starts.is_running(&definition.id, &correlation.key));
        started
    }

    pub(super) fn start(
        &mut self,
        definition: Arc<Definition>,
        place: usize,
        variables: Variables,
        correlation_key: &str,
    ) {
        let start = (!correlation_key.is_empty()).then(|| MessageStart {
            process: definition.id.clone(),
            correlation_key: correlation_key.to_owned(),
        });
        self.starts.running.extend(start.clone());
        let key = self.place_instance(definition, place, variables, Vec::new(), start);
        self.run(key);
    }

    /// Lets live messages start instances where others have ended.
    pub(super) fn start_next(&mut self) {
        while let Some(ended) = self.starts.ended.pop() {
            let latest = self.deployments.processes.latest(&ended.process);
            let Some(definition) = latest.map(Arc::clone) else {
                continue;
            };
            let mut next = definition.what.message_starts();
            let next = next.find_map(|(place, name)| {
                let correlation = Correlation {
                    tenant_id: ended.process.tenant_id.clone(),
                    name: name.to_owned(),
                    key: ended.correlation_key.clone(),
                };
                let variables = self.messages.take_live(&correlation, &ended.process.id)?;
                Some((place, variables))
            });
            if let Some((place, variables)) = next {
                let definition = Arc::clone(&definition);
                self.start(definition, place, variables, &ended.correlation_key);
            }
        }
    }
}
