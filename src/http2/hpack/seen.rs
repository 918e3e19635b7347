//! Header blocks that came before, and what they stood for.
//!
//! A server answers most calls with the same few blocks. One that changes no table means the same as long as the table is
//! the same; it is recognised whole.

use std::sync::Arc;

use crate::http2::fields::Fields;

const MOST: usize = 16;
/// Of a block; longer ones seldom come twice.
const LONGEST: usize = 256;

#[derive(Default)]
pub(super) struct Seen(Vec<Block>);

struct Block {
    generation: u64,
    bytes: Vec<u8>,
    fields: Arc<Fields>,
}

impl Seen {
    /// Where it is. Each that is found moves up a place, so that what comes once puts out none that comes often.
    #[inline]
    pub(super) fn find(&mut self, generation: u64, bytes: &[u8]) -> Option<usize> {
        let same = |block: &Block| block.generation == generation && block.bytes == bytes;
        let at = self.0.iter().position(same)?;
        if at < 2 {
            return Some(at);
        }
        self.0.swap(at, at - 1);
        Some(at - 1)
    }

    #[inline]
    pub(super) fn fields(&self, at: usize) -> &Arc<Fields> {
        &self.0[at].fields
    }

    /// Keeps what `fields` is, and leaves in it what may be used anew.
    pub(super) fn insert(
        &mut self,
        generation: u64,
        bytes: &[u8],
        fields: &mut Arc<Fields>,
    ) -> Option<usize> {
        if bytes.len() > LONGEST {
            return None;
        }
        let stale = self
            .0
            .iter()
            .rposition(|block| block.generation != generation);
        let at = match stale {
            Some(at) => at,
            None if self.0.len() < MOST => {
                self.0.push(Block {
                    generation,
                    bytes: Vec::new(),
                    fields: Arc::default(),
                });
                self.0.len() - 1
            }
            None => MOST - 1,
        };
        let block = &mut self.0[at];
        block.generation = generation;
        block.bytes.clear();
        block.bytes.extend_from_slice(bytes);
        std::mem::swap(&mut block.fields, fields);
        Some(at)
    }
}
