//! An I/O thread: takes turns until the inbox is closed.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use super::Worker;
use super::blocking::BlockingThreads;
use super::here::Here;
use super::reactor::Timer;
use super::turns::{Inbox, Turns};
use crate::error::Error;
use crate::panics;

/// The right to start one task, which nothing can take away any more.
#[must_use]
pub struct Slot<'a>(&'a Inbox);

impl std::fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slot")
    }
}

impl<'a> Slot<'a> {
    /// Fails once nothing begins there any more.
    pub(super) fn reserve(inbox: &'a Inbox) -> Result<Self, Error> {
        inbox.reserve()?;
        Ok(Self(inbox))
    }

    /// Starts the task; it is polled later, never in here.
    pub fn spawn(self, task: impl Future<Output = ()> + Unpin + Send + 'static) {
        self.0.ready.spawn(task);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

pub(super) struct IoThread {
    inbox: Arc<Inbox>,
    worker: Worker,
}

impl IoThread {
    pub(super) fn start(
        index: usize,
        name: &str,
        blocking: &BlockingThreads,
    ) -> Result<Self, Error> {
        let mut turns = Turns::new(Timer::None)?;
        let inbox = Arc::clone(turns.inbox());
        let blocking = blocking.clone();
        let worker = Worker::start(format!("{name}-io-{index}"), move || {
            Here::new(index, turns.sources()).enter();
            blocking.serve_here();
            // A panic beyond a task's own, which the log has, must not end the thread, which others have a place on.
            while panics::guard(|| turns.turn(None)).unwrap_or(true) {}
            drop(turns);
            drop(Here::leave());
        })?;
        Ok(Self { inbox, worker })
    }

    pub(super) fn reserve(&self) -> Result<Slot<'_>, Error> {
        Slot::reserve(&self.inbox)
    }

    pub(super) fn stop(&self) {
        self.inbox.close();
    }

    pub(super) fn join(&self, deadline: Option<Instant>) -> bool {
        self.worker.join(deadline)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::super::here::after_round;
    use super::*;

    fn start() -> IoThread {
        let blocking = BlockingThreads::start("test").unwrap();
        IoThread::start(0, "test", &blocking).unwrap()
    }

    struct Signal(mpsc::Sender<&'static str>, &'static str);
    impl Drop for Signal {
        fn drop(&mut self) {
            self.0.send(self.1).unwrap();
        }
    }

    #[test]
    fn a_stopped_thread_drops_what_it_accepted_and_refuses_the_rest() {
        let thread = start();
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
        let thread = start();
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
        let thread = start();
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
