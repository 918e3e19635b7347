//! Objects that the protocol has as their own text, and people as they are: variables, and a job's headers.
//!
//! Text for text, so that what is in them stays as it is written, numbers too.

use std::borrow::Cow;

use serde::de::Error;
use serde_json::value::RawValue;

use crate::deep;

/// As many objects and arrays within each other serde_json reads.
const MAX_DEPTH: usize = 127;

/// The JSON with the objects among these parts of it, which are in their order, as strings that hold them.
pub(super) fn as_texts<'a>(
    json: &'a str,
    parts: &[&'a str],
) -> Result<Cow<'a, str>, serde_json::Error> {
    let objects: Vec<_> = parts.iter().filter(|part| part.starts_with('{')).collect();
    if objects.is_empty() {
        return Ok(json.into());
    }
    // What is text by then nests no more, and would be let pass.
    if deep::of_json(json) > MAX_DEPTH {
        return Err(Error::custom("recursion limit exceeded"));
    }
    let quoted: Vec<_> = objects
        .into_iter()
        .map(|object| Ok((*object, serde_json::to_string(object)?)))
        .collect::<Result<_, serde_json::Error>>()?;
    Ok(replaced(json, quoted).into())
}

/// The other way. Empty text is no variables; what is no JSON stays a text.
pub(super) fn as_objects<'a>(json: &'a str, parts: &[&'a str]) -> String {
    let objects = parts
        .iter()
        .filter_map(|quoted| Some((*quoted, object(quoted)?)));
    replaced(json, objects)
}

fn object(quoted: &str) -> Option<String> {
    let text: String = serde_json::from_str(quoted).ok()?;
    if text.trim().is_empty() {
        return Some("{}".to_owned());
    }
    serde_json::from_str::<&RawValue>(&text).ok()?;
    Some(text)
}

/// The JSON with something else in the place of these parts of it, in their order.
fn replaced<'a>(json: &'a str, parts: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let (mut text, mut rest) = (String::with_capacity(json.len()), json);
    for (part, instead) in parts {
        let (before, from) = rest.split_at(part.as_ptr().addr() - rest.as_ptr().addr());
        text += before;
        text += &instead;
        rest = &from[part.len()..];
    }
    text + rest
}
