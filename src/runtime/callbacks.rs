//! Callback threads: where callbacks run when the host asked for threads of their own.

use std::sync::{Mutex, mpsc};
use std::time::Instant;

use tokio::sync::oneshot;

use super::{Options, Worker, lock};
use crate::error::Error;
use crate::panics;

type Callback = Box<dyn FnOnce() + Send>;

struct CallbackThread {
    /// `None` once stopped.
    queue: Mutex<Option<mpsc::Sender<Callback>>>,
    worker: Worker,
}

pub(crate) struct CallbackThreads(Vec<CallbackThread>);

impl CallbackThreads {
    /// `None` if callbacks run on the I/O threads.
    pub(super) fn start(options: &Options) -> Result<Option<Self>, Error> {
        if options.callback_threads == 0 {
            return Ok(None);
        }
        let mut threads = Self(Vec::new());
        for index in 0..options.callback_threads {
            let (sender, receiver) = mpsc::channel::<Callback>();
            let body = move || {
                while let Ok(callback) = receiver.recv() {
                    // A panic of ours in one must not take the others with it.
                    panics::guard(callback).ok();
                }
            };
            match Worker::start(format!("{}-cb-{index}", options.thread_name), body) {
                Ok(worker) => threads.0.push(CallbackThread {
                    queue: Mutex::new(Some(sender)),
                    worker,
                }),
                Err(error) => {
                    threads.stop();
                    threads.join(None);
                    return Err(error);
                }
            }
        }
        Ok(Some(threads))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// On the thread of `key`, after everything given for it before.
    pub(super) fn run(&self, key: usize, callback: Callback) {
        let thread = &self.0[key % self.0.len()];
        let refused = match &*lock(&thread.queue) {
            Some(queue) => queue.send(callback).err().map(|refused| refused.0),
            None => Some(callback),
        };
        // Only when the threads have ended: a completion is never lost, so it comes here.
        if let Some(callback) = refused {
            callback();
        }
    }

    /// As [`Self::run`], and waits until the callback has returned.
    pub(crate) async fn run_and_wait(&self, key: usize, callback: impl FnOnce() + Send + 'static) {
        let (done, waiting) = oneshot::channel::<()>();
        self.run(
            key,
            Box::new(move || {
                let _done = done; // dropped last, also if the callback panics
                callback();
            }),
        );
        // The only message is the hang-up.
        waiting.await.ok();
    }

    /// The threads end once their queues are empty.
    pub(super) fn stop(&self) {
        for thread in &self.0 {
            *lock(&thread.queue) = None;
        }
    }

    pub(super) fn join(&self, deadline: Option<Instant>) -> bool {
        self.0.iter().all(|thread| thread.worker.join(deadline))
    }
}
