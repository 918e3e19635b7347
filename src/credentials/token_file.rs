//! The content of a token file: access tokens, each under the key of the client that asked for it.
//!
//! Pure: the time comes in as an argument. By the wall clock, which is all that processes have in common. No copy of a token is left in memory
//! that nobody overwrites.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::token::{Lifetime, Token};

const VERSION: u64 = 1;

struct Entry {
    key: String,
    access_token: Zeroizing<String>,
    /// Seconds since 1970, as the expiry.
    issued: u64,
    expiry: u64,
    scope: Option<String>,
}

#[derive(Default)]
pub(super) struct TokenFile(Vec<Entry>);

impl TokenFile {
    /// `None`: it is nothing that this version has written.
    pub(super) fn parse(content: &[u8]) -> Option<Self> {
        let mut content: Map<String, Value> = serde_json::from_slice(content).ok()?;
        let Some(Value::Object(tokens)) = content.remove("tokens") else {
            return None;
        };
        // All of them before any is refused: so each is overwritten however this ends.
        let entries: Vec<_> = tokens
            .into_iter()
            .map(|(key, token)| Entry::parse(key, token))
            .collect();
        let entries = entries.into_iter().collect::<Option<_>>()?;
        let version = content.get("version")?.as_u64()?;
        (version == VERSION).then_some(Self(entries))
    }

    pub(super) fn content(&self) -> Zeroizing<Vec<u8>> {
        // Long enough at once, each byte as \u00XX: what grows leaves copies behind.
        let longest = |entry: &Entry| {
            let scope = entry.scope.as_ref().map_or(0, String::len);
            128 + 6 * (entry.key.len() + entry.access_token.len() + scope)
        };
        let length: usize = self.0.iter().map(longest).sum();
        let mut content = Zeroizing::new(Vec::with_capacity(64 + length));
        // Memory takes all of it.
        serde_json::to_writer(&mut *content, self).ok();
        content
    }

    /// A token that is good by the leeway. One from the future is not: the clock was set back, and how long it is good
    /// cannot be told.
    pub(super) fn token(&self, key: &str, now: SystemTime, lifetime: &Lifetime) -> Option<Token> {
        let entry = self.0.iter().find(|entry| entry.key == key)?;
        let now = seconds(now);
        let left = Duration::from_secs(entry.expiry.checked_sub(now)?);
        let whole = Duration::from_secs(entry.expiry.saturating_sub(entry.issued));
        if left < lifetime.leeway_of(Some(whole)) || left.is_zero() || entry.issued > now {
            return None;
        }
        Token::new(&entry.access_token, Some(left), entry.scope.clone())
            .ok()
            .map(Token::of_file)
    }

    /// In place of an older one; those that have expired go.
    pub(super) fn put(&mut self, key: &str, token: &Token, lifetime: Lifetime, now: SystemTime) {
        let now = seconds(now);
        self.0
            .retain(|entry| entry.key != key && entry.expiry > now);
        self.0.push(Entry {
            key: key.to_owned(),
            access_token: token.access_token(),
            issued: now,
            expiry: now.saturating_add(lifetime.of(token).as_secs()),
            scope: token.scope().map(str::to_owned),
        });
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, key: &str, token: &Token) -> bool {
        let before = self.0.len();
        let access_token = token.access_token();
        self.0
            .retain(|entry| entry.key != key || entry.access_token != access_token);
        self.0.len() < before
    }
}

impl Entry {
    /// Its token is moved out, not copied, before anything is refused.
    fn parse(key: String, token: Value) -> Option<Self> {
        let Value::Object(mut token) = token else {
            return None;
        };
        let Some(Value::String(access_token)) = token.remove("access_token") else {
            return None;
        };
        let access_token = Zeroizing::new(access_token);
        let number = |name: &str| token.get(name)?.as_u64();
        Some(Self {
            key,
            access_token,
            issued: number("issued_at")?,
            expiry: number("expires_at")?,
            scope: token
                .get("scope")
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }
}

impl Serialize for TokenFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut content = serializer.serialize_map(None)?;
        content.serialize_entry("version", &VERSION)?;
        content.serialize_entry("tokens", &Tokens(&self.0))?;
        content.end()
    }
}

/// By their keys.
struct Tokens<'a>(&'a [Entry]);

impl Serialize for Tokens<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|entry| (&entry.key, entry)))
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut token = serializer.serialize_map(None)?;
        token.serialize_entry("access_token", self.access_token.as_str())?;
        token.serialize_entry("issued_at", &self.issued)?;
        token.serialize_entry("expires_at", &self.expiry)?;
        token.serialize_entry("scope", &self.scope)?;
        token.end()
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Lifetime = Lifetime {
        leeway: Some(Duration::from_secs(60)),
        expire_in: None,
    };

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    fn token(text: &str, seconds: u64) -> Token {
        let scope = Some("a b".to_owned());
        Token::new(text, Some(Duration::from_secs(seconds)), scope).unwrap()
    }

    fn reread(file: &TokenFile) -> TokenFile {
        TokenFile::parse(&file.content()).unwrap()
    }

    #[test]
    fn a_token_is_read_again_while_it_is_good_by_the_leeway() {
        let mut file = TokenFile::default();
        file.put("a", &token("t", 300), LIFETIME, at(0));
        file.put("b", &token("u", 300), LIFETIME, at(0));
        let file = reread(&file);
        let found = file.token("a", at(100), &LIFETIME).unwrap();
        assert_eq!(found.header(), "Bearer t");
        assert_eq!(found.scope(), Some("a b"));
        assert_eq!(LIFETIME.of(&found), Duration::from_secs(200));
        assert!(file.token("a", at(240), &LIFETIME).is_some());
        assert!(file.token("a", at(241), &LIFETIME).is_none());
        assert!(
            file.token(
                "a",
                at(300),
                &Lifetime {
                    leeway: Some(Duration::ZERO),
                    ..LIFETIME
                }
            )
            .is_none()
        );
        assert_eq!(
            file.token("b", at(0), &LIFETIME).unwrap().header(),
            "Bearer u"
        );
        assert!(file.token("c", at(0), &LIFETIME).is_none());
        let set_back = UNIX_EPOCH + Duration::from_secs(1_699_999_999);
        assert!(file.token("a", set_back, &LIFETIME).is_none());
    }

    #[test]
    fn a_new_token_replaces_the_old_one_and_expired_ones_go() {
        let mut file = TokenFile::default();
        file.put("old", &token("t", 10), LIFETIME, at(0));
        file.put("a", &token("t", 300), LIFETIME, at(0));
        file.put("a", &token("u", 300), LIFETIME, at(10));
        let file = reread(&file);
        assert_eq!(file.0.len(), 1);
        assert_eq!(
            file.token("a", at(10), &LIFETIME).unwrap().header(),
            "Bearer u"
        );
    }

    #[test]
    fn only_the_token_that_was_refused_is_removed() {
        let mut file = TokenFile::default();
        file.put("a", &token("t", 300), LIFETIME, at(0));
        assert!(!file.remove("a", &token("other", 300)));
        assert!(!file.remove("b", &token("t", 300)));
        assert!(file.remove("a", &token("t", 1)));
        assert!(reread(&file).token("a", at(0), &LIFETIME).is_none());
    }

    #[test]
    fn the_content_does_not_move_as_it_grows() {
        let mut file = TokenFile::default();
        file.put("a", &token("t\"t", 300), LIFETIME, at(0));
        file.put("b", &token("u", 300), LIFETIME, at(1));
        let content = file.content();
        let text = r#"{"version":1,"tokens":{"a":{"access_token":"t\"t","issued_at":1700000000,"expires_at":1700000300,"scope":"a b"},"b":{"access_token":"u","issued_at":1700000001,"expires_at":1700000301,"scope":"a b"}}}"#;
        assert_eq!(std::str::from_utf8(&content), Ok(text));
        assert_eq!(content.capacity(), 64 + 2 * 128 + 6 * "at\"ta bbua b".len());
        // Nor where nothing but what takes the most room is in it.
        let mut file = TokenFile::default();
        let control = "\u{1}".repeat(100);
        let scoped = Token::new("t", Some(Duration::from_secs(300)), Some(control)).unwrap();
        file.put("", &scoped, LIFETIME, at(10_000_000_000));
        let content = file.content();
        assert!(content.len() <= 64 + 128 + 6 * 101);
        assert_eq!(content.capacity(), 64 + 128 + 6 * 101);
    }

    #[test]
    fn what_this_version_has_not_written_is_no_token_file() {
        for content in [
            "",
            "nonsense",
            "{}",
            r#"{"version": 2, "tokens": {}}"#,
            r#"{"version": 1, "tokens": []}"#,
            r#"{"version": 1, "tokens": {"a": 5}}"#,
            "[]",
            "5",
            r#"{"version": 1, "tokens": {"a": {"access_token": "t"}}}"#,
        ] {
            assert!(TokenFile::parse(content.as_bytes()).is_none(), "{content}");
        }
    }
}
