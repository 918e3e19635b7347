//! A Zeebe gateway for development and tests: the real wire and real job state, but no engine.

mod bpmn;
mod calls;
mod certificates;
mod connections;
mod context;
mod control;
mod gateway;
mod http;
mod listeners;
mod options;
pub mod protocol;
mod rpcs;
mod server;
mod state;
mod switches;
mod token_endpoint;
mod tokens;
mod topology;

pub use options::Options;
pub use server::Server;
