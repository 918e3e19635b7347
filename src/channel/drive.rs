//! Drive: moves the bytes between a connection's socket and its HTTP/2, a bounded turn at a time.

use std::cell::RefCell;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::heard::End;
use super::transport::Transport;

/// What is read in one turn, before others of the thread have theirs.
const TURN: usize = 64 * 1024;
const FRAMES: usize = 256;
/// After a write has failed: reads of what the peer said before, which may be why.
const LAST_READS: usize = 64;
/// Over TLS a write that fails may have sent some of its records. So many bytes (RFC 8446, section 5.1) are one, of which nothing can be read until
/// it is whole, if nothing of an earlier write waits before them.
const RECORD: usize = 1 << 14;

thread_local! {
    /// Read into by all connections of a thread, so that one without traffic has no memory for it. What is handed on lies
    /// in it; it is used again once that is gone.
    static BUFFER: RefCell<BytesMut> = RefCell::default();
}

/// Ready when the connection has ended, with whether that was in order: nothing was left to do on it. Dropped before, it ends
/// what is left on it.
pub(super) struct Drive<S> {
    socket: S,
    transport: Arc<Transport>,
    /// What came and was not taken yet: the beginning of a frame, or more frames than a turn takes.
    rest: Bytes,
    has_frames: bool,
    /// To how the peer begins.
    listens: bool,
    /// Nothing that the socket took waits in it.
    is_flushed: bool,
    /// When there was traffic last.
    last: Instant,
}

impl<S> Drive<S> {
    pub(super) fn new(socket: S, transport: &Arc<Transport>) -> Self {
        Self {
            socket,
            transport: Arc::clone(transport),
            rest: Bytes::new(),
            has_frames: false,
            listens: true,
            is_flushed: true,
            last: Instant::now(),
        }
    }

    fn failed(&self, error: &io::Error) {
        let end = End::Failed(error.kind(), error.to_string());
        self.transport.heard.ends(end);
    }
}

impl<S> Drop for Drive<S> {
    fn drop(&mut self) {
        self.transport.lose();
    }
}

/// What a read brought.
enum Came {
    /// So many bytes, of which all that a turn takes were taken.
    Bytes(usize),
    /// The peer sends nothing more, or broke HTTP/2.
    End,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Drive<S> {
    /// Reads once, and takes what came.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Came> {
        if self.has_frames {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(self.take(rest, 0));
        }
        let mut buffer = BUFFER.take();
        buffer.reserve(self.rest.len() + TURN);
        buffer.extend_from_slice(&self.rest);
        let read = pin!(self.socket.read_buf(&mut buffer)).poll(context);
        let came = match read {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(0)) => {
                let silence = self.last.elapsed();
                self.transport.heard.ends(End::Closed(silence));
                Poll::Ready(Came::End)
            }
            Poll::Ready(Err(error)) => {
                self.failed(&error);
                Poll::Ready(Came::End)
            }
            Poll::Ready(Ok(length)) => {
                let chunk = buffer.split().freeze();
                self.last = Instant::now();
                let came = &chunk[self.rest.len()..];
                self.listens = self.listens && self.transport.heard.begins(came);
                Poll::Ready(self.take(chunk, length))
            }
        };
        buffer.clear();
        BUFFER.set(buffer);
        came
    }

    fn take(&mut self, mut chunk: Bytes, length: usize) -> Came {
        match self
            .transport
            .receive(&chunk, length > 0, FRAMES, self.last)
        {
            Ok(received) => {
                self.has_frames = received.frames >= FRAMES;
                self.rest = chunk.split_off(received.bytes);
                Came::Bytes(length)
            }
            Err(error) => {
                self.transport.give_up(format!(
                    "this client closed it, for the peer broke HTTP/2: {}: {}",
                    error.code, error.why
                ));
                Came::End
            }
        }
    }

    /// Writes all that waits, as far as the socket takes it.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut state = self.transport.state();
            if state.http2.output().is_empty() {
                break;
            }
            let written = Pin::new(&mut self.socket).poll_write(context, state.http2.output());
            let was_flushed = std::mem::replace(&mut self.is_flushed, false);
            match written {
                Poll::Pending => {
                    self.transport.wrote(&mut state, 0);
                    break;
                }
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(length)) => {
                    self.transport.wrote(&mut state, length);
                    self.last = Instant::now();
                }
                Poll::Ready(Err(error)) => {
                    if !was_flushed || state.http2.output().len() > RECORD {
                        state.http2.wrote_in_part();
                    }
                    return Poll::Ready(Err(error));
                }
            }
        }
        let flushed = Pin::new(&mut self.socket).poll_flush(context);
        self.is_flushed = matches!(flushed, Poll::Ready(Ok(())));
        flushed
    }

    /// The socket takes nothing more. What the peer said before is still there: a GOAWAY that says what was not processed.
    fn read_to_end(&mut self, context: &mut Context<'_>, error: &io::Error) {
        let mut reads = 0..LAST_READS;
        // The first Pending may be a turn of others, for what was read before; the second says that nothing is there.
        for _ in 0..2 {
            while matches!(self.poll_read(context), Poll::Ready(Came::Bytes(_))) {
                if reads.next().is_none() {
                    break;
                }
            }
        }
        self.failed(error);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Drive<S> {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let this = self.get_mut();
        this.transport.register_driver(context);
        let mut left = TURN;
        loop {
            if let Poll::Ready(Err(error)) = this.poll_write(context) {
                this.read_to_end(context, &error);
                return Poll::Ready(false);
            }
            if this.transport.is_over() {
                this.transport.say_goodbye();
                break;
            }
            match this.poll_read(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Came::End) => break,
                Poll::Ready(Came::Bytes(length)) => left = left.saturating_sub(length.max(1)),
            }
            if left == 0 || this.has_frames {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        let in_order = this.transport.is_over();
        // A last word, if the socket takes it at once; nobody waits for it.
        drop(this.poll_write(context));
        drop(Pin::new(&mut this.socket).poll_shutdown(context));
        Poll::Ready(in_order)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use tokio::io::ReadBuf;

    use super::*;
    use crate::channel::connection::Connection;
    use crate::http2::{self, Key};

    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

    /// GOAWAY, NO_ERROR.
    fn goaway(last_stream: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, 8, 7, 0, 0, 0, 0, 0];
        frame.extend([0, 0, 0, last_stream, 0, 0, 0, 0]);
        frame
    }

    /// What it says, a piece a read, `None` for its end; and whether it takes what is written.
    struct Peer {
        says: VecDeque<Option<Vec<u8>>>,
        reads: usize,
        wrote: Vec<u8>,
        refuses: bool,
        stands_still: bool,
        /// What it took waits.
        holds_back: bool,
    }

    impl AsyncRead for Peer {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            match self.says.pop_front() {
                None => return Poll::Pending,
                Some(None) => {}
                Some(Some(mut said)) => {
                    let rest = said.split_off(said.len().min(buffer.remaining()));
                    buffer.put_slice(&said);
                    self.reads += 1;
                    if !rest.is_empty() {
                        self.says.push_front(Some(rest));
                    }
                }
            }
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Peer {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.refuses {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            if self.stands_still {
                return Poll::Pending;
            }
            self.wrote.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.holds_back {
                true => Poll::Pending,
                false => Poll::Ready(Ok(())),
            }
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn transport() -> Arc<Transport> {
        Transport::new(http2::Config {
            stream_window: 1 << 20,
            connection_window: 1 << 20,
            headers: http2::Limits {
                fields: 8192,
                kept_fields: 8192,
                keeps: |_| false,
                block: 8192,
            },
        })
    }

    struct Test {
        transport: Arc<Transport>,
        drive: Drive<Peer>,
        wakes: Arc<Wakes>,
    }

    impl Test {
        /// With a peer that has not spoken.
        fn silent() -> Self {
            let transport = transport();
            let peer = Peer {
                says: VecDeque::new(),
                reads: 0,
                wrote: Vec::new(),
                refuses: false,
                stands_still: false,
                holds_back: false,
            };
            Self {
                drive: Drive::new(peer, &transport),
                transport,
                wakes: Arc::default(),
            }
        }

        /// With a peer whose SETTINGS came.
        fn ready() -> Self {
            let mut test = Self::silent();
            test.says([Some(SETTINGS.to_vec())]);
            assert_eq!(test.poll(), Poll::Pending);
            assert!(test.transport.is_ready());
            test
        }

        fn poll(&mut self) -> Poll<bool> {
            let waker = Waker::from(Arc::clone(&self.wakes));
            Pin::new(&mut self.drive).poll(&mut Context::from_waker(&waker))
        }

        fn says(&mut self, said: impl IntoIterator<Item = Option<Vec<u8>>>) {
            self.drive.socket.says.extend(said);
        }

        /// The connection is lost at the next write.
        fn breaks(&mut self) {
            self.drive.socket.refuses = true;
            self.says([None]);
            assert_eq!(self.poll(), Poll::Ready(false));
            self.transport.lose();
        }

        fn open(&self) -> (Key, usize) {
            let head = crate::channel::request::Head::of_test();
            self.transport.open(&head, &[], b"", true).unwrap()
        }

        fn end(&self, answer: usize) -> Option<http2::End> {
            let context = &Context::from_waker(Waker::noop());
            match self.transport.state().answers[answer].poll_head(context) {
                Poll::Ready(head) => Some(head.unwrap_err()),
                Poll::Pending => None,
            }
        }
    }

    #[test]
    fn what_was_said_before_a_write_failed_decides_what_was_processed() {
        let mut test = Test::ready();
        let (_, first) = test.open();
        assert_eq!(test.poll(), Poll::Pending);
        let (_, second) = test.open();
        test.drive.socket.refuses = true;
        test.says([Some(goaway(1)), None]);
        assert_eq!(test.poll(), Poll::Ready(false));
        let Test {
            drive, transport, ..
        } = &test;
        assert!(drive.socket.says.is_empty());
        assert_eq!(
            transport.why_lost(),
            "the peer sent GOAWAY NO_ERROR (0), of which the last stream is 1, then closed the connection (FIN)"
        );
        assert_eq!(test.end(second), Some(http2::End::Unprocessed));
        assert_eq!(test.end(first), None);
        let Test {
            drive, transport, ..
        } = test;
        drop(drive);
        let context = &Context::from_waker(Waker::noop());
        let head = transport.state().answers[first].poll_head(context);
        assert!(matches!(head, Poll::Ready(Err(http2::End::Lost))));
    }

    #[test]
    fn of_what_was_opened_before_a_write_failed_nothing_was_sent() {
        let mut test = Test::ready();
        let (_, written) = test.open();
        assert_eq!(test.poll(), Poll::Pending);
        let (_, unwritten) = test.open();
        test.breaks();
        assert_eq!(test.end(written), Some(http2::End::Lost));
        assert_eq!(test.end(unwritten), Some(http2::End::Unwritten));
    }

    #[test]
    fn of_what_is_more_than_a_record_some_may_have_gone_before_a_write_failed() {
        let mut test = Test::ready();
        let head = crate::channel::request::Head::of_test();
        let long = [0; RECORD];
        let (_, answer) = test.transport.open(&head, &[], &long, true).unwrap();
        test.breaks();
        assert_eq!(test.end(answer), Some(http2::End::Lost));
    }

    #[test]
    fn of_what_comes_behind_a_write_that_is_under_way_some_may_have_gone() {
        let mut test = Test::ready();
        test.drive.socket.holds_back = true;
        test.open();
        assert_eq!(test.poll(), Poll::Pending);
        let (_, behind) = test.open();
        test.breaks();
        assert_eq!(test.end(behind), Some(http2::End::Lost));
    }

    /// Before its SETTINGS a peer may have processed what its socket took, as the kernel of one does that stands still.
    #[test]
    fn what_a_peer_that_has_not_spoken_may_have_processed_its_first_bytes_decide() {
        let alert: &[u8] = &[21, 3, 1, 0, 2, 2, 22];
        for (takes, says, end) in [
            (false, None, http2::End::Unwritten),
            (true, None, http2::End::Lost),
            (true, Some(&b"S"[..]), http2::End::Lost),
            (true, Some(&SETTINGS[..5]), http2::End::Lost),
            (true, Some(alert), http2::End::Unheard),
            (
                true,
                Some(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
                http2::End::Unheard,
            ),
        ] {
            let mut test = Test::silent();
            let (_, answer) = test.open();
            test.drive.socket.refuses = !takes;
            test.says(says.map(|said| Some(said.to_vec())));
            test.says([None]);
            assert_eq!(test.poll(), Poll::Ready(false));
            test.transport.lose();
            assert_eq!(test.end(answer), Some(end), "{takes} {says:?}");
        }
    }

    #[test]
    fn a_turn_is_bounded_by_bytes_and_by_frames() {
        let ping = [&[0, 0, 8, 6, 0, 0, 0, 0, 0][..], &[7; 8]].concat();
        let unknown = [&[0, 0x40, 0, 99, 0, 0, 0, 0, 0][..], &[7; 0x4000]].concat();
        for (frame, most) in [(&ping, FRAMES * ping.len()), (&unknown, TURN)] {
            let mut test = Test::ready();
            let flood: Vec<u8> = frame.repeat(2 * TURN / frame.len() + 1);
            let length = flood.len();
            test.says([Some(flood)]);
            let mut turns = 0;
            loop {
                let before = test.wakes.0.load(Ordering::SeqCst);
                let reads = test.drive.socket.reads;
                assert_eq!(test.poll(), Poll::Pending);
                turns += 1;
                assert!(test.drive.socket.reads <= reads + 1);
                if test.wakes.0.load(Ordering::SeqCst) == before {
                    break;
                }
            }
            assert!(turns >= length / most, "{turns}");
            assert!(test.drive.socket.says.is_empty() && test.drive.rest.is_empty());
        }
    }

    #[test]
    fn what_waits_for_a_peer_that_takes_nothing_is_bounded_and_calls_go_on_once_it_takes_it() {
        let mut test = Test::ready();
        let connection = Connection::new(&test.transport, "peer", 0);
        test.drive.socket.stands_still = true;
        let mut opened = 0;
        while connection.admit() {
            opened += 1;
            assert!(opened < 1_000_000);
            let (key, answer) = test.open();
            assert_eq!(test.poll(), Poll::Pending);
            let mut state = test.transport.state();
            state.http2.reset(key, http2::Code::CANCEL);
            state.answers.remove(answer);
            drop(state);
            connection.release();
        }
        let waiting = test.transport.state().http2.output().len();
        assert!((1 << 20..1 << 21).contains(&waiting), "{waiting}");
        test.transport.take_news();
        test.drive.socket.stands_still = false;
        assert_eq!(test.poll(), Poll::Pending);
        assert!(test.transport.take_news().streams && connection.admit());
    }

    /// Who has no stream now may have one later; only who gets none any more is to look elsewhere.
    #[test]
    fn a_connection_that_has_no_stream_free_takes_calls_and_one_that_drains_does_not() {
        let mut test = Test::ready();
        let connection = Connection::new(&test.transport, "peer", 0);
        test.open();
        let one_stream = [&[0, 0, 6, 4, 0, 0, 0, 0, 0][..], &[0, 3, 0, 0, 0, 1]].concat();
        let head = crate::channel::request::Head::of_test();
        for (said, takes_calls) in [(one_stream, true), (goaway(1), false)] {
            test.says([Some(said)]);
            assert_eq!(test.poll(), Poll::Pending);
            assert!(test.transport.open(&head, &[], b"", true).is_none());
            assert_eq!(connection.takes_calls(), takes_calls);
        }
    }

    #[test]
    fn a_burst_of_calls_that_was_not_written_yet_waits_for_nothing() {
        let mut test = Test::ready();
        let connection = Connection::new(&test.transport, "peer", 0);
        for _ in 0..100_000 {
            assert!(connection.admit());
            test.open();
        }
        assert!(test.transport.state().http2.output().len() > 1 << 20);
        assert_eq!(test.poll(), Poll::Pending);
        assert!(test.transport.state().http2.output().is_empty());
    }

    /// Long lists of fields count for more than a frame: more may be counted than a turn takes, and the rest is there all the same.
    #[test]
    fn what_came_whole_is_read_whole_wherever_a_turn_ends() {
        let pong = [&[0, 0, 8, 6, 1, 0, 0, 0, 0][..], &[7; 8]].concat();
        // 200, a long entry of the table, and it again, a byte each time.
        let mut block = vec![0x88, 0x40, 1, b'x', 0x7f, 0x81, 0x1e];
        block.extend([b'y'; 3968]);
        block.extend([0xbe; 20]);
        let [_, _, a, b] = (block.len() as u32).to_be_bytes();
        let head = [&[0, a, b, 1, 4, 0, 0, 0, 1][..], &block].concat();
        let end = [0, 0, 1, 0, 1, 0, 0, 0, 1, b'x'];
        for before in FRAMES - 8..FRAMES + 2 {
            let mut test = Test::ready();
            let (_, answer) = test.open();
            assert_eq!(test.poll(), Poll::Pending);
            test.says([Some([&pong.repeat(before)[..], &head, &end].concat())]);
            loop {
                let wakes = test.wakes.0.load(Ordering::SeqCst);
                assert_eq!(test.poll(), Poll::Pending);
                if test.wakes.0.load(Ordering::SeqCst) == wakes {
                    break;
                }
            }
            let state = test.transport.state();
            assert!(state.answers[answer].has_ended(), "{before}");
        }
    }

    #[test]
    fn a_connection_ends_in_order_once_nobody_wants_it_and_its_last_stream_has_ended() {
        let mut test = Test::ready();
        let (key, answer) = test.open();
        test.transport.release();
        assert_eq!(test.poll(), Poll::Pending);
        {
            let mut state = test.transport.state();
            state.http2.reset(key, http2::Code::CANCEL);
            state.answers.remove(answer);
        }
        assert_eq!(test.poll(), Poll::Ready(true));
        let goodbye = goaway(0);
        assert!(test.drive.socket.wrote.ends_with(&goodbye));
    }

    #[test]
    fn a_peer_that_breaks_http2_is_told_and_named() {
        let mut test = Test::ready();
        let (_, answer) = test.open();
        test.says([Some([&[0, 0, 8, 6, 0, 0, 0, 0, 1][..], &[7; 8]].concat())]);
        assert_eq!(test.poll(), Poll::Ready(false));
        let why = test.transport.why_lost();
        assert!(
            why.starts_with("this client closed it, for the peer broke HTTP/2: PROTOCOL_ERROR (1)"),
            "{why}"
        );
        let wrote = &test.drive.socket.wrote;
        assert!(wrote.windows(4).any(|bytes| bytes[3] == 7), "no GOAWAY");
        let transport = Arc::clone(&test.transport);
        drop(test);
        let context = &Context::from_waker(Waker::noop());
        let head = transport.state().answers[answer].poll_head(context);
        assert!(matches!(head, Poll::Ready(Err(http2::End::Lost))));
    }
}
