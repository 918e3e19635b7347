//! Job streams: workers to whom jobs are pushed as they become free.

use std::collections::VecDeque;
use std::iter;

use super::activation::Demand;
use super::{Rejection, State};
use crate::protocol::{ActivatedJob, StreamActivatedJobsRequest};

/// A worker that reads slowly keeps no more jobs than this from the others.
const UNDELIVERED_LIMIT: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Streams {
    last_number: u64,
    /// The one that waits longest for a job comes first.
    open: VecDeque<JobStream>,
    /// Open streams stay open, but get nothing.
    muted: bool,
}

#[derive(Debug)]
struct JobStream {
    number: u64,
    demand: Demand,
    undelivered: VecDeque<ActivatedJob>,
}

impl Streams {
    pub(super) fn open(&self) -> usize {
        self.open.len()
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
        self.streams.open.push_front(JobStream {
            number,
            demand,
            undelivered: VecDeque::new(),
        });
        self.offer_to_streams();
        Ok(number)
    }

    /// The next job to send on the stream.
    pub(crate) fn next_streamed(&mut self, number: u64) -> Option<ActivatedJob> {
        let stream = self
            .streams
            .open
            .iter_mut()
            .find(|stream| stream.number == number)?;
        // The time of some may have run out while they waited here.
        let jobs = &self.jobs;
        iter::from_fn(|| stream.undelivered.pop_front()).find(|job| jobs.still_has(job))
    }

    /// Jobs that were not sent on it are free again.
    pub(crate) fn close_stream(&mut self, number: u64) {
        let Some(index) = self
            .streams
            .open
            .iter()
            .position(|stream| stream.number == number)
        else {
            return;
        };
        if let Some(stream) = self.streams.open.remove(index) {
            self.take_back(stream.undelivered);
        }
    }

    /// Muted streams stay open and get nothing: jobs are left to the polls, those not sent yet included.
    pub(crate) fn mute_streams(&mut self, muted: bool) {
        self.streams.muted = muted;
        if muted {
            let undelivered = self.streams.open.iter_mut();
            let undelivered: Vec<_> = undelivered
                .flat_map(|stream| stream.undelivered.drain(..))
                .collect();
            self.take_back(undelivered);
        }
        self.offer_to_streams();
    }

    fn take_back(&mut self, jobs: impl IntoIterator<Item = ActivatedJob>) {
        for job in jobs {
            if self.jobs.still_has(&job) {
                self.jobs.free(job.key);
            }
        }
    }

    pub(super) fn offer_to_streams(&mut self) {
        if self.streams.muted || !self.jobs.any_activatable() {
            return;
        }
        let mut without = 0;
        while without < self.streams.open.len() {
            let Some(mut stream) = self.streams.open.pop_front() else {
                return;
            };
            let has_room = stream.undelivered.len() < UNDELIVERED_LIMIT;
            let job = if has_room {
                self.activate_next(&stream.demand)
            } else {
                None
            };
            match job {
                Some(job) => {
                    stream.undelivered.push_back(job);
                    without = 0;
                }
                None => without += 1,
            }
            self.streams.open.push_back(stream);
        }
    }
}
