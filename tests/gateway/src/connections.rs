//! The open connections to the gateway's listeners: to count them, end them, freeze them, put bytes into them, or tell
//! them to go away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::turns::Turns;

/// One connection, as seen by those who may end it.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    number: u64,
    /// Ends it with a TCP reset.
    pub(crate) reset: CancellationToken,
    /// Ends it in an orderly way, but without GOAWAY and in the midst of its calls.
    close: AtomicBool,
    /// Sends GOAWAY; calls under way may finish.
    pub(crate) go_away: CancellationToken,
    pub(crate) turns: Turns,
    /// That the client has shown.
    pub(crate) certificates: AtomicUsize,
    injected: Mutex<Vec<u8>>,
    closed: CancellationToken,
}

impl Connection {
    pub(crate) fn close(&self) {
        self.close.store(true, Ordering::SeqCst);
        self.turns.wake();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.close.load(Ordering::SeqCst)
    }

    /// The bytes that are to be written to it without hyper knowing.
    pub(crate) fn injected(&self) -> MutexGuard<'_, Vec<u8>> {
        self.injected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    accepted: AtomicU64,
    frozen: watch::Sender<bool>,
}

impl Connections {
    pub(crate) fn open(&self) -> Arc<Connection> {
        let number = self.accepted.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection {
            number,
            ..Connection::default()
        });
        self.lock().insert(number, Arc::clone(&connection));
        connection
    }

    pub(crate) fn close(&self, connection: &Connection) {
        self.lock().remove(&connection.number);
        connection.closed.cancel();
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Resets all that are open and returns how many when the last is gone.
    pub(crate) async fn reset(&self) -> usize {
        let connections = self.all();
        for connection in &connections {
            connection.reset.cancel();
        }
        for connection in &connections {
            connection.closed.cancelled().await;
        }
        connections.len()
    }

    pub(crate) fn go_away(&self) -> usize {
        let connections = self.all();
        for connection in &connections {
            connection.go_away.cancel();
        }
        connections.len()
    }

    /// Puts bytes into all that are open, between the frames that hyper writes.
    pub(crate) fn inject(&self, bytes: &[u8]) -> usize {
        let connections = self.all();
        for connection in &connections {
            connection.injected().extend_from_slice(bytes);
            connection.turns.wake();
        }
        connections.len()
    }

    /// As [`Connection::close`], all that are open.
    pub(crate) fn close_all(&self) {
        for connection in self.all() {
            connection.close();
        }
    }

    /// From now on nothing is read or written, or all is again.
    pub(crate) fn freeze(&self, frozen: bool) -> usize {
        self.frozen.send_replace(frozen);
        let connections = self.all();
        for connection in &connections {
            connection.turns.wake();
        }
        connections.len()
    }

    pub(crate) fn is_frozen(&self) -> bool {
        *self.frozen.borrow()
    }

    pub(crate) async fn thawed(&self) {
        // The sender lives as long as this borrow of it.
        self.frozen
            .subscribe()
            .wait_for(|frozen| !frozen)
            .await
            .ok();
    }

    fn all(&self) -> Vec<Arc<Connection>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
