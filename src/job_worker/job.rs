//! A job as the program has it: what it says of itself, and its one end, which any thread may bring about.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use super::end::{End, Outcome};
use super::events::JobId;
use super::fields::{Fields, TEXTS, Text};
use crate::error::Error;
use crate::runtime::Epoch;

/// Gets how a job ended, and is to call the second when it is done with that.
pub type Told = Box<dyn FnOnce(Outcome, Box<dyn FnOnce() + Send>) + Send>;

/// Gives what is told, once.
pub(super) type Telling<'a> = &'a mut dyn FnMut() -> Result<Option<Told>, Error>;

/// Who a job belongs to.
pub(super) trait Owner: Send + Sync {
    /// Refused: the worker has let go of it. `told` is asked for last, and may refuse, too.
    fn end(self: Arc<Self>, id: JobId, end: End, told: Telling<'_>) -> Result<(), Error>;
    /// The program has let go of it without an end.
    fn let_go(self: Arc<Self>, id: JobId, key: i64, retries: i32);
    /// The program has not begun it, and ends the worker.
    fn give_back(self: Arc<Self>, id: JobId);
    /// Of a job that failed.
    fn retry_backoff(&self) -> Duration;
}

/// A job. Dropped without an end, it fails, or is left to its time-out.
pub struct Job {
    message: Bytes,
    fields: Fields,
    /// As C has them, made when first asked for.
    texts: [OnceLock<Box<[u8]>>; TEXTS],
    /// Where the worker gets more time for it.
    deadline: Option<Arc<AtomicI64>>,
    id: JobId,
    epoch: Epoch,
    has_ended: AtomicBool,
    owner: Arc<dyn Owner>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Job({})", self.fields.key)
    }
}

/// How a job fails.
#[derive(Clone, Copy, Debug)]
pub struct Failing<'a> {
    /// `None`: one less than it has.
    pub retries: Option<i32>,
    /// `None`: the worker's.
    pub backoff: Option<Duration>,
    /// Why, for people.
    pub message: &'a str,
    /// A JSON object, or nothing.
    pub variables: &'a str,
}

impl Job {
    pub(super) fn new(
        message: Bytes,
        fields: Fields,
        deadline: Option<Arc<AtomicI64>>,
        id: JobId,
        epoch: Epoch,
        owner: Arc<dyn Owner>,
    ) -> Self {
        Self {
            message,
            fields,
            texts: [const { OnceLock::new() }; TEXTS],
            deadline,
            id,
            epoch,
            has_ended: AtomicBool::new(false),
            owner,
        }
    }

    /// Of its worker.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The encoded ActivatedJob.
    pub fn message(&self) -> &Bytes {
        &self.message
    }

    /// What it says of itself.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// In Unix milliseconds, by the gateway's clock; later than the job says if the worker got more time.
    pub fn deadline(&self) -> i64 {
        match &self.deadline {
            Some(deadline) => deadline.load(Ordering::Acquire),
            None => self.fields.deadline,
        }
    }

    /// A text with a NUL behind it.
    pub fn text(&self, text: Text) -> &[u8] {
        self.texts[text as usize].get_or_init(|| {
            let said = &self.message[self.fields.text(text)];
            [said, &[0]].concat().into_boxed_slice()
        })
    }

    /// `told` gives what is told of it; it is asked for only where nothing else refuses the end, and may refuse it.
    pub fn complete<T>(&self, variables: &str, told: T) -> Result<(), Error>
    where
        T: FnOnce() -> Result<Option<Told>, Error>,
    {
        self.end(told, || End::complete(self.fields.key, variables))
    }

    /// It comes again, if it has retries left.
    pub fn fail<T>(&self, failing: Failing<'_>, told: T) -> Result<(), Error>
    where
        T: FnOnce() -> Result<Option<Told>, Error>,
    {
        let one_less = || self.fields.retries.saturating_sub(1).max(0);
        self.end(told, || {
            End::fail(
                self.fields.key,
                failing.retries.unwrap_or_else(one_less),
                failing
                    .backoff
                    .unwrap_or_else(|| self.owner.retry_backoff()),
                failing.message,
                failing.variables,
            )
        })
    }

    /// A BPMN error, which the process may catch.
    pub fn throw_error<T>(
        &self,
        code: &str,
        message: &str,
        variables: &str,
        told: T,
    ) -> Result<(), Error>
    where
        T: FnOnce() -> Result<Option<Told>, Error>,
    {
        self.end(told, || {
            End::throw_error(self.fields.key, code, message, variables)
        })
    }

    /// To the gateway, untouched, by a program that ends its worker. Without effect once it was ended.
    pub fn give_back(&self) {
        if !self.has_ended.swap(true, Ordering::AcqRel) {
            Arc::clone(&self.owner).give_back(self.id);
        }
    }

    fn end<T>(&self, told: T, end: impl FnOnce() -> End) -> Result<(), Error>
    where
        T: FnOnce() -> Result<Option<Told>, Error>,
    {
        if self.has_ended.swap(true, Ordering::AcqRel) {
            return Err(Error::illegal_state(format!(
                "the job {} was ended before: it can be completed, failed or made to throw an error once",
                self.fields.key
            )));
        }
        let mut told = Some(told);
        let mut telling = || told.take().map_or(Ok(None), |told| told());
        let ended = Arc::clone(&self.owner).end(self.id, end(), &mut telling);
        if ended.is_err() {
            self.has_ended.store(false, Ordering::Release);
        }
        ended
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !*self.has_ended.get_mut() {
            let owner = Arc::clone(&self.owner);
            owner.let_go(self.id, self.fields.key, self.fields.retries);
        }
    }
}
