//! Bytes that wait to go out: added at the end, taken from the front.

/// What is taken stays in memory up to this, or to half of all, before the rest is moved to the front.
const SLACK: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    taken: usize,
}

impl Buffer {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.len() == self.taken
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// For adding only.
    #[inline]
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// At most what there is.
    pub(super) fn take(&mut self, length: usize) {
        debug_assert!(length <= self.len());
        self.taken += length;
        if self.is_empty() {
            self.bytes.clear();
            self.taken = 0;
        } else if self.taken >= SLACK && self.taken * 2 >= self.bytes.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// Gives back what memory an empty one has.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_memory_does_not_grow() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut buffer = Buffer::default();
        let (mut next_in, mut next_out) = (0_u8, 0_u8);
        for _ in 0..3000 {
            for _ in 0..random.usize(..1000) {
                buffer.tail().push(next_in);
                next_in = next_in.wrapping_add(1);
            }
            let taken = random.usize(..=buffer.len().min(2000));
            for byte in &buffer.as_slice()[..taken] {
                assert_eq!(*byte, next_out);
                next_out = next_out.wrapping_add(1);
            }
            buffer.take(taken);
            assert!(buffer.taken < SLACK || buffer.taken * 2 < buffer.bytes.len());
        }
        buffer.take(buffer.len());
        assert!(buffer.is_empty() && buffer.as_slice().is_empty());
        buffer.shrink();
        assert_eq!(buffer.bytes.capacity(), 0);
    }
}
