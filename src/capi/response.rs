//! Responses: what a successful unary call gave.

use bytes::Bytes;
use macro_rules_attribute::apply;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::buffer::zeebe_buffer;
use super::metadata::zeebe_metadata;
use crate::call::Response;

/// Message, initial metadata and trailers of a call that ended OK; counted. Owned by who received
/// it: zeebe_response_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_response {
    message: zeebe_buffer,
    initial_metadata: zeebe_metadata,
    trailers: zeebe_metadata,
}

impl zeebe_response {
    /// For as long as the program likes.
    pub(crate) fn owned(response: Response) -> Self {
        Self::of(zeebe_buffer::owned, response)
    }

    /// For the time of a callback.
    pub(crate) fn lent(response: Response) -> Self {
        Self::of(zeebe_buffer::lent, response)
    }

    fn of(buffer: impl FnOnce(Bytes) -> zeebe_buffer, response: Response) -> Self {
        Self {
            message: buffer(response.message),
            initial_metadata: zeebe_metadata::new(response.initial_metadata),
            trailers: zeebe_metadata::new(response.trailers),
        }
    }
}

/// The message. Borrowed from the response; NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_response_message(response: Option<&zeebe_response>) -> *const zeebe_buffer {
    response.map_or(std::ptr::null(), |response| &raw const response.message)
}

/// The initial metadata, perhaps empty. Borrowed from the response; NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_response_initial_metadata(
    response: Option<&zeebe_response>,
) -> *const zeebe_metadata {
    response.map_or(std::ptr::null(), |response| {
        &raw const response.initial_metadata
    })
}

/// The trailers, perhaps empty. Borrowed from the response; NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_response_trailers(
    response: Option<&zeebe_response>,
) -> *const zeebe_metadata {
    response.map_or(std::ptr::null(), |response| &raw const response.trailers)
}

/// Another handle on the same response; how a callback keeps one. Nothing is copied but a short message that a callback was lent. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_response_ref(
    response: Option<&zeebe_response>,
) -> Option<repr_c::Box<zeebe_response>> {
    response.map(|response| {
        Box::new(zeebe_response {
            message: response.message.to_owned_handle(),
            initial_metadata: response.initial_metadata.to_owned_handle(),
            trailers: response.trailers.to_owned_handle(),
        })
        .into()
    })
}

/// Frees a response. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_response_free(response: Option<repr_c::Box<zeebe_response>>) {
    drop(response);
}
