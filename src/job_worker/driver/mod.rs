//! Runs a job worker: does what the state says, on whatever thread something happened.
//!
//! Nothing is handed to another thread for its own sake: an end becomes a call where the program says so, and its answer is
//! noted where it comes. A task on the channel's I/O thread waits for what is due.

mod calls;
mod owner;
mod source;
mod task;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::end::{End, Kind, Outcome, Verdict, milliseconds};
use super::events::{Action, Event, JobId, Place, Rules, Why};
use super::fields::{Fields, Text};
use super::job::{Job, Owner, Told};
use super::options::JobWorkerOptions;
use super::state::State;
use super::stats::{Count, Stats};
use super::trace_context::with_trace_context;
use super::{Signals, WorkerHandler};
use crate::call::{Control, Demand, Held, ReadAhead};
use crate::channel::Channel;
use crate::error::Error;
use crate::job_stream::{JobStream, JobStreamOptions, Polls};
use crate::runtime::lock;
use crate::wire::Metadata;
use source::Source;
use task::Task;

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
        read_ahead: ReadAhead::of_messages(options.max_jobs_active),
        watchdog: options.watchdog,
        lifetime: options.stream_timeout,
        poll_interval: options.poll_interval,
        polls: Polls {
            alone: options.polls_alone,
            patience: Some(options.request_timeout),
            backoff: Some(options.backoff.backoff()),
        },
        demand: Demand::Kept,
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
        Ok(Source::new(worker, active))
    })?;
    task.ok_or_else(|| Error::internal("a job stream started without its handler"))
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
        let acting = match place {
            Place::Library => match Acting::begin(self) {
                Some(acting) => Some(acting),
                None => return, // who acts looks again
            },
            Place::Program => None,
        };
        let mut inner = self.inner();
        // At once, and not only when the task runs: nothing more is given to who ends the worker.
        self.mind_cancel(&mut inner);
        while let Some(action) = inner.state.next(place, Instant::now()) {
            self.perform(action, inner);
            inner = self.inner();
        }
        let mut wakes = inner.state.due().is_some_and(|due| {
            let is_earlier = inner.armed.is_none_or(|armed| due < armed);
            is_earlier && !inner.has_ended
        });
        match acting {
            Some(acting) => acting.end(inner),
            None => {
                wakes |= inner.state.waits_for_library() && !inner.is_acting;
                drop(inner);
            }
        }
        if wakes {
            self.signals.waker.wake();
        }
    }

    /// Notes why everything ends now, if it does.
    fn mind_cancel(&self, inner: &mut Inner<H>) {
        let reason = match self.channel.epoch().check() {
            Ok(()) => self.signals.cancelled(),
            Err(_) => Some(Error::given_up()),
        };
        if let Some(reason) = reason {
            inner.state.note(Event::Cancel(reason), Instant::now(), 0.0);
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
        drop(place.held);
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
        drop(place.held);
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
}

/// While a thread of the library's acts. A panic ends that, too: then the next one does.
struct Acting<'a, H: WorkerHandler>(&'a Worker<H>);

impl<'a, H: WorkerHandler> Acting<'a, H> {
    /// `None`: another does, which may have begun before the worker was cancelled: so that is noted first.
    fn begin(worker: &'a Worker<H>) -> Option<Self> {
        let mut inner = worker.inner();
        worker.mind_cancel(&mut inner);
        let was_acting = std::mem::replace(&mut inner.is_acting, true);
        drop(inner);
        (!was_acting).then(|| Self(worker))
    }

    /// Before another looks whether one acts.
    fn end(self, mut inner: MutexGuard<'_, Inner<H>>) {
        inner.is_acting = false;
        drop(inner);
        std::mem::forget(self);
    }
}

impl<H: WorkerHandler> Drop for Acting<'_, H> {
    fn drop(&mut self) {
        self.0.inner().is_acting = false;
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
