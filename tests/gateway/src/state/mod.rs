//! The state of the gateway: definitions, instances, jobs and messages, in memory. It knows no clock and no
//! network: the caller says what time it is, and asks again when `next_due` has come.

mod activation;
mod instances;
mod jobs;
mod messages;
mod processes;
mod streams;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde_json::{Map, Value};

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
    definitions: processes::Definitions,
    instances: HashMap<i64, instances::Instance>,
    jobs: jobs::Jobs,
    streams: streams::Streams,
    messages: messages::Messages,
    incidents: BTreeMap<i64, Incident>,
}

/// Something that stops an instance until someone resolves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    pub(crate) process_instance_key: i64,
    pub(crate) element_id: String,
    pub(crate) job_key: Option<i64>,
    pub(crate) error_type: &'static str,
    pub(crate) message: String,
}

/// Why a request is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rejection {
    InvalidArgument(String),
    NotFound(String),
    FailedPrecondition(String),
    AlreadyExists(String),
}

impl State {
    pub(crate) fn new(partitions: i32) -> Self {
        Self {
            now: 0,
            partitions,
            last_key: 0,
            last_partition: 0,
            definitions: processes::Definitions::default(),
            instances: HashMap::new(),
            jobs: jobs::Jobs::default(),
            streams: streams::Streams::default(),
            messages: messages::Messages::default(),
            incidents: BTreeMap::new(),
        }
    }

    /// The state at this time: what is due has happened, and streams have got the jobs that were free.
    pub(crate) fn at(&mut self, now: i64) -> &mut Self {
        self.now = self.now.max(now);
        self.jobs.release_due(self.now);
        self.offer_to_streams();
        self
    }

    /// When something changes without a request, if ever.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.jobs.next_due()
    }

    pub(crate) fn incidents(&self) -> &BTreeMap<i64, Incident> {
        &self.incidents
    }

    fn next_key(&mut self, partition: i32) -> i64 {
        self.last_key += 1;
        (i64::from(partition) << PARTITION_SHIFT) | self.last_key
    }

    fn next_partition(&mut self) -> i32 {
        self.last_partition = self.last_partition % self.partitions + 1;
        self.last_partition
    }

    fn raise_incident(&mut self, incident: Incident) {
        let key = self.next_key(partition_of(incident.process_instance_key));
        self.incidents.insert(key, incident);
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

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidArgument(reason)
            | Self::NotFound(reason)
            | Self::FailedPrecondition(reason)
            | Self::AlreadyExists(reason) => f.write_str(reason),
        }
    }
}

#[cfg(test)]
mod tests;
