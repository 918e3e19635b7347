//! `zeebe call`: any RPC, from JSON to JSON.

use std::time::Duration;

use crate::failure::Failure;
use crate::gateway;
use crate::output::Output;

pub(crate) fn run(
    rpc: &str,
    request: &str,
    timeout: Duration,
    output: &Output,
) -> Result<(), Failure> {
    let request = gateway::given(request)?;
    let answer = gateway::call(rpc, &request, timeout)?;
    output.show(&answer, |answer| format!("{answer:#}"))
}
