//! Process instances: where their token is, what it waits for, and their variables.

use std::mem;
use std::sync::Arc;

use serde_json::Value;

use super::creation::Ending;
use super::deployments::Definition;
use super::messages::Correlation;
use super::signals::Signal;
use super::starts::MessageStart;
use super::{Rejection, State, Variables, Waiter, variables};
use crate::bpmn::Element;
use crate::protocol::{CancelProcessInstanceRequest, SetVariablesRequest, SetVariablesResponse};

#[derive(Debug)]
pub(super) struct Instance {
    pub(super) definition: Arc<Definition>,
    pub(super) variables: Variables,
    pub(super) tags: Vec<String>,
    pub(super) at: ElementInstance,
    pub(super) incident: Option<i64>,
    pub(super) started_by: Option<MessageStart>,
}

/// The token's stay at an element.
#[derive(Debug)]
pub(super) struct ElementInstance {
    pub(super) key: i64,
    /// The place of the element in the process.
    pub(super) place: usize,
    /// Seen here over those of the instance; they go when the token leaves.
    pub(super) variables: Variables,
    pub(super) wait: Wait,
}

/// What an element instance waits for.
#[derive(Debug, Default)]
pub(super) enum Wait {
    #[default]
    Nothing,
    Job(i64),
    Message(Correlation),
    Signal(Signal),
    /// Until this time.
    Timer(i64),
}

impl ElementInstance {
    pub(super) fn new(key: i64, place: usize) -> Self {
        Self {
            key,
            place,
            variables: Variables::new(),
            wait: Wait::Nothing,
        }
    }
}

impl Instance {
    pub(super) fn element(&self) -> &Element {
        &self.definition.what.elements[self.at.place]
    }

    /// As it is seen from the element.
    pub(super) fn variable(&self, name: &str) -> Option<&Value> {
        let local = self.at.variables.get(name);
        local.or_else(|| self.variables.get(name))
    }

    /// All that are seen from the element; of two with one name the later counts.
    pub(super) fn visible(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.variables.iter().chain(&self.at.variables)
    }

    /// Variables of the element keep their place; all others become the instance's.
    pub(super) fn merge(&mut self, variables: Variables) {
        for (name, value) in variables {
            let scope = if self.at.variables.contains_key(&name) {
                &mut self.at.variables
            } else {
                &mut self.variables
            };
            scope.insert(name, value);
        }
    }
}

impl State {
    pub(crate) fn set_variables(
        &mut self,
        request: &SetVariablesRequest,
    ) -> Result<SetVariablesResponse, Rejection> {
        let variables = variables(&request.variables)?;
        let key = request.element_instance_key;
        let instance_key = self.element_instances.get(&key).copied().unwrap_or(key);
        let instance = self
            .instances
            .get_mut(&instance_key)
            .ok_or_else(|| Rejection::NotFound(format!("no element instance has the key {key}")))?;
        if instance_key == key {
            instance.variables.extend(variables);
        } else if request.local {
            instance.at.variables.extend(variables);
        } else {
            instance.merge(variables);
        }
        Ok(SetVariablesResponse {
            key: self.next_key(super::partition_of(instance_key)),
        })
    }

    pub(crate) fn cancel_instance(
        &mut self,
        request: &CancelProcessInstanceRequest,
    ) -> Result<(), Rejection> {
        let key = request.process_instance_key;
        if !self.instances.contains_key(&key) {
            return Err(Rejection::NotFound(format!(
                "no process instance has the key {key}"
            )));
        }
        self.stop_waiting(key);
        self.end(key, |_| Ending::Cancelled);
        Ok(())
    }

    /// The element gets no more of what it waits for.
    pub(super) fn stop_waiting(&mut self, instance_key: i64) {
        let Some(instance) = self.instances.get_mut(&instance_key) else {
            return;
        };
        if let Some(incident) = instance.incident.take() {
            self.incidents.remove(&incident);
        }
        match mem::take(&mut instance.at.wait) {
            Wait::Nothing => {}
            Wait::Job(key) => drop(self.jobs.remove(key)),
            Wait::Message(correlation) => self.messages.unsubscribe(&correlation, instance_key),
            Wait::Signal(signal) => self.signals.unsubscribe(&signal, instance_key),
            Wait::Timer(due) => {
                self.timers.remove(&(due, instance_key));
            }
        }
    }

    /// Nothing of the instance stays, but a result for who awaits it.
    pub(super) fn end(&mut self, key: i64, ending: impl FnOnce(Variables) -> Ending) {
        let Some(instance) = self.instances.remove(&key) else {
            return;
        };
        self.element_instances.remove(&instance.at.key);
        if let Some(start) = instance.started_by {
            self.starts.end(start);
        }
        if let Some(result) = self.results.get_mut(&key) {
            *result = Some(ending(instance.variables));
            self.woken.push(Waiter::Result(key));
        }
    }
}
