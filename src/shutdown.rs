//! The end of the library's runtime, in order: threads, queues, log.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::{log, queue, runtime};

/// Ends every call, delivers what is owed, and waits for the threads; `None` waits for ever.
pub fn shutdown(timeout: Option<Duration>) -> Result<(), Error> {
    runtime::refuse_on_library_thread("the shutdown of the runtime")?;
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    runtime::end_epoch(deadline)?;
    queue::shutdown_all();
    log::shutdown(deadline)
}
