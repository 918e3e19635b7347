//! Resolver: a target's endpoints, by DNS where it has a name.
//!
//! Asked at each connection attempt, and by round_robin when a connection fails; looks a name up again no sooner than
//! `grpc.dns_min_time_between_resolutions_ms` after it was found. Not here: which endpoint wins (`dial`).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::target::{Address, Socket};
use crate::dial::{self, Endpoint};
use crate::error::Error;
use crate::runtime::time::sleep;
use crate::sys;

#[derive(Debug)]
pub(super) struct Resolver {
    address: Address,
    min_interval: Duration,
    /// The lock is held during a lookup: one at a time, and who waits gets its result.
    found: Mutex<Option<(Instant, Vec<Endpoint>)>>,
}

/// What it resolves.
impl fmt::Display for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Host(host, port) => write!(f, "{host}:{port}"),
            Address::Sockets(sockets) => {
                let texts: Vec<_> = sockets.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(", "))
            }
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Resolver {
    pub(super) fn new(address: Address, min_interval: Duration) -> Self {
        Self {
            address,
            min_interval,
            found: Mutex::new(None),
        }
    }

    /// The name that is looked up, with its port, if there is one.
    pub(super) fn name(&self) -> Option<String> {
        match &self.address {
            Address::Host(host, port) if host.parse::<IpAddr>().is_err() => {
                Some(format!("{host}:{port}"))
            }
            _ => None,
        }
    }

    /// For an attempt; never empty. What was found before outlives a lookup that fails.
    pub(super) async fn endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        let mut found = self.found.lock().await;
        if let Some((at, endpoints)) = &*found
            && at.elapsed() < self.min_interval
        {
            return Ok(endpoints.clone());
        }
        match (self.look_up().await, &*found) {
            (Ok(endpoints), _) => {
                *found = Some((Instant::now(), endpoints.clone()));
                Ok(endpoints)
            }
            (Err(failure), Some((_, endpoints))) => {
                tracing::warn!("{failure}; what was found before is used");
                Ok(endpoints.clone())
            }
            (Err(failure), None) => Err(failure),
        }
    }

    /// Found anew, by round_robin, whose connections failed. Within the shortest time between two lookups it is put off to
    /// the end of that.
    pub(super) async fn endpoints_anew(&self) -> Result<Vec<Endpoint>, Error> {
        loop {
            let mut found = self.found.lock().await;
            let age = found.as_ref().map(|(at, _)| at.elapsed());
            match age.and_then(|age| self.min_interval.checked_sub(age)) {
                Some(left) if !left.is_zero() && self.name().is_some() => {
                    drop(found);
                    sleep(left).await;
                }
                _ => {
                    let endpoints = self.look_up().await?;
                    *found = Some((Instant::now(), endpoints.clone()));
                    return Ok(endpoints);
                }
            }
        }
    }

    async fn look_up(&self) -> Result<Vec<Endpoint>, Error> {
        match &self.address {
            Address::Host(host, port) => dial::look_up(host, *port).await,
            Address::Sockets(sockets) => those_there_are(sockets),
            Address::Unix(path) => Ok(vec![Endpoint::Unix(path.clone())]),
        }
    }
}

/// Only if all are in zones that this host has not, an error.
fn those_there_are(sockets: &[Socket]) -> Result<Vec<Endpoint>, Error> {
    let mut endpoints = Vec::new();
    let mut failure = None;
    for socket in sockets {
        match endpoint(socket) {
            Ok(endpoint) => endpoints.push(endpoint),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if endpoints.is_empty() => Err(error),
        _ => Ok(endpoints),
    }
}

/// With the number of its zone: interfaces come and go.
fn endpoint(socket: &Socket) -> Result<Endpoint, Error> {
    let mut address = socket.address;
    if let (SocketAddr::V6(address), Some(zone)) = (&mut address, &socket.zone) {
        let number = zone.parse().or_else(|_| sys::interface_number(zone));
        let number = number.map_err(|error| {
            Error::unavailable(format!(
                "cannot connect to {socket}: there is no network interface {zone:?}: {error}"
            ))
        })?;
        address.set_scope_id(number);
    }
    Ok(Endpoint::Tcp(address))
}
