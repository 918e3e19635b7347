//! What becomes of connections: made, failed, drained, lost; told by the tasks that drive them (`subchannel`).

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::Balancer;
use super::policy::Stays;
use super::pool::Pool;
use super::subchannel::{State, Subchannel};
use crate::channel::connection::{Connection, End};
use crate::channel::connector::Opened;
use crate::channel::transport::Transport;
use crate::error::Error;
use crate::runtime::lock;

impl Balancer {
    /// A connection is there, of which nobody knows yet whether its peer speaks HTTP/2.
    pub(in crate::channel) fn begins(
        self: &Arc<Self>,
        id: usize,
        transport: &Arc<Transport>,
        peer: &str,
    ) {
        let mut pool = lock(&self.pool);
        if pool.closed {
            return;
        }
        if let Some(most) = pool.known_streams {
            transport.expect_streams(most);
        }
        // What did not answer before is told of no call until it has.
        if let Some(subchannel) = pool.subchannel(id)
            && !subchannel.is_doubtful
        {
            subchannel.state = State::Connecting(Some(Connection::new(transport, peer, id)));
        }
        drop(pool);
        self.serve_waiting();
    }

    pub(in crate::channel) fn connected(
        self: &Arc<Self>,
        id: usize,
        opened: &Opened,
    ) -> Option<Arc<Connection>> {
        tracing::debug!("connected to {}", opened.peer);
        let mut pool = lock(&self.pool);
        if pool.closed {
            return None;
        }
        pool.known_streams = Some(opened.transport.max_streams());
        let subchannel = pool.subchannel(id)?;
        let connection = match &subchannel.state {
            State::Connecting(Some(begun)) if Arc::ptr_eq(&begun.transport, &opened.transport) => {
                Arc::clone(begun)
            }
            _ => Connection::new(&opened.transport, &opened.peer, id),
        };
        connection.begins();
        subchannel.record.connected.fetch_add(1, Ordering::Relaxed);
        subchannel.is_doubtful = false;
        subchannel.state = State::Ready(Arc::clone(&connection));
        self.announce(&pool);
        drop(pool);
        self.serve_waiting();
        let mut pool = lock(&self.pool);
        if pool.is_awaited()
            && let Err(error) = self.want(&mut pool)
        {
            tracing::debug!("no further connection: {error}"); // the runtime ends
        }
        drop(pool);
        Some(connection)
    }

    /// Returns the pause before the next attempt.
    pub(in crate::channel) fn failed(
        self: &Arc<Self>,
        id: usize,
        error: Error,
    ) -> Option<Duration> {
        let mut pool = lock(&self.pool);
        let subchannel = pool.subchannel(id)?;
        let pause = subchannel.fails(&error);
        self.has_failed(pool, error);
        Some(pause)
    }

    fn has_failed(self: &Arc<Self>, mut pool: MutexGuard<'_, Pool>, error: Error) {
        if self.settings.policy.looks_up_after_failure() {
            self.look_up_again(&mut pool);
        }
        self.fail_waiting(pool, error);
    }

    /// Whether to connect again.
    pub(in crate::channel) fn pause_over(&self, id: usize) -> bool {
        let mut pool = lock(&self.pool);
        let idle = self.lies_idle(&pool);
        let (count, awaited) = (pool.subchannels.len(), pool.is_awaited());
        if self.settings.policy.spares(count, awaited) {
            pool.subchannels.retain(|subchannel| subchannel.id != id);
        }
        let Some(subchannel) = pool.subchannel(id) else {
            return false;
        };
        subchannel.state = if idle {
            State::Idle
        } else {
            State::Connecting(None)
        };
        self.announce(&pool);
        !idle
    }

    /// No more calls can be sent on it; those under way may finish.
    pub(in crate::channel) fn drains(self: &Arc<Self>, connection: &Arc<Connection>) {
        let why = connection.why_lost();
        tracing::debug!("{} takes no more calls: {why}", connection.peer);
        self.heed_complaint(connection);
        self.leave(connection, false);
    }

    /// Only this debug data is about pings (gRFC A8).
    fn heed_complaint(&self, connection: &Connection) {
        if !connection.transport.heard.take_too_many_pings() {
            return;
        }
        if let Some(time) = lock(&self.pace).slow_down(Instant::now()) {
            tracing::warn!(
                "{} sent GOAWAY ENHANCE_YOUR_CALM (11) \"too_many_pings\": it had enough of this client's pings, which \
                 come every {} ms from now on (grpc.keepalive_time_ms)",
                connection.peer,
                time.as_millis()
            );
        }
    }

    /// The connection has ended.
    pub(in crate::channel) fn lost(self: &Arc<Self>, connection: &Arc<Connection>, end: &End) {
        tracing::debug!("the connection to {} ended: {end:?}", connection.peer);
        self.heed_complaint(connection);
        if let End::Lost(why) = end {
            connection.transport.give_up(why.clone());
            lock(&self.pool).last_error = Some(error_of(connection));
        }
        self.leave(connection, matches!(end, End::Idle));
    }

    /// The connection is no more READY; another is made if somebody waits, or round_robin wants it. `idle`: it is given up since no
    /// call used it.
    pub(super) fn leave(self: &Arc<Self>, connection: &Arc<Connection>, idle: bool) {
        let mut pool = lock(&self.pool);
        pool.forget_early(connection);
        let Some(subchannel) = pool.current(connection) else {
            return;
        };
        // Taken on and dropped at once, in whichever way, is a failed attempt, or it would go round and round. One that had calls is made
        // again at once, for them, unless it comes to the same.
        let refused = !idle && connection.was_refused_within(self.settings.backoff.initial());
        let again = connection.transport.had_calls()
            && refused
            && !std::mem::replace(&mut subchannel.was_turned_away, true);
        if refused && !again {
            let error = error_of(connection);
            let pause = subchannel.fails(&error);
            if let Err(error) = self.attempt(subchannel, Some(pause)) {
                tracing::debug!("no further attempt: {error}"); // the runtime ends
            }
            return self.has_failed(pool, error);
        }
        // What answers may be called at once when it is gone.
        if connection.transport.has_answered() {
            subchannel.backoff.reset();
            subchannel.was_turned_away = false;
        }
        subchannel.state = State::Idle;
        let left = connection.subchannel;
        let others = pool.subchannels.iter().filter(|other| other.id != left);
        let others: Vec<_> = others.map(Subchannel::state).collect();
        let loss = self.settings.policy.lost(&others, idle);
        match loss.stays {
            Stays::All => {}
            Stays::Others => pool.subchannels.retain(|other| other.id != left),
            Stays::Itself => pool
                .subchannels
                .extract_if(.., |other| other.id != left)
                .for_each(|other| other.stop()),
        }
        if loss.looks_up {
            self.look_up_again(&mut pool);
        }
        if (loss.wants || pool.is_awaited())
            && !pool.closed
            && let Err(error) = self.want(&mut pool)
        {
            pool.last_error = Some(error);
        }
        self.announce(&pool);
    }
}

fn error_of(connection: &Connection) -> Error {
    let (peer, why) = (&connection.peer, connection.why_lost());
    Error::unavailable(format!("the connection to {peer} was lost: {why}"))
}
