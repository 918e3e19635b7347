//! The state as JSON, for tests and people to look at.

use serde_json::{Value, json};

use super::catalogue::{Catalogue, Version};
use super::instances::{Instance, Wait};
use super::jobs::Job;
use super::{Incident, State};

impl State {
    pub(crate) fn dump(&self) -> Value {
        let deployments = &self.deployments;
        let instances = self.instances.iter();
        json!({
            "now": self.now,
            "processes": versions(&deployments.processes),
            "decisions": versions(&deployments.decisions),
            "decision_requirements": versions(&deployments.requirements),
            "forms": versions(&deployments.forms),
            "instances": instances.map(|(key, instance)| show_instance(*key, instance)).collect::<Value>(),
            "jobs": self.jobs.all().map(show_job).collect::<Value>(),
            "incidents": self.incidents(),
            "waiting": {
                "messages": self.messages.waiting(),
                "signals": self.signals.waiting(),
                "timers": self.timers.len(),
                "results": self.results.len(),
            },
            "started_by_messages": self.starts.running(),
            "live_messages": self.messages.live(),
            "streams": self.streams.open(),
        })
    }

    pub(crate) fn incidents(&self) -> Value {
        self.incidents
            .iter()
            .map(|(key, incident)| show_incident(*key, incident))
            .collect()
    }
}

fn versions<T>(catalogue: &Catalogue<T>) -> Value {
    let show = |version: &Version<T>| {
        json!({
            "key": version.key,
            "id": version.id.id,
            "version": version.number,
            "tenant_id": version.id.tenant_id,
        })
    };
    catalogue.all().map(show).collect()
}

fn show_instance(key: i64, instance: &Instance) -> Value {
    let id = &instance.definition.id;
    json!({
        "key": key,
        "process_id": id.id,
        "version": instance.definition.number,
        "tenant_id": id.tenant_id,
        "variables": instance.variables,
        "element_id": instance.element().id,
        "element_instance_key": instance.at.key,
        "local_variables": instance.at.variables,
        "waits_for": show_wait(&instance.at.wait),
        "incident_key": instance.incident,
    })
}

fn show_wait(wait: &Wait) -> Value {
    match wait {
        Wait::Nothing => Value::Null,
        Wait::Job(key) => json!({ "job": key }),
        Wait::Message(correlation) => {
            json!({ "message": correlation.name, "correlation_key": correlation.key })
        }
        Wait::Signal(signal) => json!({ "signal": signal.name }),
        Wait::Timer(due) => json!({ "timer": due }),
    }
}

fn show_job(job: &Job) -> Value {
    json!({
        "key": job.key,
        "type": job.queue.job_type,
        "tenant_id": job.queue.tenant_id,
        "process_instance_key": job.instance_key,
        "retries": job.retries,
        "state": job.phase.name(),
        "due": job.phase.due(),
    })
}

fn show_incident(key: i64, incident: &Incident) -> Value {
    json!({
        "key": key,
        "process_instance_key": incident.process_instance_key,
        "element_id": incident.element_id,
        "job_key": incident.job_key,
        "error_type": incident.error_type,
        "message": incident.message,
    })
}
