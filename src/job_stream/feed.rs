//! What a job stream's calls bring: jobs, kept until the program takes them, and news for the watch.
//!
//! All calls of a job stream and the job stream itself run in one task; the locks are never waited for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::requests;
use super::watch::{Event, StreamId};
use crate::call::{Control, Handler, Held};
use crate::channel::ActiveCall;
use crate::error::Error;
use crate::runtime::lock;
use crate::wire::Metadata;
use crate::wire::framing::{Keeper, kept};

#[derive(Debug)]
pub(super) struct Feed {
    /// With their shares in what may wait.
    pub(super) jobs: VecDeque<(Bytes, Held)>,
    pub(super) events: Vec<Event>,
    keeper: Keeper,
    /// The job stream's, which knows what waits here and further on.
    control: Arc<Control>,
    /// What a poll under way may bring.
    polled_for: usize,
    found: usize,
}

impl Feed {
    pub(super) fn new(control: &Arc<Control>) -> Self {
        Self {
            jobs: VecDeque::new(),
            events: Vec::new(),
            keeper: Keeper::default(),
            control: Arc::clone(control),
            polled_for: 0,
            found: 0,
        }
    }

    /// For how many jobs there is room.
    pub(super) fn room(&self) -> usize {
        self.control.room()
    }

    /// Whether a stream may bring a job, beside what a poll under way may bring.
    pub(super) fn takes_more(&self) -> bool {
        self.room() > self.polled_for
    }

    fn add(&mut self, job: Bytes) {
        let held = self.control.hold(job.len());
        self.jobs.push_back((job, held));
    }

    pub(super) fn poll_begins(&mut self, max: usize) {
        self.polled_for = max;
        self.found = 0;
    }

    pub(super) fn ended(&mut self, origin: Origin, ended: Result<(), Error>) {
        self.events.push(match origin {
            Origin::Stream(id) => Event::Ended(id, ended),
            Origin::Poll => {
                self.polled_for = 0;
                Event::PollEnded {
                    found: self.found,
                    error: ended.err(),
                }
            }
        });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Stream(StreamId),
    Poll,
}

/// One call of a job stream.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) origin: Origin,
    pub(super) control: Arc<Control>,
    feed: Arc<Mutex<Feed>>,
    /// Whether a stream may bring its next job.
    asked: AtomicBool,
    /// Takes all that has arrived, whether there is room or not.
    draining: AtomicBool,
    active: ActiveCall,
}

impl Source {
    pub(super) fn new(
        origin: Origin,
        control: Arc<Control>,
        feed: &Arc<Mutex<Feed>>,
        active: ActiveCall,
    ) -> Self {
        Self {
            origin,
            control,
            feed: Arc::clone(feed),
            asked: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            active,
        }
    }

    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.ask();
    }

    /// Lets a stream bring one job, unless it may already.
    pub(super) fn ask(&self) {
        if !self.asked.swap(true, Ordering::Relaxed) {
            // Streams take requests one by one; polls bring what they were asked for.
            self.control.request(1).ok();
        }
    }
}

impl Handler for Source {
    async fn initial_metadata(self: &Arc<Self>, _: Metadata) {
        if let Origin::Stream(id) = self.origin {
            lock(&self.feed).events.push(Event::Accepted(id));
        }
    }

    async fn message(self: &Arc<Self>, message: Bytes) {
        let counters = self.active.channel.counters();
        let mut feed = lock(&self.feed);
        match self.origin {
            Origin::Stream(id) => {
                let job = feed.keeper.keep(message);
                feed.add(job);
                feed.events.push(Event::Heard(id));
                counters.job_pushed();
                let more = feed.takes_more() || self.draining.load(Ordering::Relaxed);
                drop(feed);
                self.asked.store(false, Ordering::Relaxed);
                if more {
                    self.ask();
                }
            }
            Origin::Poll => match requests::jobs(kept(message)) {
                Ok(jobs) => {
                    feed.found += jobs.len();
                    feed.polled_for = feed.polled_for.saturating_sub(jobs.len());
                    counters.jobs_polled(jobs.len());
                    for job in jobs {
                        feed.add(job);
                    }
                }
                Err(error) => tracing::warn!("an ActivateJobsResponse is broken: {error}"),
            },
        }
    }

    async fn ready(self: &Arc<Self>) {
        if let Origin::Stream(id) = self.origin {
            lock(&self.feed).events.push(Event::Opened(id));
        }
    }

    fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
        lock(&self.feed).ended(self.origin, ended.map(|_| ()));
    }
}
