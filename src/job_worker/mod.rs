//! Job workers: jobs of one type, worked on by the program, whose ends are sent until they are settled.
//!
//! `state` decides, `driver` does it: it gives jobs to the program, and makes calls of their ends. Jobs come by a job stream.

mod driver;
mod end;
mod events;
mod fields;
mod histogram;
mod job;
mod options;
mod pressure;
mod prometheus;
mod state;
mod stats;
mod trace_context;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use atomic_waker::AtomicWaker;

use crate::channel::{ActiveCall, Cancel, Channel};
use crate::error::Error;
use crate::job_stream::Failure;
use crate::runtime::lock;
use stats::Stats;

pub use end::{Outcome, Verdict};
pub use fields::{Fields, Text};
pub use job::{Failing, Job, Told};
pub use options::{BackoffOptions, JobWorkerOptions};

/// Gets the jobs of a worker, what the worker goes on after, and its end, last. What it is told runs on threads of the
/// library's, and never in a function of a job's or a worker's that the program has called.
pub trait WorkerHandler: Send + Sync + 'static {
    /// How many jobs can be given at once; `None`: giving one takes no time of the program's.
    fn lanes(&self) -> Option<usize>;
    /// Gives one; with lanes, `returned` is called when that is over.
    fn job(self: &Arc<Self>, job: Arc<Job>, lane: usize, returned: impl FnOnce() + Send + 'static);
    /// The worker goes on, after the failure's pause.
    fn failed(self: &Arc<Self>, failure: Failure) -> impl Future<Output = ()> + Send;
    /// The worker has ended: once, last.
    fn close(self: Arc<Self>, ended: Result<(), Error>);
}

/// The program's side of a job worker.
#[derive(Clone, Debug)]
pub struct JobWorker {
    signals: Arc<Signals>,
    stats: Arc<Stats>,
}

/// What the program wants of a worker.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    closes: AtomicBool,
    cancelled: Mutex<Option<Error>>,
    is_cancelled: AtomicBool,
    waker: AtomicWaker,
}

impl Cancel for Signals {
    fn cancel(&self, reason: Error) {
        lock(&self.cancelled).get_or_insert(reason);
        self.is_cancelled.store(true, Ordering::Release);
        self.waker.wake();
    }
}

impl Signals {
    /// Why everything ends now.
    fn cancelled(&self) -> Option<Error> {
        match self.is_cancelled.load(Ordering::Acquire) {
            true => lock(&self.cancelled).clone(),
            false => None,
        }
    }
}

impl JobWorker {
    /// Starts one. `prepare` gives what its jobs and its end are given to; it also gets what keeps the channel from
    /// counting the worker as ended.
    pub(crate) fn start<H: WorkerHandler>(
        channel: &Arc<Channel>,
        options: JobWorkerOptions,
        prepare: impl FnOnce(Self, ActiveCall) -> Result<H, Error>,
    ) -> Result<(), Error> {
        options.check()?;
        channel.spawn(|_| {
            let signals = Arc::new(Signals::default());
            let stats = Arc::new(Stats::new(&options.job_type, &options.worker_name));
            let active = channel.enter(&signals)?;
            let worker = Self {
                signals: Arc::clone(&signals),
                stats: Arc::clone(&stats),
            };
            let prepare = || prepare(worker, active);
            let task = driver::start(channel, options, signals, stats, prepare)?;
            Ok(Box::pin(task.run()))
        })
    }

    /// Ends it at once.
    pub(crate) fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }

    /// No more jobs come; those that the program has are waited for.
    pub fn close(&self) {
        self.signals.closes.store(true, Ordering::Release);
        self.signals.waker.wake();
    }

    /// Counts as JSON; its form is part of the ABI.
    pub fn stats(&self) -> String {
        self.stats.json()
    }

    /// Counts of all these as Prometheus reads them.
    pub fn prometheus(workers: &[&Self]) -> String {
        let stats: Vec<_> = workers.iter().map(|worker| &*worker.stats).collect();
        prometheus::text(&stats)
    }
}
