//! Spellings: the ways in which a text may be written, undone one at a time.
//!
//! Each byte that comes out knows where it stood in the text as it came.

use std::ops::Range;

const BREAK: u8 = 0xff;

pub(super) struct Spelled {
    pub(super) bytes: Vec<u8>,
    places: Vec<Range<usize>>,
    /// Read as base64, hexadecimal or numbers, which words may be by chance.
    pub(super) is_coded: bool,
}

impl Spelled {
    fn new(is_coded: bool) -> Self {
        Self {
            bytes: Vec::new(),
            places: Vec::new(),
            is_coded,
        }
    }

    /// Where these bytes stood.
    pub(super) fn place(&self, range: Range<usize>) -> Range<usize> {
        let places = &self.places[range];
        let begin = places.iter().map(|place| place.start).min();
        let end = places.iter().map(|place| place.end).max();
        begin.unwrap_or_default()..end.unwrap_or_default()
    }

    fn push(&mut self, byte: u8, place: Range<usize>) {
        self.bytes.push(byte);
        self.places.push(place);
    }

    /// What is in no text of UTF-8: no secret goes on beyond it.
    fn push_break(&mut self) {
        self.push(BREAK, 0..0);
    }

    /// Of what was written: a break there is no part of it.
    pub(super) fn end(&self) -> usize {
        let last = self.bytes.iter().rposition(|byte| *byte != BREAK);
        last.map_or(0, |last| last + 1)
    }
}

pub(super) fn spelled(bytes: &[u8]) -> Spelled {
    Spelled {
        bytes: bytes.to_vec(),
        places: (0..bytes.len()).map(|at| at..at + 1).collect(),
        is_coded: false,
    }
}

/// All that the text may be the spelling of, and that may hold so many bytes; each is made when it is asked for.
pub(super) fn decodings(text: &Spelled, shortest: usize) -> impl Iterator<Item = Spelled> {
    type Escape = fn(&[u8]) -> Option<(Vec<u8>, usize)>;
    const ESCAPES: [Escape; 5] = [percent, form, backslash, entity, latin_1];
    let escaped = ESCAPES
        .into_iter()
        .filter_map(|escape| unescaped(text, escape));
    let may_be_coded = !text.is_coded || text.bytes.len() >= shortest;
    let coded = may_be_coded.then(|| {
        let base64 = (0..4).filter_map(move |skipped| base64(text, skipped, shortest));
        let hexadecimal = (0..2).filter_map(move |skipped| hexadecimal(text, skipped, shortest));
        let numbers = std::iter::once_with(move || numbers(text, shortest)).flatten();
        base64.chain(hexadecimal).chain(numbers)
    });
    escaped
        .chain(coded.into_iter().flatten())
        .filter(move |text| text.bytes.len() >= shortest)
}

/// `None` if nothing is escaped. `escape`: what a text begins with, if that is an escape, and how long that is.
fn unescaped(
    text: &Spelled,
    escape: impl Fn(&[u8]) -> Option<(Vec<u8>, usize)>,
) -> Option<Spelled> {
    let mut decoded = Spelled::new(text.is_coded);
    let mut at = 0;
    let mut changed = false;
    while at < text.bytes.len() {
        if let Some((bytes, length)) = escape(&text.bytes[at..]) {
            let place = text.place(at..at + length);
            for byte in bytes {
                decoded.push(byte, place.clone());
            }
            at += length;
            changed = true;
        } else {
            decoded.push(text.bytes[at], text.places[at].clone());
            at += 1;
        }
    }
    changed.then_some(decoded)
}

/// %XX (RFC 3986 section 2.1), of any character.
fn percent(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text {
        [b'%', digits @ ..] => Some((vec![byte_of(digits)?], 3)),
        _ => None,
    }
}

/// The same, with + for a space.
fn form(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text {
        [b'+', ..] => Some((vec![b' '], 1)),
        _ => percent(text),
    }
}

/// As JSON, C, Java and Python write strings.
fn backslash(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let [b'\\', kind, rest @ ..] = text else {
        return None;
    };
    let plain = |byte| Some((vec![byte], 2));
    match kind {
        b'n' => plain(b'\n'),
        b'r' => plain(b'\r'),
        b't' => plain(b'\t'),
        b'b' => plain(8),
        b'f' => plain(12),
        b'x' => Some((vec![byte_of(rest)?], 4)),
        b'u' => {
            let unit = unit_of(rest)?;
            if let (0xd800..=0xdbff, [b'\\', b'u', low @ ..]) = (unit, rest.get(4..)?)
                && let Some(low) = unit_of(low)
                && let Some(Ok(c)) = char::decode_utf16([unit, low]).next()
            {
                return Some((c.to_string().into(), 12));
            }
            let c = char::from_u32(unit.into())?;
            Some((c.to_string().into(), 6))
        }
        byte if byte.is_ascii_punctuation() => plain(*byte),
        _ => None,
    }
}

/// A character reference of HTML.
fn entity(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    const LONGEST: usize = 10;
    const NAMED: [(&[u8], char); 7] = [
        (b"amp", '&'),
        (b"lt", '<'),
        (b"gt", '>'),
        (b"quot", '"'),
        (b"apos", '\''),
        (b"nbsp", ' '),
        (b"sol", '/'),
    ];
    let [b'&', rest @ ..] = text else {
        return None;
    };
    let length = rest.iter().take(LONGEST).position(|byte| *byte == b';')?;
    let c = match &rest[..length] {
        [b'#', b'x' | b'X', digits @ ..] => char_of(digits, 16)?,
        [b'#', digits @ ..] => char_of(digits, 10)?,
        name => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((c.to_string().into(), length + 2))
}

/// UTF-8 that was taken for Latin-1 and written as UTF-8 again.
fn latin_1(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text {
        [0xc2, low @ 0x80..=0xbf, ..] => Some((vec![*low], 2)),
        [0xc3, low @ 0x80..=0xbf, ..] => Some((vec![low + 0x40], 2)),
        _ => None,
    }
}

/// Of either alphabet, padded or not, over several lines or not, from the byte after `skipped` of each word.
fn base64(text: &Spelled, skipped: usize, shortest: usize) -> Option<Spelled> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let least = shortest * 4 / 3;
    words(text, &value, b"\r\n", skipped, least, |word, decoded| {
        for pair in 0..word.len().saturating_sub(1) {
            let ((high, begin), (low, end)) = (&word[pair], &word[pair + 1]);
            let byte = match pair % 4 {
                0 => high << 2 | low >> 4,
                1 => high << 4 | low >> 2,
                2 => high << 6 | low,
                _ => continue,
            };
            decoded.push(byte, begin.start..end.end);
        }
    })
}

fn hexadecimal(text: &Spelled, skipped: usize, shortest: usize) -> Option<Spelled> {
    let value = |byte| Some(char::from(byte).to_digit(16)? as u8);
    words(
        text,
        &value,
        b" :-",
        skipped,
        2 * shortest,
        |word, decoded| {
            for pair in word.chunks_exact(2) {
                let [(high, begin), (low, end)] = pair else {
                    continue;
                };
                decoded.push(high << 4 | low, begin.start..end.end);
            }
        },
    )
}

/// The words of an alphabet that are long enough, each decoded. `None` if there is none. Inside a word, what is `ignored` may stand.
fn words(
    text: &Spelled,
    value: &dyn Fn(u8) -> Option<u8>,
    ignored: &[u8],
    skipped: usize,
    least: usize,
    decode: impl Fn(&[(u8, Range<usize>)], &mut Spelled),
) -> Option<Spelled> {
    let mut decoded = Spelled::new(true);
    let mut word = Vec::new();
    let mut end_word = |word: &mut Vec<(u8, Range<usize>)>| {
        if word.len() >= least + skipped {
            decode(&word[skipped..], &mut decoded);
            decoded.push_break();
        }
        word.clear();
    };
    for (byte, place) in text.bytes.iter().zip(&text.places) {
        match value(*byte) {
            Some(value) => word.push((value, place.clone())),
            None if ignored.contains(byte) => {}
            None => end_word(&mut word),
        }
    }
    end_word(&mut word);
    (!decoded.bytes.is_empty()).then_some(decoded)
}

/// A list of bytes as decimal numbers, as many a debugger's text has it.
fn numbers(text: &Spelled, shortest: usize) -> Option<Spelled> {
    let mut decoded = Spelled::new(true);
    let mut at = 0;
    while at < text.bytes.len() {
        let rest = &text.bytes[at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&rest[..length]).ok();
        match number.and_then(|number| number.parse::<u8>().ok()) {
            Some(byte) => decoded.push(byte, text.place(at..at + length)),
            None if length > 0 || !b", \t\n".contains(&rest[0]) => decoded.push_break(),
            None => {}
        }
        at += length.max(1);
    }
    let is_number = |byte: &&u8| **byte != BREAK;
    (decoded.bytes.iter().filter(is_number).count() >= shortest).then_some(decoded)
}

fn byte_of(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
    u8::try_from(digit(0)? << 4 | digit(1)?).ok()
}

fn unit_of(digits: &[u8]) -> Option<u16> {
    let (high, low) = (byte_of(digits)?, byte_of(digits.get(2..)?)?);
    Some(u16::from_be_bytes([high, low]))
}

fn char_of(digits: &[u8], radix: u32) -> Option<char> {
    let digits = std::str::from_utf8(digits).ok()?;
    char::from_u32(u32::from_str_radix(digits, radix).ok()?)
}
