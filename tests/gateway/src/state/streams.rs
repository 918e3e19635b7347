//! Job streams: workers to whom jobs are pushed as they become free.

use std::collections::{BTreeMap, VecDeque};
use std::iter;
use std::slice;

use super::activation::Demand;
use super::jobs::Queue;
use super::waiters::Waiter;
use super::{Rejection, State};
use crate::protocol::{ActivatedJob, StreamActivatedJobsRequest};

/// A worker that reads slowly keeps no more jobs than this from the others.
const UNDELIVERED_LIMIT: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Streams {
    last_number: u64,
    open: BTreeMap<u64, JobStream>,
    /// Those with room for a job; the one that waits longest for one comes first.
    with_room: BTreeMap<Queue, VecDeque<u64>>,
    /// Open streams stay open, but get nothing.
    muted: bool,
}

#[derive(Debug)]
struct JobStream {
    demand: Demand,
    undelivered: VecDeque<ActivatedJob>,
}

impl JobStream {
    fn has_room(&self) -> bool {
        self.undelivered.len() < UNDELIVERED_LIMIT
    }
}

impl Streams {
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Takes out the one whose turn it is.
    fn take_next(&mut self, queue: &Queue) -> Option<(u64, JobStream)> {
        let number = self.with_room.get_mut(queue)?.pop_front()?;
        Some((number, self.open.remove(&number)?))
    }

    fn leave_queues(&mut self, number: u64, demand: &Demand) {
        for queue in &demand.queues {
            if let Some(numbers) = self.with_room.get_mut(queue) {
                numbers.retain(|other| *other != number);
                if numbers.is_empty() {
                    self.with_room.remove(queue);
                }
            }
        }
    }
}

impl State {
    /// Opens a stream and returns its number.
    pub(crate) fn open_stream(
        &mut self,
        request: &StreamActivatedJobsRequest,
    ) -> Result<u64, Rejection> {
        let demand = Demand::new(
            &request.r#type,
            &request.worker,
            request.timeout,
            &request.fetch_variable,
            &request.tenant_ids,
        )?;
        self.streams.last_number += 1;
        let number = self.streams.last_number;
        for queue in &demand.queues {
            let numbers = self.streams.with_room.entry(queue.clone()).or_default();
            numbers.push_front(number);
            self.jobs.touch(queue.clone());
        }
        let undelivered = VecDeque::new();
        let stream = JobStream {
            demand,
            undelivered,
        };
        self.streams.open.insert(number, stream);
        self.settle();
        Ok(number)
    }

    /// The next job to send on the stream.
    pub(crate) fn next_streamed(&mut self, number: u64) -> Option<ActivatedJob> {
        let stream = self.streams.open.get_mut(&number)?;
        let had_room = stream.has_room();
        // The time of some may have run out while they waited here.
        let jobs = &self.jobs;
        let job = iter::from_fn(|| stream.undelivered.pop_front()).find(|job| jobs.still_has(job));
        if !had_room {
            self.return_to_queues(number);
        }
        job
    }

    /// Jobs that were not sent on it are free again.
    pub(super) fn close_stream(&mut self, number: u64) {
        if let Some(stream) = self.streams.open.remove(&number) {
            self.streams.leave_queues(number, &stream.demand);
            self.take_back(stream.undelivered);
        }
    }

    /// Muted streams stay open and get nothing: jobs are left to the polls, those not sent yet included.
    pub(crate) fn mute_streams(&mut self, muted: bool) {
        self.streams.muted = muted;
        if muted {
            let mut undelivered = Vec::new();
            let mut full = Vec::new();
            for (number, stream) in &mut self.streams.open {
                if !stream.has_room() {
                    full.push(*number);
                }
                undelivered.extend(stream.undelivered.drain(..));
            }
            for number in full {
                self.return_to_queues(number);
            }
            self.take_back(undelivered);
        }
        self.jobs.touch_all();
        self.settle();
    }

    /// A full stream has room again.
    fn return_to_queues(&mut self, number: u64) {
        let Some(stream) = self.streams.open.get(&number) else {
            return;
        };
        for queue in &stream.demand.queues {
            let numbers = self.streams.with_room.entry(queue.clone()).or_default();
            numbers.push_back(number);
            self.jobs.touch(queue.clone());
        }
    }

    fn take_back(&mut self, jobs: impl IntoIterator<Item = ActivatedJob>) {
        for job in jobs {
            if self.jobs.still_has(&job) {
                self.jobs.free(job.key);
            }
        }
    }

    /// Deals out the jobs of the queue as long as streams have room.
    pub(super) fn offer_to_streams(&mut self, queue: &Queue) {
        while !self.streams.muted
            && let Some(key) = self.jobs.first(slice::from_ref(queue))
            && let Some((number, mut stream)) = self.streams.take_next(queue)
        {
            stream
                .undelivered
                .extend(self.activate(key, &stream.demand));
            self.woken.push(Waiter::Stream(number));
            if stream.has_room() {
                let numbers = self.streams.with_room.entry(queue.clone()).or_default();
                numbers.push_back(number);
            } else {
                self.streams.leave_queues(number, &stream.demand);
            }
            self.streams.open.insert(number, stream);
        }
    }
}
