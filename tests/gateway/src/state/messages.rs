//! Published messages, and the instances that wait for one.

use std::collections::HashSet;

use super::processes::Definition;
use super::{Rejection, State, Variables, not_blank, tenant, variables};
use crate::protocol::{PublishMessageRequest, PublishMessageResponse};

#[derive(Debug, Default)]
pub(super) struct Messages {
    live: Vec<Message>,
    /// In the order in which they were opened.
    waiting: Vec<Waiting>,
}

/// What a message and a waiting instance must have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Correlation {
    tenant_id: String,
    name: String,
    key: String,
}

#[derive(Debug)]
struct Message {
    correlation: Correlation,
    id: String,
    expires: i64,
    variables: Variables,
    /// The ids of the processes that have had it: each gets a message once.
    correlated: HashSet<String>,
}

#[derive(Debug)]
struct Waiting {
    correlation: Correlation,
    process_id: String,
    instance_key: i64,
}

impl State {
    pub(crate) fn publish(
        &mut self,
        request: &PublishMessageRequest,
    ) -> Result<PublishMessageResponse, Rejection> {
        not_blank("name", &request.name)?;
        let variables = variables(&request.variables)?;
        let tenant_id = tenant(&request.tenant_id).to_owned();
        let correlation = Correlation {
            tenant_id: tenant_id.clone(),
            name: request.name.clone(),
            key: request.correlation_key.clone(),
        };
        let now = self.now;
        self.messages.live.retain(|message| message.expires > now);
        let id = &request.message_id;
        let is_same = |message: &Message| message.id == *id && message.correlation == correlation;
        if !id.is_empty() && self.messages.live.iter().any(is_same) {
            return Err(Rejection::AlreadyExists(format!(
                "a message {} with the id {id} and this correlation key is already there",
                request.name
            )));
        }
        let correlated = self.correlate(&correlation, &variables);
        if request.time_to_live > 0 {
            self.messages.live.push(Message {
                correlation,
                id: id.clone(),
                expires: now.saturating_add(request.time_to_live),
                variables,
                correlated,
            });
        }
        let partition = self.next_partition();
        Ok(PublishMessageResponse {
            key: self.next_key(partition),
            tenant_id,
        })
    }

    /// Hands the message to one waiting instance of each process, and returns the processes.
    fn correlate(&mut self, correlation: &Correlation, variables: &Variables) -> HashSet<String> {
        let mut processes = HashSet::new();
        let mut instances = Vec::new();
        self.messages.waiting.retain(|waiting| {
            let matches =
                waiting.correlation == *correlation && processes.insert(waiting.process_id.clone());
            if matches {
                instances.push(waiting.instance_key);
            }
            !matches
        });
        for instance in instances {
            self.leave(instance, variables.clone());
        }
        processes
    }

    /// The variables of a live message that the instance can have at once; else it waits for one.
    pub(super) fn subscribe(
        &mut self,
        instance_key: i64,
        definition: &Definition,
        message_name: &str,
        key: String,
    ) -> Option<Variables> {
        let now = self.now;
        let process_id = &definition.process.id;
        let correlation = Correlation {
            tenant_id: definition.tenant_id.clone(),
            name: message_name.to_owned(),
            key,
        };
        let live = self.messages.live.iter_mut().find(|message| {
            message.expires > now
                && message.correlation == correlation
                && !message.correlated.contains(process_id)
        });
        if let Some(message) = live {
            message.correlated.insert(process_id.clone());
            return Some(message.variables.clone());
        }
        let process_id = process_id.clone();
        self.messages.waiting.push(Waiting {
            correlation,
            process_id,
            instance_key,
        });
        None
    }
}
