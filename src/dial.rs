//! Dial: from a name to a connection with the first of its addresses that answers (RFC 8305, "happy eyeballs").
//!
//! Not here: a tunnel through a proxy (`proxy`), and what is said on the connection.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::{Error, chain};
use crate::runtime::time::sleep;
use crate::runtime::{Socket, blocking};

/// RFC 8305, section 5: "Connection Attempt Delay".
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// One place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
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

/// Bytes both ways, whatever carries them.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub(crate) type BoxStream = Box<dyn Stream>;

/// The addresses of a host, each once; never empty. A name is looked up off the I/O thread.
pub(crate) async fn look_up(host: &str, port: u16) -> Result<Vec<Endpoint>, Error> {
    let name = (host.to_owned(), port);
    let addresses = blocking(move || name.to_socket_addrs())
        .await?
        .map_err(|error| Error::unavailable(format!("cannot resolve {host}: {}", chain(&error))))?;
    let mut endpoints = Vec::new();
    for address in addresses.map(Endpoint::Tcp) {
        if !endpoints.contains(&address) {
            endpoints.push(address);
        }
    }
    match endpoints.is_empty() {
        true => Err(Error::unavailable(format!("{host} has no address"))),
        false => Ok(endpoints),
    }
}

/// Connects to one, which errors call `peer`. Waits as long as the system does.
pub(crate) async fn connect(endpoint: &Endpoint, peer: &str) -> Result<BoxStream, Error> {
    let connected: Result<BoxStream, _> = match endpoint {
        Endpoint::Tcp(address) => Socket::connect_tcp(*address)
            .await
            .map(|stream| Box::new(stream) as _),
        Endpoint::Unix(path) => Socket::connect_unix(path)
            .await
            .map(|stream| Box::new(stream) as _),
    };
    connected.map_err(|error| Error::unavailable(format!("cannot connect to {peer}: {error}")))
}

/// What the first attempt gives that succeeds; the error names each with its reason. They begin one after another, the next when the
/// one before has failed or takes long; all that are left end with the first that wins.
pub(crate) async fn race<'a, T, A>(
    endpoints: &'a [Endpoint],
    attempt: impl Fn(&'a Endpoint) -> A,
) -> Result<T, Error>
where
    A: Future<Output = Result<T, Error>>,
{
    let mut untried = interleaved(endpoints).into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failures: Vec<Error> = Vec::new();
    loop {
        if let Some(endpoint) = untried.next() {
            attempts.push(attempt(endpoint));
        } else if attempts.is_empty() {
            return Err(joined(failures));
        }
        let delay = async {
            match untried.len() {
                0 => std::future::pending().await,
                _ => sleep(ATTEMPT_DELAY).await,
            }
        };
        tokio::select! {
            // A failure lets the next begin at once.
            Some(ended) = attempts.next() => match ended {
                Ok(won) => return Ok(won),
                Err(error) => failures.push(error),
            },
            () = delay => {}
        }
    }
}

/// IPv6 and IPv4 in turn, the family that the resolver put first leading (RFC 8305, section 4).
fn interleaved(endpoints: &[Endpoint]) -> Vec<&Endpoint> {
    let is_v6 =
        |endpoint: &Endpoint| matches!(endpoint, Endpoint::Tcp(address) if address.is_ipv6());
    let first = endpoints.first().is_some_and(is_v6);
    let (leading, other): (Vec<_>, Vec<_>) = endpoints
        .iter()
        .partition(|endpoint| is_v6(endpoint) == first);
    let mut ordered = Vec::with_capacity(endpoints.len());
    let (mut leading, mut other) = (leading.into_iter(), other.into_iter());
    while ordered.len() < endpoints.len() {
        ordered.extend(leading.next());
        ordered.extend(other.next());
    }
    ordered
}

/// Of several attempts, each with its reason.
fn joined(mut failures: Vec<Error>) -> Error {
    if failures.len() == 1 {
        return failures.remove(0);
    }
    let texts: Vec<_> = failures.iter().map(Error::message).collect();
    Error::unavailable(texts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns() {
        let endpoints = [
            "[::1]:1",
            "[::1]:2",
            "[::1]:3",
            "127.0.0.1:1",
            "127.0.0.1:2",
        ]
        .map(|address| Endpoint::Tcp(address.parse().unwrap()));
        let order: Vec<_> = interleaved(&endpoints)
            .into_iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            order,
            [
                "[::1]:1",
                "127.0.0.1:1",
                "[::1]:2",
                "127.0.0.1:2",
                "[::1]:3"
            ]
        );
    }
}
