//! Redaction: what a peer says, without what was sent to it.
//!
//! A peer may repeat a secret in another spelling than the one it came in. So its text is decoded, layer by layer, and
//! searched; what holds a secret in any layer is cut out of the text as it came. Pure. Not here: who speaks (`token_answer`,
//! `call`).

mod spelling;

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use zeroize::Zeroizing;

use spelling::{Spelled, decodings, spelled};

/// What stands in the place of a secret.
const REDACTED: &str = "<redacted>";

/// A shorter secret is in half of all words: to cut it out would garble them, and show what it is. A text that holds it is
/// withheld whole.
const SHORTEST: usize = 4;

/// A text that ends within a secret is taken for one that somebody cut, from so many bytes on.
const SHORTEST_BEGINNING: usize = 8;

/// What may be left of an escape at the end of a text that was cut in the midst of it.
const LONGEST_REST: usize = 12;

/// Of what a peer says so many bytes are shown at most, a line; and so many are looked at for that.
const LONGEST_LINE: usize = 512;
const LOOKED_AT: usize = 4096;

/// How many spellings upon spellings are looked through, how deep, and how many bytes they all have. What is more tangled is withheld:
/// a peer's answer must not cost an I/O thread seconds, nor memory that it has not sent.
const MOST_LAYERS: usize = 400;
const DEEPEST: usize = 4;
const MOST_BYTES: usize = 256 * 1024;

/// Knows what was sent.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    secrets: Vec<Zeroizing<Vec<u8>>>,
    /// Those that only a whole text can hide, as they are and in base64.
    short: Vec<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({REDACTED})")
    }
}

impl Redactor {
    /// Of what was sent; empty ones are none.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut redactor = Self::default();
        for secret in secrets {
            redactor.add(secret);
        }
        redactor
    }

    /// Of a value of `authorization`: the scheme's name is no secret, and of Basic the password is one by itself.
    pub(crate) fn of_authorization(value: &[u8]) -> Self {
        let text = Zeroizing::new(String::from_utf8_lossy(value).into_owned());
        let (scheme, credentials) = text.split_once(' ').unwrap_or(("", &text));
        let mut redactor = Self::new([credentials]);
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(pair) = BASE64_STANDARD
                .decode(credentials.trim())
                .map(Zeroizing::new)
            && let Ok(pair) = std::str::from_utf8(&pair)
        {
            redactor.add(pair.split_once(':').map_or(pair, |(_, password)| password));
        }
        redactor
    }

    pub(crate) fn add(&mut self, secret: &str) {
        // A value with spaces around is trimmed by many a peer.
        let secret = secret.trim();
        match secret.len() {
            0 => {}
            length if length < SHORTEST => {
                self.short.push(Zeroizing::new(secret.into()));
                let encoded = BASE64_STANDARD_NO_PAD.encode(secret);
                self.short.push(Zeroizing::new(encoded.into()));
            }
            _ => {
                self.secrets.push(Zeroizing::new(secret.into()));
                self.add_pieces(secret);
            }
        }
    }

    /// Parts of it that are worth as much: those of a JWT, and what is left where a peer cannot write beyond ASCII.
    fn add_pieces(&mut self, secret: &str) {
        const SHORTEST_PIECE: usize = 8;
        let pieces = secret.split(|c: char| c == '.' || !c.is_ascii());
        let long =
            pieces.filter(|piece| piece.len() >= SHORTEST_PIECE && piece.len() < secret.len());
        self.secrets
            .extend(long.map(|piece| Zeroizing::new(piece.into())));
    }

    /// A line of what a peer says: printable, of 512 bytes at most, without what was sent.
    pub(crate) fn line(&self, text: &str) -> String {
        let text = text.trim();
        let mut end = text.len().min(LOOKED_AT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let redacted = without(&text[..end], Search::new(self, end < text.len()));
        let mut line = String::with_capacity(redacted.len().min(LONGEST_LINE));
        for c in redacted.trim().chars().map(printable) {
            if line.len() + c.len_utf8() > LONGEST_LINE {
                break;
            }
            line.push(c);
        }
        line
    }

    /// The text without what was sent.
    pub(crate) fn redacted(&self, text: &str) -> String {
        without(text, Search::new(self, false))
    }

    /// The bytes without what was sent; `None`: it is not in them. All parts of one answer have one effort.
    pub(crate) fn cut(&self, bytes: &[u8], effort: &Effort) -> Option<Vec<u8>> {
        let mut search = Search::new(self, false);
        search.bytes = effort.0.get();
        let cut = search.cut(bytes);
        effort.0.set(search.bytes);
        cut
    }
}

fn without(text: &str, mut search: Search<'_>) -> String {
    match search.cut(text.as_bytes()) {
        None => text.to_owned(),
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// How many bytes, of all spellings, were looked through.
#[derive(Debug, Default)]
pub(crate) struct Effort(Cell<usize>);

/// One look through a text.
struct Search<'a> {
    redactor: &'a Redactor,
    /// There was more of the text, in whatever spelling: it may end in the midst of an escape, too.
    is_cut: bool,
    /// Of the text.
    length: usize,
    /// Of all spellings so far.
    layers: usize,
    bytes: usize,
    found: Vec<Range<usize>>,
}

impl<'a> Search<'a> {
    fn new(redactor: &'a Redactor, is_cut: bool) -> Self {
        Self {
            redactor,
            is_cut,
            length: 0,
            layers: 0,
            bytes: 0,
            found: Vec::new(),
        }
    }

    fn cut(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.find(bytes).is_err() {
            return Some(REDACTED.into());
        }
        if self.found.is_empty() {
            return None;
        }
        self.found.sort_by_key(|range| range.start);
        let mut cut = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for range in &self.found {
            if range.start > at || at == 0 {
                cut.extend_from_slice(&bytes[at..range.start]);
                cut.extend_from_slice(REDACTED.as_bytes());
            }
            at = at.max(range.end);
        }
        cut.extend_from_slice(&bytes[at..]);
        Some(cut)
    }

    /// Finds where the secrets are, or that the text must be withheld.
    fn find(&mut self, bytes: &[u8]) -> Result<(), Withheld> {
        let redactor = self.redactor;
        let all = || redactor.secrets.iter().chain(&redactor.short);
        let Some(shortest) = all().map(|secret| secret.len()).min() else {
            return Ok(());
        };
        let shortest = match self.is_cut {
            true => shortest.min(SHORTEST_BEGINNING),
            false => shortest,
        };
        self.spend(bytes.len())?;
        self.length = bytes.len();
        // Each is let go of once its own spellings are known.
        let mut layers = vec![(spelled(bytes), 0)];
        while let Some((text, depth)) = layers.pop() {
            for secret in &redactor.secrets {
                find_all(&text, secret, &mut self.found);
                if depth == 0 || self.is_cut {
                    self.find_beginning(&text, secret);
                }
            }
            // By chance a short one is in what is no base64 but was read as such.
            let plain = !text.is_coded;
            if plain && redactor.short.iter().any(|secret| is_in(&text, secret)) {
                return Err(Withheld);
            }
            if depth < DEEPEST {
                for decoded in decodings(&text, shortest) {
                    self.spend(decoded.bytes.len())?;
                    layers.push((decoded, depth + 1));
                }
            }
        }
        Ok(())
    }

    /// Another layer, of so many bytes.
    fn spend(&mut self, bytes: usize) -> Result<(), Withheld> {
        if self.layers == MOST_LAYERS || self.bytes + bytes > MOST_BYTES {
            return Err(Withheld);
        }
        self.layers += 1;
        self.bytes += bytes;
        Ok(())
    }

    /// Of a secret, at the end of the text.
    fn find_beginning(&mut self, text: &Spelled, secret: &[u8]) {
        let end = text.end();
        let rest = if self.is_cut { LONGEST_REST } else { 0 };
        let begins = |start: &usize| {
            let pairs = text.bytes[*start..end].iter().zip(secret);
            let same = pairs.take_while(|(one, other)| one.eq_ignore_ascii_case(other));
            let length = same.count();
            (SHORTEST_BEGINNING..secret.len()).contains(&length) && start + length + rest >= end
        };
        let first = end.saturating_sub(secret.len() + rest);
        if let Some(start) = (first..end).find(begins) {
            // To where the text ends, what is left of an escape too.
            self.found.push(text.place(start..end).start..self.length);
        }
    }
}

/// The whole text is: parts of it cannot be.
struct Withheld;

fn find_all(text: &Spelled, secret: &[u8], found: &mut Vec<Range<usize>>) {
    for (at, window) in text.bytes.windows(secret.len()).enumerate() {
        if window.eq_ignore_ascii_case(secret) {
            found.push(text.place(at..at + secret.len()));
        }
    }
}

fn is_in(text: &Spelled, secret: &[u8]) -> bool {
    text.bytes
        .windows(secret.len())
        .any(|window| window == secret)
}

/// In one line, and without what turns the direction of a terminal's text.
fn printable(c: char) -> char {
    match c {
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    }
}

#[cfg(test)]
mod tests;
