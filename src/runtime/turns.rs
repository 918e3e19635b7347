//! Turns: what an I/O thread does, a turn at a time: waits for sockets and alarms, and lets tasks go on.
//!
//! Tasks come through the inbox, which wakes who takes turns once a batch and not once a task.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::here;
use super::reactor::{EVENTS, Reactor, Signal, Sources, Timer};
use super::stopping;
use super::tasks::{Ready, Tasks};
use crate::error::Error;

/// Set in `Inbox::reserved` once no more reservations are given.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// So often tasks that are ready go on before sockets are looked at again.
const STEPS: usize = 16;

/// So many turns follow one another, for a program that does not wait, while there is always something to do.
const TURNS: usize = 16;

/// Where tasks begin, from any thread.
pub(super) struct Inbox {
    pub(super) ready: Arc<Ready>,
    /// Reservations not yet used; with [`CLOSED`], turns end when they are.
    reserved: AtomicUsize,
}

impl Inbox {
    /// Fails once it is closed; else it is to be released.
    pub(super) fn reserve(&self) -> Result<(), Error> {
        let before = self.reserved.fetch_add(1, Ordering::AcqRel);
        if before & CLOSED == 0 {
            return Ok(());
        }
        self.release();
        Err(stopping())
    }

    pub(super) fn release(&self) {
        let before = self.reserved.fetch_sub(1, Ordering::AcqRel);
        if before == CLOSED + 1 {
            self.ready.wake();
        }
    }

    /// Nothing begins any more.
    pub(super) fn close(&self) {
        self.reserved.fetch_or(CLOSED, Ordering::AcqRel);
        self.ready.wake();
    }
}

pub(super) struct Turns {
    inbox: Arc<Inbox>,
    signal: Arc<Signal>,
    reactor: Reactor,
    tasks: Tasks,
    /// Nothing was ready at the end of the last turn, and who makes something ready calls.
    is_idle: bool,
    /// Sockets were looked at, and something may have begun since: that comes first.
    is_fresh: bool,
    /// The last turn began with a look that saw all there was. An edge-triggered loop hears of what became ready before, but was not seen, no second time.
    saw_all: bool,
}

impl Turns {
    pub(super) fn new(timer: Timer) -> Result<Self, Error> {
        let (reactor, signal) = Reactor::new(timer).map_err(|error| {
            Error::internal(format!("cannot start I/O: {error}")).processed(false)
        })?;
        let ready = Ready::new(Waker::from(Arc::clone(&signal)));
        Ok(Self {
            tasks: Tasks::new(&ready),
            inbox: Arc::new(Inbox {
                ready,
                reserved: AtomicUsize::new(0),
            }),
            signal,
            reactor,
            is_idle: true,
            is_fresh: false,
            saw_all: false,
        })
    }

    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    pub(super) fn sources(&self) -> &Arc<Sources> {
        self.reactor.sources()
    }

    /// Readable when a turn has something to do.
    pub(super) fn descriptor(&self) -> RawFd {
        self.reactor.descriptor()
    }

    /// Whether who takes turns may do something else, after so many: nothing was left to do, or enough was done at a time.
    pub(super) fn is_over(&self, turns: usize) -> bool {
        (self.is_idle && self.saw_all) || turns >= TURNS
    }

    /// Nobody takes the next turn by himself: what is left to do makes the descriptor readable.
    pub(super) fn rest(&mut self) {
        if !(self.is_idle && self.saw_all) {
            self.signal.ring();
        }
    }

    /// The next turn comes at once: until then nobody needs to call for it.
    pub(super) fn stay_awake(&mut self) {
        self.signal.answer();
        self.is_idle = false;
        self.is_fresh = true;
    }

    /// Waits while nothing is ready, `limit` at most (`None`: for ever), and lets all go on that then is. False: the inbox is closed, and every
    /// reservation used; what had begun is dropped.
    pub(super) fn turn(&mut self, limit: Option<Duration>) -> bool {
        self.saw_all = !std::mem::take(&mut self.is_fresh) && self.look(limit);
        self.is_idle = false;
        for _ in 0..STEPS {
            self.signal.answer();
            let reserved = self.inbox.reserved.load(Ordering::Acquire);
            if reserved == CLOSED {
                self.tasks.close();
                return false;
            }
            // Once closed, only the last reservations are waited for: nothing begins any more.
            if reserved & CLOSED == 0 {
                here::begin_round();
                self.tasks.step();
                here::end_round();
            }
            if reserved & CLOSED != 0 || !self.tasks.are_ready() {
                self.is_idle = self.signal.falls_asleep();
                break;
            }
        }
        if self.is_idle {
            self.reactor.set_timer(here::next_alarm());
        }
        true
    }

    fn look(&mut self, limit: Option<Duration>) -> bool {
        let next = here::next_alarm();
        let limit = match (next, limit) {
            _ if !self.is_idle => Some(Duration::ZERO),
            (None, limit) => limit,
            (_, Some(Duration::ZERO)) => Some(Duration::ZERO),
            (Some(next), limit) => {
                let left = next.saturating_duration_since(Instant::now());
                Some(limit.map_or(left, |limit| limit.min(left)))
            }
        };
        let seen = self.reactor.wait(limit);
        // Who is woken from here on goes on in this turn: each call would be a system call, and one more look.
        self.signal.answer();
        if seen.is_some() {
            self.reactor.tell();
        }
        if next.is_some() {
            here::ring();
        }
        // A signal may have come, and more may be there than is told of at once.
        seen.is_some_and(|events| events < EVENTS)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read, Write};
    use std::sync::atomic::AtomicBool;
    use std::task::{Poll, ready};

    use mio::net::UnixStream;

    use super::super::here::Here;
    use super::super::reactor::{Direction, Registered};
    use super::*;

    #[test]
    fn who_is_woken_by_a_socket_goes_on_in_that_turn_and_calls_for_no_other() {
        let mut turns = Turns::new(Timer::None).unwrap();
        Here::new(0, turns.sources()).enter();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let socket = Registered::new(ours, Arc::clone(turns.sources())).unwrap();
        let has_ended = Arc::<AtomicBool>::default();
        let ends = Arc::clone(&has_ended);
        turns.inbox().ready.spawn(poll_fn(move |context| {
            let read = |mut socket: &UnixStream| socket.read(&mut [0]);
            let read = ready!(socket.poll_io(context, Direction::Read, read));
            assert_eq!(read.unwrap(), 1);
            ends.store(true, Ordering::Relaxed);
            Poll::Ready(())
        }));
        while !turns.is_over(0) {
            turns.turn(Some(Duration::ZERO));
        }
        theirs.write_all(b"a").unwrap();
        assert!(turns.turn(None) && has_ended.load(Ordering::Relaxed));
        assert_eq!(turns.reactor.wait(Some(Duration::ZERO)), Some(0));
    }
}
