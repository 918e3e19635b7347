//! A job stream, as events for the one thread that waits for them.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use zeebe::call::{Demand, Handler, Held, ReadAhead};
use zeebe::channel::{ActiveCall, Channel};
use zeebe::error::Error;
use zeebe::job_stream::{Failure, JobHandler, JobStream, JobStreamOptions, Polls};
use zeebe::json::Rpc;
use zeebe::options;
use zeebe::wire::Metadata;

/// Its messages are jobs: what is streamed is one `ActivatedJob` each.
const RPC: &str = "StreamActivatedJobs";

/// What comes of a job stream.
#[derive(Debug)]
pub(crate) enum Event {
    /// Its JSON, with its share of those that may be here, which lets another come once it is dropped.
    Job(String, Held),
    /// It goes on.
    Failed(Failure),
    /// The last.
    Closed(Result<(), Error>),
}

struct Teller {
    rpc: Rpc,
    events: mpsc::Sender<Event>,
    _active: ActiveCall,
}

impl Teller {
    fn tell(&self, event: Event) {
        // Who does not listen any more needs none.
        self.events.send(event).ok();
    }
}

impl Handler for Teller {
    async fn initial_metadata(self: &Arc<Self>, _: Metadata) {}
    async fn message(self: &Arc<Self>, _: bytes::Bytes) {}
    async fn ready(self: &Arc<Self>) {}
    fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
        self.tell(Event::Closed(ended.map(drop)));
    }
}

impl JobHandler for Teller {
    async fn job(self: &Arc<Self>, job: bytes::Bytes, held: Held) {
        match self.rpc.answer_to_json(&job) {
            Ok(job) => self.tell(Event::Job(job, held)),
            Err(error) => self.tell(Event::Closed(Err(error))),
        }
    }

    async fn failed(self: &Arc<Self>, failure: Failure) {
        self.tell(Event::Failed(failure));
    }
}

/// Jobs of a type, each ours for `job_timeout_ms`, so many here at once. `is_exact`: no more is taken than that, whatever comes: a stream brings
/// what its window holds, so it is polls that ask.
pub(crate) fn open(
    channel: &Arc<Channel>,
    job_type: &str,
    job_timeout_ms: u64,
    at_once: u64,
    is_exact: bool,
) -> Result<(JobStream, mpsc::Receiver<Event>), Error> {
    let rpc = Rpc::find(RPC)?;
    let request = json!({ "type": job_type, "worker": "zeebe", "timeout": job_timeout_ms });
    let request = rpc.request_from_json(&request.to_string())?;
    let mut polls = Polls::default();
    polls.alone = is_exact;
    let options = JobStreamOptions {
        metadata: Metadata::default(),
        // What is shown is kept for as long as no other is wanted in its place, however long it is.
        read_ahead: ReadAhead::of_messages(at_once),
        watchdog: options::WATCHDOG.milliseconds(0)?,
        lifetime: None,
        poll_interval: options::POLL_INTERVAL.milliseconds(0)?,
        polls,
        demand: Demand::Kept,
    };
    let (sender, events) = mpsc::channel();
    let started = Mutex::new(None);
    JobStream::start(channel, &request, options, |stream, active| {
        *started.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
        Ok(Teller {
            rpc,
            events: sender,
            _active: active,
        })
    })?;
    let started = started.into_inner().unwrap_or_else(PoisonError::into_inner);
    let stream = started.ok_or_else(|| Error::internal("a job stream began without a handle"))?;
    Ok((stream, events))
}
