//! Calls: unary with a callback or blocking, and streaming with a handler.

use std::ffi::c_void;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::buffer::zeebe_buffer;
use super::channel::{wait_for_ready, zeebe_channel};
use super::completion::{Completion, UserData, lend_error};
use super::convert::{self, Out};
use super::error::zeebe_error;
use super::handle::{self, Handle, living};
use super::library::Owned;
use super::metadata::zeebe_metadata;
use super::options::{zeebe_call_handler, zeebe_call_options};
use super::response::zeebe_response;
use crate::call::{
    self, Call, CallOptions, Control, Encoding, Handler, Metadata, Response, Timeout,
};
use crate::channel::{ActiveCall, Channel};
use crate::error::Error;
use crate::runtime::{self, Epoch, Runtime, Slot, unique_key};

/// A call under way. Owned by who received it: zeebe_call_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_call {
    control: Arc<Control>,
    /// Shared by the handles of one call; the last one's drop cancels.
    owner: Arc<CancelOnDrop>,
    epoch: Epoch,
}

struct CancelOnDrop(Arc<Control>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0
            .cancel(Error::cancelled("the last handle of the call was freed"));
    }
}

impl Handle for zeebe_call {
    fn epoch(&self) -> Epoch {
        self.epoch
    }
}

/// Called once; exactly one of `error` and `response` is not NULL. Both are borrowed until it returns.
pub type zeebe_unary_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        error: *const zeebe_error,
        response: *const zeebe_response,
    ),
>;

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

pub(crate) fn call_options(options: *const zeebe_call_options) -> Result<CallOptions, Error> {
    // SAFETY: an options struct of the header's contract.
    let options = unsafe { convert::options("options", options) }?;
    let timeout = match options.timeout_ms {
        0 => Timeout::OfChannel,
        -1 => Timeout::None, // ZEEBE_TIMEOUT_NONE
        given => Timeout::After(Duration::from_millis(u64::try_from(given).map_err(
            |_| Error::invalid_argument(format!("options.timeout_ms is {given}")),
        )?)),
    };
    if options.reserved != 0 {
        return Err(Error::invalid_argument("options.reserved is not 0"));
    }
    let encoding = match options.compression {
        0 => None,
        1 => Some(Encoding::Identity),
        2 => Some(Encoding::Gzip),
        other => {
            return Err(Error::invalid_argument(format!(
                "options.compression is {other}"
            )));
        }
    };
    let max_receive = match options.max_receive_message_length {
        0 => None,
        -1 => Some(usize::MAX),
        given => Some(
            i32::try_from(given)
                .ok()
                .and_then(|given| usize::try_from(given).ok())
                .ok_or_else(|| {
                    Error::invalid_argument(format!(
                        "options.max_receive_message_length is {given}"
                    ))
                })?,
        ),
    };
    // SAFETY: NULL or metadata of ours, by the header.
    let metadata = unsafe { options.metadata.as_ref() };
    // SAFETY: NULL or a plugin of ours, by the header.
    let credentials = unsafe { options.credentials.as_ref() };
    // SAFETY: a string of the header's contract.
    let authority = unsafe { convert::given_text("options.authority", options.authority) }?;
    Ok(CallOptions {
        timeout,
        metadata: metadata.map_or(Metadata::default(), |given| {
            Metadata::clone(&given.metadata)
        }),
        credentials: credentials.map(|given| Arc::clone(&given.plugin)),
        authority: authority.map(str::to_owned),
        max_receive,
        wait_for_ready: wait_for_ready(options.wait_for_ready)?,
        encoding,
        manual_requests: convert::flag("options.manual_requests", options.manual_requests)?,
    })
}

/// Starts a unary call whose result goes to `complete`, which also gets what keeps the channel
/// from counting the call as ended.
fn start_unary<F>(
    channel: &Arc<Channel>,
    method: &str,
    message: &[u8],
    options: CallOptions,
    before: impl FnOnce(&Arc<Control>),
    complete: impl FnOnce(Arc<Runtime>, ActiveCall) -> F,
) -> Result<(), Error>
where
    F: FnOnce(Result<Response, Error>) + Send + 'static,
{
    let call = Call::new(channel, method, options)?;
    let framed = call.frame(message)?;
    let runtime = channel.runtime()?;
    let slot = runtime.reserve(channel.home(&runtime))?;
    let control = Arc::new(Control::default());
    let active = channel.enter(Arc::clone(&control))?;
    before(&control);
    // From here on the completion comes, so nothing may return an error any more.
    let completion = Completion::new(complete(Arc::clone(&runtime), active));
    slot.spawn(async move {
        let result = call::unary(&call, &control, &framed).await;
        drop(call); // who is told that it ended may rely on it that nothing of it is left
        completion.deliver(result);
    });
    Ok(())
}

fn call_handle(control: &Arc<Control>, epoch: Epoch) -> Option<repr_c::Box<zeebe_call>> {
    Some(
        Box::new(zeebe_call {
            control: Arc::clone(control),
            owner: Arc::new(CancelOnDrop(Arc::clone(control))),
            epoch,
        })
        .into(),
    )
}

/// Starts a unary call; `callback` gets its end, once, on a library thread.
///
/// `method` is a path such as `/gateway_protocol.Gateway/Topology`, `message` its encoded request, both copied. `call` may be
/// NULL; else it is written before the callback runs, and freeing it early cancels the call.
/// INVALID_ARGUMENT: NULL, not UTF-8, out of range. RPC, RESOURCE_EXHAUSTED: the message is longer than the send limit.
/// SHUTDOWN: the channel is closed, or the runtime was shut down. Never blocks.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_unary_call(
    channel: Option<&zeebe_channel>,
    method: *const c_char,
    message: *const u8,
    length: usize,
    options: *const zeebe_call_options,
    callback: zeebe_unary_callback,
    user_data: *mut c_void,
    call: *mut Option<repr_c::Box<zeebe_call>>,
) -> Option<repr_c::Box<zeebe_error>> {
    let channel = &living("channel", channel)?.channel;
    // SAFETY: a string of the header's contract.
    let method = unsafe { convert::text("method", method) }?;
    // SAFETY: bytes of the header's contract.
    let message = unsafe { convert::bytes("message", message, length) }?;
    let options = call_options(options)?;
    let callback = convert::required("callback", callback)?;
    let user_data = UserData(user_data);
    let before = |control: &Arc<Control>| {
        if call.is_null() {
            return;
        }
        // SAFETY: an out-parameter of the header's contract.
        if let Ok(call) = unsafe { Out::new("call", call) } {
            call.write(call_handle(control, channel.epoch()));
        }
    };
    start_unary(
        channel,
        method,
        message,
        options,
        before,
        |runtime, active| {
            move |result: Result<Response, Error>| {
                runtime.call_back(unique_key(), move || {
                    let user_data = user_data;
                    let (error, response) = match result {
                        Ok(response) => (None, Some(zeebe_response::new(response))),
                        Err(error) => (Some(zeebe_error::new(error)), None),
                    };
                    let lent = response
                        .as_ref()
                        .map_or(std::ptr::null(), std::ptr::from_ref);
                    // SAFETY: C gave this function for these arguments; they outlive the call.
                    unsafe { callback(user_data.0, lend_error(error.as_ref()), lent) }
                    drop(active); // only now has the call ended
                });
            }
        },
    )
}

/// Makes a unary call and blocks until it ends; give it a time-out.
///
/// `*response` is owned: zeebe_response_free(). Errors: as zeebe_channel_unary_call(), and how the call ended, most
/// often RPC with the gateway's status. ILLEGAL_STATE: on a library thread.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_unary_call_sync(
    channel: Option<&zeebe_channel>,
    method: *const c_char,
    message: *const u8,
    length: usize,
    options: *const zeebe_call_options,
    response: *mut Option<repr_c::Box<zeebe_response>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let response = unsafe { Out::new("response", response) }?;
    let channel = &living("channel", channel)?.channel;
    // SAFETY: a string of the header's contract.
    let method = unsafe { convert::text("method", method) }?;
    // SAFETY: bytes of the header's contract.
    let message = unsafe { convert::bytes("message", message, length) }?;
    let result = unary_sync(channel, method, message, call_options(options)?)?;
    response.write(Some(Box::new(zeebe_response::new(result)).into()));
    Ok(())
}

/// Blocks until a unary call ends.
pub(crate) fn unary_sync(
    channel: &Arc<Channel>,
    method: &str,
    message: &[u8],
    options: CallOptions,
) -> Result<Response, Error> {
    runtime::refuse_on_library_thread("a blocking call")?;
    let (sender, receiver) = mpsc::channel();
    start_unary(
        channel,
        method,
        message,
        options,
        |_| (),
        |_, active| {
            move |result| {
                drop(active);
                // The receiver waits below.
                let _: Result<(), _> = sender.send(result);
            }
        },
    )?;
    receiver
        .recv()
        .unwrap_or_else(|_| Err(Error::shutdown("the runtime was shut down")))
}

struct CHandler {
    handler: zeebe_call_handler,
    user: Owned,
    _active: ActiveCall,
}

impl Handler for CHandler {
    fn initial_metadata(&self, metadata: Metadata) {
        if let Some(callback) = self.handler.on_initial_metadata {
            let metadata = zeebe_metadata::new(metadata);
            // SAFETY: C gave this function for these arguments; they outlive the call.
            unsafe { callback(self.user.0.0, &raw const metadata) }
        }
    }

    fn message(&self, message: Bytes) {
        if let Some(callback) = self.handler.on_message {
            let message = zeebe_buffer { bytes: message };
            // SAFETY: as above.
            unsafe { callback(self.user.0.0, &raw const message) }
        }
    }

    fn ready(&self) {
        if let Some(callback) = self.handler.on_ready {
            // SAFETY: as above.
            unsafe { callback(self.user.0.0) }
        }
    }

    fn close(&self, ended: Result<Metadata, Error>) {
        if let Some(callback) = self.handler.on_close {
            let (error, trailers) = match ended {
                Ok(trailers) => (None, trailers),
                Err(error) => {
                    let trailers = error.trailers().cloned().unwrap_or_default();
                    (Some(zeebe_error::new(error)), trailers)
                }
            };
            let trailers = zeebe_metadata::new(trailers);
            // SAFETY: as above.
            unsafe {
                callback(
                    self.user.0.0,
                    lend_error(error.as_ref()),
                    &raw const trailers,
                )
            }
        }
    }
}

// SAFETY: the handler's functions are C's, which the header says run on library threads, never two
// at once for one call; the user data is only handed back.
unsafe impl Send for CHandler {}
// SAFETY: as above.
unsafe impl Sync for CHandler {}

/// Starts a call of any kind; the handler learns what happens, and on_close how it ends, once and last.
///
/// Send with zeebe_call_send_message(), then zeebe_call_half_close(), also for a single request. `*call` is written before the
/// first callback; freeing its last handle cancels the call, and on_close still comes.
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
    let method = unsafe { convert::text("method", method) }?;
    let options = call_options(options)?;
    // SAFETY: an options struct of the header's contract.
    let handler = unsafe { convert::options("handler", handler) }?;
    convert::required("handler.on_close", handler.on_close)?;
    let runtime = channel.runtime()?;
    let slot = runtime.reserve(channel.home(&runtime))?;
    let start = Start::new(channel, method, options, &runtime)?;
    out.write(call_handle(&start.control, channel.epoch()));
    start.run(slot, |active| CHandler {
        user: Owned(UserData(user_data), handler.destroy),
        handler,
        _active: active,
    });
    Ok(())
}

/// A streaming call that nothing can refuse any more.
struct Start {
    call: Call,
    control: Arc<Control>,
    active: ActiveCall,
    runtime: Arc<Runtime>,
}

impl Start {
    fn new(
        channel: &Arc<Channel>,
        method: &str,
        options: CallOptions,
        runtime: &Arc<Runtime>,
    ) -> Result<Self, Error> {
        let call = Call::new(channel, method, options)?;
        let control = Arc::new(call.stream_control());
        Ok(Self {
            active: channel.enter(Arc::clone(&control))?,
            call,
            control,
            runtime: Arc::clone(runtime),
        })
    }

    fn run<H: Handler>(self, slot: Slot<'_>, handler: impl FnOnce(ActiveCall) -> H) {
        let handler = Arc::new(handler(self.active));
        slot.spawn(call::stream(self.call, self.control, self.runtime, handler));
    }
}

/// Makes a call with one request and blocks until it ends; the messages of the answer in order.
pub(crate) fn server_stream_sync(
    channel: &Arc<Channel>,
    method: &str,
    message: &[u8],
    options: CallOptions,
) -> Result<Vec<Bytes>, Error> {
    #[allow(dead_code, reason = "the guard is held for its drop")]
    struct Collect(
        mpsc::Sender<Result<Bytes, Result<Metadata, Error>>>,
        ActiveCall,
    );
    impl Handler for Collect {
        fn initial_metadata(&self, _: Metadata) {}
        fn message(&self, message: Bytes) {
            // The receiver waits below.
            let _: Result<(), _> = self.0.send(Ok(message));
        }
        fn ready(&self) {}
        fn close(&self, ended: Result<Metadata, Error>) {
            let _: Result<(), _> = self.0.send(Err(ended));
        }
    }
    runtime::refuse_on_library_thread("a blocking call")?;
    let runtime = channel.runtime()?;
    let slot = runtime.reserve(channel.home(&runtime))?;
    let options = CallOptions {
        manual_requests: false,
        ..options
    };
    let start = Start::new(channel, method, options, &runtime)?;
    start.control.send(message)?;
    start.control.half_close()?;
    let (sender, receiver) = mpsc::channel();
    start.run(slot, |active| Collect(sender, active));
    let mut messages = Vec::new();
    loop {
        match receiver.recv() {
            Ok(Ok(message)) => messages.push(message),
            Ok(Err(ended)) => return ended.map(|_| messages),
            Err(_) => return Err(Error::shutdown("the runtime was shut down")),
        }
    }
}

/// Queues a message, copied; never waits. ILLEGAL_STATE: after half_close, or the call has ended.
///
/// RPC, RESOURCE_EXHAUSTED: longer than the send limit.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_send_message(
    call: Option<&zeebe_call>,
    message: *const u8,
    length: usize,
) -> Option<repr_c::Box<zeebe_error>> {
    let call = living("call", call)?;
    // SAFETY: bytes of the header's contract.
    let message = unsafe { convert::bytes("message", message, length) }?;
    call.control.send(message)
}

/// 1 if more can be sent at once, 0 if it would only be buffered; advice.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_is_ready(call: Option<&zeebe_call>) -> i32 {
    i32::from(call.is_some_and(|call| call.control.is_ready()))
}

/// Says that no more messages follow. ILLEGAL_STATE: said before.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_half_close(
    call: Option<&zeebe_call>,
) -> Option<repr_c::Box<zeebe_error>> {
    living("call", call)?.control.half_close()
}

/// Asks for `count` messages more. ILLEGAL_STATE: not started with manual_requests. INVALID_ARGUMENT: `count` < 1.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_request(
    call: Option<&zeebe_call>,
    count: i64,
) -> Option<repr_c::Box<zeebe_error>> {
    let call = living("call", call)?;
    match u64::try_from(count) {
        Ok(count) if count > 0 => call.control.request(count),
        _ => Err(Error::invalid_argument(format!("count is {count}"))),
    }
}

/// Ends the call with CANCELLED; `reason` may be NULL. What came first counts; after the end nothing happens.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_cancel(call: Option<&zeebe_call>, reason: *const c_char) {
    if let Ok(call) = living("call", call) {
        // SAFETY: a string of the header's contract.
        let reason = unsafe { convert::optional_text("reason", reason) }
            .ok()
            .flatten();
        call.control
            .cancel(Error::cancelled(reason.unwrap_or("the call was cancelled")));
    }
}

/// Another handle on the same call. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_ref(call: Option<&zeebe_call>) -> Option<repr_c::Box<zeebe_call>> {
    call.map(|call| {
        Box::new(zeebe_call {
            control: Arc::clone(&call.control),
            owner: Arc::clone(&call.owner),
            epoch: call.epoch,
        })
        .into()
    })
}

/// Frees a call's handle; the last one cancels a call that has not ended, and its end still comes. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_free(call: Option<repr_c::Box<zeebe_call>>) {
    handle::free(call);
}
