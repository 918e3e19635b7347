//! Long polls: workers that wait until there are jobs for them.

use std::collections::{BTreeMap, BTreeSet};

use super::activation::Demand;
use super::jobs::Queue;
use super::{Rejection, State};
use crate::protocol::ActivateJobsRequest;

#[derive(Debug, Default)]
pub(super) struct Polls {
    last_number: u64,
    open: BTreeMap<u64, Demand>,
    /// Numbers grow: the lowest waits longest.
    waiting: BTreeMap<Queue, BTreeSet<u64>>,
}

impl Polls {
    pub(super) fn first(&self, queue: &Queue) -> Option<u64> {
        self.waiting.get(queue)?.first().copied()
    }
}

impl State {
    /// Has the poll wait, and returns its number.
    pub(crate) fn open_poll(&mut self, request: &ActivateJobsRequest) -> Result<u64, Rejection> {
        let demand = Demand::of_poll(request)?;
        self.polls.last_number += 1;
        let number = self.polls.last_number;
        for queue in &demand.queues {
            let waiting = self.polls.waiting.entry(queue.clone()).or_default();
            waiting.insert(number);
        }
        self.polls.open.insert(number, demand);
        Ok(number)
    }

    /// If it has left jobs, or was woken and is gone, the next one is told.
    pub(super) fn close_poll(&mut self, number: u64) {
        let Some(demand) = self.polls.open.remove(&number) else {
            return;
        };
        for queue in demand.queues {
            if let Some(waiting) = self.polls.waiting.get_mut(&queue) {
                waiting.remove(&number);
                if waiting.is_empty() {
                    self.polls.waiting.remove(&queue);
                }
            }
            self.jobs.touch(queue);
        }
    }
}
