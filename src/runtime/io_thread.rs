//! An I/O thread: a current-thread tokio runtime with an inbox.
//!
//! Tasks come through the inbox, which wakes the thread once a batch and not once a task.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::task::unconstrained;
use tokio::time::{Sleep, sleep};

use super::tasks::{Ready, Tasks};
use super::wheel::{Place, Wheel};
use super::{BlockingThreads, Worker, stopping};
use crate::error::Error;
use crate::panics;

type Owed = Box<dyn FnOnce()>;

thread_local! {
    static CURRENT: Cell<Option<usize>> = const { Cell::new(None) };
    static BLOCKING: RefCell<Option<BlockingThreads>> = const { RefCell::new(None) };
    /// What is owed at the end of the round of calls that runs here; `None`: none runs.
    static ROUND: RefCell<Option<Vec<Owed>>> = const { RefCell::new(None) };
    /// Of an I/O thread: who is woken when.
    static ALARMS: RefCell<Option<Wheel<Waker>>> = const { RefCell::new(None) };
}

/// Wakes a task of the I/O thread that it is set on, a few milliseconds late at most, unless it is dropped before. What is set
/// elsewhere never rings.
///
/// Not tokio's timer, which costs several times as much to set and to drop.
#[derive(Debug)]
pub(crate) struct Alarm(Option<(usize, Place)>);

impl Alarm {
    pub(crate) fn set(at: Instant, waker: &Waker) -> Self {
        let place = ALARMS.with_borrow_mut(|alarms| {
            let place = alarms.as_mut()?.insert(at, waker.clone());
            Some((CURRENT.get()?, place))
        });
        Self(place)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let Some((thread, place)) = self.0 else {
            return;
        };
        // At the thread's end its alarms may be gone first.
        if CURRENT.try_with(Cell::get) == Ok(Some(thread)) {
            let removed = ALARMS.try_with(|alarms| alarms.borrow_mut().as_mut()?.remove(place));
            drop(removed);
        }
    }
}

/// Runs `work` once those calls were polled that are being polled on this thread; if none are, at once.
pub fn after_round(work: impl FnOnce() + 'static) {
    let now = ROUND.with_borrow_mut(|round| match round {
        Some(owed) => {
            owed.push(Box::new(work));
            None
        }
        None => Some(work),
    });
    if let Some(work) = now {
        work();
    }
}

fn begin_round() {
    ROUND.with_borrow_mut(|round| {
        round.get_or_insert_default();
    });
}

fn end_round() {
    // Taken out first: what is run here may owe something, too.
    for work in ROUND.take().unwrap_or_default() {
        // A panic of ours in one must not take the thread with it.
        panics::guard(work).ok();
    }
}

/// Which I/O thread this is, if it is one.
pub(super) fn current_io_thread() -> Option<usize> {
    CURRENT.get()
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

/// While calls run, a timer is set that is due before most others: tokio wakes its own thread, by a system call, for each
/// that is due before all others.
const SOON: Duration = Duration::from_secs(5);

/// Set in `Inbox::reserved` once no more reservations are given.
const CLOSED: usize = 1 << (usize::BITS - 1);

struct Inbox {
    ready: Arc<Ready>,
    /// Reservations not yet used; with [`CLOSED`], the thread ends when they are.
    reserved: AtomicUsize,
}

impl Inbox {
    /// Runs what comes in, until the inbox is closed, every reservation used and the runtime dropped.
    async fn run(self: Arc<Self>) {
        let mut tasks = Tasks::new(&self.ready);
        let mut timer = pin!(sleep(SOON));
        poll_fn(|context| {
            self.ready.register(context.waker());
            let reserved = self.reserved.load(Ordering::Acquire);
            if reserved == CLOSED {
                tasks.close();
                return Poll::Ready(()); // and all that lives is dropped
            }
            // Once closed, only the last reservations are waited for: nothing begins any more.
            if reserved & CLOSED == 0 {
                ring(&tasks, timer.as_mut(), context);
                begin_round();
                tasks.step();
                end_round();
                ring(&tasks, timer.as_mut(), context);
            }
            Poll::Pending
        })
        .await;
    }

    fn release(&self) {
        let before = self.reserved.fetch_sub(1, Ordering::AcqRel);
        if before == CLOSED + 1 {
            self.ready.wake();
        }
    }
}

/// Wakes whose alarm is due, and sets the timer by the next.
fn ring(tasks: &Tasks, mut timer: Pin<&mut Sleep>, context: &mut Context<'_>) {
    if tasks.is_empty() {
        return;
    }
    let next = || ALARMS.with_borrow(|alarms| alarms.as_ref()?.next());
    if let Some(next) = next()
        && next < timer.deadline().into_std()
    {
        timer.as_mut().reset(next.into());
    }
    while timer.as_mut().poll(context).is_ready() {
        let now = Instant::now();
        let mut due = Vec::new();
        ALARMS.with_borrow_mut(|alarms| {
            if let Some(alarms) = alarms {
                alarms.due(now, |waker| due.push(waker));
            }
        });
        due.into_iter().for_each(Waker::wake);
        let soon = now + SOON;
        let next = next().map_or(soon, |next| next.min(soon));
        timer.as_mut().reset(next.into());
    }
}

/// The right to start one task, which nothing can take away any more.
#[must_use]
pub struct Slot<'a> {
    thread: &'a IoThread,
}

impl std::fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slot(I/O thread {})", self.thread.index)
    }
}

impl Slot<'_> {
    /// Whether this is its thread, so that what is spawned with tokio runs there too.
    pub fn is_here(&self) -> bool {
        current_io_thread() == Some(self.thread.index)
    }

    /// Starts the task; it is polled later, never in here.
    pub fn spawn(self, task: impl Future<Output = ()> + Unpin + Send + 'static) {
        self.thread.inbox.ready.spawn(task);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.thread.inbox.release();
    }
}

pub(super) struct IoThread {
    index: usize,
    inbox: Arc<Inbox>,
    worker: Worker,
}

impl IoThread {
    pub(super) fn start(
        index: usize,
        name: &str,
        blocking: &BlockingThreads,
    ) -> Result<Self, Error> {
        let inbox = Arc::new(Inbox {
            ready: Ready::new(),
            reserved: AtomicUsize::new(0),
        });
        let (started, result) = mpsc::channel();
        let worker = Worker::start(format!("{name}-io-{index}"), {
            let inbox = Arc::clone(&inbox);
            let blocking = blocking.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .on_thread_start(panics::own_thread)
                    .build();
                let runtime = match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        let error = Error::internal(format!("cannot start I/O: {error}"));
                        let error = error.processed(false);
                        // Whoever starts the thread waits for this.
                        started.send(Err(error)).ok();
                        return;
                    }
                };
                started.send(Ok(())).ok();
                drop(started);
                CURRENT.set(Some(index));
                BLOCKING.set(Some(blocking));
                ALARMS.set(Some(Wheel::new(Instant::now())));
                loop {
                    // A task, not the future that is blocked on: tokio wakes that one by a system call.
                    let calls = runtime.spawn(unconstrained(Arc::clone(&inbox).run()));
                    // A panic, which the log has, ended the calls of its round, and must not end the thread, which
                    // others have a place on.
                    if runtime.block_on(calls).is_ok() {
                        break;
                    }
                }
                // With every task; a call that is dropped still completes.
                drop(runtime);
            }
        })?;
        match result.recv() {
            Ok(Ok(())) => Ok(Self {
                index,
                inbox,
                worker,
            }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::internal("an I/O thread ended before it started")),
        }
    }

    pub(super) fn reserve(&self) -> Result<Slot<'_>, Error> {
        let before = self.inbox.reserved.fetch_add(1, Ordering::AcqRel);
        let slot = Slot { thread: self };
        if before & CLOSED != 0 {
            return Err(stopping());
        }
        Ok(slot)
    }

    pub(super) fn stop(&self) {
        self.inbox.reserved.fetch_or(CLOSED, Ordering::AcqRel);
        self.inbox.ready.wake();
    }

    pub(super) fn join(&self, deadline: Option<Instant>) -> bool {
        self.worker.join(deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Signal(mpsc::Sender<&'static str>, &'static str);
    impl Drop for Signal {
        fn drop(&mut self) {
            self.0.send(self.1).unwrap();
        }
    }

    #[test]
    fn a_stopped_thread_drops_what_it_accepted_and_refuses_the_rest() {
        let thread = IoThread::start(0, "test", &BlockingThreads::start("test").unwrap()).unwrap();
        let (sender, dropped) = mpsc::channel();
        let signal = Signal(sender.clone(), "waiting");
        thread.reserve().unwrap().spawn(Box::pin(async move {
            let _signal = signal;
            std::future::pending().await
        }));
        let late = thread.reserve().unwrap();
        thread.stop();
        assert!(thread.reserve().is_err());
        let signal = Signal(sender, "late");
        late.spawn(Box::pin(async move {
            let _signal = signal;
            std::future::pending().await
        }));
        assert!(thread.join(None));
        let mut names = [dropped.recv().unwrap(), dropped.recv().unwrap()];
        names.sort_unstable();
        assert_eq!(names, ["late", "waiting"]);
    }

    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }

    #[test]
    fn what_panics_when_dropped_keeps_no_other_from_it() {
        let thread = IoThread::start(0, "test", &BlockingThreads::start("test").unwrap()).unwrap();
        let (sender, dropped) = mpsc::channel();
        for index in 0..4 {
            let signal = Signal(sender.clone(), "dropped");
            let bomb = (index % 2 == 0).then(|| PanicsWhenDropped);
            thread.reserve().unwrap().spawn(Box::pin(async move {
                let _both = (bomb, signal);
                std::future::pending().await
            }));
        }
        drop(sender);
        thread.stop();
        assert!(thread.join(None));
        assert_eq!(dropped.iter().count(), 4);
    }

    #[test]
    fn what_is_owed_is_paid_at_once_outside_a_round() {
        let paid = std::rc::Rc::new(Cell::new(false));
        let owed = std::rc::Rc::clone(&paid);
        after_round(move || owed.set(true));
        assert!(paid.get());
    }

    #[test]
    fn what_calls_owe_is_paid_in_order_when_all_of_a_round_were_polled() {
        let (sender, said) = mpsc::channel();
        let say = move |what: &'static str| sender.send(what).unwrap();
        let task = |polled: &'static str, owed: &'static str| {
            let say = say.clone();
            async move {
                let pay = say.clone();
                after_round(move || {
                    pay(owed);
                    // Nobody is polled any more: at once.
                    after_round(move || pay("and what that owed"));
                });
                say(polled);
            }
        };
        let thread = IoThread::start(0, "test", &BlockingThreads::start("test").unwrap()).unwrap();
        let (one, two) = (task("one", "owed by one"), task("two", "owed by two"));
        thread.reserve().unwrap().spawn(Box::pin(async move {
            futures_util::future::join(one, two).await;
        }));
        assert_eq!(
            said.iter().take(6).collect::<Vec<_>>(),
            [
                "one",
                "two",
                "owed by one",
                "and what that owed",
                "owed by two",
                "and what that owed"
            ]
        );
        thread.stop();
        assert!(thread.join(None));
    }
}
