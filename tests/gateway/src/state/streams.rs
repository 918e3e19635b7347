//! Job streams: workers to whom jobs are pushed as they become free.

use std::collections::VecDeque;

use super::activation::Demand;
use super::jobs::Phase;
use super::{Rejection, State};
use crate::protocol::{ActivatedJob, StreamActivatedJobsRequest};

/// A worker that reads slowly keeps no more jobs than this from the others.
const UNDELIVERED_LIMIT: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Streams {
    last_number: u64,
    /// The one that waits longest for a job comes first.
    open: VecDeque<JobStream>,
}

#[derive(Debug)]
struct JobStream {
    number: u64,
    demand: Demand,
    undelivered: VecDeque<ActivatedJob>,
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
        while let Some(job) = stream.undelivered.pop_front() {
            // Its time may have run out while it waited here.
            if self.jobs.phase(job.key)
                == Some(Phase::Activated {
                    deadline: job.deadline,
                })
            {
                return Some(job);
            }
        }
        None
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
        let stream = self.streams.open.remove(index);
        for job in stream.into_iter().flat_map(|stream| stream.undelivered) {
            if self.jobs.phase(job.key)
                == Some(Phase::Activated {
                    deadline: job.deadline,
                })
            {
                self.jobs.enter(job.key, Phase::Activatable);
            }
        }
    }

    pub(super) fn offer_to_streams(&mut self) {
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
