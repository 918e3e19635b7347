//! Jobs: who has which, until when, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Incident, Rejection, State, Variables, variables};
use crate::bpmn::TaskDefinition;
use crate::protocol::{ActivatedJob, CompleteJobRequest, FailJobRequest, ThrowErrorRequest};

#[derive(Debug)]
pub(super) struct Job {
    pub(super) key: i64,
    pub(super) element_instance_key: i64,
    pub(super) instance_key: i64,
    pub(super) queue: Queue,
    pub(super) headers: String,
    pub(super) retries: i32,
    /// Seen by this job alone, over those of the instance.
    pub(super) variables: Variables,
    phase: Phase,
}

/// The jobs that a worker can ask for together: of one type, for one tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Queue {
    pub(super) job_type: String,
    pub(super) tenant_id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Activatable,
    Activated {
        deadline: i64,
    },
    /// Failed, and activatable again later.
    BackingOff {
        until: i64,
    },
    /// Failed without retries left.
    Failed,
    ErrorThrown,
}

impl Phase {
    fn due(self) -> Option<i64> {
        match self {
            Self::Activated { deadline } => Some(deadline),
            Self::BackingOff { until } => Some(until),
            Self::Activatable | Self::Failed | Self::ErrorThrown => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Activatable => "activatable",
            Self::Activated { .. } => "activated",
            Self::BackingOff { .. } | Self::Failed => "failed",
            Self::ErrorThrown => "error thrown",
        }
    }
}

impl Job {
    pub(super) fn new(
        key: i64,
        element_instance_key: i64,
        instance_key: i64,
        tenant_id: &str,
        task: &TaskDefinition,
    ) -> Self {
        let job_type = task.job_type.clone();
        Self {
            key,
            element_instance_key,
            instance_key,
            queue: Queue {
                job_type,
                tenant_id: tenant_id.to_owned(),
            },
            headers: task.headers.clone(),
            retries: task.retries,
            variables: Variables::new(),
            phase: Phase::Activatable,
        }
    }
}

/// The jobs that are not completed, and what is next among them.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    by_key: HashMap<i64, Job>,
    activatable: BTreeMap<Queue, BTreeSet<i64>>,
    /// When a phase ends by itself, and of which job.
    due: BTreeSet<(i64, i64)>,
}

impl Jobs {
    pub(super) fn add(&mut self, job: Job) {
        if let Some(due) = job.phase.due() {
            self.due.insert((due, job.key));
        }
        if job.phase == Phase::Activatable {
            self.activatable
                .entry(job.queue.clone())
                .or_default()
                .insert(job.key);
        }
        self.by_key.insert(job.key, job);
    }

    pub(super) fn get(&self, key: i64) -> Option<&Job> {
        self.by_key.get(&key)
    }

    /// Whether the job is with the worker that it was activated for here.
    pub(super) fn still_has(&self, activated: &ActivatedJob) -> bool {
        let deadline = activated.deadline;
        self.get(activated.key)
            .is_some_and(|job| job.phase == Phase::Activated { deadline })
    }

    pub(super) fn next_due(&self) -> Option<i64> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(super) fn release_due(&mut self, now: i64) {
        while let Some((due, key)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, key));
            self.enter(key, Phase::Activatable);
        }
    }

    /// Puts the job into another phase.
    pub(super) fn enter(&mut self, key: i64, phase: Phase) {
        if let Some(job) = self.remove(key) {
            self.add(Job { phase, ..job });
        }
    }

    fn remove(&mut self, key: i64) -> Option<Job> {
        let job = self.by_key.remove(&key)?;
        if let Some(due) = job.phase.due() {
            self.due.remove(&(due, key));
        }
        if let Some(queue) = self.activatable.get_mut(&job.queue) {
            queue.remove(&key);
        }
        Some(job)
    }

    /// The oldest that is activatable in these queues.
    pub(super) fn first(&self, queues: &[Queue]) -> Option<i64> {
        queues
            .iter()
            .filter_map(|queue| self.activatable.get(queue)?.first().copied())
            .min()
    }
}

impl State {
    pub(crate) fn complete_job(&mut self, request: &CompleteJobRequest) -> Result<(), Rejection> {
        let variables = variables(&request.variables)?;
        // A job whose time has run out may still be completed, until another worker does it.
        self.job_in(request.job_key, |phase| {
            matches!(phase, Phase::Activatable | Phase::Activated { .. })
        })?;
        if let Some(job) = self.jobs.remove(request.job_key) {
            self.leave(job.instance_key, variables);
        }
        Ok(())
    }

    pub(crate) fn fail_job(&mut self, request: &FailJobRequest) -> Result<(), Rejection> {
        let variables = variables(&request.variables)?;
        let now = self.now;
        let job = self.activated_job(request.job_key)?;
        job.retries = request.retries.max(0);
        job.variables.extend(variables);
        let phase = match (request.retries, request.retry_back_off) {
            (..=0, _) => Phase::Failed,
            (_, ..=0) => Phase::Activatable,
            (_, back_off) => Phase::BackingOff {
                until: now.saturating_add(back_off),
            },
        };
        self.jobs.enter(request.job_key, phase);
        if phase == Phase::Failed {
            let message = match request.error_message.as_str() {
                "" => "no retries are left",
                message => message,
            };
            self.stop_at_job(request.job_key, "JOB_NO_RETRIES", message.to_owned());
        }
        Ok(())
    }

    /// A linear process catches no errors, so every one is an incident.
    pub(crate) fn throw_error(&mut self, request: &ThrowErrorRequest) -> Result<(), Rejection> {
        let variables = variables(&request.variables)?;
        let job = self.activated_job(request.job_key)?;
        job.variables.extend(variables);
        self.jobs.enter(request.job_key, Phase::ErrorThrown);
        let message = format!(
            "nothing catches the error {}: {}",
            request.error_code, request.error_message
        );
        self.stop_at_job(request.job_key, "UNHANDLED_ERROR_EVENT", message);
        Ok(())
    }

    fn activated_job(&mut self, key: i64) -> Result<&mut Job, Rejection> {
        self.job_in(key, |phase| matches!(phase, Phase::Activated { .. }))
    }

    fn job_in(
        &mut self,
        key: i64,
        allowed: impl FnOnce(Phase) -> bool,
    ) -> Result<&mut Job, Rejection> {
        match self.jobs.by_key.get_mut(&key) {
            None => Err(Rejection::NotFound(format!("no job has the key {key}"))),
            Some(job) if allowed(job.phase) => Ok(job),
            Some(job) => Err(Rejection::FailedPrecondition(format!(
                "the job {key} is {}",
                job.phase.name()
            ))),
        }
    }

    fn stop_at_job(&mut self, key: i64, error_type: &'static str, message: String) {
        let Some(job) = self.jobs.by_key.get(&key) else {
            return;
        };
        let Some(instance) = self.instances.get(&job.instance_key) else {
            return;
        };
        self.raise_incident(Incident {
            process_instance_key: job.instance_key,
            element_id: instance.element().id.clone(),
            job_key: Some(key),
            error_type,
            message,
        });
    }
}
