//! The byte stream between hyper and a gateway connection's socket, above TLS: it can be frozen, foreign bytes can be
//! put into it, and it tells when what was queued has been written. What the bytes mean is not its business, but for
//! counting frames.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connections::Connection;
use crate::context::Context;
use crate::frames::{Frame, Frames};

pub(crate) struct Wire<S> {
    inner: S,
    connection: Arc<Connection>,
    context: Arc<Context>,
    frames: Frames,
    /// That were made of the client; hyper takes its preface by the first.
    reads: u64,
}

impl<S> Wire<S> {
    pub(crate) fn new(inner: S, connection: Arc<Connection>, context: Arc<Context>) -> Self {
        Self {
            inner,
            connection,
            context,
            frames: Frames::default(),
            reads: 0,
        }
    }

    /// Pending while the gateway is frozen. The waker is kept first, so that no thaw is missed.
    fn poll_thawed(&self, task: &Task<'_>) -> Poll<()> {
        self.connection.turns.register(task.waker());
        if self.context.connections.is_frozen() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        self.reads += 1;
        for frame in self.frames.read(bytes) {
            match frame {
                Frame::Headers if self.reads == 2 => self.context.counters.count_early_call(),
                Frame::Headers => {}
                Frame::EmptyData => self.context.counters.count_empty_data(),
                Frame::RstStream => self.context.counters.count_stream_reset(),
                Frame::Ping => self.context.counters.count_ping(),
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    fn poll_injected(&mut self, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        let mut injected = self.connection.injected();
        while !injected.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(task, &injected))?;
            injected.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_thawed(task));
        self.connection.turns.begin();
        if self.connection.is_closing() {
            ready!(self.poll_injected(task))?;
            // As if the peer had ended it: hyper closes.
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let outcome = ready!(Pin::new(&mut self.inner).poll_read(task, buffer));
        self.count(&buffer.filled()[before..]);
        Poll::Ready(outcome)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_thawed(task));
        Pin::new(&mut self.inner).poll_write(task, bytes)
    }

    /// hyper flushes when it has written all it had, so what is injected here does not cut a frame.
    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_thawed(task));
        ready!(self.poll_injected(task))?;
        ready!(Pin::new(&mut self.inner).poll_flush(task))?;
        self.connection.turns.end();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_thawed(task));
        Pin::new(&mut self.inner).poll_shutdown(task)
    }
}
