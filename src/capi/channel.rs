//! Channels: what a channel can be asked, and its end. How one is made: `constructors`.

use std::ffi::c_void;
use std::sync::Arc;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, ffi_export, repr_c};

use super::callback::{UserData, done, lend_error, zeebe_done_callback};
use super::completion_queue::zeebe_completion_queue;
use super::convert::{self, Out};
use super::error::zeebe_error;
use super::handle::{self, Handle, living};
use super::plugin;
use crate::channel::{Channel, Connectivity};
use crate::error::Error;
use crate::queue::Occurrence;
use crate::runtime::Epoch;

/// The connectivity of a channel, with gRPC's numbers.
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeConnectivity {
    /// Not connected; the next call connects.
    Idle = 0,
    /// Connecting.
    Connecting = 1,
    /// Connected.
    Ready = 2,
    /// The last attempt failed; the next one waits for its back-off.
    TransientFailure = 3,
    /// Closed.
    Shutdown = 4,
}

/// A virtual connection to a gateway. Owned by who received it: zeebe_channel_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_channel {
    pub(crate) channel: Arc<Channel>,
}

impl Handle for zeebe_channel {
    fn epoch(&self) -> Epoch {
        self.channel.epoch()
    }
}

/// Called once; `error` is NULL on success, else borrowed until it returns. `state` is a ZEEBE_CONNECTIVITY_ constant.
pub type zeebe_state_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, error: *const zeebe_error, state: i32)>;

/// Writes the connectivity to `state`, a ZEEBE_CONNECTIVITY_ constant; 1 for `try_to_connect` leaves IDLE.
///
/// Never blocks. SHUTDOWN: the runtime was shut down. INVALID_ARGUMENT: an argument is NULL or out of range.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_get_state(
    channel: Option<&zeebe_channel>,
    try_to_connect: i32,
    state: *mut i32,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let state = unsafe { Out::new("state", state) }?;
    let try_to_connect = convert::flag("try_to_connect", try_to_connect)?;
    state.write(living("channel", channel)?.channel.state(try_to_connect)? as i32);
    Ok(())
}

/// Calls `callback` once the connectivity is another than `last_state`, at once if it is already.
///
/// Does not connect: zeebe_channel_get_state() does. Waits `timeout_ms` at most (< 0: for ever); `state` is what it is then.
/// To the callback: RPC, DEADLINE_EXCEEDED: it did not change in time; SHUTDOWN: the channel was closed.
/// INVALID_ARGUMENT: an argument is NULL or `last_state` no ZEEBE_CONNECTIVITY_ constant. Never blocks.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_wait_for_state_change(
    channel: Option<&zeebe_channel>,
    last_state: i32,
    timeout_ms: i64,
    callback: zeebe_state_callback,
    user_data: *mut c_void,
) -> Option<repr_c::Box<zeebe_error>> {
    let channel = &living("channel", channel)?.channel;
    let callback = convert::required("callback", callback)?;
    let last = connectivity(last_state)?;
    let user_data = UserData(user_data);
    channel.watch_state(last, convert::timeout(timeout_ms), |runtime| {
        let (watched, runtime) = (Arc::clone(channel), Arc::clone(runtime));
        Ok(move |result: Result<(), Error>| {
            runtime.call_back_apart(move || {
                let user_data = user_data;
                let state = watched.state(false).unwrap_or(Connectivity::Shutdown);
                let error = result.err().map(zeebe_error::new);
                // SAFETY: C gave this function for these arguments; the error outlives the call.
                unsafe { callback(user_data.0, lend_error(error.as_ref()), state as i32) }
            });
        })
    })
}

/// The same as an event of type DONE with `tag`, taken by zeebe_completion_queue_next(). SHUTDOWN also: the queue was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_wait_for_state_change_on_queue(
    channel: Option<&zeebe_channel>,
    last_state: i32,
    timeout_ms: i64,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Option<repr_c::Box<zeebe_error>> {
    let channel = &living("channel", channel)?.channel;
    let last = connectivity(last_state)?;
    let queue = living("queue", queue)?.queue();
    channel.watch_state(last, convert::timeout(timeout_ms), |_| {
        let watched = Arc::clone(channel);
        queue.owed(tag, move |result| {
            let state = watched.state(false).unwrap_or(Connectivity::Shutdown);
            Occurrence::State(state, result)
        })
    })
}

fn connectivity(number: i32) -> Result<Connectivity, Error> {
    Connectivity::from_number(number).ok_or_else(|| {
        Error::invalid_argument(format!(
            "last_state is {number}, not a ZEEBE_CONNECTIVITY_ constant"
        ))
    })
}

/// Connects and blocks until the channel is READY, through failures, `timeout_ms` at most (< 0: for ever).
///
/// RPC, DEADLINE_EXCEEDED with the last reason: not in time. ILLEGAL_STATE: on a library thread.
/// SHUTDOWN: the channel was closed. INVALID_ARGUMENT or SETTINGS: the channel cannot be used.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_wait_ready(
    channel: Option<&zeebe_channel>,
    timeout_ms: i64,
) -> Option<repr_c::Box<zeebe_error>> {
    let channel = &living("channel", channel)?.channel;
    channel.ready_blocking(convert::timeout(timeout_ms))
}

/// The same without blocking: the end is an event of type DONE with `tag`, taken by zeebe_completion_queue_next(), with the `error`.
///
/// INVALID_ARGUMENT: NULL. SHUTDOWN: the queue or the runtime was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_wait_ready_on_queue(
    channel: Option<&zeebe_channel>,
    timeout_ms: i64,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Option<repr_c::Box<zeebe_error>> {
    let channel = &living("channel", channel)?.channel;
    let queue = living("queue", queue)?.queue();
    channel.start_waiting_for_ready(convert::timeout(timeout_ms), |_| {
        queue.owed(tag, Occurrence::Done)
    })
}

/// Fetches a token for an OAuth channel, even if there is a good one; joins a fetch under way. Needs no gateway.
///
/// ILLEGAL_STATE: the channel has no OAuth. To the callback: INVALID_OAUTH_CREDENTIALS: the endpoint refused the client;
/// RPC, UNAVAILABLE: it cannot be reached or its answer cannot be used; SETTINGS: the URL is wrong.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_retrieve_token(
    channel: Option<&zeebe_channel>,
    callback: zeebe_done_callback,
    user_data: *mut c_void,
) -> Option<repr_c::Box<zeebe_error>> {
    let channel = &living("channel", channel)?.channel;
    plugin::retrieve_token(channel.tokens()?, callback, user_data)
}

/// The same as an event of type DONE with `tag`, taken by zeebe_completion_queue_next(). SHUTDOWN also: the queue was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_retrieve_token_on_queue(
    channel: Option<&zeebe_channel>,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Option<repr_c::Box<zeebe_error>> {
    let channel = &living("channel", channel)?.channel;
    plugin::retrieve_token_on_queue(channel.tokens()?, queue, tag)
}

/// Writes the channel's settings with their origin, its options and its token's state as JSON. No secret is in it.
///
/// `*json` is owned: zeebe_string_free(). Its form is part of the ABI: `version` 1, `kind`, `target`, `security`,
/// `settings`, `channel_options`, `oauth2`, `problem`, `unused_variables` (of zeebe_create_channel_from_environment(): `name`, `why`
/// it is not used, and a `hint` what to do about it).
/// INVALID_ARGUMENT: an argument is NULL. SHUTDOWN: the runtime was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_describe(
    channel: Option<&zeebe_channel>,
    json: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let json = unsafe { Out::new("json", json) }?;
    json.write(convert::owned_text(
        &living("channel", channel)?.channel.describe(),
    )?);
    Ok(())
}

/// Writes counters as JSON: what happened since the channel was made. No secret is in it. Always on, and cheap.
///
/// `*json` is owned: zeebe_string_free(). Its form is part of the ABI: `version` 1; `state` and, by subchannel, `subchannels[].state`
/// by gRPC's names; `last_error`; `calls` with `started`, `running`, `ended` by status, `retried` (by policy), `replayed`
/// (not processed, so sent again); `job_streams` with `reopened`, `failed` by status, `last_error`, and the jobs `pushed` and `polled`; `waiting_calls`; by subchannel
/// `endpoint`, `peer`, `open_calls`, `connections`,
/// `failed_attempts`, `bytes_sent`, `bytes_received`, `pings`, `round_trip_us` (of the last ping; null before one); `oauth2`, null without it, with
/// `state` as in zeebe_channel_describe(), `expires_in_seconds`, and of the token, which channels with equal credentials share (::zeebe_token_options):
/// `requests`, `from_file` (of the requests, those that `cache_path` answered), `failures`, `failures_by_reason` (`refused` by the endpoint, `unavailable`, `settings`), `renewals` (of the requests, those
/// ahead of expiry), `rejected` (by a gateway, and replaced), `waiting`, `last_request_ms` (of the last that brought a token; null before one).
/// INVALID_ARGUMENT: an argument is NULL. SHUTDOWN: the runtime was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_stats(
    channel: Option<&zeebe_channel>,
    json: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let json = unsafe { Out::new("json", json) }?;
    json.write(convert::owned_text(
        &living("channel", channel)?.channel.stats(),
    )?);
    Ok(())
}

/// Writes the numbers of zeebe_channel_stats() of all these channels as Prometheus reads them (text format 0.0.4).
///
/// Labels are `channel`, its place in `channels` from 0, and `grpc_target`, as OpenTelemetry's `grpc.target` is called there; of ends also
/// `grpc_status`, of connections `endpoint`, which is empty but for round_robin. Counters end in `_total`, times are in seconds: `zeebe_channel_calls_ended_total`,
/// `zeebe_channel_token_expires_in_seconds`. Give it all channels of a program in one call, in the same order each time: each metric is described once in a text. `*text` is
/// owned: zeebe_string_free().
/// INVALID_ARGUMENT: an argument, or a channel, is NULL. SHUTDOWN: the runtime was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channels_prometheus(
    channels: *const *const zeebe_channel,
    count: usize,
    text: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let text = unsafe { Out::new("text", text) }?;
    // SAFETY: an array of the header's contract.
    let given = unsafe { convert::array("channels", channels, count) }?;
    let mut all = Vec::with_capacity(count);
    for channel in given {
        // SAFETY: NULL or a channel of ours, by the header.
        all.push(&*living("a channel", unsafe { channel.as_ref() })?.channel);
    }
    text.write(convert::owned_text(&Channel::prometheus(&all))?);
    Ok(())
}

/// Closes the channel: new calls fail at once; running ones get `grace_ms` (< 0: for ever), then end CANCELLED.
///
/// `callback` comes after the last of their completions; it may be NULL. Never blocks. A second close may only shorten.
/// To the callback: RPC, CANCELLED: zeebe_runtime_shutdown() came within the grace.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_close(
    channel: Option<&zeebe_channel>,
    grace_ms: i64,
    callback: zeebe_done_callback,
    user_data: *mut c_void,
) -> Option<repr_c::Box<zeebe_error>> {
    let channel = &living("channel", channel)?.channel;
    channel.close(convert::timeout(grace_ms), |runtime| {
        let done = callback.map(|callback| done(callback, user_data, runtime));
        Ok(|result| {
            if let Some(done) = done {
                done(result);
            }
        })
    })
}

/// The same as an event of type DONE with `tag`, after those of its calls that end on the same queue, taken by
/// zeebe_completion_queue_next(). SHUTDOWN: the queue was shut down, and the channel is not closed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_close_on_queue(
    channel: Option<&zeebe_channel>,
    grace_ms: i64,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Option<repr_c::Box<zeebe_error>> {
    let channel = &living("channel", channel)?.channel;
    let queue = living("queue", queue)?.queue();
    channel.close(convert::timeout(grace_ms), |_| {
        queue.owed(tag, Occurrence::Done)
    })
}

/// Another handle on the same channel. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_ref(
    channel: Option<&zeebe_channel>,
) -> Option<repr_c::Box<zeebe_channel>> {
    let another = |channel: &zeebe_channel| {
        Box::new(zeebe_channel {
            channel: Arc::clone(&channel.channel),
        })
    };
    channel.map(|channel| another(channel).into())
}

/// Frees a channel. The last one ends nothing: running calls go on, and the connections close after them. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_free(channel: Option<repr_c::Box<zeebe_channel>>) {
    handle::free(channel);
}
