//! Completion queues: where the ends and events of what was begun wait until the program takes them, in batches.
//!
//! Threads: any number on one queue. A wake-up is owed once from empty to not empty, and within a round of calls
//! (`runtime::after_round`) it is paid at the round's end: a busy queue costs no system call an event.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use slab::Slab;
use tokio::sync::oneshot;

use crate::call::{Control, Handler, Held, Response};
use crate::channel::{ActiveCall, Cancel, Connectivity};
use crate::error::Error;
use crate::job_stream::{Failure, JobHandler};
use crate::job_worker::{Job, JobWorker, Outcome, WorkerHandler};
use crate::runtime::{self, Driver, Epoch, Patience, lock};
use crate::sys::{Either, Flag, PerProcess};
use crate::wire::Metadata;
use crate::wire::framing::Keeper;

/// What happened, to what was begun with `tag`.
#[derive(Debug)]
pub struct Event {
    /// The program's word for what was begun.
    pub tag: u64,
    /// What of it happened.
    pub occurrence: Occurrence,
}

/// What can happen to a call, a job stream or a wait.
#[derive(Debug)]
pub enum Occurrence {
    /// The end of a unary call.
    Unary(Result<Response, Error>),
    /// The beginning of an answer.
    InitialMetadata(Metadata),
    /// A message or a job, and its share in what may wait.
    Message(Bytes, Option<Held>),
    /// More may be sent.
    Ready,
    /// The end of a stream: its trailers, or why it failed.
    Close(Result<Metadata, Error>),
    /// A job stream, or a job worker, goes on after this.
    JobStreamFailed(Failure, oneshot::Sender<()>),
    /// A job of a worker.
    Job(Arc<Job>),
    /// The end of one was settled.
    JobEnded(Outcome),
    /// What was asked of a channel or a plugin.
    Done(Result<(), Error>),
    /// It waited for another connectivity; this is the one at the end.
    State(Connectivity, Result<(), Error>),
    /// The end of a token's fetch: what a call would carry.
    Metadata(Result<Metadata, Error>),
    /// By the program itself.
    Posted,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// What was begun and has not ended; calls can be cancelled, and workers.
    running: Slab<Option<Arc<dyn Cancel>>>,
    shut_down: bool,
    /// Nobody will take anything any more.
    abandoned: bool,
    /// A wake-up for the events that are here was sent, or will be at the end of the round.
    announced: bool,
    /// Threads in [`Queue::next`].
    waiting: usize,
    /// Of those, who drive the runtime and see for themselves what comes.
    driving: usize,
    /// Raised while events wait. Made when first asked for.
    flag: Option<Flag>,
    /// Of a driven runtime: the flag, or something to do.
    either: Option<Either>,
}

/// Where events wait. Whoever begins something on it holds it, so that its events have a place.
pub struct Queue {
    epoch: Epoch,
    state: Mutex<State>,
    filled: Condvar,
    /// Once known: by what who takes events drives the runtime.
    driver: OnceLock<Weak<Driver>>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = lock(&self.state);
        let (events, running) = (state.events.len(), state.running.len());
        write!(f, "Queue({events} events, {running} running)")
    }
}

/// The queues of this process, so that the end of the runtime can end them.
static QUEUES: PerProcess<Mutex<Vec<Weak<Queue>>>> = PerProcess::new();

/// How many there are. Alone, who takes events is who drives the runtime, if anybody has to.
static LIVING: PerProcess<AtomicUsize> = PerProcess::new();

impl Drop for Queue {
    fn drop(&mut self) {
        if !self.epoch.is_of_parent() {
            LIVING.get().fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A runtime has ended: what is in the queues of its time can still be taken. Later ones go on.
pub fn shutdown_all() {
    let now = Epoch::now();
    let ended = |queue: &mut Weak<Queue>| queue.upgrade().is_none_or(|queue| queue.epoch != now);
    let queues: Vec<_> = lock(QUEUES.get()).extract_if(.., ended).collect();
    for queue in queues.iter().filter_map(Weak::upgrade) {
        queue.shutdown();
    }
}

impl Queue {
    /// One of the runtime's of now, whose end shuts it down.
    pub fn new() -> Arc<Self> {
        let mut queues = lock(QUEUES.get());
        let queue = Arc::new(Self {
            // Read under the lock: a shutdown that has begun by then finds the queue here, or it is of the time after.
            epoch: Epoch::now(),
            state: Mutex::default(),
            filled: Condvar::new(),
            driver: OnceLock::new(),
        });
        LIVING.get().fetch_add(1, Ordering::Relaxed);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&queue));
        queue
    }

    /// The runtime's that it was made in; later ones begin nothing on it.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// A place for the events of a call; its end must be told.
    pub(crate) fn enter(
        self: &Arc<Self>,
        tag: u64,
        control: &Arc<Control>,
        active: ActiveCall,
    ) -> Result<Entry, Error> {
        Ok(Entry {
            place: self.begin(tag, Some(Arc::clone(control) as _))?,
            control: Arc::clone(control),
            unsaid: Mutex::default(),
            _active: active,
        })
    }

    /// A place for the jobs of a worker; its end must be told.
    pub(crate) fn enter_worker(
        self: &Arc<Self>,
        tag: u64,
        worker: &JobWorker,
        active: ActiveCall,
    ) -> Result<WorkerEntry, Error> {
        Ok(WorkerEntry {
            place: self.begin(tag, Some(Arc::clone(worker.signals()) as _))?,
            _active: active,
        })
    }

    /// What gets the result of something that is only waited for: the one event of `tag`.
    pub(crate) fn owed<T, F>(
        self: &Arc<Self>,
        tag: u64,
        occurrence: F,
    ) -> Result<impl FnOnce(Result<T, Error>) + Send + use<T, F>, Error>
    where
        F: FnOnce(Result<T, Error>) -> Occurrence + Send,
    {
        let place = self.begin(tag, None)?;
        Ok(move |result| place.end(occurrence(result)))
    }

    fn begin(self: &Arc<Self>, tag: u64, cancel: Option<Arc<dyn Cancel>>) -> Result<Place, Error> {
        let mut state = lock(&self.state);
        state.refuse_if_shut_down()?;
        Ok(Place {
            queue: Arc::clone(self),
            key: state.running.insert(cancel),
            tag,
        })
    }

    /// An event of the program's own: it wakes who waits. SHUTDOWN once the queue is.
    pub fn post(self: &Arc<Self>, tag: u64) -> Result<(), Error> {
        let mut state = lock(&self.state);
        state.refuse_if_shut_down()?;
        let occurrence = Occurrence::Posted;
        let (announce, refused) = state.push(Event { tag, occurrence });
        drop(state);
        drop(refused);
        self.announce(announce);
        Ok(())
    }

    /// Up to `capacity` events, in order; waits for the first of them as long as `timeout` (`None`: for ever).
    /// None at all: none came in time. SHUTDOWN: none will come any more.
    pub fn next(&self, timeout: Option<Duration>, capacity: usize) -> Result<Vec<Event>, Error> {
        let patience = Patience::of(timeout);
        if let Some(driver) = self.driver() {
            self.drive(&driver, patience);
        }
        let mut state = lock(&self.state);
        while state.events.is_empty() {
            if state.is_drained() {
                return Err(Error::shutdown("the completion queue was shut down"));
            }
            let left = match patience.left() {
                Some(Duration::ZERO) => return Ok(Vec::new()),
                left => left.unwrap_or(Duration::MAX),
            };
            state.waiting += 1;
            state = if left == Duration::MAX {
                let woken = self.filled.wait(state);
                woken.unwrap_or_else(PoisonError::into_inner)
            } else {
                let woken = self.filled.wait_timeout(state, left);
                woken.unwrap_or_else(PoisonError::into_inner).0
            };
            state.waiting -= 1;
        }
        let count = capacity.min(state.events.len());
        let taken = state.events.drain(..count).collect();
        if state.events.is_empty() {
            state.announced = false;
            state.lower_flag();
        } else {
            state.raise_flag(); // who drove did not
        }
        // One wake-up is sent for many events: who leaves some behind passes it on.
        if state.waiting > 0 {
            if state.is_drained() {
                self.filled.notify_all();
            } else if !state.events.is_empty() {
                self.filled.notify_one();
            }
        }
        Ok(taken)
    }

    fn driver(&self) -> Option<Arc<Driver>> {
        match self.driver.get() {
            Some(driver) => driver.upgrade(),
            None => {
                let driver = runtime::driver(self.epoch)?;
                self.driver.get_or_init(|| Arc::downgrade(&driver));
                Some(driver)
            }
        }
    }

    /// Takes turns until there are events.
    fn drive(&self, driver: &Driver, patience: Patience) {
        lock(&self.state).driving += 1;
        let is_alone = LIVING.get().load(Ordering::Relaxed) == 1;
        driver.drive(patience, is_alone, || {
            let state = lock(&self.state);
            !state.events.is_empty() || state.is_drained()
        });
        let mut state = lock(&self.state);
        state.driving -= 1;
        if state.is_drained() {
            state.raise_flag();
        }
    }

    /// A descriptor that is readable while [`Queue::next`] would not wait, or has a driven runtime's work to do.
    pub fn descriptor(&self) -> Result<i32, Error> {
        let mut state = lock(&self.state);
        if state.flag.is_none() {
            let flag = Flag::new().map_err(no_descriptor)?;
            state.flag = Some(flag);
            if !state.events.is_empty() || state.is_drained() {
                state.raise_flag();
            }
        }
        let flag = state.flag.as_ref().map_or(-1, Flag::descriptor);
        let Some(driver) = self.driver() else {
            return Ok(flag);
        };
        if state.either.is_none() {
            let both = [flag, driver.descriptor()];
            state.either = Some(Either::new(both).map_err(no_descriptor)?);
        }
        Ok(state.either.as_ref().map_or(-1, Either::descriptor))
    }

    /// What would begin here and posts are refused; what is under way still ends here.
    pub fn shutdown(&self) {
        let mut state = lock(&self.state);
        state.shut_down = true;
        self.wake(&mut state);
    }

    /// Its last handle was freed: its calls and workers are cancelled, and events are lost.
    pub fn abandon(&self) {
        let mut state = lock(&self.state);
        state.shut_down = true;
        state.abandoned = true;
        let running: Vec<_> = state
            .running
            .iter()
            .filter_map(|(_, cancel)| cancel.clone())
            .collect();
        let events = std::mem::take(&mut state.events);
        drop(state);
        for cancel in running {
            cancel.cancel(Error::cancelled("its completion queue was freed"));
        }
        drop(events); // outside the lock: their calls wake up
    }

    fn announce(self: &Arc<Self>, announce: bool) {
        if announce {
            let queue = Arc::clone(self);
            runtime::after_round(move || queue.wake(&mut lock(&queue.state)));
        }
    }

    fn wake(&self, state: &mut State) {
        let drained = state.is_drained();
        if state.events.is_empty() && !drained {
            return; // taken in the meantime
        }
        runtime::nudge();
        if state.driving > 0 {
            return; // they look after each turn, and raise the flag for what they leave
        }
        state.raise_flag();
        match state.waiting {
            0 => {}
            _ if drained => self.filled.notify_all(),
            _ => self.filled.notify_one(),
        }
    }
}

fn no_descriptor(error: io::Error) -> Error {
    Error::internal(format!("cannot make an event descriptor: {error}")).processed(false)
}

impl State {
    fn refuse_if_shut_down(&self) -> Result<(), Error> {
        if self.shut_down {
            return Err(Error::shutdown("the completion queue was shut down"));
        }
        Ok(())
    }

    fn is_drained(&self) -> bool {
        self.shut_down && self.events.is_empty() && self.running.is_empty()
    }

    /// Whether a wake-up is owed. What nobody will take comes back, to be dropped without the lock: a job's drop may lead here again.
    fn push(&mut self, event: Event) -> (bool, Option<Event>) {
        if self.abandoned {
            return (false, Some(event));
        }
        self.events.push_back(event);
        (!std::mem::replace(&mut self.announced, true), None)
    }

    /// The same of many, of which nothing is left unless nobody will take them.
    fn push_all(&mut self, events: &mut Vec<Event>) -> bool {
        if self.abandoned {
            return false;
        }
        self.events.extend(events.drain(..));
        !std::mem::replace(&mut self.announced, true)
    }

    fn raise_flag(&mut self) {
        if let Some(flag) = &mut self.flag {
            flag.raise();
        }
    }

    fn lower_flag(&mut self) {
        let stays = self.is_drained();
        if let Some(flag) = &mut self.flag
            && !stays
        {
            flag.lower();
        }
    }
}

/// The place of something that runs, in a queue.
#[derive(Debug)]
struct Place {
    queue: Arc<Queue>,
    key: usize,
    tag: u64,
}

impl Place {
    fn tell(&self, occurrence: Occurrence) {
        let tag = self.tag;
        let (announce, refused) = lock(&self.queue.state).push(Event { tag, occurrence });
        drop(refused);
        self.queue.announce(announce);
    }

    /// All of them, in order; nothing is left of them.
    fn tell_all(&self, events: &mut Vec<Event>) {
        let announce = lock(&self.queue.state).push_all(events);
        events.clear(); // what nobody will take, without the lock, as below
        self.queue.announce(announce);
    }

    /// Until it was taken.
    async fn failed(&self, failure: Failure) {
        let (held, taken) = oneshot::channel();
        self.tell(Occurrence::JobStreamFailed(failure, held));
        // The only message is the hang-up.
        taken.await.ok();
    }

    /// Told once, last: from then on the queue does not wait for it.
    fn end(&self, occurrence: Occurrence) {
        let tag = self.tag;
        let mut state = lock(&self.queue.state);
        let cancel = state.running.try_remove(self.key);
        let (announce, refused) = state.push(Event { tag, occurrence });
        drop(state);
        drop((cancel, refused));
        self.queue.announce(announce);
    }
}

/// A call's, or a job stream's.
#[derive(Debug)]
pub(crate) struct Entry {
    place: Place,
    control: Arc<Control>,
    unsaid: Mutex<Unsaid>,
    /// For its channel it has ended once its end is here.
    _active: ActiveCall,
}

/// Messages of a round, which are told at its end at once.
#[derive(Debug, Default)]
struct Unsaid {
    keeper: Keeper,
    events: Vec<Event>,
}

impl Entry {
    fn tell(&self, occurrence: Occurrence) {
        self.tell_unsaid();
        self.place.tell(occurrence);
    }

    fn tell_soon(self: &Arc<Self>, mut unsaid: MutexGuard<'_, Unsaid>, occurrence: Occurrence) {
        let tag = self.place.tag;
        unsaid.events.push(Event { tag, occurrence });
        if unsaid.events.len() == 1 {
            drop(unsaid);
            let this = Arc::clone(self);
            runtime::after_round(move || this.tell_unsaid());
        }
    }

    fn tell_unsaid(&self) {
        let mut unsaid = lock(&self.unsaid);
        if !unsaid.events.is_empty() {
            self.place.tell_all(&mut unsaid.events);
        }
    }

    pub(crate) fn end(&self, occurrence: Occurrence) {
        self.tell_unsaid();
        self.place.end(occurrence);
    }
}

/// A streaming call's events; its reader waits while too many messages have not been taken.
impl Handler for Entry {
    async fn initial_metadata(self: &Arc<Self>, metadata: Metadata) {
        self.tell(Occurrence::InitialMetadata(metadata));
    }

    async fn message(self: &Arc<Self>, message: Bytes) {
        let held = self.control.hold(message.len());
        {
            let mut unsaid = lock(&self.unsaid);
            let message = unsaid.keeper.keep(message);
            self.tell_soon(unsaid, Occurrence::Message(message, held.give()));
        }
        self.control.half_taken().await;
    }

    async fn ready(self: &Arc<Self>) {
        self.tell(Occurrence::Ready);
    }

    fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
        self.end(Occurrence::Close(ended));
    }
}

/// A job stream's events: it minds its backlog itself. Of failures one waits here at a time, and more where they come from.
impl JobHandler for Entry {
    async fn job(self: &Arc<Self>, job: Bytes, held: Held) {
        let unsaid = lock(&self.unsaid);
        self.tell_soon(unsaid, Occurrence::Message(job, held.give()));
    }

    async fn failed(self: &Arc<Self>, failure: Failure) {
        self.tell_unsaid();
        self.place.failed(failure).await;
    }
}

/// A job worker's.
#[derive(Debug)]
pub(crate) struct WorkerEntry {
    place: Place,
    /// For its channel it has ended once its end is here.
    _active: ActiveCall,
}

/// A job is here at once, whoever takes it; what the worker bounds are those that are here.
impl WorkerHandler for WorkerEntry {
    fn lanes(&self) -> Option<usize> {
        None
    }

    fn job(self: &Arc<Self>, job: Arc<Job>, _: usize, _: impl FnOnce() + Send + 'static) {
        self.place.tell(Occurrence::Job(job));
    }

    async fn failed(self: &Arc<Self>, failure: Failure) {
        self.place.failed(failure).await;
    }

    fn close(self: Arc<Self>, ended: Result<(), Error>) {
        let ended = ended.map(|()| Metadata::default());
        self.place.end(Occurrence::Close(ended));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::call::{Demand, Owed, ReadAhead};
    use crate::channel::Channel;
    use crate::wire::Encoding;
    use crate::wire::framing::Limit;

    fn entry(queue: &Arc<Queue>) -> Arc<Entry> {
        let read_ahead = ReadAhead::default();
        let (limit, encoding) = (Limit::NOTHING, Encoding::Identity);
        let control = Arc::new(Control::of_stream(Demand::Any, read_ahead, limit, encoding));
        let active = Channel::of_test().enter(&control).unwrap();
        Arc::new(queue.enter(7, &control, active).unwrap())
    }

    #[test]
    fn a_handler_of_a_queue_tells_in_order_and_a_queue_waits_for_its_close() {
        let queue = Queue::new();
        let entry = entry(&queue);
        let owed = Owed::new(&entry);
        entry.ready().now_or_never().unwrap();
        let metadata = entry.initial_metadata(Metadata::default());
        metadata.now_or_never().unwrap();
        let message = entry.message(Bytes::from_static(b"one"));
        message.now_or_never().unwrap();
        queue.shutdown();
        assert!(queue.post(1).is_err());
        drop(entry);
        drop(owed);
        let events = queue.next(None, 10).unwrap();
        let [ready, metadata, message, close] = &events[..] else {
            panic!("{events:?}");
        };
        assert!(events.iter().all(|event| event.tag == 7));
        assert!(matches!(ready.occurrence, Occurrence::Ready));
        assert!(matches!(
            metadata.occurrence,
            Occurrence::InitialMetadata(_)
        ));
        assert!(matches!(&message.occurrence, Occurrence::Message(bytes, _) if bytes == "one"));
        assert!(matches!(close.occurrence, Occurrence::Close(Err(_))));
        assert!(queue.next(None, 1).is_err());
    }

    #[test]
    fn a_queue_that_was_freed_cancels_its_calls_and_keeps_nothing() {
        let queue = Queue::new();
        let entry = entry(&queue);
        entry.ready().now_or_never().unwrap();
        queue.abandon();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(entry.control.poll_cancelled(&mut context).is_ready());
        entry.close(Ok(Metadata::default()));
        assert!(lock(&queue.state).events.is_empty() && lock(&queue.state).is_drained());
    }
}
