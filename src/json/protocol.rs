//! The services whose messages are known: the built-in gateway protocol and what the program registers.
//!
//! One list for the process. A set is taken whole or not at all.

use std::fmt::Display;
use std::sync::{OnceLock, PoisonError, RwLock};

use prost::Message;
use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::{DescriptorPool, ServiceDescriptor};

use super::{MAX_DEPTH, consistency};
use crate::deep;
use crate::error::{Error, chain};

/// Sets of the program, the latest last.
static REGISTERED: RwLock<Vec<DescriptorPool>> = RwLock::new(Vec::new());

fn built_in() -> Result<&'static DescriptorPool, Error> {
    static POOL: OnceLock<Result<DescriptorPool, String>> = OnceLock::new();
    let decode = || {
        let bytes: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gateway.bin"));
        DescriptorPool::decode(bytes).map_err(|error| error.to_string())
    };
    POOL.get_or_init(decode)
        .as_ref()
        .map_err(|error| Error::internal(format!("the built-in protocol: {error}")))
}

/// A service by its full name: the latest registered set that has it decides, else the built-in one.
pub(super) fn service(name: &str) -> Result<Option<ServiceDescriptor>, Error> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    let found = registered
        .iter()
        .rev()
        .find_map(|pool| pool.get_service_by_name(name));
    drop(registered);
    match found {
        Some(service) => Ok(Some(service)),
        None => Ok(built_in()?.get_service_by_name(name)),
    }
}

/// Adds an encoded `google.protobuf.FileDescriptorSet`, which has all that it imports.
pub fn register(set: &[u8]) -> Result<(), Error> {
    // Its types may nest as deep as prost reads.
    let pool = deep::with_room(MAX_DEPTH, || read(set))??;
    if pool.services().len() == 0 {
        return Err(Error::invalid_argument(
            "the descriptor set has no service, so that no RPC could be found in it",
        ));
    }
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    // Sets of which nothing would be found any more.
    registered.retain(|older| {
        let mut services = older.services();
        services.any(|service| pool.get_service_by_name(service.full_name()).is_none())
    });
    registered.push(pool);
    Ok(())
}

/// The set, if it is consistent.
pub(super) fn read(set: &[u8]) -> Result<DescriptorPool, Error> {
    let refuse = |why: &dyn Display| Error::invalid_argument(format!("the descriptor set: {why}"));
    let parsed = FileDescriptorSet::decode(set).map_err(|error| refuse(&error))?;
    consistency::check(&parsed).map_err(|why| refuse(&why))?;
    DescriptorPool::decode(set).map_err(|error| {
        refuse(&format_args!(
            "{}; protoc makes a whole one with --include_imports",
            chain(&error)
        ))
    })
}
