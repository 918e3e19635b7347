//! Completion queues: where the ends and events of what was begun wait until the program takes them, in batches.
//!
//! Threads: any number on one queue. A wake-up is owed once from empty to not empty, and within a round of calls
//! (`runtime::after_round`) it is paid at the round's end: a busy queue costs no system call an event.

mod batch;
mod entry;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use slab::Slab;
use tokio::sync::oneshot;

pub use batch::{Batch, Message};
pub(crate) use entry::{Entry, WorkerEntry};

use crate::call::Response;
use crate::channel::{Cancel, Connectivity};
use crate::error::Error;
use crate::job_stream::Failure;
use crate::job_worker::{Job, Outcome};
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

impl Event {
    /// As so many events the program gets it.
    pub fn count(&self) -> usize {
        match &self.occurrence {
            Occurrence::Messages(batch) => batch.count(),
            _ => 1,
        }
    }

    /// What of it makes `count` events, which is more than none; `None`: all.
    fn split_to(&mut self, count: usize) -> Option<Self> {
        match &mut self.occurrence {
            Occurrence::Messages(batch) if batch.count() > count => Some(Self {
                tag: self.tag,
                occurrence: Occurrence::Messages(batch.split_to(count)),
            }),
            _ => None,
        }
    }
}

/// What can happen to a call, a job stream or a wait.
#[derive(Debug)]
pub enum Occurrence {
    /// The end of a unary call.
    Unary(Result<Response, Error>),
    /// The beginning of an answer.
    InitialMetadata(Metadata),
    /// Messages or jobs, in order: an event each.
    Messages(Batch),
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
    /// Of unary calls' messages.
    keeper: Keeper,
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
        self.take(patience, capacity)
    }

    /// The same of what is here already, without a turn of a driven runtime, in which callbacks run.
    pub fn next_here(&self, capacity: usize) -> Result<Vec<Event>, Error> {
        self.take(Patience::None, capacity)
    }

    fn take(&self, patience: Patience, capacity: usize) -> Result<Vec<Event>, Error> {
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
        let taken = state.take(capacity);
        if state.events.is_empty() {
            state.announced = false;
            state.lower_flag();
        } else {
            state.raise_flag(); // who drove did not
        }
        // One wake-up is sent for many events: who leaves some behind passes it on.
        if !state.events.is_empty() || state.is_drained() {
            self.wake_waiting(state);
        }
        Ok(taken)
    }

    /// Whoever waits for what is here, or for all that will not come any more.
    fn wake_waiting(&self, state: MutexGuard<'_, State>) {
        let (waiting, drained) = (state.waiting, state.is_drained());
        drop(state); // who wakes up takes it
        match waiting {
            0 => {}
            _ if drained => self.filled.notify_all(),
            _ => self.filled.notify_one(),
        }
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
        self.wake(state);
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
            runtime::after_round(move || queue.wake(lock(&queue.state)));
        }
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        if state.events.is_empty() && !state.is_drained() {
            return; // taken in the meantime
        }
        runtime::nudge();
        if state.driving > 0 {
            return; // they look after each turn, and raise the flag for what they leave
        }
        state.raise_flag();
        self.wake_waiting(state);
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
    fn push(&mut self, mut event: Event) -> (bool, Option<Event>) {
        if self.abandoned {
            return (false, Some(event));
        }
        if let Occurrence::Unary(Ok(response)) = &mut event.occurrence {
            response.message = self.keeper.keep(std::mem::take(&mut response.message));
        }
        self.events.push_back(event);
        (!std::mem::replace(&mut self.announced, true), None)
    }

    /// What makes `capacity` events, or all that is here.
    fn take(&mut self, capacity: usize) -> Vec<Event> {
        let mut taken = Vec::with_capacity(capacity.min(self.events.len()));
        let mut left = capacity;
        while left > 0 {
            let Some(first) = self.events.front_mut() else {
                break;
            };
            match first.split_to(left) {
                Some(part) => {
                    taken.push(part);
                    break;
                }
                None => {
                    left -= first.count();
                    taken.extend(self.events.pop_front());
                }
            }
        }
        taken
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
