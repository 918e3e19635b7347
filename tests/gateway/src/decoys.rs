//! Sockets with nothing of a gateway behind them: ports that cannot be reached, and peers that speak no HTTP/2, or take leave in it at once.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::sockets::{Listening, Stream};

/// How long a connect on loopback may take before its port counts as a black hole.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(50);
/// How long a peer may take to ask, and then to close.
const PATIENCE: Duration = Duration::from_secs(10);

/// A peer that accepts connections, and what it says to whoever sends something.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decoy {
    /// It says and reads nothing.
    Silent,
    Says(&'static str),
    /// The second again and again.
    SaysForEver(&'static str, &'static str),
}

impl Decoy {
    /// Its headers, and the page's footer, name TLS as real ones do.
    pub(crate) const HTTP1: Self = Self::Says(
        "HTTP/1.1 404 Not Found\r\nserver: Apache/2.4.71 (Debian) OpenSSL/3.0.20\r\nalt-svc: h3=\":443\"\r\n\
         strict-transport-security: max-age=1\r\nlink: <https://localhost/>\r\nconnection: close\r\n\
         content-length: 101\r\n\r\n\
         <a href=\"https://localhost/\">Home</a><address>Apache (Debian) OpenSSL/3.0.20 mod_ssl/2.4.71</address>",
    );
    pub(crate) const PROXY_407: Self = Self::Says(
        "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"test\"\r\n\
         connection: close\r\ncontent-length: 0\r\n\r\n",
    );
    pub(crate) const PROXY_502: Self =
        Self::Says("HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    /// SETTINGS, and GOAWAY of which the last stream is 0.
    pub(crate) const LEAVING: Self =
        Self::Says("\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Interim answers, and none that follows.
    pub(crate) const ENDLESS_INTERIM: Self = Self::SaysForEver("", "HTTP/1.1 100 Continue\r\n\r\n");
    /// The length of a chunk, which never ends.
    pub(crate) const ENDLESS_CHUNK: Self =
        Self::SaysForEver("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "0");

    /// Deceives until the gateway stops.
    pub(crate) async fn run(
        self,
        listening: Listening,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) {
        let hold = |stream, _| self.hold(stream, stop.clone());
        listening.accept_all(&stop, &tasks, hold).await;
    }

    async fn hold(self, mut stream: Stream, stop: CancellationToken) {
        let (answer, more) = match self {
            Self::Silent => return stop.cancelled().await,
            Self::Says(answer) => (answer, None),
            Self::SaysForEver(answer, more) => (answer, Some(more)),
        };
        let spoken = tokio::time::timeout(PATIENCE, speak(&mut stream, answer, more));
        // How the peer ended it is of no interest here.
        drop(stop.run_until_cancelled(spoken).await);
    }
}

/// The rest of what the peer sends is read before the close, which would be a reset otherwise.
async fn speak(stream: &mut Stream, answer: &str, more: Option<&str>) -> io::Result<()> {
    let mut asked = Vec::new();
    // Up to the blank line, which HTTP/2 has within its preface; what follows it came along, or comes.
    while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut asked).await? == 0 {
            break;
        }
    }
    stream.write_all(answer.as_bytes()).await?;
    if let Some(more) = more {
        let more = more.repeat(1000);
        loop {
            stream.write_all(more.as_bytes()).await?;
        }
    }
    stream.shutdown().await?;
    tokio::io::copy(stream, &mut tokio::io::sink()).await?;
    Ok(())
}

/// A port that nobody can connect to, as long as this is kept.
#[derive(Debug)]
pub(crate) struct DeadPort {
    pub(crate) address: SocketAddr,
    _sockets: Vec<Socket>,
}

impl DeadPort {
    /// Connects are refused: the socket is bound, but does not listen.
    pub(crate) fn refused() -> io::Result<Self> {
        Self::of(bound()?, Vec::new())
    }

    /// Connects hang: Linux drops the SYNs for a listening socket whose accept queue is full. Elsewhere there may be
    /// no such port.
    pub(crate) fn blackhole() -> io::Result<Option<Self>> {
        let socket = bound()?;
        socket.listen(0)?;
        let address = local(&socket)?;
        let mut sockets = Vec::new();
        for _ in 0..16 {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(stream) => sockets.push(stream.into()),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Self::of(socket, sockets).map(Some);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn of(socket: Socket, mut sockets: Vec<Socket>) -> io::Result<Self> {
        let address = local(&socket)?;
        sockets.push(socket);
        Ok(Self {
            address,
            _sockets: sockets,
        })
    }
}

fn bound() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    Ok(socket)
}

fn local(socket: &Socket) -> io::Result<SocketAddr> {
    let address = socket.local_addr()?.as_socket();
    address.ok_or_else(|| io::Error::other("a socket without an address"))
}
