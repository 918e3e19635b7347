//! A worker without a gateway: what its threads do at the same time, in the orders that might lose something. One thread does it all here,
//! for none holds a lock where another comes between.

use std::sync::mpsc;

use prost::encoding::int64;

use super::*;
use crate::channel::Cancel;
use crate::error::Code;
use crate::job_stream::Failure;

/// Keeps the jobs.
#[derive(Default)]
struct Desk {
    jobs: Mutex<Vec<Arc<Job>>>,
    /// What happens while the next job is given.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

struct Handler(Arc<Desk>);

impl WorkerHandler for Handler {
    fn lanes(&self) -> Option<usize> {
        None
    }

    fn job(self: &Arc<Self>, job: Arc<Job>, _: usize, _: impl FnOnce() + Send + 'static) {
        lock(&self.0.jobs).push(job);
        let meanwhile = lock(&self.0.meanwhile).take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
    }

    async fn failed(self: &Arc<Self>, _: Failure) {}

    fn close(self: Arc<Self>, _: Result<(), Error>) {}
}

/// Its task, without which it would end.
fn task(desk: &Arc<Desk>, signals: &Arc<Signals>) -> Task<Handler> {
    let long = Duration::from_secs(600);
    let options = JobWorkerOptions {
        job_timeout: long,
        request_timeout: long,
        ..JobWorkerOptions::of_test()
    };
    start(
        &Channel::of_test(),
        options,
        Arc::clone(signals),
        Arc::new(Stats::new("t", "w")),
        || Ok(Handler(Arc::clone(desk))),
    )
    .unwrap()
}

fn a_job_comes(worker: &Arc<Worker<Handler>>) {
    let mut job = Vec::new();
    int64::encode(1, &7, &mut job);
    let held = worker.stream.control().hold(job.len());
    worker.arrive(job.into(), held);
}

/// The program frees its worker on one thread of its own while another is given a job; the task finds that that one acts.
#[test]
fn a_cancel_is_seen_by_who_acts_when_it_comes() {
    let (desk, signals) = (Arc::<Desk>::default(), Arc::<Signals>::default());
    let task = task(&desk, &signals);
    let worker = &task.0;
    let (freed, io_thread) = (Arc::clone(&signals), Arc::clone(worker));
    *lock(&desk.meanwhile) = Some(Box::new(move || {
        freed.cancel(Error::cancelled("freed"));
        io_thread.act(Place::Library);
    }));
    a_job_comes(worker);
    assert_eq!(lock(&desk.jobs).len(), 1);
    let inner = worker.inner();
    assert!(inner.state.reason().is_err() && !inner.state.takes_end(0));
}

/// Another thread cuts the worker when the end is on its way, and cannot be cancelled yet.
#[test]
fn a_cancel_meets_the_end_that_is_just_being_sent() {
    let (desk, signals) = (Arc::<Desk>::default(), Arc::<Signals>::default());
    let task = task(&desk, &signals);
    let worker = &task.0;
    a_job_comes(worker);
    let (sender, told) = mpsc::channel();
    let mut inner = worker.inner();
    inner.jobs[0].end = Some(Arc::new(End::complete(7, "")));
    inner.jobs[0].told = Some(Box::new(move |outcome, done| {
        sender.send(outcome).unwrap();
        done();
    }));
    inner.state.note(Event::Ended(0), Instant::now(), 0.5);
    let action = inner.state.next(Place::Program, Instant::now());
    let Some(Action::Send(id, patience)) = action else {
        panic!("{action:?}");
    };
    drop(inner);
    signals.cancel(Error::cancelled("freed"));
    worker.act(Place::Library);
    worker.send(id, patience, worker.inner());
    // At once: nobody answers it within ten minutes.
    let outcome = told.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(outcome.verdict, Verdict::NotEnded);
    assert_eq!(outcome.error.unwrap().code(), Code::Cancelled);
}
