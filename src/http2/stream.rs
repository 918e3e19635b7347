//! A stream of a client (RFC 9113, section 5.1), without those states that only a server's push has:
//!
//! ```text
//!               HEADERS sent                  END_STREAM sent
//!     idle ───────────────────────► open ─────────────────────────► half-closed (local)
//!       │                            │                                      │
//!       │ with END_STREAM            │ END_STREAM received                  │ END_STREAM received,
//!       └──────────► half-closed     │                                      │ RST_STREAM either way
//!                    (local)         ▼                                      ▼
//!                            half-closed (remote) ─── RST_STREAM sent ───► closed
//! ```
//!
//! An answer that ends before its request has nothing to wait for: half-closed (remote) is left at once, by RST_STREAM with
//! NO_ERROR. A stream that has a slot is open or half-closed (local); an id below the next one that has none is closed, one
//! from there on is idle.

use std::collections::VecDeque;

use super::buffer::Buffer;
use super::window::{ReceiveWindow, SendWindow};

/// A stream while it lives, and never another: what is done with the key of one that has ended is done to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub(super) slot: u32,
    pub(super) id: u32,
}

impl Key {
    /// Of no stream.
    pub const NONE: Self = Self {
        slot: u32::MAX,
        id: 0,
    };

    /// The stream's id on the wire.
    pub fn id(self) -> u32 {
        self.id
    }
}

pub(super) struct Stream<T> {
    pub(super) id: u32,
    /// END_STREAM was sent, or comes after what is queued.
    pub(super) local_ended: bool,
    /// The answer's head came, the last one.
    pub(super) headed: bool,
    /// It stands in the line of those that have something to send.
    pub(super) in_line: bool,
    /// It stands in the line of those whose queue got shorter.
    pub(super) in_drained: bool,
    pub(super) send: SendWindow,
    pub(super) receive: ReceiveWindow,
    /// What is left of the answer's `content-length`.
    pub(super) length: Option<u64>,
    /// Data that windows, or a full output, hold back.
    pub(super) queue: Buffer,
    pub(super) value: T,
}

impl<T> Stream<T> {
    /// Puts it into the line of those that have something to send, once, if it has.
    pub(super) fn wait_in(&mut self, line: &mut VecDeque<Key>, key: Key) {
        if !self.queue.is_empty() && !self.in_line {
            self.in_line = true;
            line.push_back(key);
        }
    }
}
