//! Lease: one stream of a connection, given to one call at a time.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Balancer;
use crate::channel::connection::Connection;
use crate::error::Error;

/// A call's right to one stream of a connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) connection: Arc<Connection>,
    pub(in crate::channel) balancer: Arc<Balancer>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.connection.release();
        self.balancer.given_back();
    }
}

pub(in crate::channel) type Granted = Result<Lease, Error>;

/// What a call finds.
#[derive(Debug)]
pub(crate) enum Pick {
    Ready(Lease),
    Wait(oneshot::Receiver<Granted>),
    Fail(Error),
}
