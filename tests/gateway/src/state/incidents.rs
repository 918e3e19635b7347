//! Incidents: what stops an instance until someone resolves it.

use super::instances::Wait;
use super::{Rejection, State, partition_of};
use crate::protocol::ResolveIncidentRequest;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    pub(crate) process_instance_key: i64,
    pub(crate) element_id: String,
    pub(crate) job_key: Option<i64>,
    pub(crate) error_type: &'static str,
    pub(crate) message: String,
}

impl State {
    /// Stops the instance at the element that its token is at.
    pub(super) fn raise_incident(
        &mut self,
        instance_key: i64,
        error_type: &'static str,
        message: String,
    ) {
        let key = self.next_key(partition_of(instance_key));
        let Some(instance) = self.instances.get_mut(&instance_key) else {
            return;
        };
        instance.incident = Some(key);
        let incident = Incident {
            process_instance_key: instance_key,
            element_id: instance.element().id.clone(),
            job_key: match instance.at.wait {
                Wait::Job(key) => Some(key),
                _ => None,
            },
            error_type,
            message,
        };
        self.incidents.insert(key, incident);
    }

    /// A job is free again; at other elements the token arrives anew, which may be another incident.
    pub(crate) fn resolve_incident(
        &mut self,
        request: &ResolveIncidentRequest,
    ) -> Result<(), Rejection> {
        let key = request.incident_key;
        let incident = self
            .incidents
            .get(&key)
            .ok_or_else(|| Rejection::NotFound(format!("no incident has the key {key}")))?;
        let (instance_key, job_key) = (incident.process_instance_key, incident.job_key);
        if let Some(job_key) = job_key
            && self.jobs.get(job_key).is_some_and(|job| job.retries < 1)
        {
            return Err(Rejection::FailedPrecondition(format!(
                "the job {job_key} of the incident {key} has no retries; update them first"
            )));
        }
        self.incidents.remove(&key);
        if let Some(instance) = self.instances.get_mut(&instance_key) {
            instance.incident = None;
        }
        match job_key {
            Some(job_key) => self.jobs.free(job_key),
            None => self.run(instance_key),
        }
        Ok(())
    }
}
