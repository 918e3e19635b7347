//! How an instance's token moves from element to element.

use std::sync::Arc;

use serde_json::Value;

use super::creation::Ending;
use super::instances::{ElementInstance, Instance, Wait};
use super::jobs::Job;
use super::messages::Correlation;
use super::signals::Signal;
use super::{State, Variables, partition_of};
use crate::bpmn::{ElementKind, Subscription};

/// What comes of a token's arrival at an element.
enum Arrival {
    /// It leaves at once by the flow of this number.
    Leaves(usize),
    Waits(Wait),
    /// The type and message of an incident.
    Stops(&'static str, String),
    Ends,
}

impl State {
    /// Merges the variables into the instance, leaves the element by its only flow, and runs on.
    pub(super) fn leave(&mut self, instance_key: i64, variables: Variables) {
        if let Some(instance) = self.instances.get_mut(&instance_key) {
            instance.merge(variables);
            self.follow(instance_key, 0);
            self.run(instance_key);
        }
    }

    /// Moves the token until it has to wait, or the instance ends.
    pub(super) fn run(&mut self, instance_key: i64) {
        loop {
            match self.arrive(instance_key) {
                None => return,
                Some(Arrival::Leaves(flow)) => self.follow(instance_key, flow),
                Some(Arrival::Waits(wait)) => {
                    if let Some(instance) = self.instances.get_mut(&instance_key) {
                        instance.at.wait = wait;
                    }
                    return;
                }
                Some(Arrival::Stops(error_type, message)) => {
                    return self.raise_incident(instance_key, error_type, message);
                }
                Some(Arrival::Ends) => return self.end(instance_key, Ending::Completed),
            }
        }
    }

    fn follow(&mut self, instance_key: i64, flow: usize) {
        if let Some(instance) = self.instances.get(&instance_key) {
            let place = instance.element().outgoing[flow].target;
            self.move_to(instance_key, place);
        }
    }

    pub(super) fn move_to(&mut self, instance_key: i64, place: usize) {
        let key = self.next_key(partition_of(instance_key));
        if let Some(instance) = self.instances.get_mut(&instance_key) {
            self.element_instances.remove(&instance.at.key);
            self.element_instances.insert(key, instance_key);
            instance.at = ElementInstance::new(key, place);
        }
    }

    /// None if there is no such instance.
    fn arrive(&mut self, instance_key: i64) -> Option<Arrival> {
        let instance = self.instances.get(&instance_key)?;
        let definition = Arc::clone(&instance.definition);
        let tenant_id = &definition.id.tenant_id;
        Some(match &definition.what.elements[instance.at.place].kind {
            ElementKind::StartEvent(_) | ElementKind::BoundaryErrorEvent(_) => Arrival::Leaves(0),
            ElementKind::ExclusiveGateway => choose(instance),
            ElementKind::ServiceTask(task) => {
                let element_key = instance.at.key;
                let key = self.next_key(partition_of(instance_key));
                let job = Job::new(key, element_key, instance_key, tenant_id, task);
                self.jobs.add(job);
                Arrival::Waits(Wait::Job(key))
            }
            ElementKind::MessageCatchEvent(subscription) => {
                self.await_message(instance_key, subscription)?
            }
            ElementKind::SignalCatchEvent(name) => {
                let signal = Signal::new(tenant_id, name);
                self.signals.subscribe(&signal, instance_key);
                Arrival::Waits(Wait::Signal(signal))
            }
            ElementKind::TimerCatchEvent(duration) => {
                let due = self.now.saturating_add(*duration);
                self.timers.insert((due, instance_key));
                Arrival::Waits(Wait::Timer(due))
            }
            ElementKind::EndEvent => Arrival::Ends,
        })
    }

    fn await_message(&mut self, instance_key: i64, subscription: &Subscription) -> Option<Arrival> {
        let instance = self.instances.get_mut(&instance_key)?;
        let key = subscription
            .correlation_key
            .evaluate(|name| instance.variable(name));
        let key = match key {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => {
                let message = "the correlation key is neither a string nor a number";
                return Some(Arrival::Stops("EXTRACT_VALUE_ERROR", message.to_owned()));
            }
        };
        let id = &instance.definition.id;
        let correlation = Correlation {
            tenant_id: id.tenant_id.clone(),
            name: subscription.message_name.clone(),
            key,
        };
        let live = self.messages.subscribe(&correlation, &id.id, instance_key);
        Some(match live {
            Some(variables) => {
                instance.merge(variables);
                Arrival::Leaves(0)
            }
            None => Arrival::Waits(Wait::Message(correlation)),
        })
    }
}

/// The first flow whose condition holds; the default one has none and comes last.
fn choose(instance: &Instance) -> Arrival {
    for (number, flow) in instance.element().outgoing.iter().enumerate() {
        let holds = match &flow.condition {
            None => Some(true),
            Some(condition) => condition.evaluate(|name| instance.variable(name)),
        };
        match holds {
            Some(true) => return Arrival::Leaves(number),
            Some(false) => {}
            None => {
                let message =
                    "a condition compares values of different kinds, or is no truth value";
                return Arrival::Stops("EXTRACT_VALUE_ERROR", message.to_owned());
            }
        }
    }
    let message = "no condition holds, and there is no default flow";
    Arrival::Stops("CONDITION_ERROR", message.to_owned())
}
