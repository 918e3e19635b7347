//! The messages and the service of the gateway protocol, generated from `proto/gateway.proto`.
#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    reason = "generated code"
)]

tonic::include_proto!("gateway_protocol");
