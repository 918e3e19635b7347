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

use crate::call::{Control, Handler};
use crate::channel::{ActiveCall, Channel};
use crate::error::Error;
use crate::wire::framing::Limit;
use crate::wire::{Encoding, Metadata};
use driver::Driver;
use requests::Requests;

#[derive(Clone, Debug)]
pub struct JobStreamOptions {
    /// Sent with every call.
    pub metadata: Metadata,
    pub max_buffered_jobs: usize,
    /// A stream that brings nothing for so long is replaced.
    pub watchdog: Duration,
    /// How often jobs are looked for that the stream did not bring.
    pub poll_interval: Duration,
    /// Jobs are delivered only as they are asked for.
    pub manual_requests: bool,
}

/// A failure that the job stream goes on after.
#[derive(Clone, Debug)]
pub struct Failure {
    pub error: Error,
    /// With this one; of the stream and of the polls each on its own. A job, 30 s of life, or the cut of a stream that was taken
    /// on and outlived the pause before it, begins anew.
    pub in_a_row: u32,
    /// Such a cut: nothing to warn of.
    pub is_usual: bool,
    /// Until the next try.
    pub pause: Duration,
}

/// Told what comes of a job stream, one thing at a time: as of a call, but for what it goes on after.
pub trait JobHandler: Handler {
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
    pub(crate) fn start<H: JobHandler>(
        channel: &Arc<Channel>,
        request: &[u8],
        options: JobStreamOptions,
        prepare: impl FnOnce(Self, ActiveCall) -> H,
    ) -> Result<(), Error> {
        let requests = Requests::new(request)?;
        channel.spawn(|_| {
            let control = Arc::new(Control::of_stream(
                options.manual_requests,
                Limit::NOTHING,
                Encoding::Identity,
            ));
            let active = channel.enter(&control)?;
            let closing = Arc::new(Closing::default());
            let stream = Self {
                control: Arc::clone(&control),
                closing: Arc::clone(&closing),
            };
            let handler = Arc::new(prepare(stream, active));
            let driver = Driver::new(channel, requests, options, control, closing);
            Ok(driver.run(handler))
        })
    }

    /// Ends it at once.
    pub(crate) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Asks for `count` jobs more; only with manual requests.
    pub fn request(&self, count: u64) -> Result<(), Error> {
        self.control.request(count)
    }

    /// Nothing more is asked of the gateway; what came is delivered, asked for or not, then the end.
    pub fn close(&self) {
        self.closing.begun.store(true, Ordering::Release);
        self.closing.waker.wake();
    }
}
