//! What was seen of a peer, and docs/peers.md, which must say the same: a row of its table is a peer with, by case, "ok", a status,
//! "ok or" a status where a race decides, or "–" where the case was not tried; below it a row for each failure has the words.

use std::path::Path;

use crate::support::root;

const DOCUMENT: &str = "docs/peers.md";

/// By the order of the columns.
static CASES: [&str; 21] = [
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
    "many",
    "idle",
    "silent before headers",
    "silent after headers",
    "down",
    "http/1.1",
    "jobs",
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
        let document = std::fs::read_to_string(root().join(DOCUMENT)).unwrap();
        let its_row = rows(&document).find(|row| row[0] == self.peer).unwrap();
        let documented_cell = |case: &str| {
            let column = CASES.iter().position(|one| *one == case).unwrap();
            its_row[1 + column]
        };
        let outcome = |case: &str| {
            let seen = self.seen.iter().find(|(seen, _)| seen == case);
            seen.map_or("–", |(_, outcome)| outcome)
        };
        let cell = |case: &&str| {
            let status = outcome(case).split(',').next().unwrap();
            let documented = documented_cell(case);
            let may_be = documented.split(" or ").any(|one| one == status);
            if may_be { documented } else { status }.to_owned()
        };
        let cells: Vec<_> = CASES.iter().map(cell).collect();
        let name = self.peer.split(' ').next().unwrap();
        let failures = self.seen.iter().filter(|(_, outcome)| outcome != "ok");
        let seen: Vec<_> = std::iter::once(format!("| {} | {} |", self.peer, cells.join(" | ")))
            .chain(failures.map(|(case, words)| format!("| {name} | {case} | {words} |")))
            .collect();

        // Where a case need not fail, there may be a row for each way in which it may.
        let is_its = |row: &Vec<&str>| {
            let need_not_fail = |case: &str| documented_cell(case).starts_with("ok or ");
            row[0] == self.peer
                || row[0] == name && !(need_not_fail(row[1]) && row[2] != outcome(row[1]))
        };
        let documented: Vec<_> = document
            .lines()
            .filter(|line| line.starts_with("| ") && is_its(&row(line)))
            .collect();
        assert_eq!(
            documented.join("\n"),
            seen.join("\n"),
            "{DOCUMENT} (left) and what was seen (right)"
        );
    }
}

fn rows(document: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = document.lines().filter(|line| line.starts_with("| "));
    lines.map(row)
}

fn row(line: &str) -> Vec<&str> {
    line.split('|').skip(1).map(str::trim).collect()
}
