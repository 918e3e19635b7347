//! What a server says about an error, in whatever shape: the code for programs, the text for people.
//!
//! All of it is a stranger's: it gets out by [`Words::said`] alone, which redacts.

use http::HeaderMap;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use serde_json::{Map, Value};

use super::Answer;
use crate::credentials::redaction::Redactor;

#[derive(Default)]
pub(super) struct Words {
    code: Option<String>,
    /// The code is that of RFC 6749's `error`, which has no spaces.
    is_oauth: bool,
    text: Option<String>,
    /// Where to read about it.
    uri: Option<String>,
    /// The title of a page, if it is one.
    page: Option<Option<String>>,
}

impl Words {
    pub(super) fn of(answer: Answer<'_>, object: Option<&Map<String, Value>>) -> Self {
        if let Some(object) = object {
            return Self::of_object(object).or_challenge(answer);
        }
        if let Ok(Value::Array(list)) = serde_json::from_slice(answer.body) {
            let first = list.iter().find_map(Value::as_object);
            let words = first.map(Self::of_object).unwrap_or_default();
            return words.or_challenge(answer);
        }
        let body = String::from_utf8_lossy(answer.body);
        if is_page(answer.headers, &body) {
            return Self {
                page: Some(title(&body)),
                ..Self::default()
            }
            .or_challenge(answer);
        }
        let is_text = content_type(answer.headers).starts_with("text/plain");
        // What may be a token in a form that nobody knows stays unsaid.
        let text = Some(body).filter(|body| is_text && !body.contains("_token"));
        Self {
            text: text.map(|text| text.trim().to_owned()).filter(given),
            ..Self::default()
        }
        .or_challenge(answer)
    }

    /// In this order: RFC 6749 section 5.2, an object under `error` (Google), Okta, RFC 9457, `message`.
    fn of_object(object: &Map<String, Value>) -> Self {
        let text = |name: &str| text_of(object.get(name)?);
        let first = |names: &[&str]| names.iter().find_map(|name| text(name));
        if let Some(Value::Object(inner)) = object.get("error") {
            let inner = Self::of_object(inner);
            if inner.is_some() {
                return inner;
            }
        }
        let listed = object.get("errors").and_then(Value::as_array);
        let listed = listed.and_then(|list| list.first());
        let listed = match listed {
            Some(Value::Object(inner)) => Self::of_object(inner),
            Some(other) => Self {
                text: text_of(other),
                ..Self::default()
            },
            None => Self::default(),
        };
        let is_problem = object.contains_key("title") || object.contains_key("detail");
        let code = first(&["error"]);
        let is_oauth = code.as_deref().is_some_and(is_word);
        let code = code.or_else(|| first(&["errorCode", "error_code"]));
        let code = code.or_else(|| match is_problem {
            true => text("title"),
            false => first(&["status", "code", "__type"]),
        });
        let names = [
            "error_description",
            "errorSummary",
            "detail",
            "message",
            "Message",
            "errorMessage",
            "error_message",
            "msg",
            "reason",
        ];
        let said = first(&names);
        // A bare number, of the status most likely, says nothing.
        let is_number = |code: &String| code.bytes().all(|byte| byte.is_ascii_digit());
        let code = code.filter(|code| said.is_some() || !is_number(code));
        Self {
            code: code.or(listed.code),
            is_oauth,
            text: said.or(listed.text),
            uri: first(&["error_uri"]),
            page: None,
        }
    }

    /// Else as RFC 6750 section 3 has it.
    fn or_challenge(mut self, answer: Answer<'_>) -> Self {
        for challenge in answer.headers.get_all(WWW_AUTHENTICATE) {
            let challenge = String::from_utf8_lossy(challenge.as_bytes());
            if self.code.is_none() {
                self.code = parameter(&challenge, "error");
            }
            if self.text.is_none() {
                self.text = parameter(&challenge, "error_description");
            }
        }
        self
    }

    pub(super) fn is_some(&self) -> bool {
        self.code.is_some() || self.text.is_some()
    }

    pub(super) fn is_html(&self) -> bool {
        self.page.is_some()
    }

    pub(super) fn is_oauth(&self) -> bool {
        self.is_oauth
    }

    pub(super) fn is(&self, codes: &[&str]) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| codes.contains(&code))
    }

    /// Whether the same request may do later, whatever the status says.
    pub(super) fn is_passing(&self) -> bool {
        const CODES: [&str; 3] = ["temporarilyunavailable", "servererror", "slowdown"];
        const LIMITS: [&str; 3] = ["ratelimit", "toomanyrequests", "throttl"];
        let folded = |text: &Option<String>| -> String {
            let text = text.as_deref().unwrap_or_default();
            let kept = text.chars().filter(char::is_ascii_alphanumeric);
            kept.map(|c| c.to_ascii_lowercase()).collect()
        };
        let (code, text) = (folded(&self.code), folded(&self.text));
        CODES.contains(&code.as_str())
            || LIMITS
                .iter()
                .any(|limit| code.contains(limit) || text.contains(limit))
    }

    /// `(invalid_client) description`
    pub(super) fn said(&self, redactor: &Redactor) -> Option<String> {
        let page = || match self.page.as_ref()? {
            Some(title) => Some(format!("a page with the title {:?}", redactor.line(title))),
            None => Some("a page without a title".to_owned()),
        };
        let mut said = match (&self.code, &self.text) {
            (None, None) => return page(),
            (None, Some(text)) => redactor.line(text),
            (Some(code), text) => {
                let text = text.as_deref().unwrap_or_default();
                // As one: a secret may be in both, half and half.
                redactor.line(&format!("({code}) {text}"))
            }
        };
        if let Some(uri) = &self.uri {
            said = redactor.line(&format!("{said} (see {})", redactor.line(uri)));
        }
        Some(said)
    }
}

fn given<T: AsRef<str>>(text: &T) -> bool {
    !text.as_ref().is_empty()
}

fn is_word(code: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    code.bytes().all(is_part)
}

fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(list) => {
            let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            texts.join(", ")
        }
        _ => return None,
    };
    Some(text).filter(given)
}

/// Of a challenge: `name="value"` or `name=value`.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let lower = challenge.to_ascii_lowercase();
    let mut from = 0;
    loop {
        let at = from + lower[from..].find(name)?;
        from = at + name.len();
        let is_whole = at == 0 || matches!(lower.as_bytes()[at - 1], b' ' | b',' | b'\t');
        let rest = challenge[from..].trim_start();
        let Some(value) = rest.strip_prefix('=').filter(|_| is_whole) else {
            continue;
        };
        let value = value.trim_start();
        let value = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => value
                .split([',', ' '])
                .next()
                .unwrap_or_default()
                .to_owned(),
        };
        return Some(value).filter(given);
    }
}

/// A quoted string after its first quote (RFC 9110 section 5.6.4).
fn unquoted(quoted: &str) -> String {
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    text
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    String::from_utf8_lossy(value.unwrap_or_default()).to_ascii_lowercase()
}

fn is_page(headers: &HeaderMap, body: &str) -> bool {
    let begin: String = body.trim_start().chars().take(15).collect();
    let begin = begin.to_ascii_lowercase();
    let says_so = content_type(headers).contains("html") && !body.trim().is_empty();
    says_so || begin.starts_with("<html") || begin.starts_with("<!doctype html")
}

/// In one line.
fn title(page: &str) -> Option<String> {
    // ASCII alone changes, so that places stay.
    let lower = page.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let begin = open + lower[open..].find('>')? + 1;
    let length = lower[begin..]
        .find("</title")
        .or_else(|| lower[begin..].find('<'))?;
    let words: Vec<_> = page[begin..begin + length].split_whitespace().collect();
    Some(words.join(" ")).filter(given)
}
