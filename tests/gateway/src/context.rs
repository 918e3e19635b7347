//! What all listeners share.

use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthService;

use crate::assertions::Assertions;
use crate::call_log::CallLog;
use crate::certificates::Certificates;
use crate::connections::Connections;
use crate::counters::Counters;
use crate::gateway::Gateway;
use crate::issuers::Issuers;
use crate::options::Options;
use crate::switches::Switches;
use crate::token_endpoint::LastRequest;
use crate::tokens::Tokens;

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) options: Options,
    pub(crate) gateway: Gateway,
    pub(crate) health: HealthServer<HealthService>,
    pub(crate) certificates: Certificates,
    pub(crate) tokens: Tokens,
    pub(crate) assertions: Assertions,
    pub(crate) issuers: Issuers,
    pub(crate) connections: Connections,
    pub(crate) counters: Counters,
    pub(crate) calls: CallLog,
    pub(crate) switches: Switches,
    pub(crate) token_request: LastRequest,
    /// Cancelled when the gateway is to stop.
    pub(crate) stop: CancellationToken,
}
