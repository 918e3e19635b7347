//! Jobs: who has which, until when, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::bpmn::TaskDefinition;
use crate::protocol::ActivatedJob;

#[derive(Debug)]
pub(super) struct Job {
    pub(super) key: i64,
    pub(super) element_instance_key: i64,
    pub(super) instance_key: i64,
    pub(super) queue: Queue,
    pub(super) headers: String,
    pub(super) retries: i32,
    pub(super) phase: Phase,
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
    pub(super) fn due(self) -> Option<i64> {
        match self {
            Self::Activated { deadline } => Some(deadline),
            Self::BackingOff { until } => Some(until),
            Self::Activatable | Self::Failed | Self::ErrorThrown => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
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
            phase: Phase::Activatable,
        }
    }
}

/// The jobs that are not completed, and what is next among them.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    by_key: BTreeMap<i64, Job>,
    activatable: BTreeMap<Queue, BTreeSet<i64>>,
    /// Where jobs became activatable, or someone may want one that is; see `State::settle`.
    touched: BTreeSet<Queue>,
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
            self.touch(job.queue.clone());
        }
        self.by_key.insert(job.key, job);
    }

    pub(super) fn get(&self, key: i64) -> Option<&Job> {
        self.by_key.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: i64) -> Option<&mut Job> {
        self.by_key.get_mut(&key)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Job> {
        self.by_key.values()
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
            self.free(key);
        }
    }

    /// Puts the job into another phase.
    pub(super) fn enter(&mut self, key: i64, phase: Phase) {
        if let Some(job) = self.remove(key) {
            self.add(Job { phase, ..job });
        }
    }

    /// Whoever comes first may have it.
    pub(super) fn free(&mut self, key: i64) {
        self.enter(key, Phase::Activatable);
    }

    pub(super) fn remove(&mut self, key: i64) -> Option<Job> {
        let job = self.by_key.remove(&key)?;
        if let Some(due) = job.phase.due() {
            self.due.remove(&(due, key));
        }
        if let Some(queue) = self.activatable.get_mut(&job.queue) {
            queue.remove(&key);
            if queue.is_empty() {
                self.activatable.remove(&job.queue);
            }
        }
        Some(job)
    }

    pub(super) fn touch(&mut self, queue: Queue) {
        self.touched.insert(queue);
    }

    pub(super) fn touch_all(&mut self) {
        self.touched.extend(self.activatable.keys().cloned());
    }

    pub(super) fn next_touched(&mut self) -> Option<Queue> {
        self.touched.pop_first()
    }

    #[cfg(test)]
    pub(super) fn any_activatable(&self) -> bool {
        !self.activatable.is_empty()
    }

    /// The oldest that is activatable in these queues.
    pub(super) fn first(&self, queues: &[Queue]) -> Option<i64> {
        queues
            .iter()
            .filter_map(|queue| self.activatable.get(queue)?.first().copied())
            .min()
    }
}
