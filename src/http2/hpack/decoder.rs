//! Decoder: a header block, in as many fragments as it comes, to fields (RFC 7541, sections 3 and 6).

use std::fmt;
use std::sync::Arc;

use super::seen::Seen;
use super::table::{INITIAL, Table};
use super::{Halt, OVERHEAD, huffman, integer};
use crate::http2::fields::Fields;

/// How much of a header block is kept. What is beyond is decoded all the same, so that the table stays what the peer's is.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of all fields, as SETTINGS_MAX_HEADER_LIST_SIZE counts them (RFC 9113, section 6.5.2). What does not fit is left out.
    pub fields: usize,
    /// Of those fields alone that are kept beyond it.
    pub kept_fields: usize,
    /// Whether a field of this name is.
    pub keeps: fn(&[u8]) -> bool,
    /// Of the block's bytes; a longer one ends the connection.
    pub block: usize,
}

pub struct Decoder {
    pub(super) table: Table,
    limits: Limits,
    seen: Seen,
    /// What is decoded into, if nobody else has it.
    current: Arc<Fields>,
    /// A field that was cut by the end of a fragment.
    cut: Vec<u8>,
    /// Of the block that is being decoded.
    state: State,
}

/// Names only: the table may hold secrets.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({:?})", self.current)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    begun: bool,
    has_fields: bool,
    changes_table: bool,
    kept: usize,
}

impl Decoder {
    pub fn new(limits: Limits) -> Self {
        Self {
            table: Table::new(),
            limits,
            seen: Seen::default(),
            current: Arc::default(),
            cut: Vec::new(),
            state: State::default(),
        }
    }

    /// A block that came in one piece.
    #[inline]
    pub fn block(&mut self, bytes: &[u8]) -> Result<&Arc<Fields>, &'static str> {
        debug_assert!(!self.state.begun);
        let generation = self.table.generation();
        if let Some(at) = self.seen.find(generation, bytes) {
            return Ok(self.seen.fields(at));
        }
        self.decode_block(generation, bytes)
    }

    fn decode_block(
        &mut self,
        generation: u64,
        bytes: &[u8],
    ) -> Result<&Arc<Fields>, &'static str> {
        self.fragment(bytes)?;
        let changes_table = self.state.changes_table;
        self.end()?;
        if !changes_table && !self.current.left_out() {
            let kept = self.seen.insert(generation, bytes, &mut self.current);
            if let Some(at) = kept {
                return Ok(self.seen.fields(at));
            }
        }
        Ok(&self.current)
    }

    /// The next piece of a block.
    pub fn fragment(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        if !self.state.begun {
            self.state.begun = true;
            match Arc::get_mut(&mut self.current) {
                Some(fields) => fields.clear(),
                None => self.current = Arc::default(),
            }
        }
        if self.cut.is_empty() {
            let decoded = self.fields(bytes)?;
            self.cut.extend_from_slice(&bytes[decoded..]);
        } else {
            let mut cut = std::mem::take(&mut self.cut);
            cut.extend_from_slice(bytes);
            let decoded = self.fields(&cut)?;
            cut.drain(..decoded);
            self.cut = cut;
        }
        Ok(())
    }

    /// After the last piece.
    pub fn end(&mut self) -> Result<&Arc<Fields>, &'static str> {
        if !self.cut.is_empty() {
            return Err("a header block ends within a field");
        }
        self.cut = Vec::new();
        self.state = State::default();
        Ok(&self.current)
    }

    /// Decodes what is whole; how many bytes that is.
    fn fields(&mut self, bytes: &[u8]) -> Result<usize, &'static str> {
        let mut decoded = 0;
        while decoded < bytes.len() {
            let mut at = decoded;
            match self.field(bytes, &mut at) {
                Ok(()) => decoded = at,
                Err(Halt::Short) => break,
                Err(Halt::Bad(why)) => return Err(why),
            }
        }
        Ok(decoded)
    }

    fn field(&mut self, bytes: &[u8], at: &mut usize) -> Result<(), Halt> {
        let first = bytes[*at];
        if first & 0x80 != 0 {
            let index = integer::read(bytes, at, 7)?;
            let (name, value) = self.table.get(index).ok_or(UNKNOWN_INDEX)?;
            self.state.has_fields = true;
            let fields = fields(&mut self.current);
            let size = size(name, value);
            if self.state.fits(&self.limits, fields, name, size) {
                fields.text().extend_from_slice(name);
                fields.name_ends();
                fields.text().extend_from_slice(value);
                fields.value_ends();
                fields.keep(size);
            } else {
                fields.leave_out(size);
            }
            return Ok(());
        }
        if first & 0xe0 == 0x20 {
            let size = integer::read(bytes, at, 5)?;
            if self.state.has_fields {
                return Err(Halt::Bad(
                    "a header block changes the table's size after its first field",
                ));
            }
            if size > INITIAL {
                return Err(Halt::Bad(
                    "a header block makes the table larger than it may be",
                ));
            }
            self.state.changes_table = true;
            self.table.resize(size);
            return Ok(());
        }
        let indexes = first & 0x40 != 0;
        let index = integer::read(bytes, at, if indexes { 6 } else { 4 })?;
        let name = match index {
            0 => Some(Literal::read(bytes, at)?),
            _ => None,
        };
        let value = Literal::read(bytes, at)?;
        let fields = fields(&mut self.current);
        match name {
            Some(name) => name.push(fields)?,
            None => {
                let (name, _) = self.table.get(index).ok_or(UNKNOWN_INDEX)?;
                fields.text().extend_from_slice(name);
            }
        }
        fields.name_ends();
        value.push(fields)?;
        fields.value_ends();
        self.state.has_fields = true;
        let (name, value) = fields.last();
        if indexes {
            self.state.changes_table = true;
            self.table.insert(name, value);
        }
        let size = size(name, value);
        if self.state.fits(&self.limits, fields, name, size) {
            fields.keep(size);
        } else {
            fields.leave_out(size);
        }
        Ok(())
    }
}

impl State {
    /// Whether a field is kept.
    fn fits(&mut self, limits: &Limits, fields: &Fields, name: &[u8], size: usize) -> bool {
        if fields.size() + size <= limits.fields {
            return true;
        }
        let fits = (limits.keeps)(name) && self.kept + size <= limits.kept_fields;
        if fits {
            self.kept += size;
        }
        fits
    }
}

/// As SETTINGS_MAX_HEADER_LIST_SIZE counts it.
fn size(name: &[u8], value: &[u8]) -> usize {
    name.len() + value.len() + OVERHEAD
}

const UNKNOWN_INDEX: Halt = Halt::Bad("a header block names an entry that the table has not");

/// Nobody else has them while a block is decoded.
fn fields(current: &mut Arc<Fields>) -> &mut Fields {
    Arc::make_mut(current)
}

/// A string as it stands in a block.
struct Literal<'a> {
    bytes: &'a [u8],
    is_huffman: bool,
}

impl<'a> Literal<'a> {
    fn read(bytes: &'a [u8], at: &mut usize) -> Result<Self, Halt> {
        let is_huffman = bytes.get(*at).ok_or(Halt::Short)? & 0x80 != 0;
        let length = integer::read(bytes, at, 7)?;
        let bytes = bytes
            .get(*at..)
            .and_then(|rest| rest.get(..length))
            .ok_or(Halt::Short)?;
        *at += length;
        Ok(Self { bytes, is_huffman })
    }

    fn push(&self, fields: &mut Fields) -> Result<(), Halt> {
        if self.is_huffman {
            huffman::decode(self.bytes, fields.text())
        } else {
            fields.text().extend_from_slice(self.bytes);
            Ok(())
        }
    }
}
