//! Standard output: text for people, which fits 80 columns, or JSON.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::process;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::failure::Failure;

/// Of a terminal, as it always was.
const COLUMNS: usize = 80;

/// How this run prints.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// JSON as it is, in a line, or the text of it. What serde_json cannot hold, such as variables that nest deeply, people get as it is, too.
    pub(crate) fn show(
        &self,
        json: &str,
        text: impl FnOnce(&Value) -> String,
    ) -> Result<(), Failure> {
        match serde_json::from_str(json) {
            Ok(value) if !self.json => self.line(&text(&value)),
            _ => self.line(json),
        }
    }

    /// A line, at once.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
        written.or_else(|error| match error.kind() {
            // Who reads has enough, as head has.
            ErrorKind::BrokenPipe => process::exit(1),
            _ => Err(Failure::usage(format!("cannot write the output: {error}"))),
        })
    }
}

/// What an object of JSON has under this name, as it is written there, numbers too.
pub(crate) fn member(json: &str, name: &str) -> String {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).unwrap_or_default();
    let member = members.get(name).map(|member| member.get());
    member.unwrap_or_default().to_owned()
}

/// Words in lines of a terminal's width, all but the first behind so many spaces. A word that is longer has a line of its own.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > indent && column + 1 + width > COLUMNS {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        }
        if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += width;
    }
    lines
}

/// A name and what there is to say of it, in two columns.
pub(crate) fn row(name: &str, text: &str) -> String {
    const NAME: usize = 12;
    format!("{name:<NAME$}{}", wrapped(text, NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_a_terminal() {
        let text = "word ".repeat(40);
        for line in format!("    {}", wrapped(&text, 4)).lines() {
            assert!(
                line.len() <= COLUMNS && line.starts_with("    word"),
                "{line}"
            );
        }
        let long = "x".repeat(100);
        assert_eq!(
            wrapped(&format!("a {long} b"), 2),
            format!("a\n  {long}\n  b")
        );
    }
}
