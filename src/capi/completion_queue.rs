//! Completion queues: where ends and events of all that is asynchronous are taken in batches, by threads or an event loop of the
//! program's.

use std::sync::Arc;

use macro_rules_attribute::apply;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::convert::{self, Out};
use super::error::zeebe_error;
use super::event::{Block, Places, zeebe_event};
use super::handle::{self, Handle, living};
use crate::error::Error;
use crate::queue::{Event, Queue};
use crate::runtime::{self, Epoch};

/// Where the ends and events of what was begun wait to be taken. Owned by who received it: zeebe_completion_queue_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_completion_queue {
    /// Shared by the handles of one queue; the last one's drop cancels its calls.
    owner: Arc<AbandonOnDrop>,
    epoch: Epoch,
}

struct AbandonOnDrop(Arc<Queue>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Handle for zeebe_completion_queue {
    fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl zeebe_completion_queue {
    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.owner.0
    }
}

/// Makes a completion queue. INVALID_ARGUMENT: `queue` is NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_completion_queue_new(
    queue: *mut Option<repr_c::Box<zeebe_completion_queue>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let queue = unsafe { Out::new("queue", queue) }?;
    let inner = Queue::new();
    let made = zeebe_completion_queue {
        epoch: inner.epoch(),
        owner: Arc::new(AbandonOnDrop(inner)),
    };
    queue.write(Some(Box::new(made).into()));
    Ok(())
}

/// Writes a descriptor to `fd` that is readable while zeebe_completion_queue_next() would not wait, also by level- and
/// edge-triggered epoll.
///
/// It is the library's: only poll it, and not after the queue's last handle was freed. With an edge-triggered loop, or a
/// thread beside it, take events until there are none. A queue whose descriptor nobody asked for has none.
/// INVALID_ARGUMENT: NULL. INTERNAL: the process has no descriptors left. SHUTDOWN: after zeebe_runtime_shutdown().
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_completion_queue_fd(
    queue: Option<&zeebe_completion_queue>,
    fd: *mut i32,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let fd = unsafe { Out::new("fd", fd) }?;
    fd.write(living("queue", queue)?.queue().descriptor()?);
    Ok(())
}

/// Takes up to `capacity` events, which came in this order, into `events`, and writes to `count` how many; waits for the
/// first one `timeout_ms` at most (< 0: for ever; 0: not at all).
///
/// `event_size` is `sizeof(zeebe_event)`. Time-out: `*count` is 0. The events own their data: zeebe_events_clear(). Any
/// number of threads may take from one queue; the events of one tag come in order, but threads may overtake one another.
/// SHUTDOWN: the queue or the runtime was shut down, and nothing is left to come. ILLEGAL_STATE: with a `timeout_ms` other
/// than 0 on a library thread. INVALID_ARGUMENT: NULL, `capacity` 0, a wrong `event_size`.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_completion_queue_next(
    queue: Option<&zeebe_completion_queue>,
    timeout_ms: i64,
    events: *mut zeebe_event,
    event_size: usize,
    capacity: usize,
    count: *mut usize,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let count = unsafe { Out::new("count", count) }?;
    // SAFETY: `capacity` elements of `event_size` bytes are writable there, by the header.
    let places = unsafe { Places::new(events, event_size, capacity) }?;
    let blocks = "zeebe_completion_queue_next with a time-out";
    count.write(take(blocks, queue, timeout_ms, places, Block::default())?);
    Ok(())
}

/// Takes events as zeebe_completion_queue_next() does, and copies their messages into `block`, of `block_size` bytes, while there is
/// room: for a program that copies them anyway, into memory of its own.
///
/// The `data` of an event of type UNARY or MESSAGE then points into `block`, its `message` is NULL, and so is its `response` unless that has
/// metadata: most events own nothing, and what all pointers of are NULL needs no zeebe_events_clear(). A message that does not fit comes as from
/// zeebe_completion_queue_next(), and shorter ones after it may still be copied. `block` is the program's: the library writes to it in here only.
/// NULL where `block_size` is 0. Threads and errors as zeebe_completion_queue_next()'s, and INVALID_ARGUMENT: `block` is NULL, `block_size` not 0.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_completion_queue_take(
    queue: Option<&zeebe_completion_queue>,
    timeout_ms: i64,
    events: *mut zeebe_event,
    event_size: usize,
    capacity: usize,
    block: *mut u8,
    block_size: usize,
    count: *mut usize,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let count = unsafe { Out::new("count", count) }?;
    // SAFETY: `capacity` elements of `event_size` bytes are writable there, by the header.
    let places = unsafe { Places::new(events, event_size, capacity) }?;
    // SAFETY: so many bytes are writable there, and nobody else's until this returns, by the header.
    let block = unsafe { Block::new(block, block_size) }?;
    let blocks = "zeebe_completion_queue_take with a time-out";
    count.write(take(blocks, queue, timeout_ms, places, block)?);
    Ok(())
}

/// `blocks` names what does.
fn take(
    blocks: &str,
    queue: Option<&zeebe_completion_queue>,
    timeout_ms: i64,
    mut places: Places,
    mut block: Block,
) -> Result<usize, Error> {
    let queue = convert::required("queue", queue)?;
    if queue.epoch.is_of_parent() {
        queue.epoch.check()?;
    }
    if timeout_ms != 0 {
        runtime::refuse_on_library_thread(blocks)?;
    }
    let taken = queue
        .queue()
        .next(convert::timeout(timeout_ms), places.left())?;
    let count = taken.iter().map(Event::count).sum();
    for event in taken {
        places.write(event, &mut block);
    }
    Ok(count)
}

/// Adds an event of type POSTED with `tag`, from any thread or callback: how an event loop is woken for something else.
///
/// SHUTDOWN: the queue or the runtime was shut down. INVALID_ARGUMENT: NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_completion_queue_post(
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Option<repr_c::Box<zeebe_error>> {
    living("queue", queue)?.queue().post(tag)
}

/// Refuses posts and what would begin here from now on; what runs still ends here. NULL is allowed.
///
/// Once all have ended and all was taken, zeebe_completion_queue_next() returns SHUTDOWN, to every thread, and the
/// descriptor stays readable. zeebe_runtime_shutdown() shuts down every queue.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_completion_queue_shutdown(queue: Option<&zeebe_completion_queue>) {
    if let Ok(queue) = living("queue", queue) {
        queue.queue().shutdown();
    }
}

/// Another handle on the same queue. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_completion_queue_ref(
    queue: Option<&zeebe_completion_queue>,
) -> Option<repr_c::Box<zeebe_completion_queue>> {
    let another = |queue: &zeebe_completion_queue| zeebe_completion_queue {
        owner: Arc::clone(&queue.owner),
        epoch: queue.epoch,
    };
    queue.map(|queue| Box::new(another(queue)).into())
}

/// Frees a queue's handle; the last one cancels its calls and job streams, and events not taken are lost. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_completion_queue_free(queue: Option<repr_c::Box<zeebe_completion_queue>>) {
    handle::free(queue);
}
