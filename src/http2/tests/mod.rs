//! The connection as a whole, against a scripted peer in memory. Which test is for which section of the RFC: README.md.

mod answers;
mod bytes;
mod cuts;
mod floods;
mod flow;
mod frames;
mod h2_server;
mod model;
mod negative;
mod peer;
mod requests;
mod states;
