//! Where round_robin's endpoints are: looked up apart from connecting to them, and again when a connection fails.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Balancer;
use super::pool::{Lookup, Pool};
use super::subchannel::Subchannel;
use crate::backoff::Backoff;
use crate::channel::connector::Connector;
use crate::dial::Endpoint;
use crate::error::Error;
use crate::runtime::time::sleep;
use crate::runtime::{caught, lock};

impl Balancer {
    pub(super) fn look_up(self: &Arc<Self>, pool: &mut Pool) -> Result<(), Error> {
        if pool.lookup == Lookup::None {
            let task = look_up(Arc::downgrade(self), Arc::clone(&self.connector));
            self.spawn(task)?;
            pool.lookup = Lookup::Running;
        }
        Ok(())
    }

    /// A connection failed: perhaps the gateways have moved.
    pub(super) fn look_up_again(self: &Arc<Self>, pool: &mut Pool) {
        if let Err(error) = self.look_up(pool) {
            tracing::debug!("not looked up: {error}"); // the runtime ends
        }
    }

    /// round_robin's new endpoints; connections to others end with their calls.
    fn resolved(self: &Arc<Self>, endpoints: &[Endpoint]) {
        let mut pool = lock(&self.pool);
        pool.lookup = Lookup::None;
        if pool.closed {
            return;
        }
        let gone = |subchannel: &Subchannel| {
            !subchannel
                .endpoint
                .as_ref()
                .is_some_and(|endpoint| endpoints.contains(endpoint))
        };
        pool.subchannels
            .extract_if(.., |subchannel| gone(subchannel))
            .for_each(|subchannel| subchannel.stop());
        for endpoint in endpoints {
            let known = |subchannel: &Subchannel| subchannel.endpoint.as_ref() == Some(endpoint);
            if !pool.subchannels.iter().any(known) {
                pool.subchannels
                    .push(self.subchannel(Some(endpoint.clone())));
            }
        }
        if let Err(error) = self.want(&mut pool) {
            pool.last_error = Some(error);
        }
        self.announce(&pool);
    }

    /// Returns the pause before the next lookup, if anybody still wants one. What was found before goes on meanwhile.
    fn unresolved(&self, error: Error, backoff: &mut Backoff) -> Option<Duration> {
        let pause = backoff.pause(fastrand::f64());
        tracing::warn!("{error}; the next attempt is in {} ms", pause.as_millis());
        let mut pool = lock(&self.pool);
        let again = !self.lies_idle(&pool);
        pool.lookup = if again { Lookup::Failed } else { Lookup::None };
        self.fail_waiting(pool, error);
        again.then_some(pause)
    }
}

/// Looks up round_robin's endpoints, until they are found or nobody wants them any more.
async fn look_up(balancer: Weak<Balancer>, connector: Arc<Connector>) {
    let mut backoff = match balancer.upgrade() {
        Some(this) => this.settings.backoff,
        None => return,
    };
    loop {
        let found = caught(connector.resolver.endpoints_anew())
            .await
            .unwrap_or_else(Err);
        let Some(this) = balancer.upgrade() else {
            return;
        };
        let error = match found {
            Ok(endpoints) => return this.resolved(&endpoints),
            Err(error) => error,
        };
        let Some(pause) = this.unresolved(error, &mut backoff) else {
            return;
        };
        drop(this);
        sleep(pause).await;
        if let Some(this) = balancer.upgrade() {
            lock(&this.pool).lookup = Lookup::Running;
        }
    }
}
