//! Calls: options, and what can be done with a call under way. How one starts: `unary_call`, `streaming_call`.

use std::borrow::Cow;
use std::mem::offset_of;
use std::sync::Arc;
use std::time::Duration;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, ffi_export, repr_c};

use super::convert::{self, Options};
use super::error::zeebe_error;
use super::handle::{self, Handle, living};
use super::metadata::zeebe_metadata;
use super::plugin::zeebe_metadata_plugin;
use crate::call::{CallOptions, Control, Demand, ReadAhead, Timeout};
use crate::error::Error;
use crate::json::Rpc;
use crate::options::{self, Given, Spec};
use crate::runtime::Epoch;
use crate::wire::{Encoding, Metadata};

/// Whether a call waits while the gateway cannot be reached, or fails with the reason.
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeWaitForReady {
    /// The channel's default, which is NO.
    Default = 0,
    /// Waits until its deadline.
    Yes = 1,
    /// Fails with the last connection error.
    No = 2,
}

/// How messages are compressed.
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeCompression {
    /// The channel's default.
    Default = 0,
    /// Not at all.
    Identity = 1,
    /// With gzip.
    Gzip = 2,
}

/// How the messages of a call come, or the jobs of a job stream.
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeRequests {
    /// By themselves.
    Automatic = 0,
    /// Only as zeebe_call_request() asks for them.
    Manual = 1,
    /// On a queue alone: by themselves, and zeebe_call_request() says how many the program has taken; until then they count as
    /// waiting. For who takes events for others, which take their time.
    Taken = 2,
}

/// Of one call. Initialise it with ::ZEEBE_CALL_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_call_options {
    /// `sizeof(zeebe_call_options)`.
    pub size: usize,
    /// Of the whole call. ZEEBE_TIMEOUT_NONE: none.
    pub timeout_ms: i64,
    /// Copied. A key here replaces the channel's and a plugin's. NULL: none.
    pub metadata: *const zeebe_metadata,
    /// For this call, after the channel's. NULL: none.
    pub credentials: *const zeebe_metadata_plugin,
    /// What `:authority` says. NULL: the channel's.
    pub authority: *const c_char,
    /// What an answer's message may have.
    pub max_receive_message_length: i64,
    /// One of the ZEEBE_WAIT_FOR_READY_ constants.
    pub wait_for_ready: i32,
    /// One of the ZEEBE_COMPRESSION_ constants; DEFAULT is the channel's. Compressed answers are always taken.
    pub compression: i32,
    /// One of the ZEEBE_REQUESTS_ constants.
    pub manual_requests: i32,
    /// 1: the metadata of a unary call that ends OK are not wanted, and its response has none. 0: it has them.
    pub discard_metadata: i32,
    /// On a queue: messages that came and wait until they are taken. When so many wait, the call is read on once half of them were
    /// taken; what fills the stream's window meanwhile (`grpc.http2.lookahead_bytes`) comes all the same.
    pub max_buffered_messages: i64,
    /// The same in bytes, of which each message has 256 more. One message always may wait.
    pub max_buffered_bytes: i64,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_call_options {
    const FIRST_SIZE: usize = offset_of!(Self, discard_metadata) + size_of::<i32>();
}
const _: () = assert!(size_of::<zeebe_call_options>() == 80);

/// What ::ZEEBE_CALL_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_options_init(options: *mut zeebe_call_options, size: usize) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
}

/// A call's path: as it is given, or of the gateway's RPC that has this name.
///
/// # Safety
///
/// `method` is NULL or a string that lives as long as it is used.
pub(super) unsafe fn path<'a>(method: *const c_char) -> Result<Cow<'a, str>, Error> {
    // SAFETY: by this function's contract.
    let method = unsafe { convert::text("method", method) }?;
    Ok(match method.starts_with('/') {
        true => method.into(),
        false => Rpc::find(method)?.path().into(),
    })
}

/// A call under way. Owned by who received it: zeebe_call_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_call {
    /// Shared by the handles of one call; the last one's drop cancels.
    owner: Arc<CancelOnDrop>,
    epoch: Epoch,
}

pub(crate) struct CancelOnDrop(pub(crate) Arc<Control>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

impl Handle for zeebe_call {
    fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl zeebe_call {
    /// The first handle of a call.
    pub(crate) fn boxed(control: &Arc<Control>, epoch: Epoch) -> Option<repr_c::Box<Self>> {
        let owner = Arc::new(CancelOnDrop(Arc::clone(control)));
        Some(Box::new(Self { owner, epoch }).into())
    }

    fn control(&self) -> &Control {
        &self.owner.0
    }
}

/// `None`: the default.
pub(crate) fn wait_for_ready(option: &'static Spec, value: i32) -> Result<Option<bool>, Error> {
    const DEFAULT: i32 = ZeebeWaitForReady::Default as i32;
    const YES: i32 = ZeebeWaitForReady::Yes as i32;
    const NO: i32 = ZeebeWaitForReady::No as i32;
    match value {
        DEFAULT => Ok(None),
        YES => Ok(Some(true)),
        NO => Ok(Some(false)),
        _ => {
            let why = format!("is {value}, not a ZEEBE_WAIT_FOR_READY_ constant");
            Err(option.refuse(why).into())
        }
    }
}

pub(crate) fn call_options(options: *const zeebe_call_options) -> Result<CallOptions, Error> {
    // SAFETY: an options struct of the header's contract.
    let given = unsafe { convert::options("options", options) }?;
    let timeout = match options::TIMEOUT.given(given.timeout_ms)? {
        Given::Not => Timeout::OfChannel,
        Given::None => Timeout::None,
        Given::Number(ms) => Timeout::After(Duration::from_millis(ms)),
    };
    const DEFAULT: i32 = ZeebeCompression::Default as i32;
    const IDENTITY: i32 = ZeebeCompression::Identity as i32;
    const GZIP: i32 = ZeebeCompression::Gzip as i32;
    let encoding = match given.compression {
        DEFAULT => None,
        IDENTITY => Some(Encoding::Identity),
        GZIP => Some(Encoding::Gzip),
        other => {
            let why = format!("is {other}, not a ZEEBE_COMPRESSION_ constant");
            return Err(options::COMPRESSION.refuse(why).into());
        }
    };
    let max_receive =
        options::MAX_RECEIVE_MESSAGE_LENGTH.given(given.max_receive_message_length)?;
    // SAFETY: NULL or metadata of ours, by the header.
    let metadata = unsafe { given.metadata.as_ref() };
    // SAFETY: NULL or a plugin of ours, by the header.
    let credentials = unsafe { given.credentials.as_ref() };
    // SAFETY: a string of the header's contract.
    let authority = unsafe { convert::given_text(&options::AUTHORITY, given.authority) }?;
    Ok(CallOptions {
        timeout,
        metadata: metadata.map_or(Metadata::default(), |given| {
            Metadata::clone(&given.metadata)
        }),
        credentials: credentials.map(|given| Arc::clone(&given.plugin)),
        authority: authority.map(str::to_owned),
        max_receive: match max_receive {
            Given::Not => None,
            Given::None => Some(usize::MAX),
            Given::Number(bytes) => usize::try_from(bytes).ok(),
        },
        wait_for_ready: wait_for_ready(&options::WAIT_FOR_READY, given.wait_for_ready)?,
        encoding,
        demand: demand(given.manual_requests)?,
        discard_metadata: options::DISCARD_METADATA.flag(given.discard_metadata)?,
        read_ahead: ReadAhead {
            messages: options::MAX_BUFFERED_MESSAGES.number(given.max_buffered_messages)?,
            bytes: options::MAX_BUFFERED_BYTES.number(given.max_buffered_bytes)?,
        },
    })
}

/// By `manual_requests` of a call's options, or a job stream's.
pub(crate) fn demand(requests: i32) -> Result<Demand, Error> {
    const AUTOMATIC: i32 = ZeebeRequests::Automatic as i32;
    const MANUAL: i32 = ZeebeRequests::Manual as i32;
    const TAKEN: i32 = ZeebeRequests::Taken as i32;
    match requests {
        AUTOMATIC => Ok(Demand::Any),
        MANUAL => Ok(Demand::Asked),
        TAKEN => Ok(Demand::Taken),
        other => {
            let why = format!("is {other}, not a ZEEBE_REQUESTS_ constant");
            Err(options::MANUAL_REQUESTS.refuse(why).into())
        }
    }
}

/// A handler has taken what it was called with.
pub(crate) fn refuse_taken(demand: Demand) -> Result<(), Error> {
    if demand == Demand::Taken {
        let why = "is ZEEBE_REQUESTS_TAKEN, which is for completion queues";
        return Err(options::MANUAL_REQUESTS.refuse(why).into());
    }
    Ok(())
}

/// Queues a message, copied; never waits. ILLEGAL_STATE: after half_close, the call has ended, or it is unary.
///
/// RPC, RESOURCE_EXHAUSTED: longer than the send limit.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_send_message(
    call: Option<&zeebe_call>,
    message: *const u8,
    length: usize,
) -> Option<repr_c::Box<zeebe_error>> {
    queue(call, message, length, Control::send)
}

/// zeebe_call_send_message() and zeebe_call_half_close() in one, of the last message, or the only one: both go out in one frame, where two calls
/// may need two. What is refused half-closes nothing. Errors as zeebe_call_send_message().
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_send_last_message(
    call: Option<&zeebe_call>,
    message: *const u8,
    length: usize,
) -> Option<repr_c::Box<zeebe_error>> {
    queue(call, message, length, Control::send_last)
}

fn queue(
    call: Option<&zeebe_call>,
    message: *const u8,
    length: usize,
    send: fn(&Control, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let call = living("call", call)?;
    // SAFETY: bytes of the header's contract.
    let message = unsafe { convert::bytes("message", message, length) }?;
    send(call.control(), message)
}

/// 1 if more can be sent at once, 0 if it would only be buffered, or refused; advice.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_is_ready(call: Option<&zeebe_call>) -> i32 {
    i32::from(call.is_some_and(|call| call.control().is_ready()))
}

/// Whether the messages sent from now on may be compressed: 1, as at the start, or 0, which is gRPC's NO_COMPRESS.
///
/// Without effect on a call that does not compress: see `compression` of ::zeebe_call_options.
/// INVALID_ARGUMENT: `enabled` is neither 0 nor 1.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_set_message_compression(
    call: Option<&zeebe_call>,
    enabled: i32,
) -> Option<repr_c::Box<zeebe_error>> {
    let call = living("call", call)?;
    let enabled = convert::flag("enabled", enabled)?;
    call.control().set_message_compression(enabled);
    Ok(())
}

/// Says that no more messages follow. ILLEGAL_STATE: said before, or the call is unary.
///
/// Unlike zeebe_call_send_message() it does not mind that the call has ended, for nothing of the program's is lost then.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_half_close(
    call: Option<&zeebe_call>,
) -> Option<repr_c::Box<zeebe_error>> {
    living("call", call)?.control().half_close()
}

/// Asks for `count` messages more, or says that so many were taken: see manual_requests of the options, without which it is
/// ILLEGAL_STATE. INVALID_ARGUMENT: `count` < 1.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_request(
    call: Option<&zeebe_call>,
    count: i64,
) -> Option<repr_c::Box<zeebe_error>> {
    let call = living("call", call)?;
    call.control().request(convert::count(count)?)
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
        call.control()
            .cancel(Error::cancelled(reason.unwrap_or("the call was cancelled")));
    }
}

/// Another handle on the same call. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_ref(call: Option<&zeebe_call>) -> Option<repr_c::Box<zeebe_call>> {
    call.map(|call| {
        Box::new(zeebe_call {
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
