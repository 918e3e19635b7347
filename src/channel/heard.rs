//! Heard: what a peer said, and how it ended the connection, in words for those whose calls were on it.
//!
//! Not here: how that is found out (`drive`, and `tap` while TLS begins). A peer may say what it was sent, so that of its text only plain words are shown.

use std::fmt;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use crate::http2::{Code, GoAway};
use crate::runtime::lock;

/// Of a peer's first bytes: a status line, and what an error page says first.
const OPENING: usize = 512;

/// Of a GOAWAY's debug data, and of all else that a peer says.
const SHOWN: usize = 128;

/// A GOAWAY's debug data by which a peer complains of pings (gRFC A8).
const TOO_MANY_PINGS: &[u8] = b"too_many_pings";

/// From here on the silence before an end is worth a word.
const SILENCE: Duration = Duration::from_secs(1);

const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

/// What a peer is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Tls,
    Http2,
}

/// What was heard of a connection, for those who tell of its end.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    opening: Vec<u8>,
    go_away: Option<GoAway>,
    end: Option<End>,
    too_many_pings: bool,
}

#[derive(Debug)]
pub(super) enum End {
    /// After so long a silence, on both sides.
    Closed(Duration),
    Failed(io::ErrorKind, String),
}

impl Heard {
    /// Whether what follows is of interest, too.
    pub(super) fn begins(&self, bytes: &[u8]) -> bool {
        let opening = &mut lock(&self.0).opening;
        let kept = bytes.len().min(OPENING - opening.len());
        opening.extend_from_slice(&bytes[..kept]);
        opening.len() < OPENING
    }

    pub(super) fn goes_away(&self, go_away: &GoAway) {
        let mut state = lock(&self.0);
        state.too_many_pings |=
            go_away.code == Code::ENHANCE_YOUR_CALM && go_away.debug_data == TOO_MANY_PINGS;
        state.go_away = Some(go_away.clone());
    }

    /// The first counts.
    pub(super) fn ends(&self, end: End) {
        lock(&self.0).end.get_or_insert(end);
    }

    /// How the peer ended the connection, if it did, with what it said before.
    pub(crate) fn end(&self) -> Option<String> {
        let state = lock(&self.0);
        let said = state.go_away.iter().map(words);
        let did: Vec<_> = said
            .chain(state.end.iter().map(ToString::to_string))
            .collect();
        (!did.is_empty()).then(|| format!("the peer {}", did.join(", then ")))
    }

    /// Whether the peer said so, by a GOAWAY.
    pub(super) fn processed_none(&self) -> bool {
        let state = lock(&self.0);
        let go_away = state.go_away.as_ref();
        go_away.is_some_and(|go_away| go_away.last_stream == 0)
    }

    /// Whether the peer complained of pings; once.
    pub(super) fn take_too_many_pings(&self) -> bool {
        std::mem::take(&mut lock(&self.0).too_many_pings)
    }

    /// What the peer speaks in place of what was expected, if its first bytes show it.
    pub(super) fn other_protocol(&self, expected: Expected) -> Option<String> {
        let tls = expected == Expected::Tls;
        let state = lock(&self.0);
        let opening = &*state.opening;
        if opening.starts_with(b"HTTP/") {
            let line = opening.split(|byte| matches!(byte, b'\r' | b'\n')).next();
            let line = printable(line.unwrap_or_default());
            return Some(match (tls, wants_tls(opening)) {
                (true, _) => format!("it speaks HTTP/1 in plaintext: it answered {line:?}"),
                (_, true) => format!(
                    "it speaks HTTP/1 over TLS, and this channel is plaintext: it answered {line:?}"
                ),
                _ => format!("it speaks HTTP/1 and not HTTP/2: it answered {line:?}"),
            });
        }
        match opening {
            // A record of TLS, an alert most likely: type, then version 3.x.
            [20..=23, 3, ..] if !tls => {
                Some("it speaks TLS, and this channel is plaintext".to_owned())
            }
            [0, _, _, SETTINGS | GOAWAY, _, 0, 0, 0, 0, ..] if tls => {
                Some("it speaks HTTP/2 in plaintext, and this channel is secure".to_owned())
            }
            _ => None,
        }
    }
}

/// Whether an answer's page says that TLS was expected, as servers do in their own words. Its headers and footer name a TLS library, and
/// links are to https, whatever was expected.
fn wants_tls(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((_, page)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let page = page.replace("https://", "");
    page.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .any(|word| matches!(word, "https" | "ssl" | "tls"))
}

fn words(go_away: &GoAway) -> String {
    let mut words = format!("sent GOAWAY {}", go_away.code);
    if !go_away.debug_data.is_empty() {
        words.push_str(&format!(" {:?}", printable(&go_away.debug_data)));
    }
    if go_away.last_stream != ALL {
        let last = format!(", of which the last stream is {}", go_away.last_stream);
        words.push_str(&last);
    }
    words
}

/// The highest stream of all: nothing is refused yet.
const ALL: u32 = u32::MAX >> 1;

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(silence) if *silence >= SILENCE => write!(
                f,
                "closed the connection (FIN) after {} ms without traffic, as proxies and firewalls do with idle ones \
                 (grpc.keepalive_time_ms keeps them)",
                silence.as_millis()
            ),
            Self::Closed(_) => f.write_str("closed the connection (FIN)"),
            Self::Failed(io::ErrorKind::ConnectionReset, _) => {
                f.write_str("reset the connection (RST, ECONNRESET)")
            }
            Self::Failed(io::ErrorKind::UnexpectedEof, _) => {
                f.write_str("closed the connection (FIN) without the close_notify of TLS")
            }
            Self::Failed(io::ErrorKind::TimedOut, _) => {
                f.write_str("did not answer any more (ETIMEDOUT)")
            }
            Self::Failed(_, error) => write!(f, "could not be written to or read from: {error}"),
        }
    }
}

/// What a peer wrote, for an error: words and short numbers. All else may be part of a secret that it was sent.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]);
    let lower = text.to_ascii_lowercase();
    if ["bearer", "basic", "authorization", "token="]
        .iter()
        .any(|secret| lower.contains(secret))
    {
        return "…".to_owned();
    }
    let mut shown = String::new();
    for word in text
        .split([' ', '\t', '\r', '\n', '\0'])
        .filter(|word| !word.is_empty())
    {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(if is_plain(word) { word } else { "…" });
    }
    if bytes.len() > SHOWN {
        shown.push('…');
    }
    shown
}

fn is_plain(word: &str) -> bool {
    let is_protocol = matches!(
        word,
        "HTTP/1.0" | "HTTP/1.1" | "HTTP/2" | "HTTP2" | "h2" | "h2c"
    );
    let is_number = word.len() <= 10
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".,:;()".contains(&byte));
    let is_word = word.len() <= 32
        && word.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-.,:;'\"()".contains(&byte))
        // As nobody writes who writes words: aBcD.
        && !word.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    is_protocol || is_number || is_word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_peers_text_only_plain_words_are_shown() {
        for (text, shown) in [
            ("too_many_pings", "too_many_pings"),
            (
                "max 60 (seconds), RFC-like: Yes",
                "max 60 (seconds), RFC-like: Yes",
            ),
            ("HTTP/1.1 400 Bad Request", "HTTP/1.1 400 Bad Request"),
            ("token eyJhbGciOiJSUzI1NiJ9.e30.x", "token …"),
            ("s3cret", "…"),
            ("c2VjcmV0", "…"),
            ("a%20b", "…"),
            ("Bearer anything", "…"),
            ("basic dXNlcjpwYXNz", "…"),
            ("\u{1b}[31m red", "… red"),
            ("12345678901 1234567890", "… 1234567890"),
            ("  two   words ", "two words"),
        ] {
            assert_eq!(printable(text.as_bytes()), shown, "{text}");
        }
        assert_eq!(printable(&[0xff, 0xfe]), "…");
        let long = "word ".repeat(100);
        assert!(printable(long.as_bytes()).chars().count() <= SHOWN + 1);
    }

    #[test]
    fn who_speaks_another_protocol_is_named_by_its_first_bytes() {
        let nginx = "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>The plain HTTP request was sent to HTTPS port";
        for (opening, expected, named) in [
            (
                &b"HTTP/1.1 400 Bad Request\r\n"[..],
                Expected::Http2,
                "HTTP/1 and not HTTP/2: it answered \"HTTP/1.1 400 Bad Request\"",
            ),
            (
                b"HTTP/1.0 505\n",
                Expected::Http2,
                "it answered \"HTTP/1.0 505\"",
            ),
            (
                nginx.as_bytes(),
                Expected::Http2,
                "HTTP/1 over TLS, and this channel is plaintext",
            ),
            (
                b"HTTP/1.1 400 Bad Request\r\n\r\nyou're speaking plain HTTP to an SSL-enabled server port.",
                Expected::Http2,
                "HTTP/1 over TLS, and this channel is plaintext",
            ),
            (
                b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
                Expected::Http2,
                "HTTP/1 over TLS, and this channel is plaintext",
            ),
            (
                b"HTTP/1.1 400 Bad Request\r\n\r\nThis combination of host and port requires TLS.\r\n",
                Expected::Http2,
                "HTTP/1 over TLS, and this channel is plaintext",
            ),
            (
                b"HTTP/1.1 400 Bad Request\r\nServer: Apache/2.4 (Debian) OpenSSL/3.0\r\n\r\n<p>no</p>",
                Expected::Http2,
                "HTTP/1 and not HTTP/2: it",
            ),
            (
                b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://localhost/\r\n\r\n",
                Expected::Http2,
                "HTTP/1 and not HTTP/2: it",
            ),
            (
                b"HTTP/1.1 404 Not Found\r\n\r\n<a href=\"https://a/\"><address>OpenSSL/3.0 mod_ssl/2.4</address>",
                Expected::Http2,
                "HTTP/1 and not HTTP/2: it",
            ),
            (
                b"HTTP/1.1 400 Bad Request\r\n",
                Expected::Tls,
                "HTTP/1 in plaintext: it answered",
            ),
            (
                &[21, 3, 1, 0, 2, 2, 22],
                Expected::Http2,
                "TLS, and this channel is plaintext",
            ),
            (
                &[0, 0, 18, 4, 0, 0, 0, 0, 0, 0],
                Expected::Tls,
                "HTTP/2 in plaintext, and this channel is secure",
            ),
            (&[0, 0, 18, 4, 0, 0, 0, 0, 0, 0], Expected::Http2, ""),
            (&[22, 3, 3, 0, 80], Expected::Tls, ""),
            (b"SSH-2.0", Expected::Http2, ""),
            (b"", Expected::Tls, ""),
        ] {
            let heard = Heard::default();
            heard.begins(opening);
            let found = heard.other_protocol(expected);
            assert_eq!(found.is_none(), named.is_empty(), "{opening:?}");
            assert!(found.unwrap_or_default().contains(named), "{opening:?}");
        }
    }
}
