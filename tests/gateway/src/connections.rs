//! The open connections to the gateway's listeners: to count them, reset them, or tell them to go away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// One connection, as seen by those who may end it.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    number: u64,
    /// Ends it with a TCP reset.
    pub(crate) reset: CancellationToken,
    /// Sends GOAWAY; calls under way may finish.
    pub(crate) go_away: CancellationToken,
    closed: CancellationToken,
}

#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    accepted: AtomicU64,
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

    fn all(&self) -> Vec<Arc<Connection>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
