//! The dynamic table (RFC 7541, sections 2.3.2 and 4).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use super::static_table;
use zeroize::Zeroizing;

/// Of an entry, beyond its name and value (RFC 7541, section 4.1).
const OVERHEAD: usize = 32;
/// SETTINGS_HEADER_TABLE_SIZE at the beginning.
pub(super) const INITIAL: usize = 4096;

pub(super) type Pair<'a> = (&'a [u8], &'a [u8]);

/// Of all tables, so that none is mistaken for another, nor for itself at another time.
static GENERATIONS: AtomicU64 = AtomicU64::new(0);

fn generation() -> u64 {
    GENERATIONS.fetch_add(1, Ordering::Relaxed)
}

/// Names and values lie one after the other in one text; a token may be among them.
pub(super) struct Table {
    text: Zeroizing<Vec<u8>>,
    /// Of the text's first byte, counted from the first entry that ever was.
    begin: usize,
    /// The newest first.
    entries: VecDeque<Entry>,
    size: usize,
    max: usize,
    generation: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    begin: usize,
    name: usize,
    value: usize,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            text: Zeroizing::default(),
            begin: 0,
            entries: VecDeque::new(),
            size: 0,
            max: INITIAL,
            generation: generation(),
        }
    }

    /// As long as it is the same, each index means the same.
    #[inline]
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn resize(&mut self, max: usize) {
        self.max = max;
        self.evict(max);
    }

    fn text(&self, entry: Entry) -> Pair<'_> {
        let begin = entry.begin - self.begin;
        let text = &self.text[begin..begin + entry.name + entry.value];
        text.split_at(entry.name)
    }

    /// By its index in both tables, from 1 on.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<Pair<'_>> {
        match index.checked_sub(static_table::LENGTH + 1) {
            None => static_table::get(index),
            Some(at) => Some(self.text(*self.entries.get(at)?)),
        }
    }

    /// The index of this field in both tables, or else of its name.
    pub(super) fn find(&self, name: &[u8], value: &[u8]) -> (Option<usize>, Option<usize>) {
        let (field, mut by_name) = static_table::find(name, value);
        if field.is_some() {
            return (field, by_name);
        }
        for (at, entry) in self.entries.iter().enumerate() {
            if entry.name != name.len() || (by_name.is_some() && entry.value != value.len()) {
                continue;
            }
            let (other_name, other_value) = self.text(*entry);
            if other_name == name {
                let index = static_table::LENGTH + 1 + at;
                if other_value == value {
                    return (Some(index), by_name);
                }
                by_name.get_or_insert(index);
            }
        }
        (None, by_name)
    }

    /// One that is too large leaves the table empty (RFC 7541, section 4.4).
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) {
        self.generation = generation();
        let size = name.len() + value.len() + OVERHEAD;
        self.evict(self.max.saturating_sub(size));
        if size > self.max {
            return;
        }
        let alive = self
            .entries
            .back()
            .map_or(self.end(), |oldest| oldest.begin);
        let dead = alive - self.begin;
        if dead > self.text.len() / 2 {
            self.text.drain(..dead);
            self.begin = alive;
        }
        self.entries.push_front(Entry {
            begin: self.end(),
            name: name.len(),
            value: value.len(),
        });
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(value);
        self.size += size;
    }

    fn end(&self) -> usize {
        self.begin + self.text.len()
    }

    fn evict(&mut self, most: usize) {
        while self.size > most
            && let Some(entry) = self.entries.pop_back()
        {
            self.generation = generation();
            self.size -= entry.name + entry.value + OVERHEAD;
            let begin = entry.begin - self.begin;
            self.text[begin..begin + entry.name + entry.value].fill(0);
        }
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(max: usize, fields: &[(&str, &str)]) -> Table {
        let mut table = Table::new();
        table.resize(max);
        for (name, value) in fields {
            table.insert(name.as_bytes(), value.as_bytes());
        }
        table
    }

    #[test]
    fn rfc_7541_2_3_3_the_newest_entry_follows_the_static_table() {
        let table = table(4096, &[("a", "1"), ("b", "2")]);
        assert_eq!(table.get(61), Some((&b"www-authenticate"[..], &b""[..])));
        assert_eq!(table.get(62), Some((&b"b"[..], &b"2"[..])));
        assert_eq!(table.get(63), Some((&b"a"[..], &b"1"[..])));
        assert_eq!((table.get(0), table.get(64)), (None, None));
        assert_eq!(table.find(b"a", b"1"), (Some(63), None));
        assert_eq!(table.find(b"a", b"2"), (None, Some(63)));
    }

    #[test]
    fn rfc_7541_4_4_the_oldest_go_and_what_is_too_large_empties_the_table() {
        let mut table = table(100, &[("a", "1"), ("b", "2"), ("c", "3")]);
        assert_eq!((table.size(), table.get(64)), (68, None));
        table.insert(&[b'd'; 50], &[b'4'; 19]);
        assert_eq!((table.size(), table.get(62)), (0, None));
        table.insert(&[b'd'; 50], &[b'4'; 18]);
        assert_eq!(table.size(), 100);
    }

    #[test]
    fn rfc_7541_4_3_a_smaller_table_loses_its_oldest() {
        let mut table = table(4096, &[("a", "1"), ("b", "2"), ("c", "3")]);
        table.resize(70);
        assert_eq!((table.size(), table.get(64)), (68, None));
        table.resize(0);
        assert_eq!((table.size(), table.get(62)), (0, None));
    }

    #[test]
    fn a_generation_stands_for_one_state_of_one_table() {
        let mut one = Table::new();
        let other = Table::new();
        let mut seen = vec![one.generation(), other.generation()];
        one.insert(b"a", b"1");
        seen.push(one.generation());
        one.resize(10);
        seen.push(one.generation());
        one.insert(b"a", b"1");
        seen.push(one.generation());
        let before = one.generation();
        one.resize(20); // nothing goes
        assert_eq!(one.generation(), before);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 5);
    }

    #[test]
    fn what_lies_in_the_text_is_what_the_entries_say_and_the_text_stays_small() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut table = Table::new();
        let mut model: VecDeque<(Vec<u8>, Vec<u8>)> = VecDeque::new();
        for _ in 0..3000 {
            let mut text =
                |most| -> Vec<u8> { (0..random.usize(..most)).map(|_| random.u8(..)).collect() };
            let (name, value) = (text(30), text(200));
            table.insert(&name, &value);
            model.push_front((name, value));
            let mut size = 0;
            let fit = model.iter().take_while(|(name, value)| {
                size += name.len() + value.len() + OVERHEAD;
                size <= INITIAL
            });
            let fit = fit.count();
            model.truncate(fit);
            for (at, (name, value)) in model.iter().enumerate() {
                assert_eq!(table.get(62 + at), Some((&name[..], &value[..])));
            }
            assert_eq!(table.entries.len(), model.len());
            assert!(table.text.len() <= 2 * INITIAL + 300);
        }
    }
}
