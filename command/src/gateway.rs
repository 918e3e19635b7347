//! The gateway that the variables name, and calls to it.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use zeebe::call::{CallOptions, Timeout, json_blocking};
use zeebe::channel::Channel;
use zeebe::channel::create::{ConnectionOptions, from_environment};

use crate::failure::Failure;
use crate::settings::Settings;

/// A channel, by variables alone.
pub(crate) fn channel() -> Result<Arc<Channel>, Failure> {
    from_environment(ConnectionOptions::default()).map_err(Failure::without_channel)
}

/// Makes a call that ends within `timeout`. The answer is JSON.
pub(crate) fn call(rpc: &str, request: &str, timeout: Duration) -> Result<String, Failure> {
    let channel = channel()?;
    let options = CallOptions {
        timeout: Timeout::After(timeout),
        ..CallOptions::default()
    };
    json_blocking(&channel, rpc, request, options)
        .map_err(|error| Failure::of(rpc, error, Settings::of(&channel)))
}

/// Text as it is given, `-` for what is on standard input, `@FILE` for what is in a file.
pub(crate) fn given(text: &str) -> Result<String, Failure> {
    let read = match text.strip_prefix('@') {
        _ if text == "-" => {
            let mut input = String::new();
            let read = std::io::stdin().read_to_string(&mut input);
            read.map(|_| input)
        }
        Some(path) => std::fs::read_to_string(path),
        None => return Ok(text.to_owned()),
    };
    read.map_err(|error| Failure::usage(format!("cannot read {text}: {error}")))
}
