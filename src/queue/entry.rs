//! The places in a queue of what runs: who tells there what happens to a call, a job stream, a job worker, and once, last, how it ended.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::batch::Batcher;
use super::{Event, Occurrence, Queue};
use crate::call::{Control, Handler, Held, Response, Share};
use crate::channel::{ActiveCall, Cancel};
use crate::error::Error;
use crate::job_stream::{Failure, JobHandler};
use crate::job_worker::{Job, JobWorker, WorkerHandler};
use crate::runtime::{self, lock};
use crate::wire::Metadata;

impl Queue {
    /// A place for the events of a call; its end must be told.
    pub(crate) fn enter(
        self: &Arc<Self>,
        tag: u64,
        control: &Arc<Control>,
        active: ActiveCall,
    ) -> Result<Entry, Error> {
        Ok(Entry {
            place: self.begin(tag, Some(Arc::clone(control) as _))?,
            control: Arc::clone(control),
            unsaid: Mutex::new(Batcher::new(control)),
            _active: active,
        })
    }

    /// A place for the end of a unary call, which must be told.
    pub(crate) fn enter_unary(
        self: &Arc<Self>,
        tag: u64,
        control: &Arc<Control>,
        active: ActiveCall,
    ) -> Result<UnaryEntry, Error> {
        Ok(UnaryEntry {
            place: self.begin(tag, Some(Arc::clone(control) as _))?,
            _active: active,
        })
    }

    /// A place for the jobs of a worker; its end must be told.
    pub(crate) fn enter_worker(
        self: &Arc<Self>,
        tag: u64,
        worker: &JobWorker,
        active: ActiveCall,
    ) -> Result<WorkerEntry, Error> {
        Ok(WorkerEntry {
            place: self.begin(tag, Some(Arc::clone(worker.signals()) as _))?,
            _active: active,
        })
    }

    /// What gets the result of something that is only waited for: the one event of `tag`.
    pub(crate) fn owed<T, F>(
        self: &Arc<Self>,
        tag: u64,
        occurrence: F,
    ) -> Result<impl FnOnce(Result<T, Error>) + Send + use<T, F>, Error>
    where
        F: FnOnce(Result<T, Error>) -> Occurrence + Send,
    {
        let place = self.begin(tag, None)?;
        Ok(move |result| place.end(occurrence(result)))
    }

    fn begin(self: &Arc<Self>, tag: u64, cancel: Option<Arc<dyn Cancel>>) -> Result<Place, Error> {
        let mut state = lock(&self.state);
        state.refuse_if_shut_down()?;
        Ok(Place {
            queue: Arc::clone(self),
            key: state.running.insert(cancel),
            tag,
        })
    }
}

/// The place of something that runs, in a queue.
#[derive(Debug)]
struct Place {
    queue: Arc<Queue>,
    key: usize,
    tag: u64,
}

impl Place {
    fn tell(&self, occurrence: Occurrence) {
        let tag = self.tag;
        let (announce, refused) = lock(&self.queue.state).push(Event { tag, occurrence });
        drop(refused);
        self.queue.announce(announce);
    }

    /// Until it was taken.
    async fn failed(&self, failure: Failure) {
        let (held, taken) = oneshot::channel();
        self.tell(Occurrence::JobStreamFailed(failure, held));
        // The only message is the hang-up.
        taken.await.ok();
    }

    /// Told once, last: from then on the queue does not wait for it.
    fn end(&self, occurrence: Occurrence) {
        let tag = self.tag;
        let mut state = lock(&self.queue.state);
        let cancel = state.running.try_remove(self.key);
        let (announce, refused) = state.push(Event { tag, occurrence });
        drop(state);
        drop((cancel, refused));
        self.queue.announce(announce);
    }
}

/// A call's, or a job stream's.
#[derive(Debug)]
pub(crate) struct Entry {
    place: Place,
    control: Arc<Control>,
    /// Messages of a round, which are told at its end at once.
    unsaid: Mutex<Batcher>,
    /// For its channel it has ended once its end is here.
    _active: ActiveCall,
}

impl Entry {
    fn tell(&self, occurrence: Occurrence) {
        self.tell_unsaid();
        self.place.tell(occurrence);
    }

    fn tell_soon(self: &Arc<Self>, message: Bytes, share: Share) {
        let mut unsaid = lock(&self.unsaid);
        let is_first = unsaid.is_empty();
        unsaid.add(message, share);
        drop(unsaid);
        if is_first {
            let this = Arc::clone(self);
            runtime::after_round(move || this.tell_unsaid());
        }
    }

    fn tell_unsaid(&self) {
        // Told under the lock, or who comes in between would be told before.
        let mut unsaid = lock(&self.unsaid);
        if let Some(batch) = unsaid.take() {
            self.place.tell(Occurrence::Messages(batch));
        }
    }

    pub(crate) fn end(&self, occurrence: Occurrence) {
        self.tell_unsaid();
        self.place.end(occurrence);
    }
}

/// A streaming call's events; its reader waits while too many messages have not been taken.
impl Handler for Entry {
    async fn initial_metadata(self: &Arc<Self>, metadata: Metadata) {
        self.tell(Occurrence::InitialMetadata(metadata));
    }

    async fn message(self: &Arc<Self>, message: Bytes) {
        let share = self.control.give(message.len());
        self.tell_soon(message, share);
        self.control.half_taken().await;
    }

    async fn ready(self: &Arc<Self>) {
        self.tell(Occurrence::Ready);
    }

    fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
        self.end(Occurrence::Close(ended));
    }
}

/// A job stream's events: it minds its backlog itself. Of failures one waits here at a time, and more where they come from.
impl JobHandler for Entry {
    async fn job(self: &Arc<Self>, job: Bytes, held: Held) {
        self.tell_soon(job, held.give());
    }

    async fn failed(self: &Arc<Self>, failure: Failure) {
        self.tell_unsaid();
        self.place.failed(failure).await;
    }
}

/// A unary call's.
#[derive(Debug)]
pub(crate) struct UnaryEntry {
    place: Place,
    /// For its channel it has ended once its end is here.
    _active: ActiveCall,
}

impl UnaryEntry {
    pub(crate) fn end(self, ended: Result<Response, Error>) {
        self.place.end(Occurrence::Unary(ended));
    }
}

/// A job worker's.
#[derive(Debug)]
pub(crate) struct WorkerEntry {
    place: Place,
    /// For its channel it has ended once its end is here.
    _active: ActiveCall,
}

/// A job is here at once, whoever takes it; what the worker bounds are those that are here.
impl WorkerHandler for WorkerEntry {
    fn lanes(&self) -> Option<usize> {
        None
    }

    fn job(self: &Arc<Self>, job: Arc<Job>, _: usize, _: impl FnOnce() + Send + 'static) {
        self.place.tell(Occurrence::Job(job));
    }

    async fn failed(self: &Arc<Self>, failure: Failure) {
        self.place.failed(failure).await;
    }

    fn close(self: Arc<Self>, ended: Result<(), Error>) {
        let ended = ended.map(|()| Metadata::default());
        self.place.end(Occurrence::Close(ended));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::call::{Demand, Owed, ReadAhead};
    use crate::channel::Channel;
    use crate::wire::Encoding;
    use crate::wire::framing::Limit;

    fn entry(queue: &Arc<Queue>) -> Arc<Entry> {
        let read_ahead = ReadAhead::default();
        let (limit, encoding) = (Limit::NOTHING, Encoding::Identity);
        let control = Arc::new(Control::of_stream(Demand::Any, read_ahead, limit, encoding));
        let active = Channel::of_test().enter(&control).unwrap();
        Arc::new(queue.enter(7, &control, active).unwrap())
    }

    #[test]
    fn a_handler_of_a_queue_tells_in_order_and_a_queue_waits_for_its_close() {
        let queue = Queue::new();
        let entry = entry(&queue);
        let owed = Owed::new(&entry);
        entry.ready().now_or_never().unwrap();
        let metadata = entry.initial_metadata(Metadata::default());
        metadata.now_or_never().unwrap();
        let message = entry.message(Bytes::from_static(b"one"));
        message.now_or_never().unwrap();
        queue.shutdown();
        assert!(queue.post(1).is_err());
        drop(entry);
        drop(owed);
        let events = queue.next(None, 10).unwrap();
        let [ready, metadata, message, close] = &events[..] else {
            panic!("{events:?}");
        };
        assert!(events.iter().all(|event| event.tag == 7));
        assert!(matches!(ready.occurrence, Occurrence::Ready));
        assert!(matches!(
            metadata.occurrence,
            Occurrence::InitialMetadata(_)
        ));
        let Occurrence::Messages(batch) = &message.occurrence else {
            panic!("{message:?}");
        };
        assert!(
            batch
                .messages()
                .map(|message| message.to_vec())
                .eq([b"one"])
        );
        assert!(matches!(close.occurrence, Occurrence::Close(Err(_))));
        assert!(queue.next(None, 1).is_err());
    }

    #[test]
    fn a_queue_that_was_freed_cancels_its_calls_and_keeps_nothing() {
        let queue = Queue::new();
        let entry = entry(&queue);
        entry.ready().now_or_never().unwrap();
        queue.abandon();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(entry.control.poll_cancelled(&mut context).is_ready());
        entry.close(Ok(Metadata::default()));
        assert!(lock(&queue.state).events.is_empty() && lock(&queue.state).is_drained());
    }
}
