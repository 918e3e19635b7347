//! Transport: one connection's HTTP/2, shared by the calls on it and by who drives its socket. A lock and wakers around `http2`.
//!
//! Threads: any; in fact all of a connection are on one, so that the lock is free.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use slab::Slab;

use super::heard::{Expected, Heard};
use super::incoming::Incoming;
use super::kept::Kept;
use super::request::Head;
use crate::http2::{
    Code, Config, ConnectionError, End, Field, Fields, GoAway, Key, Prepared, Received, Settings,
    Sink, Verdict,
};
use crate::runtime::lock;

/// While the socket takes nothing and so much waits for it, no more streams are opened. Content waits elsewhere: these are the headers of
/// calls, and the resets of those that ended meanwhile.
const MOST_WAITING: usize = 1024 * 1024;

/// So many streams a peer should allow (RFC 9113, section 6.5.2), until it says.
const EARLY_STREAMS: u32 = 100;

#[derive(Debug)]
pub(super) struct Transport {
    state: Mutex<State>,
    /// Of who drives the socket.
    driver: AtomicWaker,
    /// SETTINGS_MAX_CONCURRENT_STREAMS of the peer.
    max_streams: AtomicU32,
    /// Whether the peer's SETTINGS came.
    heard_settings: Arc<AtomicBool>,
    /// The peer takes too little for other streams.
    is_stuck: AtomicBool,
    /// Nobody will open another stream.
    is_released: AtomicBool,
    /// Why this side gave the connection up.
    given_up: OnceLock<String>,
    pub(super) heard: Heard,
}

#[derive(Debug)]
pub(super) struct State {
    /// Of each stream the place of its answer.
    pub(super) http2: crate::http2::Connection<usize>,
    pub(super) answers: Slab<Incoming>,
    /// Heads of requests, with what this connection has encoded of them.
    heads: Kept<(Arc<Head>, Prepared)>,
    news: News,
    /// Who waits for the peer's SETTINGS.
    early: Vec<Waker>,
    /// An answer has begun.
    has_answered: bool,
    /// The socket took nothing when it was last tried.
    is_blocked: bool,
}

/// What the peer did since it was last asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News {
    /// SETTINGS came, or GOAWAY, or the peer takes again what it had left waiting.
    pub(super) streams: bool,
    /// Something was read.
    pub(super) bytes: bool,
    /// A ping of ours was answered.
    pub(super) pong: bool,
}

impl Transport {
    pub(super) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                http2: crate::http2::Connection::new(config),
                answers: Slab::new(),
                heads: Kept::default(),
                news: News::default(),
                early: Vec::new(),
                has_answered: false,
                is_blocked: false,
            }),
            driver: AtomicWaker::new(),
            max_streams: AtomicU32::new(EARLY_STREAMS),
            heard_settings: Arc::default(),
            is_stuck: AtomicBool::new(false),
            is_released: AtomicBool::new(false),
            given_up: OnceLock::new(),
            heard: Heard::default(),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Whether the peer's SETTINGS came.
    pub(super) fn is_ready(&self) -> bool {
        self.heard_settings.load(Ordering::Acquire)
    }

    /// Ready once they came, or will not.
    pub(super) fn poll_heard(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.http2.is_ready() || state.http2.is_closing() {
            return Poll::Ready(());
        }
        state.early.push(context.waker().clone());
        Poll::Pending
    }

    /// The same, for who asks later.
    pub(super) fn heard_settings(&self) -> &Arc<AtomicBool> {
        &self.heard_settings
    }

    /// Until the peer says how many streams it allows: as many as another connection to it had.
    pub(super) fn expect_streams(&self, most: usize) {
        let most = u32::try_from(most).unwrap_or(u32::MAX).min(EARLY_STREAMS);
        self.max_streams.store(most, Ordering::Relaxed);
    }

    pub(super) fn max_streams(&self) -> usize {
        self.max_streams.load(Ordering::Relaxed) as usize
    }

    /// Opens a stream with a request's fields, `head` then `more`, and its first data; `ends`: there is no other. With fields that
    /// are longer than the peer takes it has ended, and nothing was sent.
    pub(super) fn open(
        &self,
        head: &Arc<Head>,
        more: &[Field<'_>],
        data: &[u8],
        ends: bool,
    ) -> Option<(Key, usize)> {
        let mut guard = self.state();
        let state = &mut *guard;
        let answer = state.answers.insert(Incoming::default());
        let is_same = |(other, _): &(Arc<Head>, Prepared)| Arc::ptr_eq(other, head);
        let make = || Ok::<_, Infallible>((Arc::clone(head), head.prepared()));
        let Ok((_, prepared)) = state.heads.get(is_same, make);
        if let Some(end) = state.http2.refuses(prepared, more) {
            state.answers[answer].ends(end);
            return Some((Key::NONE, answer));
        }
        // Else who drives was woken for what is there, or waits until the socket takes it.
        let wakes = state.http2.output().is_empty();
        let opened = state.http2.open(prepared, more, &[data], ends, answer);
        match opened {
            Ok(key) => {
                if state.is_blocked && state.http2.output().len() > MOST_WAITING {
                    self.is_stuck.store(true, Ordering::Relaxed);
                }
                drop(guard);
                if wakes {
                    self.driver.wake();
                }
                Some((key, answer))
            }
            Err(answer) => {
                state.answers.remove(answer);
                None
            }
        }
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    /// The socket took so much of the output; 0: nothing for now.
    pub(super) fn wrote(&self, state: &mut State, length: usize) {
        state.is_blocked = length == 0;
        state.http2.advance(length);
        state.wake_drained();
        if self.is_stuck() && state.http2.output().len() < MOST_WAITING / 2 {
            self.is_stuck.store(false, Ordering::Relaxed);
            state.news.streams = true;
        }
    }

    pub(super) fn wake_driver(&self) {
        self.driver.wake();
    }

    pub(super) fn register_driver(&self, context: &Context<'_>) {
        self.driver.register(context.waker());
    }

    /// Takes what came; the rest of `chunk` is to be given again with what follows. `is_new`: not all of it was given before.
    pub(super) fn receive(
        &self,
        chunk: &Bytes,
        is_new: bool,
        frames: usize,
        now: Instant,
    ) -> Result<Received, ConnectionError> {
        let mut state = self.state();
        state.news.bytes |= is_new;
        let (http2, mut events) = state.events(self, chunk);
        let received = http2.receive(chunk, frames, now, &mut events);
        state.wake_drained();
        received
    }

    pub(super) fn take_news(&self) -> News {
        std::mem::take(&mut self.state().news)
    }

    /// Why this side ends the connection. The first counts.
    pub(super) fn give_up(&self, why: String) {
        self.given_up.set(why).ok();
    }

    /// Each stream that is left ends. What the socket took may have been processed, also by a peer that never spoke: it may have stood
    /// still. Only one whose first bytes are another protocol's has understood nothing.
    pub(super) fn lose(&self) {
        let mut state = self.state();
        let is_other =
            !state.http2.is_ready() && self.heard.other_protocol(Expected::Http2).is_some();
        let written = if is_other { End::Unheard } else { End::Lost };
        let nothing = Bytes::new();
        let (http2, mut events) = state.events(self, &nothing);
        http2.lose(written, &mut events);
        state.news.streams = true;
        state.early.drain(..).for_each(Waker::wake);
    }

    /// No more streams will be opened: once the last has ended, so does the connection.
    pub(super) fn release(&self) {
        self.is_released.store(true, Ordering::Release);
        self.driver.wake();
    }

    /// Whether nothing is left to do on it.
    pub(super) fn is_over(&self) -> bool {
        let state = self.state();
        let no_more = self.is_released.load(Ordering::Acquire) || state.http2.is_closing();
        no_more && state.http2.open_streams() == 0
    }

    /// Of a connection that is over.
    pub(super) fn say_goodbye(&self) {
        self.state().http2.goaway(Code::NO_ERROR, b"");
    }

    pub(super) fn ping(&self) {
        self.state().http2.ping(*b"libzeebe");
        self.driver.wake();
    }

    /// Gives back what memory many calls needed, once there are none.
    pub(super) fn shrink(&self) {
        let mut state = self.state();
        state.http2.shrink();
        if state.answers.is_empty() {
            state.answers = Slab::new();
        }
    }

    /// Whether something keeps new streams off.
    pub(super) fn refuses_streams(&self) -> bool {
        self.state().http2.is_closing()
    }

    /// Whether it never was of use: nothing of a call was written, or the peer says that it processed none.
    pub(super) fn is_unused(&self) -> bool {
        !self.had_calls() || self.heard.processed_none()
    }

    /// Whether something of a call was written.
    pub(super) fn had_calls(&self) -> bool {
        self.state().http2.wrote_streams()
    }

    pub(super) fn has_answered(&self) -> bool {
        self.state().has_answered
    }

    /// Why it ended, or goes to its end.
    pub(super) fn why_lost(&self) -> String {
        let given_up = self.given_up.get().cloned();
        let why = given_up.or_else(|| self.heard.end());
        why.unwrap_or_else(|| "it was closed".to_owned())
    }
}

impl State {
    /// HTTP/2, and who is told what it makes of `chunk`.
    fn events<'a>(
        &'a mut self,
        transport: &'a Transport,
        chunk: &'a Bytes,
    ) -> (&'a mut crate::http2::Connection<usize>, Events<'a>) {
        let events = Events {
            transport,
            answers: &mut self.answers,
            news: &mut self.news,
            early: &mut self.early,
            has_answered: &mut self.has_answered,
            chunk,
        };
        (&mut self.http2, events)
    }

    /// Tells who sends that there is room again.
    fn wake_drained(&mut self) {
        while let Some(key) = self.http2.next_drained() {
            let answer = self.http2.get(key).copied();
            if let Some(answer) = answer.and_then(|answer| self.answers.get_mut(answer)) {
                answer.wake_sender();
            }
        }
    }
}

/// What the peer did, put where it is waited for.
struct Events<'a> {
    transport: &'a Transport,
    answers: &'a mut Slab<Incoming>,
    news: &'a mut News,
    early: &'a mut Vec<Waker>,
    has_answered: &'a mut bool,
    /// What is being received.
    chunk: &'a Bytes,
}

impl Sink<usize> for Events<'_> {
    fn head(&mut self, _: Key, answer: &mut usize, head: &Arc<Fields>, ends: bool) -> Verdict {
        *self.has_answered = true;
        self.answers[*answer].begins(head, ends);
        Verdict::Done
    }

    fn data(&mut self, _: Key, answer: &mut usize, data: &[u8]) -> Verdict {
        self.answers[*answer].goes_on(self.chunk.slice_ref(data));
        Verdict::Held
    }

    fn trailers(&mut self, _: Key, answer: &mut usize, trailers: &Arc<Fields>) {
        self.answers[*answer].trails(trailers);
    }

    fn end(&mut self, _: Key, answer: usize, end: End) {
        self.answers[answer].ends(end);
    }

    fn settings(&mut self, settings: &Settings) {
        let most = settings.max_concurrent_streams;
        self.transport.max_streams.store(most, Ordering::Relaxed);
        self.transport.heard_settings.store(true, Ordering::Release);
        self.early.drain(..).for_each(Waker::wake);
        self.news.streams = true;
    }

    fn goaway(&mut self, go_away: &GoAway) {
        self.transport.heard.goes_away(go_away);
        self.news.streams = true;
    }

    fn pong(&mut self, _: [u8; 8]) {
        self.news.pong = true;
    }
}
