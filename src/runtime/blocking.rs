//! Blocking threads: where what waits in the system runs, such as the lookup of a name and the reading of files.
//!
//! One is there for good: what a thread cannot be had for, because the process has all that it may have, waits for that one
//! and does not fail. More come while all are busy, so that a slow lookup holds up nobody, and go when idle.
//!
//! Invariant: work that nobody waits for any more, and has not begun, is not done.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::time::timeout;
use super::{Worker, a_bug, lock, stopping};
use crate::error::Error;
use crate::panics;

/// A lookup that hangs has one for half a minute.
const MOST: usize = 32;

/// How long one that is not needed stays.
const IDLE: Duration = Duration::from_secs(10);

/// When work that waits tries again to get a thread of its own.
const RETRY: Duration = Duration::from_millis(100);

type Work = Box<dyn FnOnce() + Send>;

thread_local! {
    static BLOCKING: RefCell<Option<BlockingThreads>> = const { RefCell::new(None) };
}

/// Runs what may wait in the system off the I/O thread that asks; elsewhere, right here. An error: it panicked, or the
/// runtime ends.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let threads = BLOCKING.with_borrow(Clone::clone);
    match threads {
        Some(threads) => threads.run(work).await,
        None => Ok(work()),
    }
}

#[derive(Clone)]
pub(crate) struct BlockingThreads(Arc<Shared>);

struct Shared {
    name: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    idle: usize,
    alive: usize,
    workers: Vec<Worker>,
    stopped: bool,
}

impl BlockingThreads {
    /// With the one that stays.
    pub(super) fn start(name: &str) -> Result<Self, Error> {
        let threads = Self(Arc::new(Shared {
            name: format!("{name}-blocking"),
            state: Mutex::default(),
            changed: Condvar::new(),
        }));
        threads.add(&mut lock(&threads.0.state))?;
        Ok(threads)
    }

    /// What this thread asks for, runs there. To say so again costs next to nothing.
    pub(super) fn serve_here(&self) {
        let is_same = |here: &Option<Self>| {
            let here = here.as_ref();
            here.is_some_and(|here| Arc::ptr_eq(&here.0, &self.0))
        };
        if !BLOCKING.with_borrow(is_same) {
            BLOCKING.set(Some(self.clone()));
        }
    }

    /// Runs `work` on one of the threads. An error: it panicked, or the runtime ends.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (done, mut result) = oneshot::channel();
        self.give(Box::new(move || {
            if !done.is_closed() {
                // Who waited may have given up meanwhile.
                done.send(work()).ok();
            }
        }));
        loop {
            match timeout(RETRY, &mut result).await {
                Ok(Ok(result)) => return Ok(result),
                Ok(Err(_)) if lock(&self.0.state).stopped => return Err(stopping()),
                Ok(Err(_)) => return Err(a_bug()),
                Err(_) => self.grow(&mut lock(&self.0.state)),
            }
        }
    }

    fn give(&self, work: Work) {
        let mut state = lock(&self.0.state);
        if state.stopped {
            return; // dropped, which whoever waits for it learns
        }
        state.waiting.push_back(work);
        self.grow(&mut state);
        drop(state);
        self.0.changed.notify_one();
    }

    /// A further thread, if work waits that none is free for.
    fn grow(&self, state: &mut State) {
        if state.stopped || state.waiting.len() <= state.idle || state.alive >= MOST {
            return;
        }
        if let Err(error) = self.add(state) {
            tracing::debug!("work waits for one of {} threads: {error}", state.alive);
        }
    }

    fn add(&self, state: &mut State) -> Result<(), Error> {
        let shared = Arc::clone(&self.0);
        let worker = Worker::start(self.0.name.clone(), move || shared.work())?;
        state.alive += 1;
        state
            .workers
            .retain(|worker| !worker.join(Some(Instant::now()))); // those that went
        state.workers.push(worker);
        Ok(())
    }

    /// Each ends with the work it has; what has not begun is dropped.
    pub(super) fn stop(&self) {
        let mut state = lock(&self.0.state);
        state.stopped = true;
        let dropped = std::mem::take(&mut state.waiting);
        drop(state);
        drop(dropped);
        self.0.changed.notify_all();
    }

    /// A thread that still waits in the system then, for an answer that nobody wants any more, is left to itself.
    pub(super) fn join(&self, deadline: Instant) {
        let workers = std::mem::take(&mut lock(&self.0.state).workers);
        for worker in workers {
            worker.join(Some(deadline));
        }
    }
}

impl Shared {
    fn work(&self) {
        while let Some(work) = self.next() {
            // What it owed is dropped by the panic.
            panics::guard(work).ok();
        }
    }

    /// The next piece of work; `None`: the thread is needed no longer.
    fn next(&self) -> Option<Work> {
        let mut state = lock(&self.state);
        loop {
            if let Some(work) = state.waiting.pop_front() {
                return Some(work);
            }
            if state.stopped {
                return None;
            }
            state.idle += 1;
            let waited = self.changed.wait_timeout(state, IDLE);
            let (woken, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.waiting.is_empty() && state.alive > 1 {
                state.alive -= 1;
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_that_hangs_holds_up_no_other_and_a_panic_none_either() {
        let threads = BlockingThreads::start("test").unwrap();
        let (release, held) = mpsc::channel::<()>();
        let hanging = threads.run(move || held.recv().is_err());
        let others = async {
            assert_eq!(threads.run(|| 1).await.unwrap(), 1);
            threads.run(|| panic!("on purpose")).await.unwrap_err();
            assert_eq!(threads.run(|| 2).await.unwrap(), 2);
            drop(release);
        };
        let (hung, ()) = tokio::join!(hanging, others);
        assert!(hung.unwrap());
        threads.stop();
        threads.run(|| ()).await.unwrap_err();
        threads.join(Instant::now() + Duration::from_secs(10));
    }

    #[tokio::test]
    async fn the_only_thread_does_all_in_order_but_what_nobody_waits_for() {
        let threads = BlockingThreads::start("test").unwrap();
        lock(&threads.0.state).alive = MOST; // as if no more could be had
        let (release, held) = mpsc::channel::<()>();
        let hanging = threads.run(move || held.recv().is_err());
        let mut hanging = std::pin::pin!(hanging);
        let began = timeout(RETRY, &mut hanging).await;
        assert!(began.is_err());
        let (say, said) = mpsc::channel();
        let given_up = timeout(RETRY / 2, {
            let say = say.clone();
            threads.run(move || say.send("given up"))
        });
        assert!(given_up.await.is_err());
        let wanted = threads.run(move || say.send("wanted"));
        let release = async { drop(release) };
        let (hung, wanted, ()) = tokio::join!(hanging, wanted, release);
        assert!(hung.unwrap());
        wanted.unwrap().unwrap();
        assert_eq!(said.iter().collect::<Vec<_>>(), ["wanted"]);
        threads.stop();
    }
}
