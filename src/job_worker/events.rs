//! What happens to a job worker, and what it does: the words between `state` and `driver`.

use std::time::{Duration, Instant};

use super::end::{Answer, Verdict};
use crate::backoff::Backoff;
use crate::error::Error;

/// A job that is here; used again once it is gone.
pub(super) type JobId = usize;

#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Jobs that the program works on at once.
    pub(super) handlers: usize,
    /// Of those, how many can be given to it at once; `None`: giving one takes no time of the program's.
    pub(super) lanes: Option<usize>,
    /// Until an end is answered.
    pub(super) patience: Duration,
    pub(super) backoff: Backoff,
    /// The time-out that jobs get anew while they are worked on.
    pub(super) extension: Option<Duration>,
    /// Of a close.
    pub(super) grace: Duration,
}

#[derive(Debug)]
pub(super) enum Event {
    /// The program has ended it, or let go of it, which counts as that.
    Ended(JobId),
    /// The program has not begun it, and ends the worker.
    Returns(JobId),
    /// The program has let go of it: its time-out brings it to another.
    Left(JobId),
    /// Giving a job on this lane is over.
    Returned(usize),
    /// Of its end.
    Answered(JobId, Answer),
    /// The program knows how it ended.
    Told(JobId),
    /// Of the extension with this ticket.
    Extended(JobId, u64, Extension),
    Close,
    StreamEnded(Result<(), Error>),
    /// Everything ends now.
    Cancel(Error),
}

/// What came of asking for more time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    /// From when it was asked for.
    Granted(Instant),
    Failed,
    /// The job is not ours any more.
    Gone,
    /// The gateway has no such call.
    Unknown,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    CloseStream,
    CancelStream,
    /// Give it to the program.
    Hand(JobId, usize),
    /// It is here no more, without an end.
    Drop(JobId, Why),
    /// Its end; within this time.
    Send(JobId, Duration),
    CancelEnd(JobId),
    /// Ask for more time, with this ticket.
    Extend(JobId, u64),
    /// How it ended.
    Tell(JobId, Verdict),
    /// Nothing is here any more; the last action.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It waited here past its deadline.
    Expired,
    /// The worker has ended.
    Cut,
}

/// Where the worker is asked: callbacks of the program run on threads of the library's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Library,
    Program,
}
