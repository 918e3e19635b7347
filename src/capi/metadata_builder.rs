//! Metadata that C makes, a pair at a time. Apart from `metadata`, which an error has: what is here returns errors.

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::repr_c;

use super::convert::{self, Out};
use super::error::zeebe_error;
use super::metadata::zeebe_metadata;
use crate::wire::Metadata;

/// Makes empty metadata. INVALID_ARGUMENT: `metadata` is NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_new(
    metadata: *mut Option<repr_c::Box<zeebe_metadata>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let metadata = unsafe { Out::new("metadata", metadata) }?;
    metadata.write(Some(
        Box::new(zeebe_metadata::new(Metadata::default())).into(),
    ));
    Ok(())
}

/// Adds a pair at the end; the same key may be added again.
///
/// Keys have lower-case letters, digits, `_`, `-` and `.` only. The value of a key that ends in
/// `-bin` is raw bytes (the wire's base64 is the library's part), any other is printable ASCII
/// (gRPC over HTTP/2, "Custom-Metadata"). Not concurrently with another call on this handle; it ends what
/// was borrowed from it. INVALID_ARGUMENT: not so, or a key that gRPC or HTTP/2 reserves.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_add(
    metadata: Option<&mut zeebe_metadata>,
    key: *const c_char,
    value: *const u8,
    length: usize,
) -> Option<repr_c::Box<zeebe_error>> {
    let metadata = convert::required("metadata", metadata)?;
    // SAFETY: a string of the header's contract.
    let key = unsafe { convert::text("key", key) }?;
    // SAFETY: bytes of the header's contract.
    let value = unsafe { convert::bytes("value", value, length) }?;
    metadata.add(key, value)
}
