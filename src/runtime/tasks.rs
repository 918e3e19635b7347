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
        // It may still be in the queue, when others live where it did.
        self.place.store(NOWHERE, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::mpsc;

    use super::*;

    /// Says when it is dropped.
    struct Dropped(mpsc::Sender<&'static str>, &'static str);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.send(self.1).unwrap();
        }
    }

    /// A task that is ready once it may end; its waker comes out.
    fn spawn(
        ready: &Arc<Ready>,
        dropped: Dropped,
        may_end: &Arc<AtomicBool>,
    ) -> mpsc::Receiver<Waker> {
        let (wakers, waker) = mpsc::channel();
        let may_end = Arc::clone(may_end);
        ready.spawn(Box::pin(async move {
            let _dropped = dropped;
            poll_fn(|context| {
                wakers.send(context.waker().clone()).ok();
                match may_end.load(Ordering::SeqCst) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            })
            .await;
        }));
        waker
    }

    #[test]
    fn what_is_woken_goes_on_once_and_what_has_ended_is_dropped_where_it_is() {
        let (ready, may_end) = (Ready::new(), Arc::default());
        let (sender, dropped) = mpsc::channel();
        let waker = spawn(&ready, Dropped(sender, "one"), &may_end);
        let mut tasks = Tasks::new(&ready);
        assert!(tasks.is_empty() && waker.try_recv().is_err());
        tasks.step();
        let woken = waker.try_recv().unwrap();
        tasks.step();
        assert!(waker.try_recv().is_err() && !tasks.is_empty());
        woken.wake_by_ref();
        woken.wake_by_ref();
        tasks.step();
        assert!(waker.try_recv().is_ok() && waker.try_recv().is_err());
        may_end.store(true, Ordering::SeqCst);
        woken.wake_by_ref();
        tasks.step();
        assert_eq!(dropped.try_recv(), Ok("one"));
        assert!(tasks.is_empty());
        woken.wake();
        tasks.step();
    }

    #[test]
    fn who_outlives_its_thread_takes_no_others_place() {
        let (ready, may_end) = (Ready::new(), Arc::default());
        let (sender, dropped) = mpsc::channel();
        let waker = spawn(&ready, Dropped(sender.clone(), "first"), &may_end);
        let mut tasks = Tasks::new(&ready);
        tasks.step();
        drop(tasks); // as by a panic, after which others go on
        assert_eq!(dropped.try_recv(), Ok("first"));
        let mut tasks = Tasks::new(&ready);
        let _waker = spawn(&ready, Dropped(sender, "second"), &may_end);
        tasks.step();
        waker.recv().unwrap().wake();
        tasks.step();
        assert!(!tasks.is_empty() && dropped.try_recv().is_err());
        drop(tasks);
        assert_eq!(dropped.try_recv(), Ok("second"));
    }

    #[test]
    fn what_comes_too_late_is_dropped_at_once() {
        let ready = Ready::new();
        let (sender, dropped) = mpsc::channel();
        Tasks::new(&ready).close();
        spawn(&ready, Dropped(sender, "late"), &Arc::default());
        assert_eq!(dropped.try_recv(), Ok("late"));
    }
}
