//! Runs a job worker: does what the state says, on whatever thread something happened.
//!
//! Nothing is handed to another thread for its own sake: an end becomes a call where the program says so, and its answer is
//! noted where it comes. A task on the channel's I/O thread waits for what is due.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::time::sleep_until;

use super::end::{self, End, Kind, Outcome, UPDATE_JOB_TIMEOUT, Verdict, judge, milliseconds};
use super::fields::{Fields, Text};
use super::job::{Job, Owner, Telling, Told};
use super::options::JobWorkerOptions;
use super::state::{Action, Event, Extension, JobId, Place, Rules, State, Why};
use super::stats::{Count, Stats};
use super::trace_context::with_trace_context;
use super::{Signals, WorkerHandler};
use crate::call::{CallOptions, Control, Demand, Handler, Held, ReadAhead, Timeout, start_unary};
use crate::channel::{ActiveCall, Channel};
use crate::error::{Code, Error};
use crate::job_stream::{Failure, JobHandler, JobStream, JobStreamOptions, Polls};
use crate::runtime::lock;
use crate::wire::Metadata;

/// Jobs have no limit in bytes: their number has one.
const NO_BYTE_LIMIT: u64 = u32::MAX as u64;

pub(super) struct Worker<H: WorkerHandler> {
    channel: Arc<Channel>,
    options: JobWorkerOptions,
    stream: JobStream,
    signals: Arc<Signals>,
    stats: Arc<Stats>,
    inner: Mutex<Inner<H>>,
}

struct Inner<H> {
    /// Until it was told of the end: jobs that the program keeps do not keep it.
    handler: Option<Arc<H>>,
    state: State,
    /// By their ids.
    jobs: Vec<Here>,
    /// When the task looks again by itself.
    armed: Option<Instant>,
    /// A thread of the library's does what is to be done there; it looks again before it ends.
    is_acting: bool,
    has_ended: bool,
}

/// What belongs to a job that is here.
#[derive(Default)]
struct Here {
    key: i64,
    retries: i32,
    since: Option<Instant>,
    /// Its share in what may be here.
    held: Option<Held>,
    /// Until the program has it.
    job: Option<(Bytes, Fields)>,
    deadline: Option<Arc<AtomicI64>>,
    metadata: Option<Metadata>,
    end: Option<Arc<End>>,
    told: Option<Told>,
    control: Option<Arc<Control>>,
    /// Of its end's last answer.
    error: Option<Error>,
}

/// What its stream brings.
struct Source<H: WorkerHandler> {
    worker: Arc<Worker<H>>,
    /// For its channel the stream has ended once its end was noted.
    _active: ActiveCall,
}

/// Dropped with the task, at the end of the runtime too.
pub(super) struct Task<H: WorkerHandler>(Arc<Worker<H>>);

/// Starts the stream; what is returned is to run beside it.
pub(super) fn start<H: WorkerHandler>(
    channel: &Arc<Channel>,
    options: JobWorkerOptions,
    signals: Arc<Signals>,
    stats: Arc<Stats>,
    prepare: impl FnOnce() -> Result<H, Error>,
) -> Result<Task<H>, Error> {
    let request = options.request();
    let stream_options = JobStreamOptions {
        metadata: options.metadata.clone(),
        read_ahead: ReadAhead {
            messages: options.max_jobs_active,
            bytes: NO_BYTE_LIMIT,
        },
        watchdog: options.watchdog,
        poll_interval: options.poll_interval,
        polls: Polls {
            alone: options.polls_alone,
            patience: Some(options.request_timeout),
            backoff: Some(options.backoff.backoff()),
        },
        demand: Demand::Any,
    };
    let mut task = None;
    JobStream::start(channel, &request, stream_options, |stream, active| {
        let handler = Arc::new(prepare()?);
        let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let state = State::new(Rules {
            handlers: size(options.handlers_at_once),
            lanes: handler
                .lanes()
                .map(|lanes| lanes.clamp(1, size(options.handlers_at_once))),
            patience: options.request_timeout,
            backoff: options.backoff.backoff(),
            extension: options.extends_timeout.then_some(options.job_timeout),
            grace: options.grace,
        });
        let worker = Arc::new(Worker {
            channel: Arc::clone(channel),
            options,
            stream,
            signals,
            stats,
            inner: Mutex::new(Inner {
                handler: Some(handler),
                state,
                jobs: Vec::new(),
                armed: None,
                is_acting: false,
                has_ended: false,
            }),
        });
        task = Some(Task(Arc::clone(&worker)));
        Ok(Source {
            worker,
            _active: active,
        })
    })?;
    task.ok_or_else(|| Error::internal("a job stream started without its handler"))
}

impl<H: WorkerHandler> Task<H> {
    pub(super) async fn run(self) {
        let worker = &self.0;
        let mut timer = pin!(sleep_until(Instant::now().into()));
        poll_fn(|context| {
            worker.signals.waker.register(context.waker());
            if let Some(reason) = lock(&worker.signals.cancelled).clone() {
                worker.note(Event::Cancel(reason));
            } else if worker.signals.closes.load(Ordering::Acquire) {
                worker.note(Event::Close);
            }
            worker.act(Place::Library);
            loop {
                let due = {
                    let mut inner = worker.inner();
                    if inner.has_ended {
                        return Poll::Ready(());
                    }
                    inner.armed = inner.state.due();
                    inner.armed
                };
                let Some(due) = due else {
                    return Poll::Pending;
                };
                timer.as_mut().reset(due.into());
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                worker.act(Place::Library);
            }
        })
        .await;
    }
}

impl<H: WorkerHandler> Drop for Task<H> {
    fn drop(&mut self) {
        self.0.note(Event::Cancel(Error::given_up()));
        self.0.act(Place::Library);
    }
}

impl<H: WorkerHandler> Worker<H> {
    fn inner(&self) -> MutexGuard<'_, Inner<H>> {
        lock(&self.inner)
    }

    fn note(&self, event: Event) {
        let random = fastrand::f64();
        self.inner().state.note(event, Instant::now(), random);
    }

    /// Does what is to be done, as far as it can be done here.
    fn act(self: &Arc<Self>, place: Place) {
        let mut inner = self.inner();
        if place == Place::Library && std::mem::replace(&mut inner.is_acting, true) {
            return; // who acts looks again
        }
        if self.channel.epoch().check().is_err() {
            let reason = Event::Cancel(Error::given_up());
            inner.state.note(reason, Instant::now(), 0.0);
        }
        while let Some(action) = inner.state.next(place, Instant::now()) {
            self.perform(action, inner);
            inner = self.inner();
        }
        let mut wakes = inner.state.due().is_some_and(|due| {
            let is_earlier = inner.armed.is_none_or(|armed| due < armed);
            is_earlier && !inner.has_ended
        });
        match place {
            Place::Library => inner.is_acting = false,
            Place::Program => wakes |= inner.state.waits_for_library() && !inner.is_acting,
        }
        drop(inner);
        if wakes {
            self.signals.waker.wake();
        }
    }

    fn perform(self: &Arc<Self>, action: Action, mut inner: MutexGuard<'_, Inner<H>>) {
        match action {
            Action::CloseStream => {
                drop(inner);
                self.stream.close();
            }
            Action::CancelStream => {
                let reason = inner.state.reason().err();
                drop(inner);
                let reason = reason.unwrap_or_else(|| Error::cancelled("the worker has ended"));
                self.stream.control().cancel(reason);
            }
            Action::Hand(id, lane) => self.hand(id, lane, inner),
            Action::Drop(id, why) => self.drop_job(id, why, inner),
            Action::Send(id, patience) => self.send(id, patience, inner),
            Action::CancelEnd(id) => {
                let control = inner.jobs[id].control.clone();
                drop(inner);
                if let Some(control) = control {
                    control.cancel(Error::cancelled("the worker has ended"));
                }
            }
            Action::Extend(id, ticket) => self.extend(id, ticket, inner),
            Action::Tell(id, verdict) => self.tell(id, verdict, inner),
            Action::End => {
                inner.has_ended = true;
                let ended = inner.state.reason();
                let handler = inner.handler.take();
                drop(inner);
                if let Some(handler) = handler {
                    handler.close(ended);
                }
                self.signals.waker.wake(); // its task ends
            }
        }
    }

    /// A job came.
    fn arrive(self: &Arc<Self>, message: Bytes, held: Held) {
        let Some(fields) = Fields::read(&message) else {
            tracing::warn!("a job of the type {:?} is broken", self.options.job_type);
            return;
        };
        self.stats.count(Count::Activated);
        let left = left(fields.deadline, self.options.job_timeout);
        let now = Instant::now();
        let mut inner = self.inner();
        let Some(id) = inner.state.arrive(left, now) else {
            return;
        };
        let metadata = self.options.forwards_trace_context.then(|| {
            let headers = &message[fields.text(Text::CustomHeaders)];
            with_trace_context(&self.options.metadata, headers)
        });
        let deadline = self.options.extends_timeout.then_some(fields.deadline);
        if inner.jobs.len() <= id {
            inner.jobs.resize_with(id + 1, Here::default);
        }
        inner.jobs[id] = Here {
            key: fields.key,
            retries: fields.retries,
            since: Some(now),
            held: Some(held),
            job: Some((message, fields)),
            deadline: deadline.map(|deadline| Arc::new(AtomicI64::new(deadline))),
            metadata,
            ..Here::default()
        };
        self.show_here(&inner);
        drop(inner);
        self.act(Place::Library);
    }

    fn show_here(&self, inner: &Inner<H>) {
        self.stats
            .here
            .store(inner.state.len() as u64, Ordering::Relaxed);
    }

    fn hand(self: &Arc<Self>, id: JobId, lane: usize, mut inner: MutexGuard<'_, Inner<H>>) {
        let now = Instant::now();
        let handler = inner.handler.clone();
        let place = &mut inner.jobs[id];
        let since = place.since.replace(now);
        let deadline = place.deadline.clone();
        let (Some((message, fields)), Some(handler)) = (place.job.take(), handler) else {
            return;
        };
        drop(inner);
        if let Some(since) = since {
            self.stats.queue_time.add(now - since);
        }
        let owner = Arc::clone(self) as Arc<dyn Owner>;
        let job = Arc::new(Job::new(
            message,
            fields,
            deadline,
            id,
            self.channel.epoch(),
            owner,
        ));
        let worker = Arc::clone(self);
        let returned = move || {
            worker.note(Event::Returned(lane));
            worker.act(Place::Library);
        };
        handler.job(job, lane, returned);
    }

    fn drop_job(&self, id: JobId, why: Why, mut inner: MutexGuard<'_, Inner<H>>) {
        let place = std::mem::take(&mut inner.jobs[id]);
        self.show_here(&inner);
        drop(inner);
        if why == Why::Expired {
            self.stats.count(Count::Expired);
            tracing::warn!(
                "the job {} of the type {:?} waited for a handler past its deadline: it is another worker's",
                place.key,
                self.options.job_type
            );
        }
        self.release(place.held);
    }

    /// There is room for another job.
    fn release(&self, held: Option<Held>) {
        let was_full = self.stream.control().room() == 0;
        drop(held);
        if was_full {
            self.stream.has_room();
        }
    }

    fn send(self: &Arc<Self>, id: JobId, patience: Duration, mut inner: MutexGuard<'_, Inner<H>>) {
        let place = &mut inner.jobs[id];
        let (key, retries) = (place.key, place.retries);
        let end = place.end.get_or_insert_with(|| {
            let why = format!(
                "the worker {} closes: no handler had the job",
                self.options.worker_name
            );
            Arc::new(End::give_back(key, retries, &why))
        });
        let end = Arc::clone(end);
        let metadata = place.metadata.as_ref().unwrap_or(&self.options.metadata);
        let options = self.call_options(metadata.clone(), patience);
        if place.error.is_some() {
            self.stats.count(Count::SentAgain);
        }
        drop(inner);
        let started = start_unary(
            &self.channel,
            end.method(),
            &end.message,
            options,
            |control, active, _| {
                self.inner().jobs[id].control = Some(Arc::clone(control));
                let worker = Arc::clone(self);
                Ok(move |answered: Result<_, Error>| {
                    worker.answered(id, answered.err());
                    worker.act(Place::Library);
                    drop(active);
                })
            },
        );
        if let Err(error) = started {
            self.answered(id, Some(error));
        }
    }

    fn call_options(&self, metadata: Metadata, patience: Duration) -> CallOptions {
        CallOptions {
            timeout: Timeout::After(patience),
            metadata,
            wait_for_ready: Some(true),
            ..CallOptions::default()
        }
    }

    fn answered(&self, id: JobId, error: Option<Error>) {
        let answer = judge(match &error {
            None => Ok(()),
            Some(error) => Err(error),
        });
        let random = fastrand::f64();
        let mut inner = self.inner();
        let place = &mut inner.jobs[id];
        place.control = None;
        place.error = error;
        inner
            .state
            .note(Event::Answered(id, answer), Instant::now(), random);
    }

    fn extend(self: &Arc<Self>, id: JobId, ticket: u64, inner: MutexGuard<'_, Inner<H>>) {
        let key = inner.jobs[id].key;
        drop(inner);
        let timeout = self.options.job_timeout;
        let patience = self.options.request_timeout;
        let options = self.call_options(self.options.metadata.clone(), patience);
        let message = end::extension(key, timeout);
        let (since, deadline) = (
            Instant::now(),
            unix_ms().saturating_add(milliseconds(timeout)),
        );
        let started = start_unary(
            &self.channel,
            UPDATE_JOB_TIMEOUT,
            &message,
            options,
            |_, active, _| {
                let worker = Arc::clone(self);
                Ok(move |answered: Result<_, Error>| {
                    worker.extended(id, ticket, since, deadline, answered.err());
                    worker.act(Place::Library);
                    drop(active);
                })
            },
        );
        if let Err(error) = started {
            self.extended(id, ticket, since, deadline, Some(error));
        }
    }

    fn extended(
        &self,
        id: JobId,
        ticket: u64,
        since: Instant,
        deadline: i64,
        error: Option<Error>,
    ) {
        let extension = match error.as_ref().map(Error::code) {
            None => Extension::Granted(since),
            Some(Code::Unimplemented) => Extension::Unknown,
            Some(Code::NotFound | Code::FailedPrecondition) => Extension::Gone,
            Some(_) => Extension::Failed,
        };
        let mut inner = self.inner();
        let key = inner.jobs[id].key;
        let shown = inner.jobs[id].deadline.clone();
        let is_asked = inner.state.is_asked(id, ticket);
        let event = Event::Extended(id, ticket, extension);
        inner.state.note(event, Instant::now(), fastrand::f64());
        drop(inner);
        if !is_asked {
            return; // it has ended since
        }
        match (extension, error) {
            (Extension::Granted(_), _) => {
                self.stats.count(Count::Extended);
                if let Some(shown) = shown {
                    shown.store(deadline, Ordering::Release);
                }
            }
            (Extension::Gone, Some(error)) => {
                if let Some(shown) = shown {
                    shown.fetch_min(unix_ms(), Ordering::AcqRel);
                }
                tracing::warn!("the job {key} is not ours any more, but worked on: {error}");
            }
            (Extension::Unknown, Some(error)) => {
                tracing::warn!("jobs get no more time while they are worked on: {error}");
            }
            (_, error) => {
                let error = error.map_or(String::new(), |error| error.to_string());
                tracing::debug!("the job {key} got no more time yet: {error}");
            }
        }
    }

    fn tell(self: &Arc<Self>, id: JobId, verdict: Verdict, mut inner: MutexGuard<'_, Inner<H>>) {
        let place = std::mem::take(&mut inner.jobs[id]);
        let kind = place.end.as_ref().map_or(Kind::GiveBack, |end| end.kind);
        self.stats.settled(kind, verdict);
        if place.told.is_none() {
            inner.state.note(Event::Told(id), Instant::now(), 0.0);
        }
        self.show_here(&inner);
        drop(inner);
        self.release(place.held);
        let error = place.error.filter(|_| verdict != Verdict::Ended);
        if let Some(error) = &error {
            tracing::debug!("the end of the job {}: {verdict:?}: {error}", place.key);
        }
        if let Some(told) = place.told {
            let worker = Arc::clone(self);
            let done = move || {
                worker.note(Event::Told(id));
                worker.act(Place::Library);
            };
            told(Outcome { verdict, error }, Box::new(done));
        }
    }

    /// The program works on it no more.
    fn stop_working(&self, id: JobId, inner: &Inner<H>) {
        let now = Instant::now();
        let place = &inner.jobs[id];
        if let Some(since) = place.since {
            self.stats.handler_time.add(now - since);
        }
        if let Some(late) = inner.state.lateness(id, now) {
            self.stats.count(Count::Late);
            tracing::warn!(
                "the job {} of the type {:?} ended {} ms after its deadline: another worker may have it",
                place.key,
                self.options.job_type,
                late.as_millis()
            );
        }
    }
}

/// How long a job is ours, by its deadline, unless our clock and the gateway's differ too much for it to be true.
fn left(deadline: i64, timeout: Duration) -> Duration {
    let left = u64::try_from(deadline.saturating_sub(unix_ms())).unwrap_or_default();
    match Duration::from_millis(left) {
        Duration::ZERO => timeout,
        left => left.min(timeout),
    }
}

fn unix_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, milliseconds)
}

impl<H: WorkerHandler> Owner for Worker<H> {
    fn end(self: Arc<Self>, id: JobId, end: End, told: Telling<'_>) -> Result<(), Error> {
        let mut inner = self.inner();
        if !inner.state.takes_end(id) {
            return Err(Error::shutdown(
                "the worker has ended: the job was left to its time-out",
            ));
        }
        let told = told()?;
        self.stop_working(id, &inner);
        let place = &mut inner.jobs[id];
        place.end = Some(Arc::new(end));
        place.told = told;
        inner.state.note(Event::Ended(id), Instant::now(), 0.0);
        drop(inner);
        self.act(Place::Program);
        Ok(())
    }

    fn let_go(self: Arc<Self>, id: JobId, key: i64, retries: i32) {
        // One that was on its way to a program that has ended the worker was not begun.
        let leaves = self.options.leaves_freed_jobs || lock(&self.signals.cancelled).is_some();
        if !leaves {
            let why = "the handler let go of the job without completing it, failing it or throwing an error";
            let retries = retries.saturating_sub(1).max(0);
            let end = End::fail(key, retries, self.options.retry_backoff, why, "");
            // Refused: the worker has ended, and left it to its time-out.
            self.end(id, end, &mut || Ok(None)).ok();
            return;
        }
        let mut inner = self.inner();
        if !inner.state.takes_end(id) {
            return;
        }
        self.stop_working(id, &inner);
        inner.state.note(Event::Left(id), Instant::now(), 0.0);
        let place = std::mem::take(&mut inner.jobs[id]);
        self.show_here(&inner);
        drop(inner);
        self.stats.count(Count::Left);
        self.release(place.held);
        self.act(Place::Program);
    }

    fn retry_backoff(&self) -> Duration {
        self.options.retry_backoff
    }
}

impl<H: WorkerHandler> Handler for Source<H> {
    async fn initial_metadata(self: &Arc<Self>, _: Metadata) {}

    /// Jobs come by [`JobHandler::job`].
    async fn message(self: &Arc<Self>, _: Bytes) {}

    async fn ready(self: &Arc<Self>) {}

    fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
        self.worker.note(Event::StreamEnded(ended.map(drop)));
        self.worker.act(Place::Library);
    }
}

impl<H: WorkerHandler> JobHandler for Source<H> {
    async fn job(self: &Arc<Self>, job: Bytes, held: Held) {
        self.worker.arrive(job, held);
    }

    async fn failed(self: &Arc<Self>, failure: Failure) {
        let handler = self.worker.inner().handler.clone();
        if let Some(handler) = handler {
            handler.failed(failure).await;
        }
    }
}
