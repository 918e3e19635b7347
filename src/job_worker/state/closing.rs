//! The end of a worker: in order, with a grace, or at once.

use std::time::Instant;

use super::{Closing, Phase, State, given_up};
use crate::error::{Code, Error, Source};

impl State {
    /// The first reason counts.
    pub(super) fn close(&mut self, reason: Result<(), Error>, now: Instant) {
        if self.closing.is_some() {
            return;
        }
        self.closing = Some(Closing {
            reason,
            until: now.checked_add(self.rules.grace),
            cut: false,
            stream_told: false,
        });
    }

    /// What waits while the worker closes goes back once its stream has ended: else the gateway would give it to that.
    pub(super) fn give_back(&mut self) {
        if self.closing.is_none() || !self.stream_ended {
            return;
        }
        while let Some(id) = self.waiting.pop_front() {
            self.jobs[id].phase = Phase::Ready;
            self.ready.push_back(id);
        }
    }

    pub(in crate::job_worker) fn is_cut(&self) -> bool {
        self.closing.as_ref().is_some_and(|closing| closing.cut)
    }

    /// Lets go of everything; what was begun is waited for.
    pub(super) fn cut(&mut self, reason: Result<(), Error>) {
        match &mut self.closing {
            Some(closing) if closing.cut => return,
            Some(closing) => {
                closing.cut = true;
                closing.stream_told = false;
                if closing.reason.is_ok() {
                    closing.reason = reason;
                }
            }
            None => {
                self.closing = Some(Closing {
                    reason,
                    until: None,
                    cut: true,
                    stream_told: false,
                });
            }
        }
        self.waiting.clear();
        self.ready.clear();
        self.pausing.clear();
        self.extensions.clear();
        self.working = 0;
        let ids: Vec<_> = self.jobs.iter().map(|(id, _)| id).collect();
        for id in ids {
            let job = &self.jobs[id];
            match job.phase {
                Phase::Waiting | Phase::Working => {
                    self.jobs.remove(id);
                    self.dropped.push_back(id);
                }
                Phase::Ready | Phase::Pausing(_) => self.settle(id, given_up(job)),
                Phase::Sending => self.to_cancel.push(id),
                Phase::Settled => {}
            }
        }
    }

    pub(super) fn mind_grace(&mut self, now: Instant) {
        let is_over =
            |closing: &Closing| !closing.cut && closing.until.is_some_and(|until| until <= now);
        if !self.closing.as_ref().is_some_and(is_over) {
            return;
        }
        let left = self.len();
        self.cut(match left {
            0 => Ok(()),
            _ => Err(Error::rpc(
                Source::Library,
                Code::DeadlineExceeded,
                format!(
                    "the worker's grace of {} ms is over: {left} jobs are left to their time-out",
                    self.rules.grace.as_millis()
                ),
            )),
        });
    }

    pub(super) fn may_end(&self) -> bool {
        !self.has_ended
            && self.closing.is_some()
            && self.stream_ended
            && self.jobs.is_empty()
            && self.lanes_used == 0
    }

    /// Why the worker ended; `Ok` after a close in order.
    pub(in crate::job_worker) fn reason(&self) -> Result<(), Error> {
        self.closing
            .as_ref()
            .map_or(Ok(()), |closing| closing.reason.clone())
    }
}
