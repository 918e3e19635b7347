//! Tasks: what runs on an I/O thread, a step at a time. Each is one allocation, which is its waker, too.
//!
//! One future for all calls, with tasks of our own in it: those of tokio are aligned so widely that the allocator finds each a
//! new place, at a tenth of a call's cost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};

use atomic_waker::AtomicWaker;
use slab::Slab;

use super::lock;
use crate::panics;

/// Tasks that are to go on, and the waker of who lets them. Filled from any thread.
#[derive(Default)]
pub(super) struct Ready {
    /// `None`: nobody lets them go on any more.
    tasks: Mutex<Option<Vec<Arc<dyn Run>>>>,
    waker: AtomicWaker,
}

impl Ready {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            tasks: Mutex::new(Some(Vec::new())),
            waker: AtomicWaker::new(),
        })
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Begins a task; it is polled later, never in here.
    pub(super) fn spawn(
        self: &Arc<Self>,
        future: impl Future<Output = ()> + Unpin + Send + 'static,
    ) {
        self.push(Arc::new(Task {
            future: Mutex::new(Some(future)),
            is_ready: AtomicBool::new(true),
            place: AtomicUsize::new(NOWHERE),
            ready: Arc::downgrade(self),
        }));
    }

    /// One wake-up stands for all that come until they are taken.
    fn push(&self, task: Arc<dyn Run>) {
        let mut tasks = lock(&self.tasks);
        let Some(ready) = &mut *tasks else {
            drop(tasks);
            task.discard();
            return;
        };
        ready.push(task);
        let is_first = ready.len() == 1;
        drop(tasks);
        if is_first {
            self.waker.wake();
        }
    }
}

/// Of a task that was not polled yet.
const NOWHERE: usize = usize::MAX;

trait Run: Send + Sync {
    /// Polls it, if it has not ended.
    fn step(self: Arc<Self>) -> Poll<()>;

    /// Ends it as it is.
    fn discard(&self);

    /// Where it stands among those that live.
    fn place(&self) -> &AtomicUsize;
}

struct Task<F> {
    /// `None`: it has ended.
    future: Mutex<Option<F>>,
    /// It is in the queue, or will be polled without that.
    is_ready: AtomicBool,
    place: AtomicUsize,
    ready: Weak<Ready>,
}

impl<F: Future<Output = ()> + Unpin + Send + 'static> Wake for Task<F> {
    fn wake(self: Arc<Self>) {
        if !self.is_ready.swap(true, Ordering::AcqRel)
            && let Some(ready) = self.ready.upgrade()
        {
            ready.push(self);
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_ready.load(Ordering::Acquire) {
            Arc::clone(self).wake();
        }
    }
}

impl<F: Future<Output = ()> + Unpin + Send + 'static> Run for Task<F> {
    fn step(self: Arc<Self>) -> Poll<()> {
        // Before it is polled: what comes meanwhile lets it go on once more.
        self.is_ready.swap(false, Ordering::AcqRel);
        let waker = Waker::from(Arc::clone(&self));
        let mut slot = lock(&self.future);
        let step = || {
            let Some(future) = &mut *slot else {
                return Poll::Ready(());
            };
            let polled = Pin::new(future).poll(&mut Context::from_waker(&waker));
            if polled.is_ready() {
                *slot = None; // where it is: to move it costs more than to end it
            }
            polled
        };
        match catch_unwind(AssertUnwindSafe(step)) {
            Ok(polled) => polled,
            Err(panic) => {
                panics::discard(panic);
                drop(slot);
                // What it owes, its parts deliver as they are dropped.
                self.discard();
                Poll::Ready(())
            }
        }
    }

    fn discard(&self) {
        let future = lock(&self.future).take();
        // A panic while one is dropped must not keep the others from it.
        panics::guard(|| drop(future)).ok();
    }

    fn place(&self) -> &AtomicUsize {
        &self.place
    }
}

/// The tasks of one thread; with it, each that has not ended is dropped.
pub(super) struct Tasks {
    ready: Arc<Ready>,
    living: Slab<Arc<dyn Run>>,
    /// Of those in `ready`, what was taken out and not polled yet.
    batch: Vec<Arc<dyn Run>>,
}

impl Tasks {
    pub(super) fn new(ready: &Arc<Ready>) -> Self {
        Self {
            ready: Arc::clone(ready),
            living: Slab::new(),
            batch: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.living.is_empty()
    }

    /// Lets each go on that is ready by now.
    pub(super) fn step(&mut self) {
        if let Some(ready) = &mut *lock(&self.ready.tasks) {
            std::mem::swap(&mut self.batch, ready);
        }
        // In order, and so that a panic beyond a task's own leaves the rest where it is found.
        self.batch.reverse();
        while let Some(task) = self.batch.pop() {
            let place = task.place().load(Ordering::Relaxed);
            let step = Arc::clone(&task).step();
            match (step, place) {
                (Poll::Pending, NOWHERE) => {
                    let entry = self.living.vacant_entry();
                    task.place().store(entry.key(), Ordering::Relaxed);
                    entry.insert(task);
                }
                (Poll::Pending, _) | (Poll::Ready(()), NOWHERE) => {}
                (Poll::Ready(()), place) => {
                    self.living.try_remove(place);
                    task.place().store(NOWHERE, Ordering::Relaxed);
                }
            }
        }
    }

    /// Nothing goes on from here.
    pub(super) fn close(&self) {
        let left = lock(&self.ready.tasks).take();
        for task in left.into_iter().flatten() {
            task.discard();
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in self.batch.drain(..) {
            task.discard();
        }
        for task in self.living.drain() {
            task.discard();
        }
    }
}
