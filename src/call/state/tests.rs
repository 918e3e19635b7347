//! Every order in which the program, the attempts and the wire can act on a call, within the bounds below: each state that can
//! be reached is reached once, checked, and seen to come to an end.

use std::collections::HashSet;

use tonic::Code;

use super::*;

/// Of the program's messages, by which they are told apart. Two are more than makes a call unready; three, and thrice two, more
/// than is kept.
const LENGTHS: [usize; 3] = [48 * 1024, 50 * 1024, 170 * 1024];
const ANSWERS: usize = 2;
const REQUESTS: usize = 2;
const ATTEMPTS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    // The program's.
    Send,
    HalfClose,
    Request,
    Cancel,
    // The call's task's.
    Open,
    Take,
    Deliver,
    SeeCancel,
    Deadline,
    // The wire's.
    Write,
    Refuse,
    Fail,
    Answer,
    Arrive,
    Trailers,
    Lose,
}

const MOVES: [Move; 16] = [
    Move::Send,
    Move::HalfClose,
    Move::Request,
    Move::Cancel,
    Move::Open,
    Move::Take,
    Move::Deliver,
    Move::SeeCancel,
    Move::Deadline,
    Move::Write,
    Move::Refuse,
    Move::Fail,
    Move::Answer,
    Move::Arrive,
    Move::Trailers,
    Move::Lose,
];

/// One attempt, as the gateway sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Attempt {
    received: usize,
    /// A message is on its way.
    writing: bool,
    half_closed: bool,
    answered: bool,
}

impl Attempt {
    fn taken(&self) -> usize {
        self.received + usize::from(self.writing)
    }
}

/// What was done to a call, known without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct History {
    accepted: usize,
    half_closed: bool,
    requested: usize,
    cancelled: bool,
    attempts: usize,
    attempt: Option<Attempt>,
    /// An attempt failed of which the gateway may have done something.
    processed: bool,
    arrived: usize,
    delivered: usize,
    /// `Some(true)`: with OK.
    closed: Option<bool>,
}

impl History {
    fn may_have_been_processed(&self) -> bool {
        self.attempt.is_some() || self.processed
    }
}

#[derive(Clone, Debug)]
struct Run {
    state: State,
    history: History,
    manual: bool,
}

fn message(index: usize) -> Bytes {
    static ZEROS: [u8; 170 * 1024] = [0; 170 * 1024];
    Bytes::from_static(&ZEROS[..LENGTHS[index]])
}

impl Run {
    fn new(manual: bool) -> Self {
        Self {
            state: State::of_stream(manual),
            history: History::default(),
            manual,
        }
    }

    /// All that tells two states apart.
    fn key(&self) -> impl Eq + std::hash::Hash + use<> {
        let lengths =
            |messages: &VecDeque<Bytes>| messages.iter().map(Bytes::len).collect::<Vec<_>>();
        let State {
            phase,
            is_heard: _, // said of a deadline, and nothing else
            cancelled,
            processed,
            committed,
            messages,
            half_closed,
            uncompressed,
            requested,
        } = &self.state;
        (
            self.history.clone(),
            (*phase, cancelled.is_some(), *processed),
            messages.as_deref().map(|messages| {
                let Messages {
                    outgoing,
                    outgoing_bytes,
                    kept,
                    kept_bytes,
                } = messages;
                (
                    lengths(outgoing),
                    *outgoing_bytes,
                    lengths(kept),
                    *kept_bytes,
                )
            }),
            *committed,
            (*half_closed, *uncompressed, *requested),
        )
    }

    /// Makes a move, if it can be made here; whether the program was told that the call is ready.
    fn make(&mut self, next: Move) -> Option<bool> {
        let open = self.history.closed.is_none();
        let attempt = self.history.attempt.filter(|_| open);
        match next {
            Move::Send => {
                let index = self.history.accepted;
                LENGTHS.get(index)?;
                let sent = self.state.send(message(index));
                assert_eq!(sent.is_ok(), open && !self.history.half_closed);
                self.history.accepted += usize::from(sent.is_ok());
            }
            Move::HalfClose => {
                let before = self.history.half_closed;
                assert_eq!(self.state.half_close().is_err(), before);
                self.history.half_closed = true;
            }
            Move::Request => {
                (self.history.requested < REQUESTS).then_some(())?;
                assert_eq!(self.state.request(1).is_ok(), self.manual);
                self.history.requested += usize::from(self.manual);
            }
            Move::Cancel => {
                self.state.cancel(|| Error::cancelled("by the program"));
                self.history.cancelled |= open;
            }
            Move::Open => {
                let may = open && attempt.is_none() && self.history.attempts < ATTEMPTS;
                may.then_some(())?;
                for phase in [Phase::Connecting, Phase::FetchingToken] {
                    assert!(!self.state.is_ready());
                    self.state.enter(phase);
                }
                self.state.enter_sent(&Arc::new(AtomicBool::new(true)));
                self.history.attempts += 1;
                self.history.attempt = Some(Attempt::default());
                return Some(true);
            }
            Move::Take => self.take(attempt.filter(|it| !it.writing && !it.half_closed)?),
            Move::Write => {
                let mut attempt = attempt.filter(|attempt| attempt.writing)?;
                let ready = self.state.went_out(LENGTHS[attempt.received]);
                attempt.received += 1;
                attempt.writing = false;
                self.history.attempt = Some(attempt);
                return Some(ready);
            }
            Move::Deliver => {
                attempt.filter(|attempt| attempt.answered)?;
                (self.history.delivered < self.history.arrived).then_some(())?;
                let asked = !self.manual || self.history.delivered < self.history.requested;
                let may = self.state.deliver();
                assert_eq!(may, asked && !self.history.cancelled);
                self.history.delivered += usize::from(may);
            }
            Move::SeeCancel => {
                (open && self.state.cancelled().is_some()).then_some(())?;
                self.close(Err(Error::internal("the cancel was lost")));
            }
            Move::Deadline => {
                open.then_some(())?;
                self.close(Err(Error::deadline_exceeded("late")));
            }
            Move::Refuse => self.fail(attempt.filter(|it| !it.answered)?, false),
            Move::Fail => self.fail(attempt.filter(|it| !it.answered)?, true),
            Move::Answer => {
                let mut attempt = attempt.filter(|it| !it.answered)?;
                self.state.commit();
                attempt.answered = true;
                self.history.attempt = Some(attempt);
            }
            Move::Arrive => {
                attempt.filter(|attempt| attempt.answered)?;
                (self.history.arrived < ANSWERS).then_some(())?;
                self.history.arrived += 1;
            }
            Move::Trailers => {
                attempt.filter(|_| self.history.delivered == self.history.arrived)?;
                self.close(Ok(()));
            }
            Move::Lose => {
                attempt.filter(|attempt| attempt.answered)?;
                assert!(
                    !self.state.rewind(true),
                    "an answer that began is not begun again"
                );
                self.close(Err(Error::internal("lost")));
            }
        }
        Some(false)
    }

    /// What an attempt sends is what the program sent, all of it, in its order.
    fn take(&mut self, mut attempt: Attempt) {
        let all = attempt.received == self.history.accepted;
        match self.state.next() {
            Some(Outgoing { message, is_last }) => {
                assert!(!self.history.cancelled);
                if !message.is_empty() {
                    assert_eq!(message.len(), LENGTHS[attempt.received]);
                    attempt.writing = true;
                }
                // The last message says so itself, if the half-close was known by then.
                let all = attempt.taken() == self.history.accepted;
                assert_eq!(is_last, all && self.history.half_closed);
                attempt.half_closed = is_last;
            }
            None => assert!(self.history.cancelled || (all && !self.history.half_closed)),
        }
        self.history.attempt = Some(attempt);
    }

    /// The attempt is lost; another follows if all that it sent was kept.
    fn fail(&mut self, attempt: Attempt, processed: bool) {
        let sent: usize = LENGTHS[..attempt.taken()].iter().sum();
        let again = self.state.rewind(processed);
        assert_eq!(again, !self.history.cancelled && sent <= REPLAY_BUFFER);
        if again {
            self.history.attempt = None;
            self.history.processed |= processed;
        } else {
            self.close(Err(Error::internal("failed")));
        }
    }

    fn close(&mut self, ended: Result<(), Error>) {
        assert_eq!(self.history.closed, None);
        let given = ended.as_ref().err().map_or(Code::Ok, Error::code);
        let processed = self.history.may_have_been_processed();
        let ended = self.state.close(ended);
        let code = ended.as_ref().err().map_or(Code::Ok, Error::code);
        if self.history.cancelled {
            assert_eq!(code, Code::Cancelled);
            assert_eq!(
                ended.clone().unwrap_err().may_have_been_processed(),
                processed
            );
        } else {
            assert_eq!(code, given);
        }
        self.history.closed = Some(ended.is_ok());
    }

    fn check(&self) {
        let history = &self.history;
        assert_eq!(self.state.cancelled().is_some(), history.cancelled);
        let messages = self.state.messages.as_deref().cloned().unwrap_or_default();
        let kept: usize = messages.kept.iter().map(Bytes::len).sum();
        assert!(kept <= REPLAY_BUFFER);
        if history.closed.is_some() {
            return self.check_closed();
        }
        let received = history.attempt.map_or(0, |attempt| attempt.received);
        let waiting: usize = LENGTHS[received..history.accepted].iter().sum();
        assert_eq!(messages.outgoing_bytes, waiting);
        assert_eq!(
            self.state.is_ready(),
            history.attempt.is_some() && !history.half_closed && waiting < READY_BELOW
        );
        assert_eq!(
            self.state.may_have_been_processed(),
            history.may_have_been_processed()
        );
    }

    /// After the end nothing happens, and nothing is held.
    fn check_closed(&self) {
        let mut state = self.state.clone();
        assert!(state.messages.is_none() && state.committed && !state.is_ready());
        assert!(state.send(message(0)).is_err());
        assert_eq!(state.next(), None);
        assert!(!state.deliver() && !state.rewind(false));
        state.enter(Phase::Sent);
        assert_eq!(state.phase(), Phase::Ended);
    }

    /// From here, if everybody does what is theirs, the call ends, and all of it was seen on both sides.
    fn complete(mut self) {
        self.history.attempts = 0;
        for _ in 0..40 {
            let history = &self.history;
            let next = match history.attempt {
                _ if history.closed.is_some() => break,
                _ if history.cancelled => Move::SeeCancel,
                _ if !history.half_closed => Move::HalfClose,
                None => Move::Open,
                Some(attempt) if attempt.writing => Move::Write,
                Some(attempt) if !attempt.half_closed => Move::Take,
                Some(attempt) if !attempt.answered => Move::Answer,
                Some(_) if history.delivered == history.arrived => Move::Trailers,
                Some(_) if self.manual && history.requested == history.delivered => Move::Request,
                Some(_) => Move::Deliver,
            };
            assert!(self.make(next).is_some(), "{next:?} of {self:?}");
        }
        let history = &self.history;
        assert_eq!(history.closed, Some(!history.cancelled), "{self:?}");
        if !history.cancelled {
            assert_eq!(history.attempt.unwrap().received, history.accepted);
            assert_eq!(history.delivered, history.arrived);
        }
    }
}

/// Visits every state; how many there were, and how many of them were ends.
fn explore(manual: bool) -> (usize, usize) {
    let start = Run::new(manual);
    let mut seen = HashSet::from([start.key()]);
    let mut ends = 0;
    let mut left = vec![start];
    while let Some(run) = left.pop() {
        for next in MOVES {
            let mut after = run.clone();
            let Some(told) = after.make(next) else {
                continue;
            };
            after.check();
            let became_ready = !run.state.is_ready() && after.state.is_ready();
            assert!(told || !became_ready, "{next:?} of {run:?}");
            if seen.insert(after.key()) {
                match after.history.closed {
                    Some(_) => ends += 1,
                    None => after.clone().complete(),
                }
                left.push(after);
            }
        }
    }
    (seen.len(), ends)
}

#[test]
fn in_every_order_a_call_ends_once_and_nothing_is_lost_doubled_or_out_of_turn() {
    // There are 6,464 and 15,687 states; with far fewer than that, moves were not made.
    for (manual, at_least) in [(false, 6_400), (true, 15_600)] {
        let (states, ends) = explore(manual);
        assert!(
            states > at_least && ends > at_least / 2,
            "{states} states, {ends} of them ends"
        );
    }
}

#[test]
fn a_unary_call_was_half_closed_when_it_was_started() {
    let mut state = State::of_unary();
    state.enter(Phase::Sent);
    assert!(!state.is_ready());
    assert!(state.send(message(0)).is_err() && state.half_close().is_err());
    assert!(state.request(1).is_err());
    assert!(state.rewind(true) && state.may_have_been_processed());
}

#[test]
fn what_was_sent_may_have_been_processed_also_by_a_peer_that_has_not_spoken() {
    let mut state = State::of_unary();
    assert!(state.is_heard() && !state.may_have_been_processed());
    let heard = Arc::new(AtomicBool::new(false));
    state.enter_sent(&heard);
    assert!(!state.is_heard() && state.may_have_been_processed());
    heard.store(true, Ordering::Release);
    assert!(state.is_heard());
    state.cancel(|| Error::cancelled("by the program"));
    let ended: Result<(), _> = state.close(Ok(()));
    assert!(ended.unwrap_err().may_have_been_processed());
}
