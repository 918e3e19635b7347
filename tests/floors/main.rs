//! The floors of the library's modules: an arrow between them runs down, never up, and none leads round in a circle
//! (ARCHITECTURE.md, "Floors").

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use source::{Module, Source, sources};

/// Top to bottom; modules of one floor may use one another.
const FLOORS: [&[&str]; 13] = [
    &["any_bytes"],
    &["capi"],
    &["shutdown"],
    &["queue"],
    &["job_worker"],
    &["job_stream"],
    &["call"],
    &["channel"],
    &["credentials"],
    &["log", "proxy", "json"],
    &["dial"],
    &["completion", "runtime", "environment"],
    &[
        "sys",
        "backoff",
        "http_authentication",
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

/// Those that are left, as ARCHITECTURE.md says, too.
const CIRCLES: &[&[&str]] = &[
    // A connection tells its events to a sink; one of them, GOAWAY, is the connection's.
    &["http2/connection", "http2/sink"],
    // The form of an entry is the same in both tables, and an index is one of either.
    &["http2/hpack/static_table", "http2/hpack/table"],
];

type Arrows = BTreeMap<Module, BTreeSet<Module>>;

fn floor(module: &str) -> usize {
    FLOORS
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("src/{module}: on which floor is it?"))
}

fn library() -> BTreeMap<Module, Source> {
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

/// The module that a path leads to, also by what another hands on.
fn target(path: &[String], sources: &BTreeMap<Module, Source>, depth: usize) -> Module {
    let mut module = path.to_vec();
    while !module.is_empty() && !sources.contains_key(&module) {
        module.pop();
    }
    let handed_on = || {
        let name = path.get(module.len())?;
        let from = sources.get(&module)?.names.get(name)?;
        Some(target(from, sources, depth.checked_sub(1)?))
    };
    match handed_on() {
        Some(found) if !found.is_empty() => found,
        _ => module,
    }
}

fn arrows(sources: &BTreeMap<Module, Source>) -> Arrows {
    let of = |(module, source): (&Module, &Source)| {
        let targets = source.paths.iter().map(|path| target(path, sources, 8));
        let targets = targets.filter(|to| !to.is_empty() && to != module);
        (module.clone(), targets.collect())
    };
    sources.iter().map(of).collect()
}

fn is_related(one: &Module, other: &Module) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// All that can be reached from a module without the arrows between parents and what is below them.
fn reached(from: &Module, arrows: &Arrows) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut left = vec![from.clone()];
    while let Some(module) = left.pop() {
        for to in &arrows[&module] {
            if !is_related(&module, to) && reached.insert(to.clone()) {
                left.push(to.clone());
            }
        }
    }
    reached
}

/// The modules of each circle, as `a/b c/d`.
fn circles(arrows: &Arrows) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<_, _> = arrows
        .keys()
        .map(|from| (from, reached(from, arrows)))
        .collect();
    let of = |module: &Module| {
        let back = |to: &&Module| reached[to].contains(module);
        let mut circle: Vec<_> = reached[module].iter().filter(back).collect();
        circle.sort();
        circle.into_iter().map(|module| module.join("/")).collect()
    };
    let circles = arrows.keys().map(of);
    circles
        .filter(|circle: &Vec<_>| !circle.is_empty())
        .collect()
}

#[test]
fn every_arrow_runs_down() {
    let arrows = arrows(&library());
    let mut up = Vec::new();
    let mut seen = 0;
    for (from, to) in arrows
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
    {
        seen += usize::from(from[0] != to[0]);
        if floor(&to[0]) < floor(&from[0]) {
            up.push(format!("{} uses {}", from.join("/"), to.join("/")));
        }
    }
    assert!(seen > 250, "only {seen} arrows were seen");
    assert!(up.is_empty(), "arrows that run up:\n{}", up.join("\n"));
}

#[test]
fn no_arrows_lead_in_a_circle() {
    let found = circles(&arrows(&library()));
    let known: BTreeSet<Vec<_>> = CIRCLES
        .iter()
        .map(|circle| circle.iter().map(ToString::to_string).collect())
        .collect();
    assert_eq!(found, known);
}

#[test]
fn arrows_are_seen_in_all_their_forms() {
    let text = "#[cfg(test)] mod tests; use crate::error::Error; use crate::{log, queue::{a, b as c}, runtime};\n\
                pub use child::Told; use self::other::*; // crate::sys\n\
                fn f<'a>(text: &'a str) -> char { crate::wire::x(\"crate::json\", r#\"crate::deep \"#); super::up(); '\\'' }\n\
                #[cfg(test)] mod more { use crate::call; fn g() {} } use super::{self as parent, beside};";
    let found = Source::new(text, &vec!["here".to_owned()]);
    let paths: Vec<_> = found.paths.iter().map(|path| path.join("/")).collect();
    let expected = [
        "error/Error",
        "log",
        "queue/a",
        "queue/b",
        "runtime",
        "here/child/Told",
        "here/other/*",
        "wire/x",
        "up",
        "",
        "beside",
    ];
    assert_eq!(paths, expected);
    assert_eq!(found.names["c"].join("/"), "queue/b");
}

#[test]
fn a_circle_is_found_behind_what_a_parent_hands_on() {
    let sources = [
        ("a", "mod b; mod c; pub use b::B; use c::C;"),
        ("a/b", "use super::C;"),
        ("a/c", "use crate::d::D;"),
        ("d", "use crate::a::B;"),
    ];
    let module = |name: &str| -> Module { name.split('/').map(str::to_owned).collect() };
    let sources = sources.map(|(name, text)| (module(name), Source::new(text, &module(name))));
    let found = circles(&arrows(&sources.into()));
    assert_eq!(
        found,
        [["a/b", "a/c", "d"].map(str::to_owned).to_vec()].into()
    );
}

/// The first column of ARCHITECTURE's code map, where who is new here looks first.
#[test]
fn the_code_map_has_every_module_and_no_place_that_is_not_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let map = text
        .split("\n## ")
        .find(|part| part.starts_with("Code map"));
    let rows = map.unwrap().lines().filter(|line| line.starts_with("| `"));
    let first = rows.filter_map(|row| row.split('|').nth(1));
    let places: Vec<_> = first
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    for place in &places {
        assert!(root.join(place).exists(), "{place}");
    }
    for module in FLOORS.into_iter().flatten() {
        let names = [format!("src/{module}.rs"), format!("src/{module}/")];
        let is_there = |name: &String| places.contains(&name.as_str());
        assert!(names.iter().any(is_there), "{module}");
    }
}
