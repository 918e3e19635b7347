//! Whether each message of a request came compressed, which tonic does not tell: the flag of its prefix (gRPC over HTTP/2,
//! "Length-Prefixed-Message").

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The flags of a request's messages, in order. Its clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags(Arc<Mutex<VecDeque<bool>>>);

impl Flags {
    /// That of the next message, which must have come.
    pub(crate) fn next(&self) -> Option<bool> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }

    fn push(&self, compressed: bool) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(compressed);
    }
}

/// Reads along with a body, however it is cut.
#[derive(Debug)]
pub(crate) struct Reader {
    flags: Flags,
    prefix: Vec<u8>,
    /// Bytes of the message that are yet to come.
    rest: usize,
}

impl Reader {
    pub(crate) fn new(flags: Flags) -> Self {
        Self {
            flags,
            prefix: Vec::with_capacity(5),
            rest: 0,
        }
    }

    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while let [first, others @ ..] = bytes {
            if self.rest > 0 {
                let skipped = self.rest.min(bytes.len());
                self.rest -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.prefix.push(*first);
            bytes = others;
            if let Ok([flag, length @ ..]) = <[u8; 5]>::try_from(&self.prefix[..]) {
                self.flags.push(flag == 1);
                self.rest = u32::from_be_bytes(length) as usize;
                self.prefix.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_cut_into_bytes_has_the_flags_of_its_messages() {
        let flags = Flags::default();
        let mut reader = Reader::new(flags.clone());
        for byte in [1, 0, 0, 0, 2, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1] {
            reader.read(&[byte]);
        }
        let all: Vec<_> = std::iter::from_fn(|| flags.next()).collect();
        assert_eq!(all, [true, false, true]);
    }
}
