//! Resolver: a target's endpoints, by DNS where it has a name.
//!
//! Asked at each connection attempt; looks a name up again no sooner than
//! `grpc.dns_min_time_between_resolutions_ms` after it was found. Not here: which endpoint wins (`connector`).

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::target::Address;
use crate::error::{Error, chain};
use crate::runtime::blocking;

/// One place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

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
            Address::Sockets(addresses) => {
                let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
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

    /// Never empty. What was found before outlives a lookup that fails.
    pub(super) async fn endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        let (host, port) = match &self.address {
            Address::Host(host, port) => (host.as_str(), *port),
            Address::Sockets(addresses) => {
                return Ok(addresses.iter().copied().map(Endpoint::Tcp).collect());
            }
            Address::Unix(path) => return Ok(vec![Endpoint::Unix(path.clone())]),
        };
        let mut found = self.found.lock().await;
        if let Some((at, endpoints)) = &*found
            && at.elapsed() < self.min_interval
        {
            return Ok(endpoints.clone());
        }
        let name = (host.to_owned(), port);
        let failure = match blocking(move || name.to_socket_addrs()).await? {
            Ok(addresses) => {
                let mut endpoints = Vec::new();
                for address in addresses.map(Endpoint::Tcp) {
                    if !endpoints.contains(&address) {
                        endpoints.push(address);
                    }
                }
                if !endpoints.is_empty() {
                    *found = Some((Instant::now(), endpoints.clone()));
                    return Ok(endpoints);
                }
                format!("{host} has no address")
            }
            Err(error) => format!("cannot resolve {host}: {}", chain(&error)),
        };
        match &*found {
            Some((_, endpoints)) => {
                tracing::warn!("{failure}; what was found before is used");
                Ok(endpoints.clone())
            }
            None => Err(Error::unavailable(failure)),
        }
    }
}
