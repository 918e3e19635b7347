//! Flow-control windows (RFC 9113, sections 5.2 and 6.9): what may be sent, and what the peer may still send.

/// RFC 9113, section 6.9.1.
pub(super) const LARGEST: u32 = (1 << 31) - 1;
/// RFC 9113, section 6.9.2.
pub(super) const INITIAL: u32 = 65_535;

/// The sum would be beyond 2^31-1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// What may be sent; negative after the peer made its initial window smaller (RFC 9113, section 6.9.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct SendWindow(i32);

impl SendWindow {
    /// Of at most [`LARGEST`].
    pub(super) fn new(size: u32) -> Self {
        Self(i32::try_from(size).unwrap_or(i32::MAX))
    }

    #[inline]
    pub(super) fn available(self) -> usize {
        self.0.max(0) as usize
    }

    /// What is [`available`](Self::available), at most.
    #[inline]
    pub(super) fn spend(&mut self, length: usize) {
        debug_assert!(length <= self.available());
        self.0 -= length as i32;
    }

    /// By a WINDOW_UPDATE, or a change of the initial window.
    pub(super) fn change(&mut self, by: i64) -> Result<(), Overflow> {
        let sum = i64::from(self.0) + by;
        // The least is the window spent whole, then made smaller by all of it, which an i32 holds.
        self.0 = i32::try_from(sum).map_err(|_| Overflow)?;
        Ok(())
    }
}

/// What the peer may still send. Bytes are `held` from when they were handed on until they are given back, then `owed`
/// until a WINDOW_UPDATE says so: one for half a window, not one a frame. In a connection's own, what its streams hold is in neither.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveWindow {
    size: u32,
    left: i64,
    held: u32,
    owed: u32,
}

impl ReceiveWindow {
    pub(super) fn new(size: u32) -> Self {
        Self {
            size,
            left: size.into(),
            held: 0,
            owed: 0,
        }
    }

    /// Whether so much may come. What came within the peer's own idea of the window, larger by `slack` until it knows ours,
    /// is no fault.
    #[inline]
    pub(super) fn spend(&mut self, length: u32, slack: u32) -> bool {
        self.left -= i64::from(length);
        length == 0 || self.left >= -i64::from(slack)
    }

    /// What may still come.
    pub(super) fn left(&self) -> u32 {
        u32::try_from(self.left).unwrap_or(0)
    }

    /// Gives back what was never held.
    #[inline]
    pub(super) fn give_back(&mut self, length: u32) {
        self.owed = self.owed.saturating_add(length);
    }

    #[inline]
    pub(super) fn hold(&mut self, length: u32) {
        self.held = self.held.saturating_add(length);
    }

    pub(super) fn held(&self) -> u32 {
        self.held
    }

    /// Gives back what was held, at most that; how much it was.
    pub(super) fn release(&mut self, length: usize) -> u32 {
        let length = self.held.min(u32::try_from(length).unwrap_or(u32::MAX));
        self.held -= length;
        self.give_back(length);
        length
    }

    /// The increment of a WINDOW_UPDATE that is due, of a stream's window.
    #[inline]
    pub(super) fn due(&mut self) -> Option<u32> {
        if u64::from(self.owed) * 2 < u64::from(self.size) {
            return None;
        }
        self.give()
    }

    /// The same of a window that streams have in common: once half of what none of them holds is owed. By half of the whole, what slow
    /// readers hold would be missing until it stood still for all.
    #[inline]
    pub(super) fn due_to_all(&mut self) -> Option<u32> {
        if i64::from(self.owed) < self.left {
            return None;
        }
        self.give()
    }

    #[inline]
    fn give(&mut self) -> Option<u32> {
        if self.owed == 0 {
            return None;
        }
        self.left += i64::from(self.owed);
        Some(std::mem::take(&mut self.owed).min(LARGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_6_9_1_a_window_grows_to_its_largest_and_no_further() {
        let mut window = SendWindow::new(LARGEST - 1);
        assert_eq!(window.change(1), Ok(()));
        assert_eq!(window.change(1), Err(Overflow));
        assert_eq!(window.available(), LARGEST as usize);
    }

    #[test]
    fn section_6_9_2_a_window_may_become_negative_and_nothing_is_sent_then() {
        let mut window = SendWindow::new(LARGEST);
        window.spend(LARGEST as usize);
        assert_eq!(window.change(-i64::from(LARGEST)), Ok(()));
        assert_eq!(window.available(), 0);
        assert_eq!(window.change(i64::from(LARGEST)), Ok(()));
        assert_eq!(window.change(7), Ok(()));
        assert_eq!(window.available(), 7);
    }

    #[test]
    fn half_a_window_is_given_back_at_once() {
        let mut window = ReceiveWindow::new(100);
        assert!(window.spend(60, 0));
        window.hold(60);
        assert_eq!((window.release(49), window.due()), (49, None));
        assert_eq!((window.release(100), window.due()), (11, Some(60)));
        assert_eq!((window.held(), window.due()), (0, None));
        assert!(window.spend(100, 0) && window.spend(0, 0) && !window.spend(1, 0));
    }

    #[test]
    fn a_common_window_is_never_used_up_while_something_of_it_is_owed() {
        let random = &mut fastrand::Rng::with_seed(9);
        for _ in 0..300 {
            let size = random.u32(1..1000);
            let mut window = ReceiveWindow::new(size);
            let (mut left, mut held, mut updates) = (size, 0, 0);
            for _ in 0..300 {
                let length = random.u32(..=left);
                assert!(window.spend(length, 0));
                left -= length;
                held += length;
                // What readers are done with, some of them seldom.
                let done = random.u32(..=held) / random.u32(1..4);
                window.give_back(done);
                held -= done;
                if let Some(increment) = window.due_to_all() {
                    assert!(increment > 0);
                    left += increment;
                    updates += 1;
                }
                assert!(left + held <= size && (left > 0 || held == size));
            }
            assert!(updates > 0);
        }
    }

    #[test]
    fn a_common_window_of_which_nothing_is_held_is_given_back_by_halves() {
        let mut window = ReceiveWindow::new(100);
        for _ in 0..1000 {
            assert!(window.spend(49, 0));
            window.give_back(49);
            assert_eq!(window.due_to_all(), None);
            assert!(window.spend(1, 0));
            window.give_back(1);
            assert_eq!(window.due_to_all(), Some(50));
        }
    }

    #[test]
    fn section_6_9_3_until_the_peer_knows_a_smaller_window_the_initial_one_counts() {
        let mut window = ReceiveWindow::new(10);
        assert!(window.spend(INITIAL, INITIAL - 10));
        assert!(!window.spend(1, INITIAL - 10));
        let mut window = ReceiveWindow::new(10);
        assert!(window.spend(20, INITIAL - 10));
        assert!(window.spend(0, 0) && !window.spend(1, 0)); // once it is known
    }
}
