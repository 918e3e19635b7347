//! What all listeners share.

use tokio_util::sync::CancellationToken;

use crate::connections::Connections;
use crate::gateway::Gateway;
use crate::options::Options;
use crate::switches::{Counters, Switches};
use crate::tokens::Tokens;

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) options: Options,
    pub(crate) gateway: Gateway,
    pub(crate) tokens: Tokens,
    pub(crate) connections: Connections,
    pub(crate) counters: Counters,
    pub(crate) switches: Switches,
    /// Cancelled when the gateway is to stop.
    pub(crate) stop: CancellationToken,
}
