//! Tap: listens to how a peer begins and ends below TLS, whose errors tell less of it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::heard::{End, Heard};

/// A stream that is listened to.
pub(super) struct Tap<S> {
    stream: S,
    heard: Arc<Heard>,
    /// To how the peer begins.
    listens: bool,
    last: Instant,
}

impl<S> Tap<S> {
    pub(super) fn new(stream: S) -> (Self, Arc<Heard>) {
        let heard = Arc::<Heard>::default();
        let tap = Self {
            stream,
            heard: Arc::clone(&heard),
            listens: true,
            last: Instant::now(),
        };
        (tap, heard)
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.last = Instant::now();
        self.listens = self.listens && self.heard.begins(bytes);
    }

    fn failed(&self, error: &io::Error) {
        self.heard
            .ends(End::Failed(error.kind(), error.to_string()));
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        match &read {
            Poll::Pending => {}
            Poll::Ready(Err(error)) => this.failed(error),
            Poll::Ready(Ok(())) => match &buffer.filled()[before..] {
                [] if room > 0 => this.heard.ends(End::Closed(this.last.elapsed())),
                bytes => this.hear(bytes),
            },
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
