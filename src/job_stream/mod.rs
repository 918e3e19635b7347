//! Job streams: jobs of one type, pushed by StreamActivatedJobs, that go on by themselves.
//!
//! `watch` decides, `driver` runs the calls, `feed` is where they bring jobs, `requests` knows the messages.

mod driver;
mod feed;
mod requests;
mod task;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use atomic_waker::AtomicWaker;
use bytes::Bytes;

use crate::backoff::Backoff;
use crate::call::{Control, Demand, Handler, Held, ReadAhead};
use crate::channel::{ActiveCall, Channel};
use crate::error::Error;
use crate::wire::framing::Limit;
use crate::wire::{Encoding, Metadata};
use driver::Driver;
use requests::Requests;

/// A job stream's, read and checked.
#[derive(Clone, Debug)]
pub struct JobStreamOptions {
    /// Sent with every call.
    pub metadata: Metadata,
    /// Of jobs that came and that the program has not taken, wherever they wait.
    pub read_ahead: ReadAhead,
    /// A stream that brings nothing for so long is replaced.
    pub watchdog: Duration,
    /// It is replaced after so long, too.
    pub lifetime: Option<Duration>,
    /// How often jobs are looked for that the stream did not bring.
    pub poll_interval: Duration,
    /// How polls go, beside when.
    pub polls: Polls,
    /// Whether jobs come by themselves.
    pub demand: Demand,
}

/// How polls go, beside when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Polls {
    /// No stream is opened.
    pub alone: bool,
    /// So long the gateway holds one that is alone while it has no jobs; `None`: as long as the interval.
    pub patience: Option<Duration>,
    /// After one that failed the next is not before this pause.
    pub(crate) backoff: Option<Backoff>,
}

/// A failure that the job stream goes on after.
#[derive(Clone, Debug)]
pub struct Failure {
    /// As a call of its own would have ended.
    pub error: Error,
    /// With this one; of the stream and of the polls each on its own. A job, 30 s of life, or the cut of a stream that was taken
    /// on and outlived the pause before it, begins anew.
    pub in_a_row: u32,
    /// Such a cut: nothing to warn of.
    pub is_usual: bool,
    /// Until the next try.
    pub pause: Duration,
}

/// Told what comes of a job stream, one thing at a time: as of a call, but for the share that a job has in what may wait, and
/// for what it goes on after.
pub trait JobHandler: Handler {
    /// An `ActivatedJob`, encoded; `held` is its share of what may wait, until it is dropped.
    fn job(self: &Arc<Self>, job: Bytes, held: Held) -> impl Future<Output = ()> + Send;
    /// The job stream goes on, after the failure's pause.
    fn failed(self: &Arc<Self>, failure: Failure) -> impl Future<Output = ()> + Send;
}

/// The program's side of a job stream.
#[derive(Debug)]
pub struct JobStream {
    control: Arc<Control>,
    closing: Arc<Closing>,
}

/// Whether the program has closed it.
#[derive(Debug, Default)]
struct Closing {
    begun: AtomicBool,
    waker: AtomicWaker,
}

impl JobStream {
    /// Starts one. `prepare` gives what is told of jobs and the end; it also gets what keeps the channel from counting it as
    /// ended.
    pub fn start<H: JobHandler>(
        channel: &Arc<Channel>,
        request: &[u8],
        options: JobStreamOptions,
        prepare: impl FnOnce(Self, ActiveCall) -> Result<H, Error>,
    ) -> Result<(), Error> {
        let requests = Requests::new(request)?;
        channel.spawn(|_| {
            let control = Arc::new(Control::of_stream(
                options.demand,
                options.read_ahead,
                Limit::NOTHING,
                Encoding::Identity,
            ));
            let active = channel.enter(&control)?;
            let closing = Arc::new(Closing::default());
            let stream = Self {
                control: Arc::clone(&control),
                closing: Arc::clone(&closing),
            };
            let handler = Arc::new(prepare(stream, active)?);
            let driver = Driver::new(channel, requests, options, control, closing);
            Ok(Box::pin(driver.run(handler)))
        })
    }

    /// Ends it at once.
    pub(crate) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Asks for `count` jobs more, or says that so many were taken.
    pub fn request(&self, count: u64) -> Result<(), Error> {
        self.control.request(count)
    }

    /// Nothing more is asked of the gateway; what came is delivered, asked for or not, then the end.
    pub fn close(&self) {
        self.closing.begun.store(true, Ordering::Release);
        self.closing.waker.wake();
    }
}
