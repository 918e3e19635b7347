//! A Zeebe gateway for development and tests: the real wire and real job state, but no engine.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod assertions;
mod bpmn;
mod call_log;
mod calls;
mod certificates;
mod connections;
mod context;
mod control;
mod counters;
mod decoys;
mod endpoints;
mod faults;
mod frames;
mod gateway;
mod http;
mod identity;
mod issuers;
mod jwks;
mod jwt;
mod listeners;
mod options;
mod places;
pub mod protocol;
mod resources;
mod rpcs;
mod server;
mod sockets;
mod state;
mod switches;
mod token_answer;
mod token_endpoint;
mod tokens;
mod topology;
mod turns;
mod wire;

pub use options::Options;
pub use server::Server;
