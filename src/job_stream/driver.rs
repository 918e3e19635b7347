//! Runs a job stream: does what the watch says, and delivers jobs as the program takes them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::feed::{Feed, Origin, Source};
use super::requests::Requests;
use super::task::Task;
use super::watch::{Action, Event, Watch};
use super::{Closing, Failure, JobHandler, JobStreamOptions};
use crate::call::{self, Call, CallOptions, Control, Demand, Owed, Timeout};
use crate::channel::{ACTIVATE_JOBS, Channel, STREAM_ACTIVATED_JOBS};
use crate::error::Error;
use crate::runtime::lock;
use crate::runtime::time::{Sleep, sleep_until};
use crate::wire::Metadata;

/// How much longer than the gateway may hold it a poll may take.
const POLL_MARGIN: Duration = Duration::from_secs(10);

/// That wait for a slow program.
const MAX_FAILURES: usize = 16;

pub(super) struct Driver {
    channel: Arc<Channel>,
    requests: Requests,
    metadata: Metadata,
    control: Arc<Control>,
    closing: Arc<Closing>,
    watch: Watch,
    feed: Arc<Mutex<Feed>>,
    calls: Vec<(Arc<Source>, Task)>,
    /// A job or a failure on its way to the program.
    delivery: Option<Task>,
    /// Not yet told.
    failures: VecDeque<Failure>,
    /// Nothing is left to do but to deliver what came.
    ended: Option<Result<(), Error>>,
}

impl Driver {
    pub(super) fn new(
        channel: &Arc<Channel>,
        requests: Requests,
        options: JobStreamOptions,
        control: Arc<Control>,
        closing: Arc<Closing>,
    ) -> Self {
        Self {
            channel: Arc::clone(channel),
            requests,
            metadata: options.metadata,
            feed: Arc::new(Mutex::new(Feed::new(&control))),
            control,
            closing,
            watch: Watch::new(
                options.watchdog,
                options.lifetime,
                options.poll_interval,
                options.polls,
                Instant::now(),
            ),
            calls: Vec::new(),
            delivery: None,
            failures: VecDeque::new(),
            ended: None,
        }
    }

    /// To the end, which the handler learns, also if the future is dropped before it was polled.
    pub(super) fn run<H: JobHandler>(mut self, handler: Arc<H>) -> impl Future<Output = ()> + Send {
        let owed = Owed::new(&handler);
        async move {
            let mut timer = pin!(sleep_until(Instant::now().into()));
            let ended = poll_fn(|context| self.poll(context, timer.as_mut(), &handler)).await;
            drop((self, handler));
            owed.close(ended.map(|()| Metadata::default()));
        }
    }

    fn poll<H: JobHandler>(
        &mut self,
        context: &mut Context<'_>,
        mut timer: Pin<&mut Sleep>,
        handler: &Arc<H>,
    ) -> Poll<Result<(), Error>> {
        self.closing.waker.register(context.waker());
        loop {
            if let Poll::Ready(reason) = self.control.poll_cancelled(context) {
                self.cancel_all(&reason, context);
                return Poll::Ready(Err(reason));
            }
            self.listen(context);
            let delivered = self.deliver(context, handler);
            if let Some(ended) = &self.ended {
                ready!(delivered);
                return Poll::Ready(ended.clone());
            }
            let room = self.top_up();
            if let Some(action) = self.watch.next(room, Instant::now()) {
                self.act(action, context);
                continue;
            }
            let Some(due) = self.watch.due(room) else {
                return Poll::Pending;
            };
            timer.as_mut().reset(due.into());
            ready!(timer.as_mut().poll(context));
        }
    }

    /// Lets the calls go on, and tells the watch what came of it.
    fn listen(&mut self, context: &mut Context<'_>) {
        self.calls
            .retain_mut(|(_, task)| task.poll(context).is_pending());
        let now = Instant::now();
        if self.closing.begun.load(Ordering::Acquire) {
            self.watch.note(Event::Close, now, 0.0);
        }
        let events = std::mem::take(&mut lock(&self.feed).events);
        for event in events {
            self.watch.note(event, now, fastrand::f64());
        }
    }

    /// Ready when nothing is left to deliver.
    fn deliver<H: JobHandler>(&mut self, context: &mut Context<'_>, handler: &Arc<H>) -> Poll<()> {
        loop {
            if let Some(delivery) = &mut self.delivery {
                ready!(delivery.poll(context));
                self.delivery = None;
            }
            // A callback may have freed the job stream: then nothing follows.
            if self.control.poll_cancelled(context).is_ready() {
                return Poll::Pending;
            }
            // Not held back until a job is asked for: it may say why none comes.
            if let Some(failure) = self.failures.pop_front() {
                let handler = Arc::clone(handler);
                self.delivery = Some(Task::new(async move { handler.failed(failure).await }));
                continue;
            }
            if lock(&self.feed).jobs.is_empty() {
                return Poll::Ready(());
            }
            if !self.closing.begun.load(Ordering::Acquire) && self.ended.is_none() {
                ready!(self.control.poll_demand(context));
            }
            let Some((job, held)) = lock(&self.feed).jobs.pop_front() else {
                return Poll::Ready(());
            };
            let handler = Arc::clone(handler);
            self.delivery = Some(Task::new(async move { handler.job(job, held).await }));
        }
    }

    /// Lets the streams bring what there is room for; returns the room.
    fn top_up(&self) -> usize {
        let feed = lock(&self.feed);
        if feed.takes_more() {
            for (source, _) in &self.calls {
                source.ask();
            }
        }
        feed.room()
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) {
        match action {
            Action::Open(id) => {
                if id > 1 {
                    self.channel.counters().job_stream_reopened();
                }
                let options = CallOptions {
                    timeout: Timeout::None,
                    metadata: self.metadata.clone(),
                    wait_for_ready: Some(true),
                    demand: Demand::Asked,
                    ..CallOptions::default()
                };
                let message = Ok(self.requests.stream.clone());
                self.begin(Origin::Stream(id), STREAM_ACTIVATED_JOBS, options, message);
            }
            Action::Poll { max, patience } => {
                lock(&self.feed).poll_begins(max);
                let options = CallOptions {
                    timeout: Timeout::After(patience.unwrap_or_default() + POLL_MARGIN),
                    metadata: self.metadata.clone(),
                    wait_for_ready: Some(false),
                    ..CallOptions::default()
                };
                let message = self.requests.poll(max, patience);
                self.begin(Origin::Poll, ACTIVATE_JOBS, options, message);
            }
            Action::Cancel(id) => self.cancel(Origin::Stream(id), context),
            Action::CancelPoll => self.cancel(Origin::Poll, context),
            Action::Report(failure) => self.report(failure),
            Action::End(ended) => self.ended = Some(ended),
        }
    }

    /// It goes on all the same, but not in silence.
    fn report(&mut self, failure: Failure) {
        self.channel.counters().job_stream_failed(&failure.error);
        let Failure {
            error,
            in_a_row,
            is_usual,
            pause,
        } = &failure;
        let pause = pause.as_millis();
        // Each further one as the last: at powers of two, so that a long outage does not fill the log.
        let is_grave = *in_a_row > 1 || !(error.is_retryable() || *is_usual);
        if in_a_row.is_power_of_two() && is_grave {
            tracing::warn!(
                "a job stream fails, {in_a_row} times in a row; the next try is in {pause} ms: {error}"
            );
        } else {
            tracing::debug!("a job stream failed; the next try is in {pause} ms: {error}");
        }
        // A program that does not listen is told of the last ones.
        if self.failures.len() == MAX_FAILURES {
            self.failures.pop_front();
        }
        self.failures.push_back(failure);
    }

    /// Starts a call; that it cannot begin is told as its end.
    fn begin(
        &mut self,
        origin: Origin,
        method: &str,
        options: CallOptions,
        message: Result<Vec<u8>, Error>,
    ) {
        let start = || -> Result<(), Error> {
            let message = message?;
            let call = Call::new(&self.channel, method, options)?;
            let control = Arc::new(call.stream_control());
            control.send_last(&message)?;
            let active = self.channel.enter(&control)?;
            let source = Source::new(origin, Arc::clone(&control), &self.feed, active);
            let source = Arc::new(source);
            let task = call::stream(call, control, Arc::clone(&source));
            self.calls.push((source, Task::new(task)));
            Ok(())
        };
        if let Err(error) = start() {
            lock(&self.feed).ended(origin, Err(error));
        }
    }

    /// After it brought everything that has arrived.
    fn cancel(&mut self, origin: Origin, context: &mut Context<'_>) {
        for (source, task) in &mut self.calls {
            if source.origin == origin {
                source.drain();
                if task.poll(context).is_pending() {
                    source
                        .control
                        .cancel(Error::cancelled("the job stream has no use for it"));
                }
            }
        }
    }

    fn cancel_all(&mut self, reason: &Error, context: &mut Context<'_>) {
        for (source, _) in &self.calls {
            source.control.cancel(reason.clone());
        }
        self.listen(context);
    }
}
