//! What a job stream does next: events in, actions out. No clock, no randomness, no I/O.
//!
//! One StreamActivatedJobs call is kept open, and replaced when it ends or is silent for too long. Beside it
//! ActivateJobs is asked from time to time for jobs that it missed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Failure, Polls as Polling};
use crate::backoff::Backoff;
use crate::error::{Code, Error, Kind, Source};

/// Pauses before a stream that ended is opened again.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// Who holds a request for so long has taken it on, though its headers have not come: many a server sends them with the first job.
const NO_REFUSAL: Duration = Duration::from_secs(5);

/// How long a silent stream stays beside the one that replaces it, which the gateway does not know of at once.
const OVERLAP: Duration = Duration::from_secs(1);

/// How long a close waits for the jobs of a poll under way.
const DRAIN: Duration = Duration::from_secs(1);

/// A gateway that knows no such call is asked again after so long: it may have been a proxy that said so, or an older gateway.
const UNKNOWN_FOR: Duration = Duration::from_secs(300);

/// One StreamActivatedJobs call.
pub(super) type StreamId = u64;

#[derive(Debug)]
pub(super) enum Event {
    /// Its request is on the wire.
    Opened(StreamId),
    /// The answer has begun.
    Accepted(StreamId),
    /// A job came on it.
    Heard(StreamId),
    Ended(StreamId, Result<(), Error>),
    PollEnded {
        found: usize,
        error: Option<Error>,
    },
    Close,
}

#[derive(Debug)]
pub(super) enum Action {
    Open(StreamId),
    Cancel(StreamId),
    /// For at most `max` jobs; with `patience` the gateway holds it so long while it has none.
    Poll {
        max: usize,
        patience: Option<Duration>,
    },
    CancelPoll,
    Report(Failure),
    /// Nothing runs any more; the last action.
    End(Result<(), Error>),
}

#[derive(Debug)]
enum Stream {
    Due(Instant),
    Open {
        id: StreamId,
        /// Since when it is on the wire; `None`: not yet there.
        since: Option<Instant>,
        /// The last job on it, or when there was room again; as `since` at first.
        silent_since: Option<Instant>,
        accepted: bool,
    },
    /// The gateway has no such call: polls alone, until then.
    Unknown(Instant),
    /// The program wants none: polls alone.
    Unwanted,
}

#[derive(Debug)]
enum Polls {
    Due(Instant),
    Running { since: Instant, patient: bool },
    Unknown,
}

#[derive(Debug)]
struct Ending {
    reason: Result<(), Error>,
    polls_until: Instant,
}

#[derive(Debug)]
pub(super) struct Watch {
    watchdog: Duration,
    lifetime: Option<Duration>,
    poll_interval: Duration,
    patience: Duration,
    poll_backoff: Option<Backoff>,
    backoff: Backoff,
    stream: Stream,
    /// Those replaced, and when they are cancelled.
    replaced: Vec<(StreamId, Instant)>,
    /// Neither cancelled nor ended; with the cancelled ones, those that have not ended.
    wanted: Vec<StreamId>,
    running: Vec<StreamId>,
    last_id: StreamId,
    polls: Polls,
    full: bool,
    /// The one before the stream that is open.
    pause: Duration,
    /// Without a job or a long life between them.
    stream_failures: u32,
    poll_failures: u32,
    reports: VecDeque<Failure>,
    ending: Option<Ending>,
}

impl Watch {
    pub(super) fn new(
        watchdog: Duration,
        lifetime: Option<Duration>,
        poll_interval: Duration,
        polling: Polling,
        now: Instant,
    ) -> Self {
        let (stream, first_poll) = match polling.alone {
            true => (Stream::Unwanted, now),
            false => (Stream::Due(now), now + poll_interval),
        };
        Self {
            watchdog,
            lifetime,
            poll_interval,
            patience: polling.patience.unwrap_or(poll_interval),
            poll_backoff: polling.backoff,
            backoff: Backoff::new(FIRST_PAUSE, LAST_PAUSE),
            stream,
            replaced: Vec::new(),
            wanted: Vec::new(),
            running: Vec::new(),
            last_id: 0,
            polls: Polls::Due(first_poll),
            full: false,
            pause: Duration::ZERO,
            stream_failures: 0,
            poll_failures: 0,
            reports: VecDeque::new(),
            ending: None,
        }
    }

    /// Takes note of what happened; `random` is in 0 to 1.
    pub(super) fn note(&mut self, event: Event, now: Instant, random: f64) {
        match event {
            Event::Opened(id) => self.opened(id, now),
            Event::Accepted(id) => {
                if let Stream::Open {
                    id: open, accepted, ..
                } = &mut self.stream
                    && *open == id
                {
                    *accepted = true;
                }
            }
            Event::Heard(id) => {
                if let Stream::Open {
                    id: open,
                    silent_since,
                    ..
                } = &mut self.stream
                    && *open == id
                {
                    *silent_since = Some(now);
                    self.backoff.reset();
                    self.stream_failures = 0;
                }
            }
            Event::Ended(id, ended) => self.stream_ended(id, ended, now, random),
            Event::PollEnded { found, error } => self.poll_ended(found, error, now, random),
            Event::Close => self.end(Ok(()), now),
        }
    }

    fn opened(&mut self, wanted: StreamId, now: Instant) {
        match &mut self.stream {
            Stream::Open {
                id,
                since,
                silent_since,
                ..
            } if *id == wanted && since.is_none() => {
                *since = Some(now);
                *silent_since = Some(now);
            }
            _ => return,
        }
        // What became free before: the gateway does not push it.
        if let Polls::Due(at) = &mut self.polls {
            *at = now;
        }
    }

    fn stream_ended(&mut self, id: StreamId, ended: Result<(), Error>, now: Instant, random: f64) {
        self.running.retain(|running| *running != id);
        self.wanted.retain(|wanted| *wanted != id);
        self.replaced.retain(|(replaced, _)| *replaced != id);
        let Stream::Open {
            id: open,
            since,
            accepted,
            ..
        } = self.stream
        else {
            return;
        };
        if open != id {
            return;
        }
        let lived = since.map_or(Duration::ZERO, |since| now - since);
        // A proxy that cuts what it took on, every 15 s say, is no reason to wait ever longer, nor to warn.
        let was_good = lived > self.pause.max(FIRST_PAUSE) && (accepted || lived > NO_REFUSAL);
        let is_usual = was_good && !ended.as_ref().is_err_and(|error| !is_cut(error));
        if was_good {
            self.backoff.reset();
        }
        if is_usual || lived > LAST_PAUSE {
            self.stream_failures = 0;
        }
        self.pause = self.backoff.pause(random);
        self.stream = Stream::Due(now + self.pause);
        match ended {
            Err(error) if is_unknown(&error) => {
                self.stream = Stream::Unknown(now + UNKNOWN_FOR);
                match &mut self.polls {
                    Polls::Due(at) => *at = now,
                    Polls::Running { .. } => {}
                    Polls::Unknown => self.end(Err(error), now),
                }
            }
            Err(error) if cannot_pass(&error) => self.end(Err(error), now),
            Ok(()) => {
                let error = Error::unavailable("the gateway ended the stream of jobs with OK");
                self.stream_failed(error.from_source(Source::Gateway), is_usual);
            }
            Err(error) => self.stream_failed(error, is_usual),
        }
    }

    fn stream_failed(&mut self, error: Error, is_usual: bool) {
        self.stream_failures = self.stream_failures.saturating_add(1);
        self.report(Failure {
            error,
            in_a_row: self.stream_failures,
            is_usual,
            pause: self.pause,
        });
    }

    /// What comes while the job stream ends, the end brought.
    fn report(&mut self, failure: Failure) {
        if self.ending.is_none() {
            self.reports.push_back(failure);
        }
    }

    fn poll_ended(&mut self, found: usize, error: Option<Error>, now: Instant, random: f64) {
        let Polls::Running { since, patient } = self.polls else {
            return;
        };
        let alone = self.polls_alone();
        // Many programs that began together shall not go on so.
        let interval = self.poll_interval.mul_f64(0.9 + 0.2 * random);
        let again = found > 0 || (alone && !patient);
        let next = if again { now } else { since + interval };
        let pause = match (&mut self.poll_backoff, &error) {
            (Some(backoff), Some(error)) => {
                let pause = backoff.pause(random);
                pause.max(error.retry_after().unwrap_or_default())
            }
            (Some(backoff), None) => {
                backoff.reset();
                Duration::ZERO
            }
            (None, _) => Duration::ZERO,
        };
        let next = next.max(now + pause);
        self.polls = Polls::Due(next);
        match error {
            Some(error) if is_unknown(&error) => {
                self.polls = Polls::Unknown;
                if alone {
                    self.end(Err(error), now);
                }
            }
            Some(error) if cannot_pass(&error) => self.end(Err(error), now),
            Some(error) => {
                self.poll_failures = self.poll_failures.saturating_add(1);
                self.report(Failure {
                    error,
                    in_a_row: self.poll_failures,
                    is_usual: false,
                    pause: next - now,
                });
            }
            None => self.poll_failures = 0,
        }
    }

    fn polls_alone(&self) -> bool {
        matches!(self.stream, Stream::Unknown(_) | Stream::Unwanted)
    }

    /// The first reason counts.
    fn end(&mut self, reason: Result<(), Error>, now: Instant) {
        self.ending.get_or_insert(Ending {
            reason,
            polls_until: now + DRAIN,
        });
    }

    /// What is to be done now; asked until there is nothing. `room` is for how many jobs there is.
    pub(super) fn next(&mut self, room: usize, now: Instant) -> Option<Action> {
        if let Some(failure) = self.reports.pop_front() {
            return Some(Action::Report(failure));
        }
        if self.ending.is_some() {
            return self.next_of_end(now);
        }
        self.mind_room(room, now);
        if let Some(index) = self.replaced.iter().position(|(_, at)| *at <= now) {
            return Some(self.cancel(self.replaced[index].0));
        }
        if let Some(action) = self.next_of_stream(now) {
            return Some(action);
        }
        match self.polls {
            Polls::Due(at) if at <= now && room > 0 => {
                let patient = self.polls_alone();
                self.polls = Polls::Running {
                    since: now,
                    patient,
                };
                Some(Action::Poll {
                    // The stream goes on beside it.
                    max: if patient { room } else { room.div_ceil(2) },
                    patience: patient.then_some(self.patience),
                })
            }
            _ => None,
        }
    }

    /// While nothing is taken from the stream, its silence is ours.
    fn mind_room(&mut self, room: usize, now: Instant) {
        let was_full = std::mem::replace(&mut self.full, room == 0);
        if (was_full || self.full)
            && let Stream::Open {
                silent_since: Some(since),
                ..
            } = &mut self.stream
        {
            *since = now;
        }
    }

    fn next_of_stream(&mut self, now: Instant) -> Option<Action> {
        match self.stream {
            Stream::Due(at) | Stream::Unknown(at) if at <= now => {}
            Stream::Open {
                id,
                since: Some(since),
                silent_since: Some(silent_since),
                ..
            } if silent_since + self.watchdog <= now
                || self.end_of_life(since).is_some_and(|end| end <= now) =>
            {
                self.replaced.push((id, now + OVERLAP));
            }
            _ => return None,
        }
        self.last_id += 1;
        let id = self.last_id;
        self.wanted.push(id);
        self.running.push(id);
        self.stream = Stream::Open {
            id,
            since: None,
            silent_since: None,
            accepted: false,
        };
        Some(Action::Open(id))
    }

    /// Of a stream that is on the wire since then.
    fn end_of_life(&self, since: Instant) -> Option<Instant> {
        since.checked_add(self.lifetime?)
    }

    fn cancel(&mut self, id: StreamId) -> Action {
        self.wanted.retain(|wanted| *wanted != id);
        self.replaced.retain(|(replaced, _)| *replaced != id);
        Action::Cancel(id)
    }

    fn next_of_end(&mut self, now: Instant) -> Option<Action> {
        if let Some(id) = self.wanted.first() {
            return Some(self.cancel(*id));
        }
        let ending = self.ending.as_ref()?;
        match &self.polls {
            Polls::Running { patient, .. } if *patient || ending.polls_until <= now => {
                self.polls = Polls::Due(now);
                Some(Action::CancelPoll)
            }
            Polls::Running { .. } => None,
            Polls::Due(_) | Polls::Unknown if !self.running.is_empty() => None,
            Polls::Due(_) | Polls::Unknown => Some(Action::End(ending.reason.clone())),
        }
    }

    /// When to ask again, if nothing happens before.
    pub(super) fn due(&self, room: usize) -> Option<Instant> {
        if let Some(ending) = &self.ending {
            return matches!(self.polls, Polls::Running { .. }).then_some(ending.polls_until);
        }
        let stream = match self.stream {
            Stream::Due(at) | Stream::Unknown(at) => Some(at),
            Stream::Open {
                since: Some(since),
                silent_since,
                ..
            } => {
                let silent_since = silent_since.filter(|_| room > 0);
                let silence = silent_since.map(|since| since + self.watchdog);
                silence.into_iter().chain(self.end_of_life(since)).min()
            }
            Stream::Open { since: None, .. } | Stream::Unwanted => None,
        };
        let poll = match self.polls {
            Polls::Due(at) if room > 0 => Some(at),
            _ => None,
        };
        let replaced = self.replaced.iter().map(|(_, at)| *at);
        replaced.chain(stream).chain(poll).min()
    }
}

/// The gateway knows no such call.
fn is_unknown(error: &Error) -> bool {
    error.code() == Code::Unimplemented && error.source() == Source::Gateway
}

/// A stream's end as a proxy's time-outs and restarts bring it about.
fn is_cut(error: &Error) -> bool {
    error.is_cut() || error.is_retryable()
}

/// The same request would fail again, however often.
fn cannot_pass(error: &Error) -> bool {
    if error.is_retryable() {
        return false;
    }
    match (error.kind(), error.code()) {
        (Kind::Rpc, _) if error.is_cancel() => true,
        // The channel is closing: what runs may go on until its grace is over.
        (Kind::Shutdown, _) => false,
        (Kind::Rpc, code) => matches!(
            code,
            Code::InvalidArgument
                | Code::NotFound
                | Code::AlreadyExists
                | Code::PermissionDenied
                | Code::Unauthenticated
                | Code::FailedPrecondition
                | Code::OutOfRange
        ),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
