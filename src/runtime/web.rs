//! Web: a thread with a runtime of tokio's, for the HTTP client of token endpoints, which runs on no other. Begun when it is first
//! needed; where no thread can be had, a blocking one does its work.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::blocking::{BlockingThreads, blocking};
use super::{Worker, a_bug, lock, stopping};
use crate::error::Error;
use crate::panics;

thread_local! {
    static WEB: RefCell<Option<Web>> = const { RefCell::new(None) };
}

#[derive(Clone)]
pub(super) struct Web(Arc<Shared>);

struct Shared {
    name: String,
    blocking: BlockingThreads,
    state: Mutex<State>,
}

enum State {
    NotBegun,
    Runs(Thread),
    Stopped,
}

struct Thread {
    handle: Handle,
    /// Its drop ends the thread.
    stop: Option<oneshot::Sender<()>>,
    worker: Arc<Worker>,
}

/// Nobody waits for it any more.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs `work` on the thread for HTTP of the I/O thread that asks; elsewhere, right here. An error: it panicked, or the runtime ends.
pub(crate) async fn on_web<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Error> {
    let Some(web) = WEB.with_borrow(Clone::clone) else {
        return Ok(work.await);
    };
    let handle = match web.begin() {
        Ok(handle) => handle,
        Err(error) => {
            tracing::debug!("HTTP for tokens shares a thread: {error}");
            return blocking(|| Ok(tokio_runtime()?.block_on(work))).await?;
        }
    };
    let running = handle.spawn(work);
    let _abort = AbortOnDrop(running.abort_handle());
    running.await.map_err(|ended| match ended.is_panic() {
        true => a_bug(),
        false => stopping(),
    })
}

fn tokio_runtime() -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(panics::own_thread)
        .build()
        .map_err(|error| Error::unavailable(format!("cannot start I/O for tokens: {error}")))
}

impl Web {
    pub(super) fn new(name: &str, blocking: &BlockingThreads) -> Self {
        Self(Arc::new(Shared {
            name: format!("{name}-http"),
            blocking: blocking.clone(),
            state: Mutex::new(State::NotBegun),
        }))
    }

    /// What this thread asks for, runs there, or on the blocking threads. To say so again costs next to nothing.
    pub(super) fn serve_here(&self) {
        let is_same = |here: &Option<Self>| {
            let here = here.as_ref();
            here.is_some_and(|here| Arc::ptr_eq(&here.0, &self.0))
        };
        if !WEB.with_borrow(is_same) {
            WEB.set(Some(self.clone()));
            self.0.blocking.serve_here();
        }
    }

    fn begin(&self) -> Result<Handle, Error> {
        let mut state = lock(&self.0.state);
        match &*state {
            State::Runs(thread) => return Ok(thread.handle.clone()),
            State::Stopped => return Err(stopping()),
            State::NotBegun => {}
        }
        let runtime = tokio_runtime()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let blocking = self.0.blocking.clone();
        let worker = Worker::start(self.0.name.clone(), move || {
            blocking.serve_here();
            // The only message is the hang-up.
            runtime.block_on(stopped).ok();
        })?;
        *state = State::Runs(Thread {
            handle: handle.clone(),
            stop: Some(stop),
            worker: Arc::new(worker),
        });
        Ok(handle)
    }

    /// Whether the thread, if there was one, has ended before the deadline; none begins any more.
    pub(super) fn end(&self, deadline: Option<Instant>) -> bool {
        let mut state = lock(&self.0.state);
        let worker = match &mut *state {
            State::Runs(thread) => {
                thread.stop = None;
                Arc::clone(&thread.worker)
            }
            State::NotBegun | State::Stopped => {
                *state = State::Stopped;
                return true;
            }
        };
        drop(state);
        let ended = worker.join(deadline);
        if ended {
            *lock(&self.0.state) = State::Stopped;
        }
        ended
    }
}
