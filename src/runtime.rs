//! The process's threads: I/O threads, blocking threads, and callback threads.
//!
//! One runtime for the process, started by the first handle that needs it, stopped only by
//! `shutdown`. Handles belong to an [`Epoch`]; a shutdown or a fork begins a new one.
//!
//! Invariant: what was accepted by an I/O thread is run or dropped on that thread, also while the
//! runtime ends; nothing accepted is left over.

mod blocking;
mod callbacks;
mod driver;
mod here;
mod io_thread;
mod reactor;
mod socket;
mod tasks;
pub(crate) mod time;
mod turns;
mod wheel;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tonic::Code;

use crate::error::{Error, Source};
use crate::panics;
use crate::sys::{self, PerProcess};

use blocking::BlockingThreads;
pub(crate) use blocking::blocking;
pub(crate) use callbacks::CallbackThreads;
pub(crate) use driver::{Driver, Patience};
pub use here::after_round;
use here::current_io_thread;
pub(crate) use here::{Alarm, about_now};
use io_thread::IoThread;
pub use io_thread::Slot;
pub(crate) use socket::Socket;

/// How many threads, and what they are called.
#[derive(Clone, Debug)]
pub struct Options {
    /// At least one; a channel's calls all run on one of them.
    pub io_threads: usize,
    /// There are none: what they do, the program's threads do as they wait or poll.
    pub caller_driven: bool,
    /// 0: callbacks run on the I/O threads.
    pub callback_threads: usize,
    /// Threads are called this, a dash and what they do; Linux shows the first 15 bytes.
    pub thread_name: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            io_threads: 1,
            caller_driven: false,
            callback_threads: 0,
            thread_name: "zeebe".to_owned(),
        }
    }
}

/// The stretch of time between two shutdowns, in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    forks: u32,
    shutdowns: u32,
}

static SHUTDOWNS: AtomicU32 = AtomicU32::new(0);

impl Epoch {
    /// Later shutdowns and forks end it.
    pub fn now() -> Self {
        Self {
            forks: sys::forks(),
            shutdowns: SHUTDOWNS.load(Ordering::Acquire),
        }
    }

    /// Whether what belongs to this epoch can still be used.
    pub fn check(self) -> Result<(), Error> {
        match Self::now() {
            now if now == self => Ok(()),
            now if now.forks != self.forks => Err(Error::shutdown(
                "this handle was made before fork(): make a new one in the child",
            )),
            _ => Err(Error::shutdown(
                "this handle was made before the shutdown of the runtime: make a new one",
            )),
        }
    }

    /// Whether it belongs to a parent process, whose threads do not exist here.
    pub fn is_of_parent(self) -> bool {
        self.forks != sys::forks()
    }
}

#[derive(Default)]
struct Process {
    options: Option<Options>,
    runtime: Option<Arc<Runtime>>,
    /// Stopped, but not yet seen to have ended.
    stopping: Vec<Arc<Runtime>>,
}

static PROCESS: PerProcess<Mutex<Process>> = PerProcess::new();

fn process() -> MutexGuard<'static, Process> {
    lock(PROCESS.get())
}

/// A lock whose data every holder leaves whole, panic or not.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets the options of the runtime to come.
pub fn configure(options: Options) -> Result<(), Error> {
    let mut process = process();
    if process.runtime.is_some() {
        return Err(Error::illegal_state(
            "the runtime runs already: configure it before the first channel connects",
        ));
    }
    CALLER_DRIVEN
        .get()
        .store(options.caller_driven, Ordering::Release);
    process.options = Some(options);
    Ok(())
}

/// Whether the program's threads drive the runtime: what is asked often, without a lock.
static CALLER_DRIVEN: PerProcess<AtomicBool> = PerProcess::new();

/// By what the program's threads drive the runtime of `epoch`, started if need be, if they do.
pub(crate) fn driver(epoch: Epoch) -> Option<Arc<Driver>> {
    CALLER_DRIVEN.get().load(Ordering::Acquire).then_some(())?;
    get(epoch).ok()?.driver().cloned()
}

/// As [`driver`], but an error says why there is none.
pub(crate) fn required_driver() -> Result<Arc<Driver>, Error> {
    get(Epoch::now())?.driver().cloned().ok_or_else(|| {
        Error::illegal_state(
            "the runtime has I/O threads: caller_driven of zeebe_runtime_options makes one that the program drives",
        )
    })
}

/// The next that comes, for which the thread waits, and drives the runtime if it is driven.
pub(crate) fn receive<T>(from: &mpsc::Receiver<T>) -> Result<T, mpsc::RecvError> {
    if let Some(driver) = driver(Epoch::now()) {
        let mut came = Err(mpsc::TryRecvError::Empty);
        driver.drive(Patience::ForEver, false, || {
            came = from.try_recv();
            !matches!(came, Err(mpsc::TryRecvError::Empty))
        });
        match came {
            Ok(value) => return Ok(value),
            Err(mpsc::TryRecvError::Disconnected) => return Err(mpsc::RecvError),
            Err(mpsc::TryRecvError::Empty) => {} // the runtime has ended, and drops what it owes
        }
    }
    from.recv()
}

/// Something happened that who drives may wait for. In a turn it is looked at anyway.
pub(crate) fn nudge() {
    if CALLER_DRIVEN.get().load(Ordering::Acquire)
        && current_io_thread().is_none()
        && let Some(runtime) = &process().runtime
        && let Some(driver) = runtime.driver()
    {
        driver.nudge();
    }
}

/// The runtime of `epoch`, started if need be.
pub fn get(epoch: Epoch) -> Result<Arc<Runtime>, Error> {
    panics::install(); // not under the lock: a hook that runs may call the library
    let mut process = process();
    epoch.check()?;
    if let Some(runtime) = &process.runtime {
        return Ok(Arc::clone(runtime));
    }
    let options = process.options.clone().unwrap_or_default();
    let runtime = Arc::new(Runtime::start(&options)?);
    process.runtime = Some(Arc::clone(&runtime));
    Ok(runtime)
}

/// Runs what `prepare` gives on the calling thread, if it is an I/O thread, else on the next one. `prepare` is the last that can
/// refuse: what it gives is run or dropped there.
pub(crate) fn spawn<F>(
    epoch: Epoch,
    prepare: impl FnOnce(&Arc<Runtime>) -> Result<F, Error>,
) -> Result<(), Error>
where
    F: Future<Output = ()> + Unpin + Send + 'static,
{
    let runtime = get(epoch)?;
    let slot = runtime.reserve_any()?;
    slot.spawn(prepare(&runtime)?);
    Ok(())
}

/// Ends the epoch: its I/O and callback threads deliver what they owe, and are waited for until the deadline.
pub(crate) fn end_epoch(deadline: Option<Instant>) -> Result<(), Error> {
    let stopping = {
        let mut process = process();
        SHUTDOWNS.fetch_add(1, Ordering::AcqRel);
        let runtime = process.runtime.take();
        process.stopping.extend(runtime);
        process.stopping.clone()
    };
    for runtime in &stopping {
        runtime.stop();
    }
    for runtime in &stopping {
        if !runtime.join(deadline) {
            return Err(Error::deadline_exceeded(
                "a library thread has not ended yet, perhaps held up by a callback: \
                 ask for the shutdown again",
            )
            .processed(false));
        }
    }
    process()
        .stopping
        .retain(|runtime| !stopping.iter().any(|ended| Arc::ptr_eq(ended, runtime)));
    Ok(())
}

thread_local! {
    static LIBRARY_THREAD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// The thread is the library's until this is dropped.
struct LibraryThread(bool);

impl LibraryThread {
    fn enter() -> Self {
        Self(LIBRARY_THREAD.replace(true))
    }
}

impl Drop for LibraryThread {
    fn drop(&mut self) {
        LIBRARY_THREAD.set(self.0);
    }
}

/// Blocking functions would wait for the very thread they run on.
pub fn refuse_on_library_thread(function: &str) -> Result<(), Error> {
    if LIBRARY_THREAD.get() {
        return Err(Error::illegal_state(format!(
            "{function} blocks and was called on a library thread: use a thread of the program's"
        )));
    }
    Ok(())
}

/// Runs `work`; its panic is an error, so that a task that others wait for goes on, and tells them.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .map_err(|_| a_bug())
}

/// Of a part that a panic ended. Passing, as far as anybody knows.
fn a_bug() -> Error {
    Error::unavailable("a bug in this library ended it").from_source(Source::Library)
}

/// Whether a thread has ended. Not a channel: any number may wait for it, each as long as it likes.
#[derive(Default)]
struct End {
    come: Mutex<bool>,
    changed: Condvar,
}

/// How long an end waits for a name lookup that hangs.
const BLOCKED: Duration = Duration::from_millis(100);

/// Held by the thread.
struct Alive(Arc<End>);

impl Drop for Alive {
    fn drop(&mut self) {
        *lock(&self.0.come) = true;
        self.0.changed.notify_all();
    }
}

/// A thread of the library: all signals blocked, marked as ours, and its end can be waited for.
pub(crate) struct Worker {
    end: Arc<End>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    pub(crate) fn start(name: String, body: impl FnOnce() + Send + 'static) -> Result<Self, Error> {
        let end = Arc::new(End::default());
        let alive = Alive(Arc::clone(&end));
        panics::install();
        let spawn = || {
            thread::Builder::new().name(name).spawn(move || {
                let _alive = alive; // dropped last
                LIBRARY_THREAD.set(true);
                panics::own_thread();
                body();
            })
        };
        let thread = sys::with_signals_blocked(spawn).map_err(|error| no_thread(&error))?;
        Ok(Self {
            end,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Whether the thread ended before the deadline.
    pub(crate) fn join(&self, deadline: Option<Instant>) -> bool {
        let come = lock(&self.end.come);
        let lives = |come: &mut bool| !*come;
        let come = match deadline {
            None => {
                let waited = self.end.changed.wait_while(come, lives);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let waited = self.end.changed.wait_timeout_while(come, left, lives);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        if !*come {
            return false;
        }
        drop(come);
        if let Some(thread) = lock(&self.thread).take() {
            // A panic was reported where it happened.
            thread.join().ok();
        }
        true
    }
}

fn stopping() -> Error {
    Error::shutdown("the runtime is shutting down")
}

fn no_thread(error: &std::io::Error) -> Error {
    let message = format!(
        "cannot start a thread: {error}; the process, its user or its container has as many as it may have"
    );
    let message = match error.kind() {
        std::io::ErrorKind::WouldBlock => message,
        _ => format!("cannot start a thread: {error}"),
    };
    Error::rpc(Source::Library, Code::Unavailable, message)
        .retryable(true)
        .processed(false)
}

/// Who takes turns.
enum Turns {
    Threads(Vec<IoThread>),
    Driver(Arc<Driver>),
}

/// The threads of one epoch.
pub struct Runtime {
    turns: Turns,
    blocking: BlockingThreads,
    callbacks: Option<CallbackThreads>,
    next: AtomicUsize,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.turns {
            Turns::Threads(threads) => write!(f, "Runtime({} I/O threads)", threads.len()),
            Turns::Driver(_) => f.write_str("Runtime(caller-driven)"),
        }
    }
}

impl Runtime {
    fn start(options: &Options) -> Result<Self, Error> {
        let blocking = BlockingThreads::start(&options.thread_name)?;
        let mut runtime = Self {
            turns: Turns::Threads(Vec::new()),
            blocking,
            callbacks: None,
            next: AtomicUsize::new(0),
        };
        let started = runtime.start_others(options);
        if started.is_err() {
            runtime.stop();
            runtime.join(None);
        }
        started.map(|()| runtime)
    }

    fn start_others(&mut self, options: &Options) -> Result<(), Error> {
        self.callbacks = CallbackThreads::start(options)?;
        if options.caller_driven {
            self.turns = Turns::Driver(Arc::new(Driver::start(&self.blocking)?));
            return Ok(());
        }
        for index in 0..options.io_threads {
            let thread = IoThread::start(index, &options.thread_name, &self.blocking)?;
            if let Turns::Threads(threads) = &mut self.turns {
                threads.push(thread);
            }
        }
        Ok(())
    }

    /// The thread that a new channel lives on: each in turn.
    pub fn next_thread(&self) -> usize {
        match &self.turns {
            Turns::Threads(threads) => self.next.fetch_add(1, Ordering::Relaxed) % threads.len(),
            Turns::Driver(_) => 0,
        }
    }

    fn driver(&self) -> Option<&Arc<Driver>> {
        match &self.turns {
            Turns::Threads(_) => None,
            Turns::Driver(driver) => Some(driver),
        }
    }

    /// A place for one task on thread `index`; refused once the runtime stops.
    pub fn reserve(&self, index: usize) -> Result<Slot<'_>, Error> {
        match &self.turns {
            Turns::Threads(threads) => threads[index].reserve(),
            Turns::Driver(driver) => driver.reserve(),
        }
    }

    /// A place on the calling thread, if it is an I/O thread, else on the next one.
    pub fn reserve_any(&self) -> Result<Slot<'_>, Error> {
        let index = current_io_thread().unwrap_or_else(|| self.next_thread());
        self.reserve(index)
    }

    /// Runs what calls back into the program: here, or on the callback thread of `key`, where
    /// callbacks of one key run in the order they were given.
    pub fn call_back(&self, key: usize, callback: impl FnOnce() + Send + 'static) {
        match &self.callbacks {
            None => callback(),
            Some(threads) => threads.run(key, Box::new(callback)),
        }
    }

    /// The same for what is in order with nothing.
    pub fn call_back_apart(&self, callback: impl FnOnce() + Send + 'static) {
        match &self.callbacks {
            None => callback(),
            Some(threads) => threads.run(unique_key(), Box::new(callback)),
        }
    }

    /// The threads for callbacks; `None`: callbacks run on the I/O threads.
    pub(crate) fn callback_threads(&self) -> Option<&CallbackThreads> {
        self.callbacks.as_ref()
    }

    fn stop(&self) {
        match &self.turns {
            Turns::Threads(threads) => threads.iter().for_each(IoThread::stop),
            Turns::Driver(driver) => driver.stop(),
        }
    }

    fn join(&self, deadline: Option<Instant>) -> bool {
        let have_ended = match &self.turns {
            Turns::Threads(threads) => threads.iter().all(|thread| thread.join(deadline)),
            Turns::Driver(driver) => driver.join(deadline),
        };
        if !have_ended {
            return false;
        }
        self.blocking.stop();
        self.blocking.join(Instant::now() + BLOCKED);
        // Last: what the I/O threads dropped at their end still calls back.
        match &self.callbacks {
            None => true,
            Some(threads) => {
                threads.stop();
                threads.join(deadline)
            }
        }
    }
}

/// A number that is unique in the process, to key callbacks by.
pub fn unique_key() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_a_thread_for_ever_does_not_hold_up_who_waits_for_a_moment() {
        let (release, held) = mpsc::channel::<()>();
        let worker = Worker::start("test".to_owned(), move || {
            held.recv().ok();
        });
        let worker = Arc::new(worker.unwrap());
        let (say, said) = mpsc::channel();
        let wait = |deadline: Option<Duration>, times: usize| {
            let (worker, say) = (Arc::clone(&worker), say.clone());
            move || {
                for _ in 0..times {
                    let deadline = deadline.map(|deadline| Instant::now() + deadline);
                    say.send(worker.join(deadline)).unwrap();
                }
            }
        };
        let for_ever = thread::spawn(wait(None, 1));
        // Many moments: the other is waiting in one of them.
        let moments = thread::spawn(wait(Some(Duration::from_millis(1)), 100));
        for _ in 0..100 {
            assert_eq!(said.recv_timeout(Duration::from_secs(10)), Ok(false));
        }
        drop(release);
        assert_eq!(said.recv_timeout(Duration::from_secs(10)), Ok(true));
        for_ever.join().unwrap();
        moments.join().unwrap();
    }
}
