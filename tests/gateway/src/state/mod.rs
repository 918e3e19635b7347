//! The state of the gateway: definitions, instances, jobs and messages, in memory. It knows no clock and no
//! network: the caller says what time it is, and asks again when `next_due` has come.

mod activation;
mod catalogue;
mod creation;
mod deployments;
mod dump;
mod incidents;
mod instances;
mod job_commands;
mod jobs;
mod messages;
mod polls;
mod rejection;
mod running;
mod signals;
mod starts;
mod streams;
mod waiters;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use incidents::Incident;
pub(crate) use rejection::Rejection;
pub(crate) use waiters::Waiter;

/// A tenant id of "" means this one.
const DEFAULT_TENANT: &str = "<default>";

/// Keys carry their partition above this bit, so that they need all of an int64.
const PARTITION_SHIFT: u32 = 51;

pub(crate) type Variables = Map<String, Value>;

#[derive(Debug)]
pub(crate) struct State {
    /// Unix milliseconds.
    now: i64,
    partitions: i32,
    last_key: i64,
    last_partition: i32,
    deployments: deployments::Deployments,
    instances: BTreeMap<i64, instances::Instance>,
    /// The instances by the keys of the elements that their tokens are at.
    element_instances: BTreeMap<i64, i64>,
    results: creation::Results,
    jobs: jobs::Jobs,
    streams: streams::Streams,
    polls: polls::Polls,
    woken: Vec<Waiter>,
    messages: messages::Messages,
    signals: signals::Signals,
    starts: starts::Starts,
    /// When a timer fires, and the instance that waits for it.
    timers: BTreeSet<(i64, i64)>,
    incidents: BTreeMap<i64, Incident>,
}

impl State {
    pub(crate) fn new(partitions: i32, first_key: i64) -> Self {
        Self {
            now: 0,
            partitions,
            last_key: first_key - 1,
            last_partition: 0,
            deployments: deployments::Deployments::default(),
            instances: BTreeMap::new(),
            element_instances: BTreeMap::new(),
            results: creation::Results::default(),
            jobs: jobs::Jobs::default(),
            streams: streams::Streams::default(),
            polls: polls::Polls::default(),
            woken: Vec::new(),
            messages: messages::Messages::default(),
            signals: signals::Signals::default(),
            starts: starts::Starts::default(),
            timers: BTreeSet::new(),
            incidents: BTreeMap::new(),
        }
    }

    /// The state at this time: what is due has happened, and streams have got the jobs that were free.
    pub(crate) fn at(&mut self, now: i64) -> &mut Self {
        self.now = self.now.max(now);
        self.messages.expire(self.now);
        self.jobs.release_due(self.now);
        self.fire_timers();
        self.settle();
        self
    }

    /// When something changes without a request, if ever.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let timer = self.timers.first().map(|(due, _)| *due);
        self.jobs.next_due().into_iter().chain(timer).min()
    }

    fn fire_timers(&mut self) {
        let now = self.now;
        while let Some((due, instance_key)) = self.timers.first().copied()
            && due <= now
        {
            self.timers.remove(&(due, instance_key));
            self.leave(instance_key, Variables::new());
        }
    }

    fn next_key(&mut self, partition: i32) -> i64 {
        self.last_key += 1;
        (i64::from(partition) << PARTITION_SHIFT) | self.last_key
    }

    fn next_partition(&mut self) -> i32 {
        self.last_partition = self.last_partition % self.partitions + 1;
        self.last_partition
    }
}

fn partition_of(key: i64) -> i32 {
    (key >> PARTITION_SHIFT) as i32
}

fn tenant(id: &str) -> &str {
    if id.is_empty() { DEFAULT_TENANT } else { id }
}

/// The tenants that a worker asks for.
fn tenants(ids: &[String]) -> Vec<String> {
    if ids.is_empty() {
        return vec![DEFAULT_TENANT.to_owned()];
    }
    ids.iter().map(|id| tenant(id).to_owned()).collect()
}

fn variables(text: &str) -> Result<Variables, Rejection> {
    if text.is_empty() {
        return Ok(Variables::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(variables)) => Ok(variables),
        Ok(_) => Err(Rejection::InvalidArgument(
            "the variables are JSON, but no object".to_owned(),
        )),
        Err(error) => Err(Rejection::InvalidArgument(format!(
            "the variables are not JSON: {error}"
        ))),
    }
}

fn not_blank(name: &str, value: &str) -> Result<(), Rejection> {
    if value.trim().is_empty() {
        return Err(Rejection::InvalidArgument(format!("{name} is blank")));
    }
    Ok(())
}

fn at_least_one(name: &str, value: i64) -> Result<(), Rejection> {
    if value < 1 {
        return Err(Rejection::InvalidArgument(format!(
            "{name} is {value}, but must be at least 1"
        )));
    }
    Ok(())
}

/// The variables of these names, or all if none is named, as a JSON object; of two with one name the later counts.
fn fetched<'a>(
    variables: impl Iterator<Item = (&'a String, &'a Value)>,
    names: &[String],
) -> String {
    let variables: Variables = variables
        .filter(|(name, _)| names.is_empty() || names.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(variables).to_string()
}

#[cfg(test)]
mod tests;
