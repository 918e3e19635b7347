//! Tap: listens to what a peer says and how it ends the connection, beside HTTP/2, whose errors tell less of it.
//!
//! It sees the bytes that come: how they begin, and in them each GOAWAY (RFC 9113 section 6.8). After a write that failed
//! it reads what is there still, for a peer that refuses says why, and closes; HTTP/2 reads no more then.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::heard::{ALL, End, GOAWAY, GoAway, Heard, OPENING, SHOWN};

const FRAME_HEADER: usize = 9;

/// A stream that is listened to.
pub(super) struct Tap<S> {
    stream: S,
    heard: Arc<Heard>,
    opened: usize,
    /// `None`: no HTTP/2 is spoken on it, but TLS.
    frames: Option<Frames>,
    last: Instant,
}

impl<S> Tap<S> {
    fn new(stream: S, frames: Option<Frames>) -> (Self, Arc<Heard>) {
        let heard = Arc::<Heard>::default();
        let tap = Self {
            stream,
            heard: Arc::clone(&heard),
            opened: 0,
            frames,
            last: Instant::now(),
        };
        (tap, heard)
    }

    pub(super) fn of_http2(stream: S) -> (Self, Arc<Heard>) {
        Self::new(stream, Some(Frames::default()))
    }

    pub(super) fn of_tls(stream: S) -> (Self, Arc<Heard>) {
        Self::new(stream, None)
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.last = Instant::now();
        if self.opened < OPENING {
            let taken = bytes.len().min(OPENING - self.opened);
            self.heard.begins(&bytes[..taken]);
            self.opened += taken;
        }
        if let Some(frames) = &mut self.frames {
            frames.read(bytes, |go_away| self.heard.goes_away(go_away));
        }
    }

    fn failed(&self, error: &io::Error) {
        self.heard
            .ends(End::Failed(error.kind(), error.to_string()));
    }
}

impl<S: AsyncRead + Unpin> Tap<S> {
    /// What came before a write failed, and whether the peer's end did: nobody reads after that.
    fn listen_on(&mut self, context: &mut Context<'_>, failed: &io::Error) {
        let mut bytes = [0; 4096];
        for _ in 0..64 {
            let mut buffer = ReadBuf::new(&mut bytes);
            if Pin::new(&mut *self)
                .poll_read(context, &mut buffer)
                .is_pending()
                || buffer.filled().is_empty()
            {
                break;
            }
        }
        self.failed(failed);
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

impl<S: AsyncRead + AsyncWrite + Unpin> Tap<S> {
    fn wrote<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &written {
            Poll::Pending => {}
            Poll::Ready(Ok(_)) => self.last = Instant::now(),
            Poll::Ready(Err(error)) => self.listen_on(context, error),
        }
        written
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.wrote(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, bytes);
        this.wrote(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_flush(context) {
            Poll::Ready(Err(error)) => this.wrote(context, Poll::Ready(Err(error))),
            flushed => flushed, // which is no traffic
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
/// Finds each GOAWAY in what comes, however it is cut.
#[derive(Debug, Default)]
struct Frames {
    header: [u8; FRAME_HEADER],
    got: usize,
    /// Of the payload.
    ahead: usize,
    /// Of a GOAWAY.
    payload: Vec<u8>,
}

impl Frames {
    fn read(&mut self, mut bytes: &[u8], mut found: impl FnMut(GoAway)) {
        while !bytes.is_empty() {
            if self.got < FRAME_HEADER {
                let taken = bytes.len().min(FRAME_HEADER - self.got);
                self.header[self.got..][..taken].copy_from_slice(&bytes[..taken]);
                self.got += taken;
                bytes = &bytes[taken..];
                if self.got < FRAME_HEADER {
                    return;
                }
                let [a, b, c, ..] = self.header;
                self.ahead = u32::from_be_bytes([0, a, b, c]) as usize;
            }
            let taken = bytes.len().min(self.ahead);
            if self.header[3] == GOAWAY {
                let room = (8 + SHOWN + 1).saturating_sub(self.payload.len());
                self.payload.extend_from_slice(&bytes[..taken.min(room)]);
            }
            self.ahead -= taken;
            bytes = &bytes[taken..];
            if self.ahead == 0 {
                self.got = 0;
                let payload = std::mem::take(&mut self.payload);
                if let Some((head, debug_data)) = payload.split_first_chunk::<8>() {
                    let [a, b, c, d, e, f, g, h] = *head;
                    found(GoAway {
                        reason: u32::from_be_bytes([e, f, g, h]).into(),
                        last_stream: u32::from_be_bytes([a, b, c, d]) & ALL,
                        debug_data: debug_data.to_vec(),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt;

    use super::*;

    /// SETTINGS, a GOAWAY, an empty DATA frame, another GOAWAY with debug data.
    fn said() -> Vec<u8> {
        let mut said = vec![0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 7];
        said.extend([
            0, 0, 8, GOAWAY, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0,
        ]);
        said.extend([0, 0, 0, 0, 1, 0, 0, 0, 1]);
        said.extend([0, 0, 12, GOAWAY, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 11]);
        said.extend(b"calm");
        said
    }

    #[test]
    fn each_goaway_is_found_however_the_bytes_are_cut() {
        let said = said();
        for size in 1..=said.len() {
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for chunk in said.chunks(size) {
                frames.read(chunk, |go_away| found.push(go_away));
            }
            let [first, second] = &found[..] else {
                panic!("{found:?}")
            };
            assert_eq!(
                (first.last_stream, first.reason),
                (ALL, h2::Reason::NO_ERROR)
            );
            assert_eq!(second.last_stream, 5);
            assert_eq!(second.debug_data, b"calm");
        }
    }

    /// Says all it has, and then closes; what is written to it comes too late.
    struct Refusing(io::Cursor<Vec<u8>>);

    impl AsyncRead for Refusing {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for Refusing {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_came_before_a_write_failed_is_heard() {
        let (mut tap, heard) = Tap::of_http2(Refusing(io::Cursor::new(said())));
        assert_eq!(heard.end(), None);
        tap.write_all(b"a request").await.unwrap_err();
        assert_eq!(
            heard.end().unwrap(),
            "the peer sent GOAWAY ENHANCE_YOUR_CALM (11) \"calm\", of which the last stream is 5, then closed the \
             connection (FIN)"
        );
        let mut bytes = [0; 8];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = poll_fn(|context| Pin::new(&mut tap).poll_read(context, &mut buffer));
        read.await.unwrap();
        assert!(!heard.take_too_many_pings());
    }
}
