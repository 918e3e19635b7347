//! Activation: which jobs a worker asks for, and what it gets to see of them.

use std::collections::BTreeMap;

use super::jobs::{Phase, Queue};
use super::{Rejection, State, at_least_one, fetched, not_blank, partition_of, tenants};
use crate::protocol::activated_job::{JobKind, ListenerEventType};
use crate::protocol::{ActivateJobsRequest, ActivateJobsResponse, ActivatedJob};

/// What a worker asks for.
#[derive(Debug, Clone)]
pub(super) struct Demand {
    pub(super) worker: String,
    pub(super) timeout: i64,
    pub(super) fetch_variables: Vec<String>,
    pub(super) queues: Vec<Queue>,
}

impl Demand {
    pub(super) fn new(
        job_type: &str,
        worker: &str,
        timeout: i64,
        fetch_variables: &[String],
        tenant_ids: &[String],
    ) -> Result<Self, Rejection> {
        not_blank("type", job_type)?;
        at_least_one("timeout", timeout)?;
        let queues = tenants(tenant_ids)
            .into_iter()
            .map(|tenant_id| Queue {
                job_type: job_type.to_owned(),
                tenant_id,
            })
            .collect();
        let fetch_variables = fetch_variables.to_vec();
        Ok(Self {
            worker: worker.to_owned(),
            timeout,
            fetch_variables,
            queues,
        })
    }

    pub(super) fn of_poll(request: &ActivateJobsRequest) -> Result<Self, Rejection> {
        not_blank("worker", &request.worker)?;
        at_least_one("maxJobsToActivate", request.max_jobs_to_activate.into())?;
        Self::new(
            &request.r#type,
            &request.worker,
            request.timeout,
            &request.fetch_variable,
            &request.tenant_ids,
        )
    }
}

impl State {
    /// One response for each partition that has jobs.
    pub(crate) fn activate_jobs(
        &mut self,
        request: &ActivateJobsRequest,
    ) -> Result<Vec<ActivateJobsResponse>, Rejection> {
        let demand = Demand::of_poll(request)?;
        let mut partitions = BTreeMap::<i32, Vec<ActivatedJob>>::new();
        for _ in 0..request.max_jobs_to_activate {
            let key = self.jobs.first(&demand.queues);
            let Some(job) = key.and_then(|key| self.activate(key, &demand)) else {
                break;
            };
            partitions
                .entry(partition_of(job.key))
                .or_default()
                .push(job);
        }
        Ok(partitions
            .into_values()
            .map(|jobs| ActivateJobsResponse { jobs })
            .collect())
    }

    pub(super) fn activate(&mut self, key: i64, demand: &Demand) -> Option<ActivatedJob> {
        let deadline = self.now.saturating_add(demand.timeout);
        self.jobs.enter(key, Phase::Activated { deadline });
        let job = self.jobs.get(key)?;
        let instance = self.instances.get(&job.instance_key)?;
        Some(ActivatedJob {
            key,
            r#type: job.queue.job_type.clone(),
            process_instance_key: job.instance_key,
            bpmn_process_id: instance.definition.id.id.clone(),
            process_definition_version: instance.definition.number,
            process_definition_key: instance.definition.key,
            element_id: instance.element().id.clone(),
            element_instance_key: job.element_instance_key,
            custom_headers: job.headers.clone(),
            worker: demand.worker.clone(),
            retries: job.retries,
            deadline,
            variables: fetched(instance.visible(), &demand.fetch_variables),
            tenant_id: job.queue.tenant_id.clone(),
            user_task: None,
            kind: JobKind::BpmnElement.into(),
            listener_event_type: ListenerEventType::Unspecified.into(),
            tags: instance.tags.clone(),
        })
    }
}
