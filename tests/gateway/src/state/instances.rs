//! Process instances, and how their token moves from element to element.

use std::sync::Arc;

use serde_json::Value;

use super::jobs::Job;
use super::processes::Definition;
use super::{Incident, State, Variables, partition_of};
use crate::bpmn::{CorrelationKey, Element, ElementKind};

#[derive(Debug)]
pub(super) struct Instance {
    pub(super) definition: Arc<Definition>,
    pub(super) variables: Variables,
    pub(super) tags: Vec<String>,
    /// The element that the token is at.
    pub(super) position: usize,
}

impl Instance {
    pub(super) fn element(&self) -> &Element {
        &self.definition.process.elements[self.position]
    }
}

impl State {
    /// Merges the variables into the instance, leaves the element its token is at, and runs on.
    pub(super) fn leave(&mut self, instance_key: i64, variables: Variables) {
        if let Some(instance) = self.instances.get_mut(&instance_key) {
            instance.variables.extend(variables);
            instance.position += 1;
            self.run(instance_key);
        }
    }

    /// Moves the token until it has to wait, or the instance ends.
    pub(super) fn run(&mut self, instance_key: i64) {
        loop {
            let Some(instance) = self.instances.get_mut(&instance_key) else {
                return;
            };
            let definition = Arc::clone(&instance.definition);
            match &definition.process.elements[instance.position].kind {
                ElementKind::StartEvent => {}
                ElementKind::ServiceTask(task) => {
                    let partition = partition_of(instance_key);
                    let job = Job::new(
                        self.next_key(partition),
                        self.next_key(partition),
                        instance_key,
                        &definition.tenant_id,
                        task,
                    );
                    return self.jobs.add(job);
                }
                ElementKind::MessageCatchEvent(subscription) => {
                    let Some(key) = evaluate(&subscription.correlation_key, &instance.variables)
                    else {
                        return self.miss_correlation_key(instance_key);
                    };
                    let Some(variables) =
                        self.subscribe(instance_key, &definition, &subscription.message_name, key)
                    else {
                        return;
                    };
                    if let Some(instance) = self.instances.get_mut(&instance_key) {
                        instance.variables.extend(variables);
                    }
                }
                ElementKind::EndEvent => {
                    self.instances.remove(&instance_key);
                    return;
                }
            }
            if let Some(instance) = self.instances.get_mut(&instance_key) {
                instance.position += 1;
            }
        }
    }

    fn miss_correlation_key(&mut self, instance_key: i64) {
        let Some(instance) = self.instances.get(&instance_key) else {
            return;
        };
        self.raise_incident(Incident {
            process_instance_key: instance_key,
            element_id: instance.element().id.clone(),
            job_key: None,
            error_type: "EXTRACT_VALUE_ERROR",
            message: "the correlation key is neither a string nor a number".to_owned(),
        });
    }
}

fn evaluate(key: &CorrelationKey, variables: &Variables) -> Option<String> {
    let path = match key {
        CorrelationKey::Literal(text) => return Some(text.clone()),
        CorrelationKey::Variable(path) => path,
    };
    let (first, members) = path.split_first()?;
    let value = members
        .iter()
        .try_fold(variables.get(first)?, |value, name| value.get(name))?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
