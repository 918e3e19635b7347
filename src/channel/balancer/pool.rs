//! Pool: the subchannels of a channel and the calls that wait for one, as data.
//!
//! Not here: what is done about them (`balancer`), under whose lock this stands.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::Code;

use super::lease::{Granted, Pick};
use super::subchannel::{State, Subchannel};
use crate::channel::connection::Connection;
use crate::channel::connectivity::Connectivity;
use crate::channel::service_config::Policy;
use crate::error::{Error, Source};
use crate::options::MAX_WAITING_CALLS;

/// So many wait before those that gave up are looked for.
const SWEEP: usize = 1024;

pub(in crate::channel) struct Pool {
    pub(in crate::channel) subchannels: Vec<Subchannel>,
    /// Whose turn it is in round_robin.
    turn: usize,
    waiting: VecDeque<Waiting>,
    /// So many of them may be sent before their connection is READY.
    may_go_early: usize,
    /// `None`: no limit.
    max_waiting: Option<usize>,
    /// When so many wait, those that gave up are left out.
    sweep_at: usize,
    /// round_robin looks its endpoints up apart from connecting to them.
    pub(in crate::channel) lookup: Lookup,
    pub(in crate::channel) last_error: Option<Error>,
    pub(in crate::channel) last_wanted: Instant,
    /// That the last peer allowed on a connection.
    pub(in crate::channel) known_streams: Option<usize>,
    pub(in crate::channel) closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::channel) enum Lookup {
    None,
    Running,
    /// Runs again after a pause.
    Failed,
}

struct Waiting {
    grant: oneshot::Sender<Granted>,
    wait_for_ready: bool,
}

impl Pool {
    pub(in crate::channel) fn new(max_waiting: Option<usize>) -> Self {
        Self {
            subchannels: Vec::new(),
            turn: 0,
            waiting: VecDeque::new(),
            may_go_early: 0,
            max_waiting,
            sweep_at: SWEEP,
            lookup: Lookup::None,
            last_error: None,
            last_wanted: Instant::now(),
            known_streams: None,
            closed: false,
        }
    }

    pub(in crate::channel) fn state(&self) -> Connectivity {
        if self.closed {
            Connectivity::Shutdown
        } else if self.has(Connectivity::Ready) {
            Connectivity::Ready
        } else if self.has(Connectivity::Connecting) {
            Connectivity::Connecting
        } else if self.subchannels.is_empty() {
            match self.lookup {
                Lookup::None => Connectivity::Idle,
                Lookup::Running => Connectivity::Connecting,
                Lookup::Failed => Connectivity::TransientFailure,
            }
        } else if self.has(Connectivity::Idle) {
            Connectivity::Idle
        } else {
            Connectivity::TransientFailure
        }
    }

    /// Whether one of the subchannels is so.
    pub(in crate::channel) fn has(&self, state: Connectivity) -> bool {
        let mut subchannels = self.subchannels.iter();
        subchannels.any(|subchannel| subchannel.state() == state)
    }

    pub(in crate::channel) fn subchannel(&mut self, id: usize) -> Option<&mut Subchannel> {
        self.subchannels
            .iter_mut()
            .find(|subchannel| subchannel.id == id)
    }

    /// The subchannel whose connection this still is.
    pub(in crate::channel) fn current(
        &mut self,
        connection: &Arc<Connection>,
    ) -> Option<&mut Subchannel> {
        let found = self.subchannel(connection.subchannel)?;
        match &found.state {
            State::Ready(current) if Arc::ptr_eq(current, connection) => Some(found),
            _ => None,
        }
    }

    pub(in crate::channel) fn failure(&self) -> Error {
        let error = self.last_error.clone();
        error.unwrap_or_else(|| Error::unavailable("not connected"))
    }

    /// A connection that takes one more call, which is counted in: one that is READY, else, for who does not wait for that, one that
    /// is about to be.
    pub(in crate::channel) fn admit(
        &mut self,
        policy: Policy,
        wait_for_ready: bool,
    ) -> Option<Arc<Connection>> {
        match self.admit_ready(policy) {
            None if !wait_for_ready => self.admit_early(policy),
            ready => ready,
        }
    }

    fn admit_ready(&mut self, policy: Policy) -> Option<Arc<Connection>> {
        self.admit_of(policy, |state| match state {
            State::Ready(connection) => Some(connection),
            _ => None,
        })
    }

    fn admit_early(&mut self, policy: Policy) -> Option<Arc<Connection>> {
        self.admit_of(policy, |state| match state {
            State::Connecting(connection) => connection.as_ref(),
            _ => None,
        })
    }

    fn admit_of(
        &mut self,
        policy: Policy,
        connection: impl Fn(&State) -> Option<&Arc<Connection>>,
    ) -> Option<Arc<Connection>> {
        let count = self.subchannels.len();
        let first = policy.first(self.turn);
        for index in (first..first + count).map(|index| index % count) {
            if let Some(connection) = connection(&self.subchannels[index].state)
                && connection.admit()
            {
                self.turn = index + 1;
                return Some(Arc::clone(connection));
            }
        }
        None
    }

    /// No call is to be sent on it any more, if it was still being made.
    pub(in crate::channel) fn forget_early(&mut self, connection: &Arc<Connection>) {
        let Some(found) = self.subchannel(connection.subchannel) else {
            return;
        };
        if matches!(&found.state, State::Connecting(Some(early)) if Arc::ptr_eq(early, connection))
        {
            found.state = State::Connecting(None);
        }
    }

    /// A place in the queue for a stream, if there is room.
    pub(in crate::channel) fn wait(&mut self, wait_for_ready: bool) -> Pick {
        let is_full = |waiting: usize| self.max_waiting.is_some_and(|most| waiting >= most);
        if self.waiting.len() >= self.sweep_at || is_full(self.waiting.len()) {
            self.waiting.retain(|waiting| !waiting.grant.is_closed());
            let may_go_early = |waiting: &&Waiting| !waiting.wait_for_ready;
            self.may_go_early = self.waiting.iter().filter(may_go_early).count();
            self.sweep_at = SWEEP.max(2 * self.waiting.len());
        }
        if is_full(self.waiting.len()) {
            let full = Error::rpc(
                Source::Library,
                Code::ResourceExhausted,
                format!(
                    "{} calls wait for a connection already, as many as {MAX_WAITING_CALLS} allows",
                    self.waiting.len(),
                ),
            );
            return Pick::Fail(full.passing());
        }
        let (grant, granted) = oneshot::channel();
        self.may_go_early += usize::from(!wait_for_ready);
        self.waiting.push_back(Waiting {
            grant,
            wait_for_ready,
        });
        Pick::Wait(granted)
    }

    /// Whether a call waits; those that gave up are left out of the queue.
    pub(in crate::channel) fn is_awaited(&mut self) -> bool {
        while let Some(first) = self.waiting.front() {
            if !first.grant.is_closed() {
                return true;
            }
            self.take_first();
        }
        false
    }

    /// A connection for the call that waits longest, and the way to give it.
    pub(in crate::channel) fn next_grant(
        &mut self,
        policy: Policy,
    ) -> Option<(Arc<Connection>, oneshot::Sender<Granted>)> {
        if !self.is_awaited() {
            return None;
        }
        if let Some(connection) = self.admit_ready(policy) {
            let first = self.take_first()?;
            return Some((connection, first.grant));
        }
        if self.may_go_early == 0 || !self.has(Connectivity::Connecting) {
            return None;
        }
        let goes_early = |waiting: &Waiting| !waiting.wait_for_ready && !waiting.grant.is_closed();
        let place = self.waiting.iter().position(goes_early)?;
        let connection = self.admit_early(policy)?;
        let first = self.waiting.remove(place)?;
        self.may_go_early -= 1;
        Some((connection, first.grant))
    }

    fn take_first(&mut self) -> Option<Waiting> {
        let first = self.waiting.pop_front()?;
        self.may_go_early -= usize::from(!first.wait_for_ready);
        Some(first)
    }

    /// The calls that end with a failure of the channel: all, or all that do not wait for READY.
    pub(in crate::channel) fn take_waiting(&mut self, all: bool) -> Vec<oneshot::Sender<Granted>> {
        let (fail, stay): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| all || !waiting.wait_for_ready);
        self.waiting = stay;
        self.may_go_early = 0;
        fail.into_iter().map(|waiting| waiting.grant).collect()
    }

    pub(in crate::channel) fn waiting_calls(&self) -> usize {
        let waits = |waiting: &&Waiting| !waiting.grant.is_closed();
        self.waiting.iter().filter(waits).count()
    }

    /// Ends attempts and pauses, and lets go of the connections: each ends with its last call.
    pub(in crate::channel) fn close(&mut self) {
        self.closed = true;
        for subchannel in &mut self.subchannels {
            subchannel.stop();
            subchannel.state = State::Idle;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::backoff::Backoff;
    use crate::channel::transport::Transport;
    use crate::http2;

    fn pool(states: impl IntoIterator<Item = State>) -> Pool {
        let subchannel = |(id, state)| Subchannel {
            id,
            endpoint: None,
            state,
            is_doubtful: false,
            was_turned_away: false,
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(1)),
            task: None,
            record: Arc::default(),
        };
        let mut pool = Pool::new(Some(3));
        pool.subchannels = states.into_iter().enumerate().map(subchannel).collect();
        pool
    }

    #[test]
    fn the_best_subchannel_is_the_channels_state() {
        use State::{Connecting, Idle, TransientFailure};
        for (states, expected) in [
            (vec![], Connectivity::Idle),
            (
                vec![TransientFailure, Connecting(None)],
                Connectivity::Connecting,
            ),
            (vec![TransientFailure, Idle], Connectivity::Idle),
            (
                vec![TransientFailure, TransientFailure],
                Connectivity::TransientFailure,
            ),
        ] {
            assert_eq!(pool(states).state(), expected);
        }
        let mut looking = pool([]);
        looking.lookup = Lookup::Running;
        assert_eq!(looking.state(), Connectivity::Connecting);
        looking.lookup = Lookup::Failed;
        assert_eq!(looking.state(), Connectivity::TransientFailure);
        looking.close();
        assert_eq!(looking.state(), Connectivity::Shutdown);
    }

    #[test]
    fn at_most_so_many_calls_wait_and_those_that_gave_up_make_room() {
        let mut pool = pool([]);
        let mut waiting: Vec<_> = (0..3).map(|_| pool.wait(false)).collect();
        let Pick::Fail(error) = pool.wait(false) else {
            panic!("one too many")
        };
        assert_eq!(error.code(), Code::ResourceExhausted);
        assert!(error.message().starts_with("3 calls wait"));
        drop(waiting.pop());
        assert!(matches!(pool.wait(false), Pick::Wait(_)));
    }

    #[test]
    fn without_a_limit_those_that_gave_up_are_forgotten_all_the_same() {
        let mut pool = Pool::new(None);
        let _waiting: Vec<_> = (0..3 * SWEEP).map(|_| pool.wait(true)).collect();
        assert_eq!(pool.waiting_calls(), 3 * SWEEP);
        for _ in 0..10 * SWEEP {
            drop(pool.wait(false));
        }
        assert!(pool.waiting.len() <= 6 * SWEEP);
        assert_eq!(pool.waiting_calls(), 3 * SWEEP);
    }

    #[test]
    fn who_waits_for_ready_is_not_sent_before_and_holds_up_nobody_who_is() {
        let config = http2::Config {
            stream_window: 1 << 16,
            connection_window: 1 << 16,
            headers: http2::Limits {
                fields: 1024,
                kept_fields: 1024,
                keeps: |_| false,
                block: 1024,
            },
        };
        let connection = Connection::new(&Transport::new(config), "peer", 0);
        let mut pool = pool([State::Connecting(Some(Arc::clone(&connection)))]);
        let policy = Policy::PickFirst;
        assert!(pool.admit(policy, true).is_none() && pool.admit(policy, false).is_some());
        let [first, second] = [true, false].map(|wait_for_ready| pool.wait(wait_for_ready));
        let (Pick::Wait(mut first), Pick::Wait(mut second)) = (first, second) else {
            panic!("there is room")
        };
        let mut granted = |pool: &mut Pool| {
            let (_, grant) = pool.next_grant(policy)?;
            grant.send(Err(Error::cancelled("granted"))).ok()?;
            Some([&mut first, &mut second].map(|waiting| waiting.try_recv().is_ok()))
        };
        assert_eq!(granted(&mut pool), Some([false, true]));
        assert_eq!(granted(&mut pool), None);
        pool.subchannels[0].state = State::Ready(connection);
        assert_eq!(granted(&mut pool), Some([true, false]));
    }

    #[test]
    fn calls_that_wait_for_ready_outlast_a_failure() {
        let mut pool = pool([]);
        let _waiting = [true, false, true].map(|wait_for_ready| pool.wait(wait_for_ready));
        assert_eq!(pool.take_waiting(false).len(), 1);
        assert_eq!(pool.waiting_calls(), 2);
        assert_eq!(pool.take_waiting(true).len(), 2);
        assert!(!pool.is_awaited());
    }
}
