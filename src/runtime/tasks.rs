//! Tasks: what runs on an I/O thread, a step at a time. Each is one allocation, which is its waker, too.
//!
//! One future for all calls, with tasks of our own in it: those of tokio are aligned so widely that the allocator finds each a
//! new place, at a tenth of a call's cost.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_util::task::{ArcWake, waker_ref};
use slab::Slab;

use super::lock;
use crate::panics;

/// Tasks that are to go on, and the waker of who lets them. Filled from any thread.
pub(super) struct Ready {
    /// `None`: nobody lets them go on any more.
    tasks: Mutex<Option<Vec<Arc<dyn Run>>>>,
    waker: Waker,
}

impl Ready {
    pub(super) fn new(waker: Waker) -> Arc<Self> {
        Arc::new(Self {
            tasks: Mutex::new(Some(Vec::new())),
            waker,
        })
    }

    pub(super) fn wake(&self) {
        self.waker.wake_by_ref();
    }

    /// Begins a task; it is polled later, never in here.
    pub(super) fn spawn(
        self: &Arc<Self>,
        future: impl Future<Output = ()> + Unpin + Send + 'static,
    ) {
        let task = Arc::new(Task {
            future: Mutex::new(Some(future)),
            is_ready: AtomicBool::new(true),
            place: AtomicUsize::new(NOWHERE),
            ready: Arc::clone(self),
        });
        let Err(task) = Step::put(Arc::as_ptr(self), task) else {
            return;
        };
        if let Err(refused) = self.push(task) {
            refused.discard();
        }
    }

    /// One wake-up stands for all that come until they are taken. An error: nobody lets it go on any more.
    fn push(&self, task: Arc<dyn Run>) -> Result<(), Arc<dyn Run>> {
        let mut tasks = lock(&self.tasks);
        let Some(ready) = &mut *tasks else {
            return Err(task);
        };
        ready.push(task);
        let is_first = ready.len() == 1;
        drop(tasks);
        if is_first {
            self.waker.wake_by_ref();
        }
        Ok(())
    }
}

thread_local! {
    /// Of the step that runs here.
    static STEP: RefCell<Option<Step>> = const { RefCell::new(None) };
}

/// Tasks go on. Most that others let go on meanwhile, by a socket's news or as callbacks, are of the same thread, and need neither a lock nor
/// a call.
struct Step {
    of: *const Ready,
    woken: Vec<Arc<dyn Run>>,
}

impl Step {
    /// Lets a task go on after the step that runs here, if that is one `of` its own.
    fn put<T: Run + 'static>(of: *const Ready, task: Arc<T>) -> Result<(), Arc<T>> {
        let mut task = Some(task);
        let put = |step: &RefCell<Option<Self>>| {
            if let Some(step) = step.borrow_mut().as_mut().filter(|step| step.of == of) {
                step.woken.extend(task.take().map(|task| task as _));
            }
        };
        STEP.try_with(put).ok(); // a thread that ends has no step
        task.map_or(Ok(()), Err)
    }
}

/// While a step runs; then what it woke is where it began.
struct Stepping<'a>(&'a mut Vec<Arc<dyn Run>>);

impl<'a> Stepping<'a> {
    fn begin(ready: &Arc<Ready>, woken: &'a mut Vec<Arc<dyn Run>>) -> Self {
        STEP.set(Some(Step {
            of: Arc::as_ptr(ready),
            woken: std::mem::take(woken),
        }));
        Self(woken)
    }
}

impl Drop for Stepping<'_> {
    fn drop(&mut self) {
        if let Some(step) = STEP.take() {
            *self.0 = step.woken;
        }
    }
}

/// Of a task that was not polled yet.
const NOWHERE: usize = usize::MAX;

trait Run: Send + Sync {
    /// Polls it, if it has not ended; it is `living` until it has.
    fn step(self: Arc<Self>, living: &mut Living);

    /// Ends it as it is.
    fn discard(&self);
}

/// Tasks that were polled and have not ended.
type Living = Slab<Arc<dyn Run>>;

struct Task<F> {
    /// `None`: it has ended.
    future: Mutex<Option<F>>,
    /// It is in the queue, or will be polled without that.
    is_ready: AtomicBool,
    /// Where it stands among those that live.
    place: AtomicUsize,
    ready: Arc<Ready>,
}

impl<F: Future<Output = ()> + Unpin + Send + 'static> ArcWake for Task<F> {
    fn wake_by_ref(task: &Arc<Self>) {
        Arc::clone(task).wake();
    }

    fn wake(self: Arc<Self>) {
        if !self.is_ready.swap(true, Ordering::AcqRel)
            && let Err(task) = Step::put(Arc::as_ptr(&self.ready), self)
        {
            // Refused, it ends with its thread, and not here, where who wakes it may hold what it needs for that.
            Arc::clone(&task.ready).push(task).ok();
        }
    }
}

impl<F: Future<Output = ()> + Unpin + Send + 'static> Task<F> {
    fn poll(self: &Arc<Self>) -> Poll<()> {
        // Before it is polled: what comes meanwhile lets it go on once more.
        self.is_ready.swap(false, Ordering::AcqRel);
        let waker = waker_ref(self);
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
}

impl<F: Future<Output = ()> + Unpin + Send + 'static> Run for Task<F> {
    fn step(self: Arc<Self>, living: &mut Living) {
        let place = self.place.load(Ordering::Relaxed);
        match (self.poll(), place) {
            (Poll::Pending, NOWHERE) => {
                let entry = living.vacant_entry();
                self.place.store(entry.key(), Ordering::Relaxed);
                entry.insert(self);
            }
            (Poll::Pending, _) | (Poll::Ready(()), NOWHERE) => {}
            (Poll::Ready(()), place) => {
                self.place.store(NOWHERE, Ordering::Relaxed);
                living.try_remove(place);
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
}

/// The tasks of one thread; with it, each that has not ended is dropped.
pub(super) struct Tasks {
    ready: Arc<Ready>,
    living: Living,
    /// What became ready in the last step, of itself.
    woken: Vec<Arc<dyn Run>>,
    /// Of what is ready, what was taken out and not polled yet.
    batch: Vec<Arc<dyn Run>>,
}

impl Tasks {
    pub(super) fn new(ready: &Arc<Ready>) -> Self {
        Self {
            ready: Arc::clone(ready),
            living: Slab::new(),
            woken: Vec::new(),
            batch: Vec::new(),
        }
    }

    /// Whether some are to go on.
    pub(super) fn are_ready(&self) -> bool {
        if !self.woken.is_empty() {
            return true;
        }
        let ready = lock(&self.ready.tasks);
        ready.as_ref().is_some_and(|ready| !ready.is_empty())
    }

    /// Lets each go on that is ready by now.
    pub(super) fn step(&mut self) {
        std::mem::swap(&mut self.batch, &mut self.woken);
        if let Some(ready) = &mut *lock(&self.ready.tasks) {
            self.batch.append(ready);
        }
        // In order, and so that a panic beyond a task's own leaves the rest where it is found.
        self.batch.reverse();
        let _step = Stepping::begin(&self.ready, &mut self.woken);
        while let Some(task) = self.batch.pop() {
            task.step(&mut self.living);
        }
    }

    /// Nothing goes on from here: what has not ended is dropped.
    pub(super) fn close(&mut self) {
        let left = lock(&self.ready.tasks).take();
        let begun = self.batch.drain(..).chain(self.woken.drain(..));
        let begun = begun.chain(self.living.drain());
        for task in left.into_iter().flatten().chain(begun) {
            task.discard();
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.close();
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
        let (ready, may_end) = (Ready::new(Waker::noop().clone()), Arc::default());
        let (sender, dropped) = mpsc::channel();
        let waker = spawn(&ready, Dropped(sender, "one"), &may_end);
        let mut tasks = Tasks::new(&ready);
        assert!(tasks.living.is_empty() && waker.try_recv().is_err());
        tasks.step();
        let woken = waker.try_recv().unwrap();
        tasks.step();
        assert!(waker.try_recv().is_err() && !tasks.living.is_empty());
        woken.wake_by_ref();
        woken.wake_by_ref();
        tasks.step();
        assert!(waker.try_recv().is_ok() && waker.try_recv().is_err());
        may_end.store(true, Ordering::SeqCst);
        woken.wake_by_ref();
        tasks.step();
        assert_eq!(dropped.try_recv(), Ok("one"));
        assert!(tasks.living.is_empty());
        woken.wake();
        tasks.step();
    }

    #[test]
    fn what_has_begun_is_dropped_with_its_thread_and_goes_on_no_more() {
        let (ready, may_end) = (Ready::new(Waker::noop().clone()), Arc::default());
        let (sender, dropped) = mpsc::channel();
        let waker = spawn(&ready, Dropped(sender.clone(), "begun"), &may_end);
        let mut tasks = Tasks::new(&ready);
        tasks.step();
        let _other = spawn(&ready, Dropped(sender, "not begun"), &may_end);
        drop(tasks);
        assert_eq!(
            dropped.iter().take(2).collect::<Vec<_>>(),
            ["not begun", "begun"]
        );
        waker.recv().unwrap().wake();
        assert!(waker.try_recv().is_err());
    }

    #[test]
    fn what_comes_too_late_is_dropped_at_once() {
        let ready = Ready::new(Waker::noop().clone());
        let (sender, dropped) = mpsc::channel();
        Tasks::new(&ready).close();
        spawn(&ready, Dropped(sender, "late"), &Arc::default());
        assert_eq!(dropped.try_recv(), Ok("late"));
    }
}
