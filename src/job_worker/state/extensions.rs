//! More time for jobs that are worked on: asked for when half of what is left has passed.

use std::time::Instant;

use super::{Due, State};
use crate::job_worker::events::{Extension, JobId};

impl State {
    pub(super) fn extended(
        &mut self,
        id: JobId,
        ticket: u64,
        extension: Extension,
        now: Instant,
        random: f64,
    ) {
        if extension == Extension::Unknown {
            self.rules.extension = None;
            for (_, id) in std::mem::take(&mut self.extensions) {
                self.jobs[id].extension = None;
            }
        }
        // The job may have ended since, and another have its place.
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if job.extension != Some(Due::Asked(ticket)) {
            return;
        }
        job.extension = None;
        match (extension, self.rules.extension) {
            (Extension::Granted(since), Some(timeout)) => {
                job.deadline = job.deadline.max(since + timeout);
                job.pauses = self.rules.backoff;
                self.extend_later(id, now);
            }
            (Extension::Failed, Some(_)) => {
                let at = now + job.pauses.pause(random);
                if at < job.deadline {
                    job.extension = Some(Due::At(at));
                    self.extensions.insert((at, id));
                }
            }
            (Extension::Gone, _) => job.deadline = job.deadline.min(now),
            _ => {}
        }
    }

    /// When half of what is left has passed.
    pub(super) fn extend_later(&mut self, id: JobId, now: Instant) {
        let job = &mut self.jobs[id];
        let at = now + job.deadline.saturating_duration_since(now) / 2;
        if self.rules.extension.is_some() && at < job.deadline {
            job.extension = Some(Due::At(at));
            self.extensions.insert((at, id));
        }
    }
}
