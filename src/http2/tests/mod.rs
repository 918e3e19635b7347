//! The connection as a whole, against a scripted peer in memory. Which test is for which section of the RFC: README.md.

mod answers;
mod cuts;
mod differential;
mod floods;
mod flow;
mod frames;
mod generator;
mod h2_server;
mod model;
mod negative;
mod peer;
mod requests;
mod states;
