//! A call from JSON to JSON, by the name of its RPC.

use std::sync::Arc;

use super::{CallOptions, server_stream_blocking, unary_blocking};
use crate::channel::{Channel, STREAM_ACTIVATED_JOBS};
use crate::error::Error;
use crate::json::Rpc;

/// Makes a call and blocks until it ends; give it a time-out. A server stream gives an array when it ends.
///
/// Refused: client streaming, and StreamActivatedJobs, which never ends by itself.
pub fn json_blocking(
    channel: &Arc<Channel>,
    method: &str,
    json: &str,
    options: CallOptions,
) -> Result<String, Error> {
    let rpc = Rpc::find(method)?;
    if rpc.is_client_streaming() || rpc.path() == STREAM_ACTIVATED_JOBS {
        return Err(Error::invalid_argument(format!(
            "{} is not one request that ends with an answer: it needs a call that streams, in C zeebe_channel_start_call()",
            rpc.path()
        )));
    }
    let request = rpc.request_from_json(json)?;
    if !rpc.is_server_streaming() {
        let answer = unary_blocking(channel, &rpc.path(), &request, options)?;
        return rpc.answer_to_json(&answer.message);
    }
    let messages = server_stream_blocking(channel, &rpc.path(), &request, options)?;
    let items = messages.iter().map(|message| rpc.answer_to_json(message));
    Ok(format!(
        "[{}]",
        items.collect::<Result<Vec<_>, _>>()?.join(",")
    ))
}
