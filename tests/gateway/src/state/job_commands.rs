//! What workers and operators do with a job.

use super::jobs::{Job, Phase};
use super::{Rejection, State, at_least_one, variables};
use crate::protocol::{
    CompleteJobRequest, FailJobRequest, ThrowErrorRequest, UpdateJobRetriesRequest,
    UpdateJobTimeoutRequest,
};

impl State {
    pub(crate) fn complete_job(&mut self, request: &CompleteJobRequest) -> Result<(), Rejection> {
        let variables = variables(&request.variables)?;
        let key = request.job_key;
        // A job whose time has run out may still be completed, until another worker does it.
        let job = self.job_in(key, |phase| {
            matches!(phase, Phase::Activatable | Phase::Activated { .. })
        })?;
        let instance_key = job.instance_key;
        self.jobs.remove(key);
        self.leave(instance_key, variables);
        Ok(())
    }

    pub(crate) fn fail_job(&mut self, request: &FailJobRequest) -> Result<(), Rejection> {
        let variables = variables(&request.variables)?;
        let now = self.now;
        let key = request.job_key;
        let job = self.activated_job(key)?;
        job.retries = request.retries.max(0);
        let instance_key = job.instance_key;
        let phase = match (request.retries, request.retry_back_off) {
            (..=0, _) => Phase::Failed,
            (_, ..=0) => Phase::Activatable,
            (_, back_off) => Phase::BackingOff {
                until: now.saturating_add(back_off),
            },
        };
        self.jobs.enter(key, phase);
        if let Some(instance) = self.instances.get_mut(&instance_key) {
            instance.at.variables.extend(variables);
        }
        if phase == Phase::Failed {
            let message = match request.error_message.as_str() {
                "" => "no retries are left",
                message => message,
            };
            self.raise_incident(instance_key, "JOB_NO_RETRIES", message.to_owned());
        }
        Ok(())
    }

    /// The boundary event that catches the error goes on; an error that nothing catches is an incident.
    pub(crate) fn throw_error(&mut self, request: &ThrowErrorRequest) -> Result<(), Rejection> {
        let variables = variables(&request.variables)?;
        let (key, code) = (request.job_key, &request.error_code);
        let instance_key = self.activated_job(key)?.instance_key;
        let Some(instance) = self.instances.get_mut(&instance_key) else {
            return Ok(());
        };
        let task = &instance.element().id;
        if let Some(place) = instance.definition.what.catcher(task, code) {
            instance.variables.extend(variables);
            self.jobs.remove(key);
            self.move_to(instance_key, place);
            self.run(instance_key);
            return Ok(());
        }
        instance.at.variables.extend(variables);
        self.jobs.enter(key, Phase::ErrorThrown);
        let message = match request.error_message.as_str() {
            "" => format!("nothing catches the error {code}"),
            message => format!("nothing catches the error {code}: {message}"),
        };
        self.raise_incident(instance_key, "UNHANDLED_ERROR_EVENT", message);
        Ok(())
    }

    pub(crate) fn update_retries(
        &mut self,
        request: &UpdateJobRetriesRequest,
    ) -> Result<(), Rejection> {
        at_least_one("retries", request.retries.into())?;
        self.job_in(request.job_key, |_| true)?.retries = request.retries;
        Ok(())
    }

    /// The job's time begins anew.
    pub(crate) fn update_timeout(
        &mut self,
        request: &UpdateJobTimeoutRequest,
    ) -> Result<(), Rejection> {
        self.activated_job(request.job_key)?;
        let deadline = self.now.saturating_add(request.timeout);
        self.jobs
            .enter(request.job_key, Phase::Activated { deadline });
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
        match self.jobs.get_mut(key) {
            None => Err(Rejection::NotFound(format!("no job has the key {key}"))),
            Some(job) if allowed(job.phase) => Ok(job),
            Some(job) => Err(Rejection::FailedPrecondition(format!(
                "the job {key} is {}",
                job.phase.name()
            ))),
        }
    }
}
