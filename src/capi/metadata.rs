//! Metadata as C sees it: ordered key/value pairs with NUL-terminated keys. Not here: how C makes it (`metadata_builder`).

use std::ffi::CString;
use std::sync::OnceLock;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::convert;
use crate::error::Error;
use crate::wire::Metadata;

/// Ordered key/value pairs of a call. Owned by who received it: zeebe_metadata_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_metadata {
    pub(crate) metadata: Metadata,
    /// NUL-terminated, made when first asked for.
    keys: OnceLock<Vec<CString>>,
}

impl zeebe_metadata {
    pub(crate) fn new(metadata: Metadata) -> Self {
        Self {
            metadata,
            keys: OnceLock::new(),
        }
    }

    /// Ends what was borrowed.
    pub(crate) fn add(&mut self, key: &str, value: &[u8]) -> Result<(), Error> {
        let added = self.metadata.add(key, value);
        added.map_err(Error::invalid_argument)?;
        self.keys = OnceLock::new();
        Ok(())
    }

    pub(crate) fn to_owned_handle(&self) -> Self {
        Self::new(self.metadata.clone())
    }
}

/// How many pairs there are; 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_count(metadata: Option<&zeebe_metadata>) -> usize {
    metadata.map_or(0, |metadata| metadata.metadata.len())
}

/// The key at `index`, borrowed from the metadata; NULL past the end.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_key(
    metadata: Option<&zeebe_metadata>,
    index: usize,
) -> *const c_char {
    let key = metadata.and_then(|metadata| {
        let keys = metadata.keys.get_or_init(|| {
            let entries = (0..).map_while(|index| metadata.metadata.get(index));
            // Keys have no NUL: HTTP allows none.
            entries
                .map(|(key, _)| CString::new(key).unwrap_or_default())
                .collect()
        });
        keys.get(index)
    });
    key.map_or(std::ptr::null(), |key| key.as_ptr().cast())
}

/// The value at `index`, borrowed from the metadata; raw bytes for a `-bin` key. NULL past the end.
///
/// `length` may be NULL. A value is not NUL-terminated.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_value(
    metadata: Option<&zeebe_metadata>,
    index: usize,
    length: *mut usize,
) -> *const u8 {
    let value = metadata.and_then(|metadata| metadata.metadata.get(index));
    // SAFETY: `length` is NULL or writable, by the header.
    unsafe { convert::write_length(length, value.map_or(0, |(_, value)| value.len())) };
    value.map_or(std::ptr::null(), |(_, value)| value.as_ptr())
}

/// Another handle on the same pairs, shared until one of the two is added to. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_ref(
    metadata: Option<&zeebe_metadata>,
) -> Option<repr_c::Box<zeebe_metadata>> {
    metadata.map(|metadata| Box::new(metadata.to_owned_handle()).into())
}

/// Frees metadata. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_free(metadata: Option<repr_c::Box<zeebe_metadata>>) {
    drop(metadata);
}
