//! Unary calls: with a callback, on a completion queue, or blocking.

use std::ffi::c_void;
use std::sync::Arc;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::repr_c;

use super::call::{call_options, path, zeebe_call, zeebe_call_options};
use super::callback::{UserData, lend_error};
use super::channel::zeebe_channel;
use super::completion_queue::zeebe_completion_queue;
use super::convert::{self, Out};
use super::error::zeebe_error;
use super::handle::living;
use super::response::zeebe_response;
use crate::call::{Control, Response, start_unary, unary_blocking};
use crate::error::Error;
use crate::runtime::Epoch;

/// Called once; exactly one of `error` and `response` is not NULL. Both are borrowed until it returns.
pub type zeebe_unary_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        error: *const zeebe_error,
        response: *const zeebe_response,
    ),
>;

/// Gives C its handle, if it wants one.
///
/// # Safety
///
/// `call` is NULL or valid for writing.
unsafe fn write_call(
    call: *mut Option<repr_c::Box<zeebe_call>>,
    control: &Arc<Control>,
    epoch: Epoch,
) {
    // SAFETY: NULL, which is no error here, or writable, by this function's contract.
    if let Some(call) = unsafe { Out::optional(call) } {
        call.write(zeebe_call::boxed(control, epoch));
    }
}

/// Starts a unary call; `callback` gets its end, once, on a library thread.
///
/// `method` is a path such as `/gateway_protocol.Gateway/Topology`, or the gateway's RPC by name, `message` its encoded request, both copied. `call` may be
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
    let method = unsafe { path(method) }?;
    // SAFETY: bytes of the header's contract.
    let message = unsafe { convert::bytes("message", message, length) }?;
    let options = call_options(options)?;
    let callback = convert::required("callback", callback)?;
    let user_data = UserData(user_data);
    start_unary(
        channel,
        &method,
        message,
        options,
        |control, active, runtime| {
            let runtime = Arc::clone(runtime);
            // SAFETY: an out-parameter of the header's contract.
            unsafe { write_call(call, control, channel.epoch()) };
            Ok(move |result: Result<Response, Error>| {
                // Elsewhere it is called later, which is to keep nothing that was read with the message.
                let result = match runtime.callback_threads() {
                    Some(_) => result.map(Response::kept),
                    None => result,
                };
                runtime.call_back_apart(move || {
                    let user_data = user_data;
                    let (error, response) = match result {
                        Ok(response) => (None, Some(zeebe_response::lent(response))),
                        Err(error) => (Some(zeebe_error::new(error)), None),
                    };
                    let lent = response
                        .as_ref()
                        .map_or(std::ptr::null(), std::ptr::from_ref);
                    // SAFETY: C gave this function for these arguments; they outlive the call.
                    unsafe { callback(user_data.0, lend_error(error.as_ref()), lent) }
                    drop(active); // only now has the call ended
                });
            })
        },
    )
}

/// Starts a unary call whose end is an event of type UNARY with `tag`, taken by zeebe_completion_queue_next().
///
/// All else as zeebe_channel_unary_call(). SHUTDOWN also: the queue was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_unary_call_on_queue(
    channel: Option<&zeebe_channel>,
    method: *const c_char,
    message: *const u8,
    length: usize,
    options: *const zeebe_call_options,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
    call: *mut Option<repr_c::Box<zeebe_call>>,
) -> Option<repr_c::Box<zeebe_error>> {
    let channel = &living("channel", channel)?.channel;
    // SAFETY: a string of the header's contract.
    let method = unsafe { path(method) }?;
    // SAFETY: bytes of the header's contract.
    let message = unsafe { convert::bytes("message", message, length) }?;
    let options = call_options(options)?;
    let queue = living("queue", queue)?.queue();
    start_unary(channel, &method, message, options, |control, active, _| {
        let entry = queue.enter_unary(tag, control, active)?;
        // SAFETY: an out-parameter of the header's contract.
        unsafe { write_call(call, control, channel.epoch()) };
        Ok(move |result| entry.end(result))
    })
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
    let method = unsafe { path(method) }?;
    // SAFETY: bytes of the header's contract.
    let message = unsafe { convert::bytes("message", message, length) }?;
    let result = unary_blocking(channel, &method, message, call_options(options)?)?;
    response.write(Some(Box::new(zeebe_response::owned(result)).into()));
    Ok(())
}
