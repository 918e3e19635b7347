//! Fields: what a header block holds, names and values in one text (RFC 9113, section 8.2).

use std::any::Any;
use std::fmt;
use std::sync::OnceLock;

use super::malformed::Facts;

/// In the order in which they came, pseudo-header fields included. Names are in lower case.
#[derive(Default)]
pub struct Fields {
    text: Vec<u8>,
    /// Of each field the ends of its name and its value in the text.
    ends: Vec<(usize, usize)>,
    /// Of the field that is being added.
    next: (usize, usize),
    size: usize,
    left_out: bool,
    facts: Facts,
    /// What who reads them made of them.
    judged: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// Not with what was made of them: they may be changed.
impl Clone for Fields {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            ends: self.ends.clone(),
            judged: OnceLock::new(),
            ..*self
        }
    }
}

impl Fields {
    #[inline]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> + ExactSizeIterator {
        (0..self.ends.len()).map(|at| {
            let begin = at.checked_sub(1).map_or(0, |before| self.ends[before].1);
            let (name, value) = self.ends[at];
            (&self.text[begin..name], &self.text[name..value])
        })
    }

    /// The first value of this name.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let same = self.iter().find(|(other, _)| *other == name);
        same.map(|(_, value)| value)
    }

    pub fn get_all<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let same = self.iter().filter(move |(other, _)| *other == name);
        same.map(|(_, value)| value)
    }

    /// Of those that are kept.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Of all that came, as SETTINGS_MAX_HEADER_LIST_SIZE counts it (RFC 9113, section 6.5.2).
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether some were, for they were too many.
    pub fn left_out(&self) -> bool {
        self.left_out
    }

    /// From 100 to 999; 0 in trailers.
    pub fn status(&self) -> u16 {
        self.facts.status.unwrap_or(0)
    }

    /// What `judge` makes of them. It is asked once: a block that comes again is not decoded again, and this is kept with it.
    /// `None`: something of another type was kept before.
    pub fn judged<T: Any + Send + Sync>(&self, judge: impl FnOnce(&Self) -> T) -> Option<&T> {
        let judged = self.judged.get_or_init(|| Box::new(judge(self)));
        judged.downcast_ref()
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        (self.size, self.left_out, self.facts) = (0, false, Facts::default());
        self.judged.take();
    }

    /// Where a field is added: its name, then [`name_ends`](Self::name_ends), then its value.
    pub(super) fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    pub(super) fn name_ends(&mut self) {
        self.next.0 = self.text.len();
    }

    pub(super) fn value_ends(&mut self) {
        self.next.1 = self.text.len();
    }

    /// The field that is being added.
    pub(super) fn last(&self) -> (&[u8], &[u8]) {
        let begin = self.ends.last().map_or(0, |(_, value)| *value);
        let (name, value) = self.next;
        (&self.text[begin..name], &self.text[name..value])
    }

    pub(super) fn keep(&mut self, size: usize) {
        let mut facts = self.facts;
        let (name, value) = self.last();
        facts.see(name, value);
        self.facts = facts;
        self.size = self.size.saturating_add(size);
        self.ends.push(self.next);
    }

    /// Whether it was added or not, a field is left out.
    pub(super) fn leave_out(&mut self, size: usize) {
        let end = self.ends.last().map_or(0, |(_, value)| *value);
        self.text.truncate(end);
        self.size = self.size.saturating_add(size);
        self.left_out = true;
    }
}

/// Names are in lower case.
impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            fields.text.extend_from_slice(name.as_ref());
            fields.name_ends();
            fields.text.extend_from_slice(value.as_ref());
            fields.value_ends();
            fields.keep(name.as_ref().len() + value.as_ref().len() + 32);
        }
        fields
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.iter().map(|(name, _)| String::from_utf8_lossy(name));
        f.debug_list().entries(names).finish()
    }
}
