//! Here: what the loop that runs on this thread has at hand: its number, its alarms, its sockets, and what is owed at the end of
//! a round of calls.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::reactor::Sources;
use super::wheel::{Place, Wheel};
use crate::panics;

type Owed = Box<dyn FnOnce()>;

thread_local! {
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
    /// What is owed at the end of the round of calls that runs here; `None`: none runs.
    static ROUND: RefCell<Option<Vec<Owed>>> = const { RefCell::new(None) };
    /// When that round was first asked for the time.
    static NOW: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A loop's own, while it runs on a thread.
pub(super) struct Here {
    index: usize,
    alarms: Wheel<Waker>,
    sources: Arc<Sources>,
}

impl Here {
    pub(super) fn new(index: usize, sources: &Arc<Sources>) -> Self {
        Self {
            index,
            alarms: Wheel::new(Instant::now()),
            sources: Arc::clone(sources),
        }
    }

    /// From now on it is this thread's.
    pub(super) fn enter(self) {
        HERE.set(Some(self));
    }

    /// Takes it off this thread.
    pub(super) fn leave() -> Option<Self> {
        HERE.take()
    }
}

/// Which I/O thread this is, if it is one.
pub(super) fn current_io_thread() -> Option<usize> {
    HERE.with_borrow(|here| here.as_ref().map(|here| here.index))
}

/// Where sockets of this thread are registered; `None`: no loop runs here.
pub(super) fn sources() -> Option<Arc<Sources>> {
    HERE.with_borrow(|here| here.as_ref().map(|here| Arc::clone(&here.sources)))
}

/// Wakes a task of the I/O thread that it is set on, a few milliseconds late at most, unless it is dropped before. What is set
/// elsewhere never rings.
#[derive(Debug)]
pub(crate) struct Alarm(Option<(usize, Place)>);

impl Alarm {
    pub(crate) fn set(at: Instant, waker: &Waker) -> Self {
        Self(HERE.with_borrow_mut(|here| {
            let here = here.as_mut()?;
            Some((here.index, here.alarms.insert(at, waker.clone())))
        }))
    }

    /// Whether it is still to ring, for this waker.
    pub(super) fn is_set_for(&self, waker: &Waker) -> bool {
        HERE.with_borrow(|here| {
            let (Some(here), Some((thread, place))) = (here, self.0) else {
                return false;
            };
            let set = here.alarms.get(place);
            thread == here.index && set.is_some_and(|set| set.will_wake(waker))
        })
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let Some((thread, place)) = self.0 else {
            return;
        };
        // At the thread's end its alarms may be gone first. What is removed is dropped outside: a task may go with it.
        let removed = HERE.try_with(|here| {
            let mut here = here.borrow_mut();
            let here = here.as_mut().filter(|here| here.index == thread)?;
            here.alarms.remove(place)
        });
        drop(removed);
    }
}

/// When the next alarm is to be looked for.
pub(super) fn next_alarm() -> Option<Instant> {
    HERE.with_borrow(|here| here.as_ref()?.alarms.next())
}

/// The time, or a moment of the round of calls that runs here: for what need not be exact, the system is asked once a round.
pub(crate) fn about_now() -> Instant {
    NOW.get().unwrap_or_else(|| {
        let now = Instant::now();
        if ROUND.with_borrow(Option::is_some) {
            NOW.set(Some(now));
        }
        now
    })
}

/// Wakes whose alarm is due.
pub(super) fn ring() {
    let now = Instant::now();
    let mut due = Vec::new();
    HERE.with_borrow_mut(|here| {
        if let Some(here) = here {
            here.alarms.due(now, |waker| due.push(waker));
        }
    });
    due.into_iter().for_each(Waker::wake);
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

pub(super) fn begin_round() {
    NOW.set(None);
    ROUND.with_borrow_mut(|round| {
        round.get_or_insert_default();
    });
}

pub(super) fn end_round() {
    NOW.set(None);
    // Taken out first: what is run here may owe something, too.
    for work in ROUND.take().unwrap_or_default() {
        // A panic of ours in one must not take the thread with it.
        panics::guard(work).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn what_is_owed_is_paid_at_once_outside_a_round() {
        let paid = Rc::new(Cell::new(false));
        let owed = Rc::clone(&paid);
        after_round(move || owed.set(true));
        assert!(paid.get());
    }
}
