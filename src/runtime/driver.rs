//! Driver: the turns of a runtime without I/O threads, which the program's threads take whenever they wait or poll.
//!
//! One thread drives at a time; others that wait meanwhile look after each of its turns whether what they wait for has come, and go on
//! driving when it leaves. What happens outside of turns, and may be what somebody waits for, is nudged.

use std::os::fd::RawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::blocking::BlockingThreads;
use super::here::Here;
use super::io_thread::Slot;
use super::reactor::Timer;
use super::turns::{Inbox, Turns};
use super::{LibraryThread, lock};
use crate::error::Error;
use crate::panics;

pub(crate) struct Driver {
    inbox: Arc<Inbox>,
    descriptor: RawFd,
    state: Mutex<State>,
    changed: Condvar,
    /// Of who drives.
    turns: Mutex<Own>,
}

#[derive(Default)]
struct State {
    is_driven: bool,
    /// Threads that wait for who drives.
    followers: usize,
    has_ended: bool,
}

struct Own {
    turns: Turns,
    /// `None` while it is at hand on the thread that drives.
    here: Option<Here>,
    blocking: BlockingThreads,
}

/// Until when a thread drives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// Not at all: only what can be done now.
    None,
    Until(Instant),
    ForEver,
}

impl Patience {
    /// As long as that from now; `None`: for ever.
    pub(crate) fn of(timeout: Option<Duration>) -> Self {
        match timeout {
            Some(Duration::ZERO) => Self::None,
            Some(timeout) => Instant::now()
                .checked_add(timeout)
                .map_or(Self::ForEver, Self::Until),
            None => Self::ForEver,
        }
    }

    /// `None`: for ever.
    pub(crate) fn left(self) -> Option<Duration> {
        match self {
            Self::None => Some(Duration::ZERO),
            Self::Until(deadline) => Some(deadline.saturating_duration_since(Instant::now())),
            Self::ForEver => None,
        }
    }
}

/// The right to drive, and what is driven.
struct Role<'a> {
    driver: &'a Driver,
    own: MutexGuard<'a, Own>,
}

impl Role<'_> {
    /// False: turns have ended.
    fn turn(&mut self, limit: Option<Duration>) -> bool {
        let goes_on = self.own.turn(limit);
        if !goes_on {
            lock(&self.driver.state).has_ended = true;
        }
        goes_on
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.driver.state);
        state.is_driven = false;
        if state.followers > 0 {
            self.driver.changed.notify_all();
        }
    }
}

/// What comes of asking for the role.
enum Turn<'a> {
    Mine(Role<'a>),
    /// Another thread had one: things may have changed.
    Theirs,
    /// Nobody's in time, or ever.
    Over,
}

impl Driver {
    pub(super) fn start(blocking: &BlockingThreads) -> Result<Self, Error> {
        let turns = Turns::new(Timer::Descriptor)?;
        Ok(Self {
            inbox: Arc::clone(turns.inbox()),
            descriptor: turns.descriptor(),
            state: Mutex::default(),
            changed: Condvar::new(),
            turns: Mutex::new(Own {
                here: Some(Here::new(0, turns.sources())),
                turns,
                blocking: blocking.clone(),
            }),
        })
    }

    /// Readable when there is something to do.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.descriptor
    }

    pub(super) fn reserve(&self) -> Result<Slot<'_>, Error> {
        Slot::reserve(&self.inbox)
    }

    pub(super) fn stop(&self) {
        self.inbox.close();
    }

    /// Whether turns have ended by then. Takes them itself, if nobody else does.
    pub(super) fn join(&self, deadline: Option<Instant>) -> bool {
        let patience = deadline.map_or(Patience::ForEver, Patience::Until);
        self.drive(patience, false, || lock(&self.state).has_ended)
    }

    /// Takes turns until `done`, or there is nothing to do and no time left; whether it is done. With `comes_back`, the thread
    /// drives again at once if it is: until then nobody calls for what begins meanwhile.
    pub(crate) fn drive(
        &self,
        patience: Patience,
        comes_back: bool,
        mut done: impl FnMut() -> bool,
    ) -> bool {
        let mut turns = 0;
        while !done() {
            let mut role = match self.next_turn(patience) {
                Turn::Mine(role) => role,
                Turn::Theirs => continue,
                Turn::Over => return done(),
            };
            // Since it was asked last, another thread may have had turns.
            if done() {
                return true;
            }
            let left = patience.left();
            role.turn(left);
            turns += 1;
            let is_done = done();
            let own = &mut role.own.turns;
            let is_late = left == Some(Duration::ZERO) && own.is_over(turns);
            if is_done && comes_back {
                own.stay_awake();
            } else if is_done || is_late {
                own.rest();
            }
            if is_done || is_late {
                return is_done;
            }
        }
        true
    }

    /// Takes turns until there is nothing to do; waits for the first thing as long as `patience` has it.
    pub(crate) fn poll(&self, patience: Patience) {
        let mut role = loop {
            match self.next_turn(patience) {
                Turn::Mine(role) => break role,
                Turn::Theirs => {}
                Turn::Over => return,
            }
        };
        let mut goes_on = role.turn(patience.left());
        let mut turns = 1;
        while goes_on && !role.own.turns.is_over(turns) {
            goes_on = role.turn(Some(Duration::ZERO));
            turns += 1;
        }
        role.own.turns.rest();
    }

    fn next_turn(&self, patience: Patience) -> Turn<'_> {
        let mut state = lock(&self.state);
        if state.has_ended {
            return Turn::Over;
        }
        if !state.is_driven {
            state.is_driven = true;
            drop(state);
            let own = lock(&self.turns);
            return Turn::Mine(Role { driver: self, own });
        }
        let left = patience.left();
        if left == Some(Duration::ZERO) {
            return Turn::Over;
        }
        state.followers += 1;
        let mut state = match left {
            None => {
                let waited = self.changed.wait(state);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
            Some(left) => {
                let waited = self.changed.wait_timeout(state, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.followers -= 1;
        Turn::Theirs
    }

    /// Lets all that wait look anew.
    pub(super) fn nudge(&self) {
        self.inbox.ready.wake();
    }
}

impl Own {
    /// False: turns have ended.
    fn turn(&mut self, limit: Option<Duration>) -> bool {
        let Some(here) = self.here.take() else {
            return false;
        };
        let _library = LibraryThread::enter();
        here.enter();
        self.blocking.serve_here();
        let goes_on = panics::guard(|| self.turns.turn(limit)).unwrap_or(true);
        self.here = Here::leave();
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Poll;

    use mio::unix::SourceFd;
    use mio::{Events, Interest, Token};

    use super::super::blocking::BlockingThreads;
    use super::*;

    fn start() -> Driver {
        Driver::start(&BlockingThreads::start("test").unwrap()).unwrap()
    }

    fn is_readable(driver: &Driver) -> bool {
        let mut poll = mio::Poll::new().unwrap();
        let mut source = SourceFd(&driver.descriptor);
        let readable = Interest::READABLE;
        poll.registry()
            .register(&mut source, Token(0), readable)
            .unwrap();
        let mut events = Events::with_capacity(1);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        !events.is_empty()
    }

    /// A task that is ready so often; how often it went on.
    fn busy(driver: &Driver, times: usize) -> Arc<AtomicUsize> {
        let went_on = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&went_on);
        driver.reserve().unwrap().spawn(poll_fn(move |context| {
            if counted.fetch_add(1, Ordering::Relaxed) + 1 == times {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }));
        went_on
    }

    #[test]
    fn who_leaves_something_to_do_says_so_by_the_descriptor() {
        let driver = start();
        assert!(!is_readable(&driver));
        let went_on = busy(&driver, 10_000);
        assert!(is_readable(&driver));
        let has_begun = || went_on.load(Ordering::Relaxed) > 0;
        assert!(driver.drive(Patience::ForEver, false, has_begun));
        assert!(went_on.load(Ordering::Relaxed) < 10_000 && is_readable(&driver));
        // Without an end in sight it is left after a while, also by who has no time.
        assert!(!driver.drive(Patience::None, false, || false));
        assert!(went_on.load(Ordering::Relaxed) < 10_000 && is_readable(&driver));
        driver.poll(Patience::None);
        assert!(went_on.load(Ordering::Relaxed) < 10_000 && is_readable(&driver));
        while is_readable(&driver) {
            driver.poll(Patience::None);
        }
        assert_eq!(went_on.load(Ordering::Relaxed), 10_000);
        driver.stop();
        assert!(driver.join(None));
    }

    #[test]
    fn who_comes_back_is_not_called_and_who_does_not_is() {
        let driver = start();
        let first = busy(&driver, 1);
        let has_ended = || first.load(Ordering::Relaxed) == 1;
        assert!(driver.drive(Patience::None, true, has_ended));
        let second = busy(&driver, 1);
        assert!(!is_readable(&driver));
        // Coming back, it finds what began meanwhile.
        assert!(!driver.drive(Patience::None, true, || false));
        assert_eq!(second.load(Ordering::Relaxed), 1);
        let _third = busy(&driver, 1);
        assert!(is_readable(&driver));
        driver.stop();
        assert!(driver.join(None));
    }

    /// An edge-triggered loop hears no second time of what became ready before it took turns last.
    #[test]
    fn who_finds_nothing_to_do_has_looked() {
        use std::io::{Read, Write};

        use crate::runtime::reactor::{Direction, Registered};

        let driver = start();
        let (near, mut far) = mio::net::UnixStream::pair().unwrap();
        let (came, had) = std::sync::mpsc::channel();
        let sources = Arc::clone(lock(&driver.turns).turns.sources());
        let socket = Registered::new(near, sources).unwrap();
        driver.reserve().unwrap().spawn(poll_fn(move |context| {
            let read = |mut stream: &mio::net::UnixStream| stream.read(&mut [0; 8]);
            let read = socket.poll_io(context, Direction::Read, read);
            read.map(|length| came.send(length.unwrap()).unwrap())
        }));
        driver.poll(Patience::None);
        let first = busy(&driver, 1);
        let has_ended = || first.load(Ordering::Relaxed) == 1;
        assert!(driver.drive(Patience::None, true, has_ended));
        far.write_all(b"word").unwrap();
        assert!(!driver.drive(Patience::None, true, || false));
        assert_eq!(had.try_recv(), Ok(4));
        driver.stop();
        assert!(driver.join(None));
    }

    #[test]
    fn an_alarm_makes_the_descriptor_readable() {
        let driver = start();
        let rang = Arc::<AtomicUsize>::default();
        let rings = Arc::clone(&rang);
        driver.reserve().unwrap().spawn(Box::pin(async move {
            crate::runtime::time::sleep(Duration::from_millis(30)).await;
            rings.store(1, Ordering::Relaxed);
        }));
        let began = Instant::now();
        driver.poll(Patience::None);
        assert!(!is_readable(&driver) || began.elapsed() >= Duration::from_millis(30));
        while rang.load(Ordering::Relaxed) == 0 {
            while !is_readable(&driver) {
                std::thread::yield_now();
                assert!(began.elapsed() < Duration::from_secs(10));
            }
            driver.poll(Patience::None);
        }
        assert!(began.elapsed() >= Duration::from_millis(30));
        driver.stop();
        assert!(driver.join(None));
    }
}
