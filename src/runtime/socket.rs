//! Sockets of an I/O thread: connected, read and written without waiting.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::here;
use super::reactor::{Direction, Registered};
use crate::sys;

/// So many reads follow one another without a wait: who reads in a loop until nothing is left would read for ever where a peer goes on for ever.
const READS: u8 = 64;

/// A connected stream socket of the I/O thread that it was made on.
pub(crate) struct Socket<S: Source> {
    registered: Registered<S>,
    /// Since the last wait.
    reads: u8,
}

impl Socket<TcpStream> {
    /// By TCP, without Nagle's delay. Waits as long as the system does.
    pub(crate) async fn connect_tcp(address: SocketAddr) -> io::Result<Self> {
        let socket = Self::connected(TcpStream::connect(address)?).await?;
        // Only a socket that is broken already refuses this; who uses it will tell.
        socket.registered.socket.set_nodelay(true).ok();
        Ok(socket)
    }
}

impl Socket<UnixStream> {
    /// To a Unix domain socket.
    pub(crate) async fn connect_unix(path: &Path) -> io::Result<Self> {
        Self::connected(UnixStream::connect(path)?).await
    }
}

impl<S: Source + AsFd> Socket<S> {
    async fn connected(stream: S) -> io::Result<Self> {
        let sources = here::sources()
            .ok_or_else(|| io::Error::other("no I/O thread runs here to wait for a socket"))?;
        let connecting = Registered::new(stream, sources)?;
        poll_fn(|context| connecting.poll_io(context, Direction::Write, outcome)).await?;
        Ok(Self {
            registered: connecting,
            reads: 0,
        })
    }
}

/// WouldBlock: the connection is still being made.
fn outcome(stream: &impl AsFd) -> io::Result<()> {
    let stream = SockRef::from(stream);
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        Err(error) => Err(error),
    }
}

impl<S: Source + AsFd + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads == READS {
            self.reads = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let room = buffer.remaining();
        let read = self.registered.poll_io(context, Direction::Read, |stream| {
            sys::receive(stream.as_fd(), buffer)
        });
        self.reads = match read {
            Poll::Ready(_) => self.reads + 1,
            Poll::Pending => 0,
        };
        read.map_ok(|length| {
            // The system tells anew of what comes after a read that was not filled.
            if cfg!(target_os = "linux") && 0 < length && length < room {
                self.registered.used_up(Direction::Read);
            }
        })
    }
}

impl<S: Source + AsFd + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self
            .registered
            .poll_io(context, Direction::Write, |stream| {
                sys::send(stream.as_fd(), bytes)
            });
        if let Poll::Ready(Err(_)) = written {
            // What came before is still there, also if no look has seen it yet.
            self.registered.ask(Direction::Read);
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&self.registered.socket).shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::runtime::reactor::{Reactor, Timer};

    /// A socket of this thread's, its peer, and who tells of it.
    fn connected() -> (Socket<TcpStream>, std::net::TcpStream, Reactor) {
        let (mut reactor, _) = Reactor::new(Timer::None).unwrap();
        here::Here::new(0, reactor.sources()).enter();
        let mut context = Context::from_waker(Waker::noop());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = {
            let mut connecting = pin!(Socket::connect_tcp(listener.local_addr().unwrap()));
            loop {
                if let Poll::Ready(connected) = connecting.as_mut().poll(&mut context) {
                    break connected.unwrap();
                }
                look(&mut reactor);
            }
        };
        (socket, listener.accept().unwrap().0, reactor)
    }

    fn look(reactor: &mut Reactor) {
        reactor.wait(Some(Duration::from_secs(60)));
        reactor.tell();
    }

    #[test]
    fn a_peer_that_never_stops_leaves_others_their_turn() {
        const BYTES: usize = 1000;
        let (mut socket, mut peer, mut reactor) = connected();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut context = Context::from_waker(&waker);
        peer.write_all(&[0; BYTES]).unwrap();
        let (mut reads, mut turns) = (0, 0);
        while reads < BYTES {
            let mut in_a_row = 0;
            while reads < BYTES
                && let Poll::Ready(read) = pin!(socket.read(&mut [0])).poll(&mut context)
            {
                assert_eq!(read.unwrap(), 1);
                (reads, in_a_row) = (reads + 1, in_a_row + 1);
            }
            assert!(in_a_row <= usize::from(READS), "{in_a_row}");
            match wakes.0.swap(0, Ordering::Relaxed) {
                0 if reads < BYTES => look(&mut reactor),
                wakes => turns += wakes,
            }
        }
        // Nothing more had to come, and nobody had to look, for each to go on.
        assert!(turns >= BYTES / usize::from(READS) - 1, "{turns}");
        here::Here::leave();
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_a_peer_said_before_a_write_fails_can_be_read_at_once() {
        let (mut socket, mut peer, _reactor) = connected();
        let mut context = Context::from_waker(Waker::noop());
        let mut heard = [0; 64];
        assert!(
            pin!(socket.write(b"hello, once"))
                .poll(&mut context)
                .is_ready()
        );
        peer.read_exact(&mut heard[..5]).unwrap();
        assert!(
            pin!(socket.read(&mut heard))
                .poll(&mut context)
                .is_pending()
        );

        // Something is left that it did not read, so that its system refuses what comes after.
        peer.write_all(b"farewell").unwrap();
        drop(peer);
        let mut writes = 0..10_000;
        while let Poll::Ready(Ok(_)) = pin!(socket.write(b"more")).poll(&mut context) {
            writes.next().expect("it refuses what is written");
        }
        // No look at the sockets came in between.
        let Poll::Ready(Ok(length)) = pin!(socket.read(&mut heard)).poll(&mut context) else {
            panic!("nothing is read");
        };
        assert_eq!(&heard[..length], b"farewell");
        here::Here::leave();
    }
}
