//! The calls that wait for something in the state, and who of them is woken: only one that can have something.

use super::State;

/// A call that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Waiter {
    /// The job stream of this number.
    Stream(u64),
    /// The long poll of this number.
    Poll(u64),
    /// The call that awaits the result of this instance.
    Result(i64),
}

impl State {
    /// Where instances have ended, live messages start their next ones. Streams get what they wait for in the queues that
    /// were touched; of what is left, the poll is told that waits longest.
    pub(crate) fn settle(&mut self) {
        self.start_next();
        while let Some(queue) = self.jobs.next_touched() {
            self.offer_to_streams(&queue);
            if self.jobs.first(std::slice::from_ref(&queue)).is_some() {
                let poll = self.polls.first(&queue);
                self.woken.extend(poll.map(Waiter::Poll));
            }
        }
    }

    /// Those to wake since this was last asked.
    pub(crate) fn woken(&mut self) -> impl Iterator<Item = Waiter> {
        self.woken.drain(..)
    }

    /// Nobody waits there any more.
    pub(crate) fn forget(&mut self, waiter: Waiter) {
        match waiter {
            Waiter::Stream(number) => self.close_stream(number),
            Waiter::Poll(number) => self.close_poll(number),
            Waiter::Result(instance_key) => self.forget_result(instance_key),
        }
    }
}
