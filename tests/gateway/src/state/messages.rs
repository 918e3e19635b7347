//! Published messages, and the instances that wait for one.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Rejection, State, Variables, not_blank, tenant, variables};
use crate::protocol::{PublishMessageRequest, PublishMessageResponse};

/// What a message and a waiting instance must have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Correlation {
    pub(super) tenant_id: String,
    pub(super) name: String,
    pub(super) key: String,
}

#[derive(Debug, Default)]
pub(super) struct Messages {
    /// The oldest first.
    live: BTreeMap<Correlation, Vec<Message>>,
    /// When a message expires, and where it is.
    expiring: BTreeSet<(i64, Correlation)>,
    /// In the order in which they were opened.
    waiting: BTreeMap<Correlation, Vec<Waiting>>,
}

#[derive(Debug)]
struct Message {
    id: String,
    expires: i64,
    variables: Variables,
    /// The ids of the processes that have had it: each gets a message once.
    correlated: HashSet<String>,
}

#[derive(Debug)]
struct Waiting {
    process_id: String,
    instance_key: i64,
}

impl Messages {
    pub(super) fn expire(&mut self, now: i64) {
        while self.expiring.first().is_some_and(|(time, _)| *time <= now) {
            let Some((_, correlation)) = self.expiring.pop_first() else {
                return;
            };
            if let Some(messages) = self.live.get_mut(&correlation) {
                messages.retain(|message| message.expires > now);
                if messages.is_empty() {
                    self.live.remove(&correlation);
                }
            }
        }
    }

    /// The variables of a live message that the instance can have at once; else it waits for one.
    pub(super) fn subscribe(
        &mut self,
        correlation: &Correlation,
        process_id: &str,
        instance_key: i64,
    ) -> Option<Variables> {
        let live = self.take_live(correlation, process_id);
        if live.is_some() {
            return live;
        }
        self.waiting
            .entry(correlation.clone())
            .or_default()
            .push(Waiting {
                process_id: process_id.to_owned(),
                instance_key,
            });
        None
    }

    /// The variables of the oldest live message that the process has not had, and has now.
    pub(super) fn take_live(
        &mut self,
        correlation: &Correlation,
        process_id: &str,
    ) -> Option<Variables> {
        let mut live = self.live.get_mut(correlation).into_iter().flatten();
        let message = live.find(|message| !message.correlated.contains(process_id))?;
        message.correlated.insert(process_id.to_owned());
        Some(message.variables.clone())
    }

    pub(super) fn unsubscribe(&mut self, correlation: &Correlation, instance_key: i64) {
        if let Some(waiting) = self.waiting.get_mut(correlation) {
            waiting.retain(|waiting| waiting.instance_key != instance_key);
            if waiting.is_empty() {
                self.waiting.remove(correlation);
            }
        }
    }

    /// Takes out the first waiting instance of each process: the processes, and the instances.
    fn take_waiting(&mut self, correlation: &Correlation) -> (HashSet<String>, Vec<i64>) {
        let mut processes = HashSet::new();
        let (taken, left): (Vec<_>, Vec<_>) = self
            .waiting
            .remove(correlation)
            .into_iter()
            .flatten()
            .partition(|waiting| processes.insert(waiting.process_id.clone()));
        if !left.is_empty() {
            self.waiting.insert(correlation.clone(), left);
        }
        let instances = taken.iter().map(|waiting| waiting.instance_key);
        (processes, instances.collect())
    }

    pub(super) fn live(&self) -> usize {
        self.live.values().map(Vec::len).sum()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.values().map(Vec::len).sum()
    }
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
        let id = &request.message_id;
        let mut live = self.messages.live.get(&correlation).into_iter().flatten();
        if !id.is_empty() && live.any(|message| message.id == *id) {
            return Err(Rejection::AlreadyExists(format!(
                "a message {} with the id {id} and this correlation key is already there",
                request.name
            )));
        }
        let (mut correlated, instances) = self.messages.take_waiting(&correlation);
        let mut starts = self.started_by_message(&correlation);
        starts.retain(|(definition, _)| correlated.insert(definition.id.id.clone()));
        if request.time_to_live > 0 {
            let expires = self.now.saturating_add(request.time_to_live);
            self.messages
                .expiring
                .insert((expires, correlation.clone()));
            let live = self.messages.live.entry(correlation).or_default();
            live.push(Message {
                id: id.clone(),
                expires,
                variables: variables.clone(),
                correlated,
            });
        }
        for instance in instances {
            self.leave(instance, variables.clone());
        }
        for (definition, place) in starts {
            self.start(
                definition,
                place,
                variables.clone(),
                &request.correlation_key,
            );
        }
        let partition = self.next_partition();
        Ok(PublishMessageResponse {
            key: self.next_key(partition),
            tenant_id,
        })
    }
}
