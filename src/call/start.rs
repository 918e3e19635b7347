//! The start of a call: checked, entered into its channel, and handed to the channel's I/O thread.
//!
//! What refuses a call refuses it here, before anything is owed: then neither its end nor its handler's follows.

use std::sync::{Arc, mpsc};

use bytes::Bytes;

use super::{Call, CallOptions, Control, Demand, Handler, Response, Unary, stream};
use crate::channel::{ActiveCall, Channel};
use crate::completion::{owed, wait};
use crate::error::Error;
use crate::runtime::{self, Runtime};
use crate::wire::Metadata;
use crate::wire::framing::kept;

/// Starts a unary call. `prepare` is the last that can refuse it, and gives what gets the result; it also gets what keeps
/// the channel from counting the call as ended.
pub(crate) fn start_unary<F>(
    channel: &Arc<Channel>,
    method: &str,
    message: &[u8],
    options: CallOptions,
    prepare: impl FnOnce(&Arc<Control>, ActiveCall, &Arc<Runtime>) -> Result<F, Error>,
) -> Result<(), Error>
where
    F: FnOnce(Result<Response, Error>) + Send + 'static,
{
    let call = Call::new(channel, method, options)?;
    let framed = call.frame(message)?;
    let runtime = channel.runtime()?;
    let slot = channel.reserve(runtime)?;
    let control = Arc::new(Control::of_unary());
    let active = channel.enter(&control)?;
    let deliver = prepare(&control, active, runtime)?;
    slot.spawn(owed(Unary::new(call, control, framed), deliver));
    Ok(())
}

/// Starts a call of any kind. `prepare` is as for [`start_unary`], and gives the call's handler.
pub(crate) fn start_stream<H: Handler>(
    channel: &Arc<Channel>,
    method: &str,
    options: CallOptions,
    prepare: impl FnOnce(&Arc<Control>, ActiveCall) -> Result<H, Error>,
) -> Result<(), Error> {
    let call = Call::new(channel, method, options)?;
    channel.spawn(|_| {
        let control = Arc::new(call.stream_control());
        let active = channel.enter(&control)?;
        let handler = Arc::new(prepare(&control, active)?);
        Ok(Box::pin(stream(call, control, handler)))
    })
}

/// Blocks until a unary call ends.
pub(crate) fn unary_blocking(
    channel: &Arc<Channel>,
    method: &str,
    message: &[u8],
    options: CallOptions,
) -> Result<Response, Error> {
    wait("a blocking call", |end| {
        start_unary(channel, method, message, options, |_, active, _| {
            Ok(move |result: Result<Response, Error>| {
                drop(active);
                end(result.map(Response::kept));
            })
        })
    })
}

/// Sends what it receives to a thread that waits for it.
struct Collector {
    sender: mpsc::Sender<Result<Bytes, Result<(), Error>>>,
    _active: ActiveCall,
}

impl Collector {
    fn send(&self, received: Result<Bytes, Result<(), Error>>) {
        // The receiver waits for the end.
        self.sender.send(received).ok();
    }
}

impl Handler for Collector {
    async fn initial_metadata(self: &Arc<Self>, _: Metadata) {}
    async fn message(self: &Arc<Self>, message: Bytes) {
        self.send(Ok(kept(message)));
    }
    async fn ready(self: &Arc<Self>) {}
    fn close(self: Arc<Self>, ended: Result<Metadata, Error>) {
        self.send(Err(ended.map(drop)));
    }
}

/// Makes a call with one request and blocks until it ends; the messages of the answer in order.
pub(super) fn server_stream_blocking(
    channel: &Arc<Channel>,
    method: &str,
    message: &[u8],
    options: CallOptions,
) -> Result<Vec<Bytes>, Error> {
    runtime::refuse_on_library_thread("a blocking call")?;
    let (sender, receiver) = mpsc::channel();
    let options = CallOptions {
        demand: Demand::Any,
        ..options
    };
    start_stream(channel, method, options, |control, active| {
        control.send_last(message)?;
        Ok(Collector {
            sender,
            _active: active,
        })
    })?;
    let mut messages = Vec::new();
    loop {
        match runtime::receive(&receiver) {
            Ok(Ok(message)) => messages.push(message),
            Ok(Err(ended)) => return ended.map(|()| messages),
            Err(_) => return Err(Error::given_up()),
        }
    }
}
