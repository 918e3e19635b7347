//! How much metadata an answer may have; what is beyond it is left out, and this is said once a channel.

use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug)]
pub(crate) struct MetadataLimit {
    /// `grpc.max_metadata_size`, counted as HTTP/2 does (RFC 9113 section 6.5.2).
    pub(crate) bytes: usize,
    said: AtomicBool,
}

impl MetadataLimit {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            bytes,
            said: AtomicBool::new(false),
        }
    }

    /// For errors and logs.
    pub(crate) fn excess(&self, size: usize) -> String {
        format!(
            "{size} bytes of metadata came, and grpc.max_metadata_size allows {}",
            self.bytes
        )
    }

    /// Something of an answer that is otherwise good was left out.
    pub(crate) fn left_out(&self, size: usize) {
        let excess = self.excess(size);
        if self.said.swap(true, Ordering::Relaxed) {
            tracing::debug!("metadata of an answer is left out: {excess}");
        } else {
            tracing::warn!("metadata of an answer is left out: {excess}; said once a channel");
        }
    }
}
