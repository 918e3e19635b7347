//! Read-ahead: one read of a socket that has much to say stands for many small ones.
//!
//! rustls reads 4 KiB at a time. A socket that fills what it is given is read into a larger buffer, until
//! it has nothing more; then the buffer goes, so that a connection without traffic has none.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// Below what malloc maps afresh each time.
const AHEAD: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    buffer: Vec<u8>,
    /// What of the buffer came, and how much of that was given on.
    filled: usize,
    given: usize,
    /// The socket filled the last read, and was not found empty since.
    plenty: bool,
}

impl ReadAhead {
    pub(super) fn poll_read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut stream = Pin::new(stream);
        if self.given == self.filled {
            if !self.plenty || out.remaining() >= AHEAD {
                ready!(stream.poll_read(context, out))?;
                self.plenty = out.remaining() == 0;
                return Poll::Ready(Ok(()));
            }
            self.buffer.resize(AHEAD, 0);
            let mut ahead = ReadBuf::new(&mut self.buffer);
            let read = stream.as_mut().poll_read(context, &mut ahead);
            (self.given, self.filled) = (0, ahead.filled().len());
            if !matches!(read, Poll::Ready(Ok(()))) {
                *self = Self::default();
                return read;
            }
        }
        let length = out.remaining().min(self.filled - self.given);
        out.put_slice(&self.buffer[self.given..][..length]);
        self.given += length;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::Waker;

    use super::*;

    /// A socket: what it has when it is read, `None` for nothing yet; at last its end.
    struct Socket {
        has: VecDeque<Option<Vec<u8>>>,
        reads: usize,
    }

    impl AsyncRead for Socket {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.reads += 1;
            match self.has.pop_front() {
                Some(Some(mut bytes)) => {
                    let rest = bytes.split_off(bytes.len().min(out.remaining()));
                    out.put_slice(&bytes);
                    if !rest.is_empty() {
                        self.has.push_front(Some(rest));
                    }
                    Poll::Ready(Ok(()))
                }
                Some(None) => Poll::Pending,
                None => Poll::Ready(Ok(())),
            }
        }
    }

    /// Reads `size` bytes at a time until the socket has nothing: what came, and whether it was the end.
    fn drain(ahead: &mut ReadAhead, socket: &mut Socket, size: usize) -> (Vec<u8>, bool) {
        let mut came = Vec::new();
        loop {
            let mut bytes = vec![0; size];
            let mut out = ReadBuf::new(&mut bytes);
            match ahead.poll_read(socket, &mut Context::from_waker(Waker::noop()), &mut out) {
                Poll::Pending => return (came, false),
                Poll::Ready(Ok(())) if out.filled().is_empty() => return (came, true),
                Poll::Ready(read) => read.unwrap(),
            }
            came.extend_from_slice(out.filled());
        }
    }

    #[test]
    fn much_is_read_at_once_and_little_as_it_is_asked_for() {
        let much: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
        for size in [1000, 7266, AHEAD, AHEAD + 1] {
            let has = [Some(b"little".to_vec()), None, Some(much.clone())];
            let mut socket = Socket {
                has: has.into(),
                reads: 0,
            };
            let mut ahead = ReadAhead::default();
            let little = drain(&mut ahead, &mut socket, size);
            assert_eq!(little, (b"little".to_vec(), false));
            assert_eq!((socket.reads, ahead.buffer.capacity()), (2, 0));
            assert!(drain(&mut ahead, &mut socket, size) == (much.clone(), true));
            assert!(socket.reads < 22, "{} reads by {size}", socket.reads);
        }
    }

    #[test]
    fn a_socket_without_more_leaves_no_buffer() {
        let has = [Some(vec![7; 100_000]), None];
        let mut socket = Socket {
            has: has.into(),
            reads: 0,
        };
        let mut ahead = ReadAhead::default();
        assert_eq!(drain(&mut ahead, &mut socket, 4096).0.len(), 100_000);
        assert_eq!(ahead.buffer.capacity(), 0);
        assert!(!ahead.plenty);
    }
}
