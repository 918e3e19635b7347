//! The floors of the library's modules: an arrow between them runs down, never up (ARCHITECTURE.md, "Floors").

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Top to bottom; modules of one floor may use one another.
const FLOORS: [&[&str]; 9] = [
    &["capi"],
    &["shutdown"],
    &["queue", "job_stream"],
    &["call"],
    &["channel"],
    &["credentials"],
    &["log", "proxy", "json"],
    &["completion", "runtime", "environment"],
    &[
        "sys",
        "backoff",
        "loopback",
        "retry_after",
        "error",
        "options",
        "wire",
        "http2",
        "panics",
        "deep",
    ],
];

fn floor(module: &str) -> usize {
    FLOORS
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("src/{module}: on which floor is it?"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a source names by `crate::`, in a `use`, by a path, or in braces.
fn used(text: &str) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    // Unit tests may reach up: they stand where the code does.
    let code = text.split("#[cfg(test)]").next().unwrap();
    for rest in code.split("crate::").skip(1) {
        let name = |text: &str| -> String {
            let is_part = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_';
            text.trim_start().chars().take_while(is_part).collect()
        };
        match rest.strip_prefix('{') {
            // `use crate::{log, queue, runtime}`; nested braces belong to the module before them.
            Some(group) => {
                let mut depth = 0;
                let mut start = 0;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' | ',' if depth == 0 => {
                            modules.insert(name(&group[start..at]));
                            start = at + 1;
                            if c == '}' {
                                break;
                            }
                        }
                        '}' => depth -= 1,
                        _ => {}
                    }
                }
            }
            None => {
                modules.insert(name(rest));
            }
        }
    }
    modules.remove("");
    modules
}

#[test]
fn every_arrow_runs_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut up = Vec::new();
    let mut arrows = 0;
    for file in files {
        let place = file.strip_prefix(&src).unwrap();
        let first = place.components().next().unwrap().as_os_str();
        let module = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
        if module == "lib" {
            continue;
        }
        for used in used(&fs::read_to_string(&file).unwrap()) {
            arrows += usize::from(used != module);
            if floor(&used) < floor(&module) {
                up.push(format!("{} uses {used}", place.display()));
            }
        }
    }
    assert!(arrows > 100, "only {arrows} arrows were seen");
    assert!(up.is_empty(), "arrows that run up:\n{}", up.join("\n"));
}

#[test]
fn arrows_are_seen_in_all_their_forms() {
    let text = "use crate::error::Error; use crate::{log, queue::{a, b}, runtime}; crate::wire::x()\n\
                #[cfg(test)] use crate::call;";
    let found = used(text);
    let found: Vec<_> = found.iter().map(String::as_str).collect();
    assert_eq!(found, ["error", "log", "queue", "runtime", "wire"]);
}
