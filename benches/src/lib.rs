//! What the programs of the benchmark share: the protocol, how a client is told what to run, and
//! how it measures. Not what is compared with what: that is `main.rs`.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

pub mod meter;
pub mod run;

/// The messages of the gateway protocol, and tonic's client, generated from `proto/gateway.proto`.
pub mod protocol {
    #![allow(
        clippy::all,
        clippy::allow_attributes_without_reason,
        missing_debug_implementations,
        missing_docs,
        unreachable_pub,
        reason = "generated code"
    )]
    tonic::include_proto!("gateway_protocol");
}

/// Failures are for the reader of the terminal only.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The path of the unary rows.
pub const TOPOLOGY: &str = "/gateway_protocol.Gateway/Topology";
/// The path of the streams' rows.
pub const STREAM_ACTIVATED_JOBS: &str = "/gateway_protocol.Gateway/StreamActivatedJobs";
