//! Listening sockets, of TCP and Unix, and the connections that they accept.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use socket2::{SockRef, Socket};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::places::Place;

/// For a port that was asked for and is another's: a connection that just had it as its own, or the gateway before.
const PORT_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) type Stream = Either<TcpStream, UnixStream>;

#[derive(Debug)]
pub(crate) enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listening {
    pub(crate) async fn tcp(address: IpAddr, port: u16) -> io::Result<(Self, Place)> {
        let begin = Instant::now();
        let listener = loop {
            match TcpListener::bind(SocketAddr::new(address, port)).await {
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse
                        && port != 0
                        && begin.elapsed() < PORT_PATIENCE =>
                {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                bound => break bound?,
            }
        };
        let place = Place::Tcp(listener.local_addr()?);
        Ok((Self::Tcp(listener), place))
    }

    /// A socket that an earlier gateway left there is replaced.
    pub(crate) fn unix(path: &Path) -> io::Result<(Self, Place)> {
        if let Err(error) = std::fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let listener = UnixListener::bind(path)?;
        Ok((Self::Unix(listener), Place::Unix(path.to_owned())))
    }

    /// Accepts connections until the gateway stops, and has each held in a task of its own.
    pub(crate) async fn accept_all<F>(
        &self,
        stop: &CancellationToken,
        tasks: &TaskTracker,
        hold: impl Fn(Stream, Socket) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        while let Some(accepted) = stop.run_until_cancelled(self.accept()).await {
            match accepted {
                Ok((stream, handle)) => drop(tasks.spawn(hold(stream, handle))),
                // Out of descriptors, most likely: a pause gives connections time to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// A connection, and a second handle of its socket, which outlives the connection.
    async fn accept(&self) -> io::Result<(Stream, Socket)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let handle = SockRef::from(&stream).try_clone()?;
                Ok((Either::Left(stream), handle))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let handle = SockRef::from(&stream).try_clone()?;
                Ok((Either::Right(stream), handle))
            }
        }
    }
}
