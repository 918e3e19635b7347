//! Buffers: immutable bytes, shared by reference count.

use bytes::Bytes;
use macro_rules_attribute::apply;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::convert;
use crate::wire::framing::kept;

/// Immutable bytes, counted. Owned by who received it: zeebe_buffer_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_buffer {
    pub(crate) bytes: Bytes,
    /// It lies in what was read with it, which another handle must not keep.
    is_lent: bool,
}

impl zeebe_buffer {
    /// For as long as the program likes.
    pub(crate) fn owned(bytes: Bytes) -> Self {
        let is_lent = false;
        Self { bytes, is_lent }
    }

    /// Another handle, which may be kept for long.
    pub(crate) fn to_owned_handle(&self) -> Self {
        let bytes = self.bytes.clone();
        Self::owned(if self.is_lent { kept(bytes) } else { bytes })
    }

    /// For the time of a callback.
    pub(crate) fn lent(bytes: Bytes) -> Self {
        let is_lent = true;
        Self { bytes, is_lent }
    }
}

/// The bytes of a buffer. Borrowed from it. `length` may be NULL; NULL and length 0 for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_buffer_data(
    buffer: Option<&zeebe_buffer>,
    length: *mut usize,
) -> *const u8 {
    // SAFETY: `length` is NULL or writable, by the header.
    unsafe { convert::write_length(length, buffer.map_or(0, |buffer| buffer.bytes.len())) };
    buffer.map_or(std::ptr::null(), |buffer| buffer.bytes.as_ptr())
}

/// Another handle on the same bytes. They are not copied, but for those of a short message that a callback was lent. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_buffer_ref(
    buffer: Option<&zeebe_buffer>,
) -> Option<repr_c::Box<zeebe_buffer>> {
    buffer.map(|buffer| Box::new(buffer.to_owned_handle()).into())
}

/// Frees a buffer. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_buffer_free(buffer: Option<repr_c::Box<zeebe_buffer>>) {
    drop(buffer);
}
