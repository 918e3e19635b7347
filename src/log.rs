//! Log records, from wherever they arise to the host's callback, on a thread of their own.
//!
//! Only this library's own records are forwarded: those of the HTTP/2 and TLS crates print headers,
//! and with them tokens. A full queue drops records and says how many; it never holds up I/O.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, mpsc};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, span};

use crate::error::Error;
use crate::panics;
use crate::runtime::{Worker, lock};
use crate::sys::PerProcess;

/// How much is logged. Numbers are the C API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing; the log thread need not be there.
    Off = 0,
    /// What lost something.
    Error = 1,
    /// What a person should look at: failed connections, ignored options.
    Warn = 2,
    /// Rare events: a token came.
    Info = 3,
    /// Connections and what happens to them.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

impl From<tracing::Level> for Level {
    fn from(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }
}

/// One line of the log.
#[derive(Debug)]
pub struct Record {
    /// Never [`Level::Off`].
    pub level: Level,
    /// The module it comes from, such as `zeebe::channel`.
    pub target: &'static str,
    /// For people; one line, without secrets.
    pub message: String,
}

/// Called on the log thread, in order; dropped there after its last record.
pub type Sink = Box<dyn FnMut(&Record) + Send>;

/// Gives a sink once nothing can refuse it any more.
pub type NewSink = Box<dyn FnOnce() -> Sink>;

/// Records that wait for a slow callback.
const CAPACITY: usize = 4096;

static LEVEL: AtomicU8 = AtomicU8::new(Level::Off as u8);
static LOGGER: PerProcess<Mutex<State>> = PerProcess::new();

#[derive(Default)]
struct State {
    logger: Option<Logger>,
    /// Replaced, but perhaps still delivering.
    ending: Vec<Arc<Worker>>,
}

struct Logger {
    queue: mpsc::SyncSender<Record>,
    lost: Arc<AtomicUsize>,
    worker: Arc<Worker>,
}

/// Replaces the sink; the one before still gets what was logged for it.
pub fn set(level: Level, sink: Option<NewSink>) -> Result<(), Error> {
    let logger = match sink {
        Some(sink) if level > Level::Off => Some(Logger::start(sink)?),
        _ => None,
    };
    let level = if logger.is_some() { level } else { Level::Off };
    if logger.is_some() {
        install();
    }
    let mut state = lock(LOGGER.get());
    LEVEL.store(level as u8, Ordering::Release);
    let before = std::mem::replace(&mut state.logger, logger);
    state
        .ending
        .retain(|worker| !worker.join(Some(Instant::now())));
    state.ending.extend(before.map(|logger| logger.worker));
    Ok(())
}

/// How much the sink gets from now on; [`Level::Off`] keeps it, and gives it nothing.
pub fn set_level(level: Level) -> Result<(), Error> {
    let state = lock(LOGGER.get());
    if state.logger.is_none() {
        return Err(Error::illegal_state(
            "no log callback is set whose level could change",
        ));
    }
    LEVEL.store(level as u8, Ordering::Release);
    Ok(())
}

/// Delivers what is queued and ends the log thread.
pub(crate) fn shutdown(deadline: Option<Instant>) -> Result<(), Error> {
    set(Level::Off, None)?;
    let ending = lock(LOGGER.get()).ending.clone();
    if !ending.iter().all(|worker| worker.join(deadline)) {
        return Err(Error::deadline_exceeded(
            "the log callback has not returned yet: ask for the shutdown again",
        )
        .processed(false));
    }
    lock(LOGGER.get())
        .ending
        .retain(|worker| !ending.iter().any(|ended| Arc::ptr_eq(ended, worker)));
    Ok(())
}

thread_local! {
    static LOG_THREAD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// The log callback may not replace itself.
pub fn refuse_on_log_thread() -> Result<(), Error> {
    if LOG_THREAD.get() {
        return Err(Error::illegal_state(
            "the log callback may only read its record",
        ));
    }
    Ok(())
}

impl Logger {
    fn start(sink: NewSink) -> Result<Self, Error> {
        let (give, given) = mpsc::sync_channel::<Sink>(1);
        let (queue, records) = mpsc::sync_channel::<Record>(CAPACITY);
        let lost = Arc::new(AtomicUsize::new(0));
        let worker = Worker::start("zeebe-log".to_owned(), {
            let lost = Arc::clone(&lost);
            move || {
                LOG_THREAD.set(true);
                panics::unlogged_thread();
                let Ok(mut sink) = given.recv() else { return };
                let mut sink = |record: &Record| {
                    // One that it cannot take is lost, and no more.
                    panics::guard(|| sink(record)).ok();
                };
                while let Ok(record) = records.recv() {
                    sink(&record);
                    let lost = lost.swap(0, Ordering::Relaxed);
                    if lost > 0 {
                        sink(&Record {
                            level: Level::Warn,
                            target: module_path!(),
                            message: format!("{lost} log records were dropped: slow callback"),
                        });
                    }
                }
            }
        })?;
        // Once: the thread waits for it.
        give.send(sink()).ok();
        Ok(Self {
            queue,
            lost,
            worker: Arc::new(worker),
        })
    }
}

/// Routes this library's `tracing` events to the logger. Once a process: it cannot be undone, but
/// with level OFF it costs a comparison an event.
fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // Fails only if this copy of `tracing` has a subscriber already: then the program links
        // the Rust library and has its own.
        tracing::subscriber::set_global_default(Forward).ok();
    });
    // A line that another thread came to first while the subscriber was made but not yet set would never be logged: tokio-rs/tracing#2874.
    tracing::callsite::rebuild_interest_cache();
}

struct Forward;

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && metadata.target().split(':').next() == Some("zeebe")
}

impl Subscriber for Forward {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_ours(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata) && Level::from(*metadata.level()) as u8 <= LEVEL.load(Ordering::Acquire)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let record = Record {
            level: Level::from(*event.metadata().level()),
            target: event.metadata().target(),
            message: text.0,
        };
        if let Some(logger) = &lock(LOGGER.get()).logger
            && logger.queue.try_send(record).is_err()
        {
            logger.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    // Spans are not used.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// The message, then `name=value` for each field.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = if field.name() == "message" {
            write!(self.0, "{value:?}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
        // Writing to a String cannot fail.
        debug_assert!(written.is_ok());
    }
}
