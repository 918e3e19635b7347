//! What was seen of a peer, and docs/peers.md, which must say the same: a row of its table is a peer with, by case, "ok", a status,
//! or "–" where the case was not tried; below it a row for each failure has the words.

use std::path::Path;

use crate::support::root;

const DOCUMENT: &str = "docs/peers.md";

/// By the order of the columns.
static CASES: [&str; 18] = [
    "unary",
    "large",
    "metadata",
    "details",
    "short messages",
    "streams",
    "cancel",
    "deadline",
    "in turn",
    "at once",
    "long header",
    "tls",
    "tls large",
    "drain",
    "silent before headers",
    "silent after headers",
    "down",
    "http/1.1",
];

/// What each peer is asked; the rest is asked of those where it can be.
pub(crate) fn asked_of_all() -> &'static [&'static str] {
    &CASES[..11]
}

pub(crate) struct Matrix {
    peer: String,
    seen: Vec<(String, String)>,
}

impl Matrix {
    /// Of a peer whose version, which the document gives, stands in the file.
    pub(crate) fn of(name: &str, pinned: &Path) -> Self {
        let document = std::fs::read_to_string(root().join(DOCUMENT)).unwrap();
        let row = rows(&document)
            .find(|row| row[0].starts_with(&format!("{name} ")))
            .unwrap_or_else(|| panic!("{DOCUMENT} has no row of {name} and its version"));
        let (_, version) = row[0].split_once(' ').unwrap();
        let pins = std::fs::read_to_string(root().join(pinned)).unwrap();
        assert!(
            pins.contains(version),
            "{DOCUMENT}: {name} {version} is not the version of {pinned:?}"
        );
        Self {
            peer: row[0].to_owned(),
            seen: Vec::new(),
        }
    }

    /// Keeps what a case came to: "ok", or a status, perhaps more, a comma and words.
    pub(crate) fn add(&mut self, case: &str, outcome: &str) {
        assert!(CASES.contains(&case), "{case:?}");
        self.seen.push((case.to_owned(), outcome.to_owned()));
    }

    #[track_caller]
    pub(crate) fn is_as_documented(&self) {
        let cell = |case: &&str| {
            let outcome = self.seen.iter().find(|(seen, _)| seen == case);
            outcome.map_or("–", |(_, outcome)| outcome.split(',').next().unwrap())
        };
        let cells: Vec<_> = CASES.iter().map(cell).collect();
        let mut expected = vec![format!("| {} | {} |", self.peer, cells.join(" | "))];
        let name = self.peer.split(' ').next().unwrap();
        let failures = self.seen.iter().filter(|(_, outcome)| outcome != "ok");
        expected.extend(failures.map(|(case, words)| format!("| {name} | {case} | {words} |")));

        let document = std::fs::read_to_string(root().join(DOCUMENT)).unwrap();
        let is_its = |line: &&str| {
            let first = line.split('|').nth(1).unwrap_or_default().trim();
            first == self.peer || first == name
        };
        let documented: Vec<_> = document.lines().filter(is_its).collect();
        assert_eq!(
            documented.join("\n"),
            expected.join("\n"),
            "{DOCUMENT} (left) and what was seen (right)"
        );
    }
}

fn rows(document: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = document.lines().filter(|line| line.starts_with("| "));
    lines.map(|line| line.split('|').skip(1).map(str::trim).collect())
}
