//! Calls and messages as JSON, by RPC name: no protobuf code is needed.

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::repr_c;

use super::buffer::zeebe_buffer;
use super::call::{call_options, zeebe_call_options};
use super::channel::zeebe_channel;
use super::convert::{self, Out};
use super::error::zeebe_error;
use super::handle::living;
use crate::call::json_blocking;
use crate::json::{self, Rpc};

/// Adds the messages and services of an encoded `google.protobuf.FileDescriptorSet`, for the JSON functions; of the whole process.
///
/// Its RPCs are named by path, `/package.Service/Method`. A set that has `gateway_protocol.Gateway` takes the place of the built-in
/// protocol; of several sets that have a service the last one counts. Copied. Any thread, at any time: a call that has begun is not changed.
/// INVALID_ARGUMENT: broken bytes, an import that is not in the set (`protoc --include_imports` makes a whole one), or no service; nothing
/// of the set is taken then.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_register_descriptor_set(
    descriptor_set: *const u8,
    length: usize,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: bytes of the header's contract.
    let set = unsafe { convert::bytes("descriptor_set", descriptor_set, length) }?;
    json::register(set)
}

/// Encodes the request of an RPC, named `Topology` or by its path, from JSON.
///
/// 64-bit integers may be strings, bytes are base64, enumerations names (the proto3 JSON mapping); `variables` may be an object, or the text of one. `*message` is owned:
/// zeebe_buffer_free(). INVALID_ARGUMENT, with the path to the place, such as `resources[0].name`: an unknown RPC, bad JSON, a field that is
/// unknown or given twice, a value of the wrong type or out of range, a number that a 64-bit field would not hold exactly, more than 127 objects and arrays within each other.
/// What nests more than a few levels is worked on by a thread made for it; RESOURCE_EXHAUSTED: there can be none.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_request_from_json(
    method: *const c_char,
    json: *const c_char,
    message: *mut Option<repr_c::Box<zeebe_buffer>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let message = unsafe { Out::new("message", message) }?;
    // SAFETY: a string of the header's contract.
    let method = unsafe { convert::text("method", method) }?;
    // SAFETY: a string of the header's contract.
    let json = unsafe { convert::text("json", json) }?;
    let bytes = Rpc::find(method)?.request_from_json(json)?.into();
    message.write(Some(Box::new(zeebe_buffer::owned(bytes)).into()));
    Ok(())
}

/// Decodes a response message of an RPC to JSON; every field without presence is printed, 64-bit integers are strings, `variables` and
/// `customHeaders` are objects, as the gateway wrote them.
///
/// `StreamActivatedJobs` is the RPC of a job: of what a job stream brings, and of zeebe_job_message(). Unknown fields are left out; enumerations are names, or the number of one that is unknown. `*json` is owned: zeebe_string_free().
/// INVALID_ARGUMENT: an unknown RPC, bytes that are no such message, or one that has no JSON form (an Any of an unknown type, a Duration or
/// Timestamp out of range), or more than 100 messages within each other, those in `google.protobuf.Any` counted. RESOURCE_EXHAUSTED: as zeebe_request_from_json().
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_response_to_json(
    method: *const c_char,
    message: *const u8,
    length: usize,
    json: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let json = unsafe { Out::new("json", json) }?;
    // SAFETY: a string of the header's contract.
    let method = unsafe { convert::text("method", method) }?;
    // SAFETY: bytes of the header's contract.
    let message = unsafe { convert::bytes("message", message, length) }?;
    json.write(convert::owned_text(
        &Rpc::find(method)?.response_to_json(message)?,
    )?);
    Ok(())
}

/// Makes a call from JSON to JSON and blocks until it ends; give it a time-out.
///
/// A server stream gives an array when it ends. `*response_json` is owned: zeebe_string_free().
/// INVALID_ARGUMENT: as zeebe_request_from_json(), client streaming, and StreamActivatedJobs, which never ends by itself.
/// RPC with INTERNAL, and may have been processed: an answer that zeebe_response_to_json() would not take.
/// Otherwise as zeebe_channel_unary_call_sync().
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_json_call_sync(
    channel: Option<&zeebe_channel>,
    method: *const c_char,
    json: *const c_char,
    options: *const zeebe_call_options,
    response_json: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let response_json = unsafe { Out::new("response_json", response_json) }?;
    let channel = &living("channel", channel)?.channel;
    // SAFETY: a string of the header's contract.
    let method = unsafe { convert::text("method", method) }?;
    // SAFETY: a string of the header's contract.
    let json = unsafe { convert::text("json", json) }?;
    let options = call_options(options)?;
    let answer = json_blocking(channel, method, json, options)?;
    response_json.write(convert::owned_text(&answer)?);
    Ok(())
}
