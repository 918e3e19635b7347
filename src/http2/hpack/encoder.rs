//! Encoder: fields to a header block (RFC 7541, sections 4.2 and 6).

use std::fmt;

use super::OVERHEAD;
use super::huffman;
use super::integer;
use super::table::{INITIAL, Table};

/// Of the peer's SETTINGS_HEADER_TABLE_SIZE no more is used.
const LARGEST: usize = 16 * 1024;

/// What a field's representation may leave behind in the peer's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexing {
    /// It costs one byte when it comes again (RFC 7541, section 6.2.1).
    Index,
    /// It is not likely to come again (section 6.2.2).
    Once,
    /// No intermediary may index it either (section 6.2.3), as a short secret needs (section 7.1.3).
    Never,
}

/// A field of a request.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub name: &'a [u8],
    pub value: &'a [u8],
    pub indexing: Indexing,
}

/// The name only: a value may be a secret.
impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.name))
    }
}

/// The fields that requests have in common, and what they were encoded as while the table is as it was. Made once for a
/// method and a connection; with another connection it is only slower.
#[derive(Default)]
pub struct Prepared {
    text: Vec<u8>,
    /// Of each field the ends of name and value in the text.
    fields: Vec<(usize, usize, Indexing)>,
    encoded: Vec<u8>,
    generation: Option<u64>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Prepared {
    /// Pseudo-header fields come first (RFC 9113, section 8.3).
    pub fn new<'a>(fields: impl IntoIterator<Item = Field<'a>>) -> Self {
        let mut prepared = Self::default();
        for field in fields {
            prepared.text.extend_from_slice(field.name);
            let name = prepared.text.len();
            prepared.text.extend_from_slice(field.value);
            let value = prepared.text.len();
            prepared.fields.push((name, value, field.indexing));
        }
        prepared
    }

    /// As SETTINGS_MAX_HEADER_LIST_SIZE counts them, with what follows them.
    pub(in crate::http2) fn size(&self, more: &[Field<'_>]) -> usize {
        let size = |field: &Field<'_>| field.name.len() + field.value.len() + OVERHEAD;
        let more: usize = more.iter().map(size).sum();
        self.text.len() + self.fields.len() * OVERHEAD + more
    }

    fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        let mut begin = 0;
        self.fields.iter().map(move |(name, value, indexing)| {
            let field = Field {
                name: &self.text[begin..*name],
                value: &self.text[*name..*value],
                indexing: *indexing,
            };
            begin = *value;
            field
        })
    }
}

pub struct Encoder {
    pub(super) table: Table,
    /// The smallest that the table had to be since the last block, if it changed.
    resized: Option<usize>,
    /// Where in the tables the fields were found that followed the last heads, by their places: there they mostly are again.
    hints: [usize; HINTS],
}

/// More than a request usually has.
const HINTS: usize = 4;

/// The size only: the table holds secrets.
impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoder({})", self.table.max())
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            table: Table::new(),
            resized: None,
            hints: [0; HINTS],
        }
    }
}

impl Encoder {
    /// By the peer's SETTINGS_HEADER_TABLE_SIZE. The next block says so, and, if the size was smaller in between, that, too
    /// (RFC 7541, section 4.2).
    pub fn resize(&mut self, size: u32) {
        let size = (size as usize).min(LARGEST);
        if size != self.table.max() {
            self.resized = Some(self.resized.map_or(size, |smallest| smallest.min(size)));
            self.table.resize(size);
        }
    }

    /// Appends the block of a request.
    #[inline]
    pub fn encode(&mut self, prepared: &mut Prepared, more: &[Field<'_>], out: &mut Vec<u8>) {
        if self.resized.is_some() {
            self.say_size(out);
        }
        if prepared.generation == Some(self.table.generation()) {
            out.extend_from_slice(&prepared.encoded);
        } else {
            self.encode_anew(prepared, out);
        }
        for (place, field) in more.iter().enumerate() {
            self.field_after_head(place, *field, out);
        }
    }

    #[inline]
    fn field_after_head(&mut self, place: usize, field: Field<'_>, out: &mut Vec<u8>) {
        let hint = self.hints.get(place).copied().unwrap_or(0);
        let there = self
            .table
            .get(hint)
            .filter(|_| field.indexing != Indexing::Never);
        if there.is_some_and(|(name, value)| name == field.name && value == field.value) {
            integer::write(out, 0x80, 7, hint);
        } else if let Some(found) = self.field(field, out)
            && let Some(hint) = self.hints.get_mut(place)
        {
            *hint = found;
        }
    }

    /// A size that was smaller in between empties the table: Go's decoder (x/net 0.60) takes a second change after no other.
    #[cold]
    fn say_size(&mut self, out: &mut Vec<u8>) {
        let size = self.table.max();
        if self.resized.take().is_some_and(|smallest| smallest < size) {
            self.table.resize(0);
            self.table.resize(size);
            integer::write(out, 0x20, 5, 0);
        }
        integer::write(out, 0x20, 5, size);
    }

    fn encode_anew(&mut self, prepared: &mut Prepared, out: &mut Vec<u8>) {
        let (begin, before) = (out.len(), self.table.generation());
        for field in prepared.iter() {
            self.field(field, out);
        }
        // What left an entry behind is shorter the next time.
        prepared.generation = (self.table.generation() == before).then_some(before);
        prepared.encoded.clear();
        if prepared.generation.is_some() {
            prepared.encoded.extend_from_slice(&out[begin..]);
        }
    }

    /// Where it is in the tables, if it was there whole.
    fn field(&mut self, field: Field<'_>, out: &mut Vec<u8>) -> Option<usize> {
        let Field {
            name,
            value,
            indexing,
        } = field;
        let (same, by_name) = self.table.find(name, value);
        if let Some(index) = same.filter(|_| indexing != Indexing::Never) {
            integer::write(out, 0x80, 7, index);
            return same;
        }
        // One that would put out most of the others is not worth it.
        let size = name.len() + value.len() + OVERHEAD;
        let indexes = indexing == Indexing::Index && size <= self.table.max() / 4 * 3;
        let (pattern, bits) = match indexing {
            _ if indexes => (0x40, 6),
            Indexing::Never => (0x10, 4),
            _ => (0x00, 4),
        };
        integer::write(out, pattern, bits, by_name.unwrap_or(0));
        if by_name.is_none() {
            string(name, out);
        }
        string(value, out);
        if indexes {
            self.table.insert(name, value);
        }
        None
    }

    /// What the peer's table may hold.
    pub fn table_size(&self) -> usize {
        self.table.max()
    }
}

/// The shorter of the two forms (RFC 7541, section 5.2).
fn string(text: &[u8], out: &mut Vec<u8>) {
    let length = huffman::encoded_length(text);
    if length < text.len() {
        integer::write(out, 0x80, 7, length);
        huffman::encode(text, out);
    } else {
        integer::write(out, 0, 7, text.len());
        out.extend_from_slice(text);
    }
}

const _: () = assert!(INITIAL <= LARGEST);
