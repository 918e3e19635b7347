//! Reactor: waits until a socket is ready, another thread calls, or time is up, by the system's own queue (epoll, kqueue).

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake};
use std::time::{Duration, Instant};

use atomic_waker::AtomicWaker;
use mio::event::{Event, Source};
use mio::unix::SourceFd;
use mio::{Events, Interest, Registry, Token};
use slab::Slab;

use super::lock;
use crate::sys::TimerDescriptor;

/// So many sockets are told of in one look; the others in the next.
pub(super) const EVENTS: usize = 256;
/// Of who calls, not a socket's.
const CALL: Token = Token(usize::MAX);
/// Of the timer.
const ALARM: Token = Token(usize::MAX - 1);

pub(super) struct Reactor {
    poll: mio::Poll,
    events: Events,
    sources: Arc<Sources>,
    alarm_clock: Option<AlarmClock>,
}

/// By what a time makes the reactor's descriptor readable.
pub(super) enum Timer {
    /// By nothing: who looks says how long.
    None,
    /// By a timer of the system's among the sockets.
    Descriptor,
}

struct AlarmClock {
    timer: TimerDescriptor,
    /// When it rings, if it is set.
    rings: Option<Instant>,
}

impl Reactor {
    pub(super) fn new(timer: Timer) -> io::Result<(Self, Arc<Signal>)> {
        let poll = mio::Poll::new()?;
        let alarm_clock = match timer {
            Timer::None => None,
            Timer::Descriptor => {
                let timer = TimerDescriptor::new()?;
                let descriptor = timer.descriptor();
                let mut source = SourceFd(&descriptor);
                poll.registry()
                    .register(&mut source, ALARM, Interest::READABLE)?;
                Some(AlarmClock { timer, rings: None })
            }
        };
        let signal = Signal {
            state: AtomicU8::new(ASLEEP),
            waker: mio::Waker::new(poll.registry(), CALL)?,
        };
        let sources = Sources {
            registry: poll.registry().try_clone()?,
            readiness: Mutex::default(),
        };
        let reactor = Self {
            poll,
            events: Events::with_capacity(EVENTS),
            sources: Arc::new(sources),
            alarm_clock,
        };
        Ok((reactor, Arc::new(signal)))
    }

    pub(super) fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }

    /// Readable when a look finds something.
    pub(super) fn descriptor(&self) -> RawFd {
        self.poll.as_raw_fd()
    }

    /// Nobody looks before there is something to see, and that is to be at `next` at the latest. To ring too early is cheaper than to
    /// set it each time anew.
    pub(super) fn set_timer(&mut self, next: Option<Instant>) {
        let (Some(clock), Some(next)) = (&mut self.alarm_clock, next) else {
            return;
        };
        if clock.rings.is_none_or(|rings| next < rings) {
            clock
                .timer
                .set(next.saturating_duration_since(Instant::now()));
            clock.rings = Some(next);
        }
    }

    /// Waits, `limit` at most (`None`: for ever), for what [`tell`](Self::tell) then tells of: so many events. `None`: a signal came.
    pub(super) fn wait(&mut self, limit: Option<Duration>) -> Option<usize> {
        self.poll.poll(&mut self.events, limit).ok()?;
        Some(self.events.iter().count())
    }

    /// Wakes who waits for a socket that is ready.
    pub(super) fn tell(&mut self) {
        for event in &self.events {
            if event.token() == ALARM
                && let Some(clock) = &mut self.alarm_clock
            {
                clock.rings = None;
                continue;
            }
            // Outside the lock: who is woken may be dropped, with a socket.
            let found = lock(&self.sources.readiness)
                .get(event.token().0)
                .map(Arc::clone);
            if let Some(readiness) = found {
                readiness.tell(event);
            }
        }
    }
}

/// What a loop is called by: once from when it falls asleep to when it wakes, whoever calls.
pub(super) struct Signal {
    state: AtomicU8,
    waker: mio::Waker,
}

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const CALLED: u8 = 2;

impl Signal {
    /// What was called for up to now, the loop sees after this.
    pub(super) fn answer(&self) {
        self.state.swap(AWAKE, Ordering::AcqRel);
    }

    /// Calls, whether it is asleep or not.
    pub(super) fn ring(&self) {
        // Cannot fail: what it counts by is emptied before it is full.
        self.waker.wake().ok();
    }

    /// Whether nobody has called since: then it may wait.
    pub(super) fn falls_asleep(&self) -> bool {
        let slept = self
            .state
            .compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire);
        slept.is_ok()
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(CALLED, Ordering::AcqRel) == ASLEEP {
            self.ring();
        }
    }
}

/// The sockets of a loop.
pub(super) struct Sources {
    registry: Registry,
    readiness: Mutex<Slab<Arc<Readiness>>>,
}

/// What a socket is waited for.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    Read = 1,
    Write = 2,
}

impl Direction {
    /// Marks that it has ended, which the system tells once, perhaps together with what came before.
    fn end(self) -> u8 {
        (self as u8) << 2
    }
}

/// What a socket is ready for, as far as is known, and who waits for that. Of a place that was another's, it may know too much: who
/// relies on it asks the socket.
#[derive(Default)]
struct Readiness {
    ready: AtomicU8,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Readiness {
    fn tell(&self, event: &Event) {
        let fails = event.is_error();
        let mut ready = 0;
        if event.is_readable() {
            ready |= Direction::Read as u8;
        }
        if event.is_writable() {
            ready |= Direction::Write as u8;
        }
        if fails || event.is_read_closed() {
            ready |= Direction::Read.end();
        }
        if fails || event.is_write_closed() {
            ready |= Direction::Write.end();
        }
        self.ready.fetch_or(ready, Ordering::AcqRel);
        if self.is_ready(Direction::Read) {
            self.reader.wake();
        }
        if self.is_ready(Direction::Write) {
            self.writer.wake();
        }
    }

    fn is_ready(&self, direction: Direction) -> bool {
        self.ready.load(Ordering::Acquire) & (direction as u8 | direction.end()) != 0
    }
}

/// A socket with its place in the loop, which its drop gives back.
pub(super) struct Registered<S: Source> {
    pub(super) socket: S,
    key: usize,
    readiness: Arc<Readiness>,
    sources: Arc<Sources>,
}

impl<S: Source> Registered<S> {
    pub(super) fn new(mut socket: S, sources: Arc<Sources>) -> io::Result<Self> {
        let readiness = Arc::<Readiness>::default();
        let key = lock(&sources.readiness).insert(Arc::clone(&readiness));
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = sources.registry.register(&mut socket, Token(key), both) {
            lock(&sources.readiness).remove(key);
            return Err(error);
        }
        Ok(Self {
            socket,
            key,
            readiness,
            sources,
        })
    }

    /// Does what may find the socket not ready, until it does not.
    pub(super) fn poll_io<T>(
        &self,
        context: &mut Context<'_>,
        direction: Direction,
        mut attempt: impl FnMut(&S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            if !self.readiness.is_ready(direction) {
                let waiting = match direction {
                    Direction::Read => &self.readiness.reader,
                    Direction::Write => &self.readiness.writer,
                };
                waiting.register(context.waker());
                if !self.readiness.is_ready(direction) {
                    return Poll::Pending;
                }
            }
            match attempt(&self.socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.clear(direction as u8 | direction.end());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return Poll::Ready(done),
            }
        }
    }

    /// There was no more, but perhaps the end: it is not ready until the system says so again.
    pub(super) fn used_up(&self, direction: Direction) {
        self.clear(direction as u8);
    }

    /// It may be ready, whatever the system told: who relies on it asks the socket.
    pub(super) fn ask(&self, direction: Direction) {
        let ready = direction as u8;
        self.readiness.ready.fetch_or(ready, Ordering::AcqRel);
    }

    fn clear(&self, ready: u8) {
        self.readiness.ready.fetch_and(!ready, Ordering::AcqRel);
    }
}

impl<S: Source> Drop for Registered<S> {
    fn drop(&mut self) {
        // Its descriptor is closed after this, whatever became of it.
        self.sources.registry.deregister(&mut self.socket).ok();
        lock(&self.sources.readiness).remove(self.key);
    }
}
