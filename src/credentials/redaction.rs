//! Redaction: what a peer says, without what was sent to it.
//!
//! A peer may repeat a secret in another spelling than the one it came in. So its text is decoded, layer by layer, and
//! searched; what holds a secret in any layer is cut out of the text as it came. Pure. Not here: who speaks (`token_answer`,
//! `call`).

mod spelling;

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

/// Of what a peer says so many bytes are shown at most, a line.
const LONGEST_LINE: usize = 512;

/// How many spellings upon spellings are looked through, and how deep. What is more tangled is withheld.
const MOST_LAYERS: usize = 400;
const DEEPEST: usize = 4;

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
        let redacted = self.redacted(text);
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
        match self.cut(text.as_bytes()) {
            None => text.to_owned(),
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// The bytes without what was sent; `None`: it is not in them.
    pub(crate) fn cut(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let Ok(mut found) = self.find(bytes) else {
            return Some(REDACTED.into());
        };
        if found.is_empty() {
            return None;
        }
        found.sort_by_key(|range| range.start);
        let mut cut = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for range in found {
            if range.start > at || at == 0 {
                cut.extend_from_slice(&bytes[at..range.start]);
                cut.extend_from_slice(REDACTED.as_bytes());
            }
            at = at.max(range.end);
        }
        cut.extend_from_slice(&bytes[at..]);
        Some(cut)
    }

    /// Where the secrets are, or that the text must be withheld.
    fn find(&self, bytes: &[u8]) -> Result<Vec<Range<usize>>, Withheld> {
        let mut found = Vec::new();
        let all = || self.secrets.iter().chain(&self.short);
        let Some(shortest) = all().map(|secret| secret.len()).min() else {
            return Ok(found);
        };
        let first = spelled(bytes);
        self.find_beginning(&first, &mut found);
        let mut layers = vec![(first, 0)];
        let mut next = 0;
        while next < layers.len() {
            let (text, depth) = &layers[next];
            for secret in &self.secrets {
                find_all(text, secret, &mut found);
            }
            // By chance a short one is in what is no base64 but was read as such.
            let plain = !text.is_coded;
            if plain && self.short.iter().any(|secret| is_in(text, secret)) {
                return Err(Withheld);
            }
            if *depth < DEEPEST {
                let depth = depth + 1;
                let decoded = decodings(text, shortest);
                layers.extend(decoded.into_iter().map(|text| (text, depth)));
            }
            if layers.len() > MOST_LAYERS {
                return Err(Withheld);
            }
            next += 1;
        }
        Ok(found)
    }

    /// Of a secret, at the end of the text.
    fn find_beginning(&self, text: &Spelled, found: &mut Vec<Range<usize>>) {
        let end = text.bytes.len();
        for secret in &self.secrets {
            let longest = secret.len().min(end);
            let is_cut = |length: &usize| {
                text.bytes[end - length..].eq_ignore_ascii_case(&secret[..*length])
            };
            let lengths = SHORTEST_BEGINNING..=longest;
            if let Some(length) = lengths.rev().find(is_cut) {
                found.push(text.place(end - length..end));
            }
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
