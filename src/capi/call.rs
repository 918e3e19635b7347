//! Calls: options, and what can be done with a call under way. How one starts: `unary_call`, `streaming_call`.

use std::sync::Arc;
use std::time::Duration;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::channel::wait_for_ready;
use super::convert;
use super::error::zeebe_error;
use super::handle::{self, Handle, living};
use super::options::{ZeebeCompression, zeebe_call_options};
use crate::call::{CallOptions, Control, Timeout};
use crate::error::Error;
use crate::runtime::Epoch;
use crate::wire::{Encoding, Metadata};

/// A call under way. Owned by who received it: zeebe_call_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_call {
    control: Arc<Control>,
    /// Shared by the handles of one call; the last one's drop cancels.
    owner: Arc<CancelOnDrop>,
    epoch: Epoch,
}

pub(crate) struct CancelOnDrop(pub(crate) Arc<Control>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel(Error::cancelled("its last handle was freed"));
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
        let call = Self {
            control: Arc::clone(control),
            owner: Arc::new(CancelOnDrop(Arc::clone(control))),
            epoch,
        };
        Some(Box::new(call).into())
    }
}

pub(crate) fn call_options(options: *const zeebe_call_options) -> Result<CallOptions, Error> {
    // SAFETY: an options struct of the header's contract.
    let options = unsafe { convert::options("options", options) }?;
    let timeout = match options.timeout_ms {
        0 => Timeout::OfChannel,
        -1 => Timeout::None, // ZEEBE_TIMEOUT_NONE
        given => Timeout::After(Duration::from_millis(u64::try_from(given).map_err(
            |_| {
                Error::invalid_argument(format!(
                    "options.timeout_ms is {given}: it is milliseconds, 0 or ZEEBE_TIMEOUT_NONE"
                ))
            },
        )?)),
    };
    if options.reserved != 0 {
        return Err(Error::invalid_argument("options.reserved is not 0"));
    }
    const DEFAULT: i32 = ZeebeCompression::Default as i32;
    const IDENTITY: i32 = ZeebeCompression::Identity as i32;
    const GZIP: i32 = ZeebeCompression::Gzip as i32;
    let encoding = match options.compression {
        DEFAULT => None,
        IDENTITY => Some(Encoding::Identity),
        GZIP => Some(Encoding::Gzip),
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
        wait_for_ready: wait_for_ready("options.wait_for_ready", options.wait_for_ready)?,
        encoding,
        manual_requests: convert::flag("options.manual_requests", options.manual_requests)?,
    })
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
    let call = living("call", call)?;
    // SAFETY: bytes of the header's contract.
    let message = unsafe { convert::bytes("message", message, length) }?;
    call.control.send(message)
}

/// 1 if more can be sent at once, 0 if it would only be buffered, or refused; advice.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_call_is_ready(call: Option<&zeebe_call>) -> i32 {
    i32::from(call.is_some_and(|call| call.control.is_ready()))
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
    call.control.set_message_compression(enabled);
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
    call.control.request(convert::count(count)?)
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
