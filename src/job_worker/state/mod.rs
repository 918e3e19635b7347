//! What a job worker does next: events in, actions out. No clock, no randomness, no I/O.
//!
//! A job that arrived waits, is worked on, and ends: its end is sent, again if need be, until it is settled, and its
//! program was told.

mod closing;
mod extensions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use slab::Slab;

use super::end::{Answer, Verdict};
use super::events::{Action, Event, JobId, Place, Rules, Why};
use super::pressure::{Pressure, Round};
use crate::backoff::Backoff;
use crate::error::Error;

/// What an end that is late, and another that is nearly so, still gets to be answered.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Waiting,
    Working,
    /// Its end is to be sent.
    Ready,
    Sending,
    /// Until its end is sent again.
    Pausing(Instant),
    Settled,
}

#[derive(Clone, Debug)]
struct Job {
    phase: Phase,
    deadline: Instant,
    /// How often its end was sent, and when for the last time.
    sent: u32,
    round: Round,
    /// An answer that did not come may have been a good one.
    perhaps: bool,
    pauses: Backoff,
    extension: Option<Due>,
}

/// Of an extension: when it is asked for, or its ticket once it was.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Due {
    At(Instant),
    Asked(u64),
}

#[derive(Clone, Debug)]
struct Closing {
    reason: Result<(), Error>,
    until: Option<Instant>,
    /// Nothing is waited for any more but what was begun.
    cut: bool,
    stream_told: bool,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    rules: Rules,
    jobs: Slab<Job>,
    waiting: VecDeque<JobId>,
    working: usize,
    /// Those free, and how many are not.
    lanes: Vec<usize>,
    lanes_used: usize,
    ready: VecDeque<JobId>,
    sending: usize,
    pressure: Pressure,
    pausing: BTreeSet<(Instant, JobId)>,
    extensions: BTreeSet<(Instant, JobId)>,
    tickets: u64,
    settled: VecDeque<(JobId, Verdict)>,
    /// Those settled that the program does not know of yet.
    untold: usize,
    dropped: VecDeque<JobId>,
    to_cancel: Vec<JobId>,
    stream_ended: bool,
    closing: Option<Closing>,
    has_ended: bool,
}

impl State {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            jobs: Slab::new(),
            waiting: VecDeque::new(),
            working: 0,
            lanes: (0..rules.lanes.unwrap_or_default()).rev().collect(),
            lanes_used: 0,
            ready: VecDeque::new(),
            sending: 0,
            pressure: Pressure::new(rules.backoff),
            pausing: BTreeSet::new(),
            extensions: BTreeSet::new(),
            tickets: 0,
            settled: VecDeque::new(),
            untold: 0,
            dropped: VecDeque::new(),
            to_cancel: Vec::new(),
            stream_ended: false,
            closing: None,
            has_ended: false,
        }
    }

    /// How many jobs are here, whose end is not known yet.
    pub(super) fn len(&self) -> usize {
        self.jobs.len() - self.untold
    }

    /// A job came, which is ours for so long. `None`: the worker has ended, and it is left to its time-out.
    pub(super) fn arrive(&mut self, left: Duration, now: Instant) -> Option<JobId> {
        if self.is_cut() {
            return None;
        }
        let id = self.jobs.insert(Job {
            phase: Phase::Waiting,
            deadline: now + left,
            sent: 0,
            round: Round::default(),
            perhaps: false,
            pauses: self.rules.backoff,
            extension: None,
        });
        self.waiting.push_back(id);
        Some(id)
    }

    /// Whether the program still may end it.
    pub(super) fn takes_end(&self, id: JobId) -> bool {
        self.jobs
            .get(id)
            .is_some_and(|job| job.phase == Phase::Working)
    }

    /// Whether this extension of it is under way.
    pub(super) fn is_asked(&self, id: JobId, ticket: u64) -> bool {
        let asked = Some(Due::Asked(ticket));
        self.jobs.get(id).is_some_and(|job| job.extension == asked)
    }

    /// How long its deadline has passed.
    pub(super) fn lateness(&self, id: JobId, now: Instant) -> Option<Duration> {
        let late = now.saturating_duration_since(self.jobs.get(id)?.deadline);
        (!late.is_zero()).then_some(late)
    }

    /// Takes note of what happened; `random` is in 0 to 1.
    pub(super) fn note(&mut self, event: Event, now: Instant, random: f64) {
        match event {
            Event::Ended(id) => {
                if self.stop_working(id) {
                    self.jobs[id].phase = Phase::Ready;
                    self.jobs[id].pauses = self.rules.backoff;
                    self.ready.push_back(id);
                }
            }
            Event::Returns(id) => {
                if self.stop_working(id) {
                    self.jobs[id].phase = Phase::Waiting;
                    self.waiting.push_back(id);
                    self.give_back();
                }
            }
            Event::Left(id) => {
                if self.stop_working(id) {
                    self.jobs.remove(id);
                }
            }
            Event::Returned(lane) => {
                self.lanes_used -= 1;
                self.lanes.push(lane);
            }
            Event::Answered(id, answer) => self.answered(id, answer, now, random),
            Event::Told(id) => {
                if self.jobs.try_remove(id).is_some() {
                    self.untold -= 1;
                }
            }
            Event::Extended(id, ticket, extension) => {
                self.extended(id, ticket, extension, now, random);
            }
            Event::Close => self.close(Ok(()), now),
            Event::StreamEnded(ended) => {
                self.stream_ended = true;
                match ended {
                    Err(reason) if reason.is_cancel() => self.cut(Err(reason)),
                    ended => self.close(ended, now),
                }
                self.give_back();
            }
            Event::Cancel(reason) => self.cut(Err(reason)),
        }
    }

    /// Whether the program worked on it.
    fn stop_working(&mut self, id: JobId) -> bool {
        let Some(job) = self.jobs.get_mut(id) else {
            return false;
        };
        if job.phase != Phase::Working {
            return false;
        }
        if let Some(Due::At(at)) = job.extension.take() {
            self.extensions.remove(&(at, id));
        }
        self.working -= 1;
        true
    }

    fn answered(&mut self, id: JobId, answer: Answer, now: Instant, random: f64) {
        self.sending -= 1;
        let is_cut = self.is_cut();
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if answer.is_pressure {
            let under_way = self.sending + 1;
            self.pressure
                .rises(job.round, under_way, answer.retry_after, now, random);
        } else if answer.verdict == Some(Verdict::Ended) {
            self.pressure.falls();
        }
        let verdict = match answer.verdict {
            Some(Verdict::Ended) => Verdict::Ended,
            Some(Verdict::NotEnded) if !job.perhaps => Verdict::NotEnded,
            Some(_) => Verdict::Unknown,
            None => {
                job.perhaps |= answer.perhaps;
                let pause = job.pauses.pause(random);
                let at = now + pause.max(answer.retry_after.unwrap_or_default());
                if !is_cut && at < job.deadline {
                    job.phase = Phase::Pausing(at);
                    self.pausing.insert((at, id));
                    return;
                }
                given_up(job)
            }
        };
        self.settle(id, verdict);
    }

    fn settle(&mut self, id: JobId, verdict: Verdict) {
        self.jobs[id].phase = Phase::Settled;
        self.untold += 1;
        self.settled.push_back((id, verdict));
    }

    /// What is to be done now; asked until there is nothing.
    pub(super) fn next(&mut self, place: Place, now: Instant) -> Option<Action> {
        self.mind_grace(now);
        if let Some(closing) = &mut self.closing
            && !closing.stream_told
        {
            closing.stream_told = true;
            if !self.stream_ended {
                return Some(match closing.cut {
                    true => Action::CancelStream,
                    false => Action::CloseStream,
                });
            }
        }
        if let Some(id) = self.dropped.pop_front() {
            return Some(Action::Drop(id, Why::Cut));
        }
        if let Some(id) = self.to_cancel.pop() {
            return Some(Action::CancelEnd(id));
        }
        if let Some(id) = self.waiting.front().copied()
            && self.jobs[id].deadline <= now
        {
            self.waiting.pop_front();
            self.jobs.remove(id);
            return Some(Action::Drop(id, Why::Expired));
        }
        if let Some(action) = self.next_of_ends(now) {
            return Some(action);
        }
        if let Some((at, id)) = self.extensions.first().copied()
            && at <= now
        {
            self.extensions.pop_first();
            self.tickets += 1;
            self.jobs[id].extension = Some(Due::Asked(self.tickets));
            return Some(Action::Extend(id, self.tickets));
        }
        self.next_of_program(place, now)
    }

    fn next_of_ends(&mut self, now: Instant) -> Option<Action> {
        while let Some((at, id)) = self.pausing.first().copied()
            && at <= now
        {
            self.pausing.pop_first();
            self.jobs[id].phase = Phase::Ready;
            self.ready.push_back(id);
        }
        while self.pressure.allows(self.sending, now) {
            let id = self.ready.pop_front()?;
            let job = &mut self.jobs[id];
            let left = job.deadline.saturating_duration_since(now);
            if job.sent > 0 && left.is_zero() {
                let verdict = given_up(job);
                self.settle(id, verdict);
                continue;
            }
            job.phase = Phase::Sending;
            job.sent += 1;
            job.round = self.pressure.round();
            self.sending += 1;
            let patience = self.rules.patience.min(left.max(LEAST_PATIENCE));
            return Some(Action::Send(id, patience));
        }
        None
    }

    /// What a callback may come of, where one may run.
    fn next_of_program(&mut self, place: Place, now: Instant) -> Option<Action> {
        let is_library = place == Place::Library;
        if is_library && let Some((id, verdict)) = self.settled.pop_front() {
            return Some(Action::Tell(id, verdict));
        }
        if (is_library || self.rules.lanes.is_none()) && self.may_hand() {
            let id = self.waiting.pop_front()?;
            let lane = match self.rules.lanes {
                Some(_) => {
                    self.lanes_used += 1;
                    self.lanes.pop()?
                }
                None => 0,
            };
            self.jobs[id].phase = Phase::Working;
            self.working += 1;
            self.extend_later(id, now);
            return Some(Action::Hand(id, lane));
        }
        if is_library && self.may_end() {
            self.has_ended = true;
            return Some(Action::End);
        }
        None
    }

    fn may_hand(&self) -> bool {
        self.closing.is_none()
            && !self.waiting.is_empty()
            && self.working < self.rules.handlers
            && (self.rules.lanes.is_none() || !self.lanes.is_empty())
    }

    /// Whether there is something to do that a thread of the library's must.
    pub(super) fn waits_for_library(&self) -> bool {
        !self.settled.is_empty() || self.may_hand() || self.may_end()
    }

    /// When to ask again, if nothing happens before.
    pub(super) fn due(&self) -> Option<Instant> {
        let grace = self.closing.as_ref();
        let grace = grace.filter(|closing| !closing.cut && !self.has_ended);
        let first = |set: &BTreeSet<(Instant, JobId)>| set.first().map(|(at, _)| *at);
        let waiting = self.waiting.front().map(|id| self.jobs[*id].deadline);
        let resume = self.pressure.resumes();
        let resume = resume.filter(|_| !self.ready.is_empty());
        [
            grace.and_then(|closing| closing.until),
            waiting,
            first(&self.pausing),
            resume,
            first(&self.extensions),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// What is known of an end that is not sent again.
fn given_up(job: &Job) -> Verdict {
    match job.perhaps {
        true => Verdict::Unknown,
        false => Verdict::NotEnded,
    }
}
