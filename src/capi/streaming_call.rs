//! Calls of any kind: with a handler, on a completion queue, or blocking for a stream's end.

use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::Arc;

use bytes::Bytes;
use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::buffer::zeebe_buffer;
use super::call::{call_options, path, refuse_taken, zeebe_call, zeebe_call_options};
use super::callback::{UserData, lend_error};
use super::channel::zeebe_channel;
use super::completion_queue::zeebe_completion_queue;
use super::convert::{self, Options, Out};
use super::error::{close_arguments, zeebe_error};
use super::handle::living;
use super::library::{Owned, zeebe_destroy};
use super::metadata::zeebe_metadata;
use crate::call::{Handler, start_stream};
use crate::channel::ActiveCall;
use crate::error::Error;
use crate::runtime::{Runtime, unique_key};
use crate::wire::Metadata;

/// The gateway's first metadata; not called for an answer that has none.
pub type zeebe_initial_metadata_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, metadata: *const zeebe_metadata)>;

/// A message of the stream. A slow callback slows the sender.
pub type zeebe_message_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, message: *const zeebe_buffer)>;

/// More may be sent.
pub type zeebe_ready_callback = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The end: `error` is NULL if the status is OK; `trailers` is never NULL.
pub type zeebe_close_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        error: *const zeebe_error,
        trailers: *const zeebe_metadata,
    ),
>;

/// What is told about a call of zeebe_channel_start_call(). All run in order, never two at once, on library threads. Initialise it with ::ZEEBE_CALL_HANDLER_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_call_handler {
    /// `sizeof(zeebe_call_handler)`.
    pub size: usize,
    /// May be NULL.
    pub on_initial_metadata: zeebe_initial_metadata_callback,
    /// May be NULL.
    pub on_message: zeebe_message_callback,
    /// More may be sent; advice. May be NULL.
    pub on_ready: zeebe_ready_callback,
    /// Once, last. Required.
    pub on_close: zeebe_close_callback,
    /// After on_close; may be NULL.
    pub destroy: zeebe_destroy,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_call_handler {
    const FIRST_SIZE: usize = offset_of!(Self, destroy) + size_of::<zeebe_destroy>();
}
const _: () = assert!(size_of::<zeebe_call_handler>() == 48);

/// What ::ZEEBE_CALL_HANDLER_INIT says, for languages that have no macros of C: nothing given.
///
/// `handler` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_handler_init(handler: *mut zeebe_call_handler, size: usize) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(handler, size) }
}

impl zeebe_call_handler {
    pub(crate) const NONE: Self = Self {
        size: size_of::<Self>(),
        on_initial_metadata: None,
        on_message: None,
        on_ready: None,
        on_close: None,
        destroy: None,
    };
}

/// A handler's functions, called on the thread for callbacks.
pub(crate) struct Callbacks {
    handler: zeebe_call_handler,
    user: Owned,
    runtime: Arc<Runtime>,
    key: usize,
    /// `None`: another has it.
    _active: Option<ActiveCall>,
}

impl Callbacks {
    /// Owns the user data from here on.
    pub(crate) fn new(
        handler: zeebe_call_handler,
        user_data: UserData,
        runtime: &Arc<Runtime>,
        active: Option<ActiveCall>,
    ) -> Self {
        Self {
            handler,
            user: Owned(user_data, handler.destroy),
            runtime: Arc::clone(runtime),
            key: unique_key(),
            _active: active,
        }
    }

    /// Waits for the callback, so that a slow one slows the sender and nothing else.
    pub(crate) async fn tell(self: &Arc<Self>, event: impl FnOnce(*mut c_void) + Send + 'static) {
        match self.runtime.callback_threads() {
            None => event(self.user.0.0),
            Some(threads) => {
                let this = Arc::clone(self);
                threads
                    .run_and_wait(self.key, move || event(this.user.0.0))
                    .await;
            }
        }
    }
}

impl Handler for Callbacks {
    async fn initial_metadata(self: &Arc<Self>, metadata: Metadata) {
        if let Some(callback) = self.handler.on_initial_metadata {
            let metadata = zeebe_metadata::new(metadata);
            // SAFETY: C gave this function for these arguments; they outlive the call.
            self.tell(move |user_data| unsafe { callback(user_data, &raw const metadata) })
                .await;
        }
    }

    async fn message(self: &Arc<Self>, message: Bytes) {
        if let Some(callback) = self.handler.on_message {
            let message = zeebe_buffer::lent(message);
            // SAFETY: as above.
            self.tell(move |user_data| unsafe { callback(user_data, &raw const message) })
                .await;
        }
    }

    async fn ready(self: &Arc<Self>) {
        if let Some(callback) = self.handler.on_ready {
            // SAFETY: as above.
            self.tell(move |user_data| unsafe { callback(user_data) })
                .await;
        }
    }

    fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
        let runtime = Arc::clone(&self.runtime);
        runtime.call_back(self.key, move || {
            if let Some(callback) = self.handler.on_close {
                let (error, trailers) = close_arguments(ended);
                let error = lend_error(error.as_ref());
                // SAFETY: as above.
                unsafe { callback(self.user.0.0, error, &raw const trailers) }
            }
        });
    }
}

// SAFETY: the handler's functions are C's, which the header says run on library threads, never two
// at once for one call; the user data is only handed back.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

/// Starts a call of any kind; the handler learns what happens, and on_close how it ends, once and last.
///
/// Send with zeebe_call_send_message(), then zeebe_call_half_close(), or with zeebe_call_send_last_message(), also a single request. `*call` is
/// written before the first callback; freeing its last handle cancels the call, and on_close still comes.
/// Errors as zeebe_channel_unary_call(); INVALID_ARGUMENT also: `handler`, its on_close or `call` is NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_start_call(
    channel: Option<&zeebe_channel>,
    method: *const c_char,
    options: *const zeebe_call_options,
    handler: *const zeebe_call_handler,
    user_data: *mut c_void,
    call: *mut Option<repr_c::Box<zeebe_call>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let out = unsafe { Out::new("call", call) }?;
    let channel = &living("channel", channel)?.channel;
    // SAFETY: a string of the header's contract.
    let method = unsafe { path(method) }?;
    let options = call_options(options)?;
    refuse_taken(options.demand)?;
    // SAFETY: an options struct of the header's contract.
    let handler = unsafe { convert::options("handler", handler) }?;
    convert::required("handler.on_close", handler.on_close)?;
    let runtime = channel.runtime()?;
    start_stream(channel, &method, options, |control, active| {
        out.write(zeebe_call::boxed(control, channel.epoch()));
        Ok(Callbacks::new(
            handler,
            UserData(user_data),
            runtime,
            Some(active),
        ))
    })
}

/// Starts a call of any kind; what happens to it are events with `tag`, taken by zeebe_completion_queue_next().
///
/// INITIAL_METADATA, if the answer has some; MESSAGE; READY, when more may be sent; CLOSE, once and last. Messages that are not
/// taken slow the sender. `call` and errors as for zeebe_channel_start_call(); SHUTDOWN also: the queue was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_start_call_on_queue(
    channel: Option<&zeebe_channel>,
    method: *const c_char,
    options: *const zeebe_call_options,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
    call: *mut Option<repr_c::Box<zeebe_call>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let out = unsafe { Out::new("call", call) }?;
    let channel = &living("channel", channel)?.channel;
    // SAFETY: a string of the header's contract.
    let method = unsafe { path(method) }?;
    let options = call_options(options)?;
    let queue = living("queue", queue)?.queue();
    start_stream(channel, &method, options, |control, active| {
        let entry = queue.enter(tag, control, active)?;
        out.write(zeebe_call::boxed(control, channel.epoch()));
        Ok(entry)
    })
}
