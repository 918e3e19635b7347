//! What people read about options, held to the table of options: `docs/options.md`, which is written from it, and what README, docs
//! and the bindings' READMEs say of them.
//!
//! After a change of the table: `make header`, and read the diff.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use zeebe::options::{ALL, Absent, GROUPS, Group, Number, Spec, Takes, Unit, grpc};

use crate::options::own_names;
use crate::{header, support};

const PAGE: &str = "docs/options.md";

const BEGINNING: &str = "\
# Options

The options of the structs of [zeebe.h](../include/zeebe.h), which says what each is for, and what they are called in
[C++](cpp.md), [Go](../bindings/go/README.md), [Java](../bindings/java/README.md) and [Python](../bindings/python/README.md). In C, 0 and NULL mean that an option is
not given; what then counts is the default. gRPC's own channel options are in the [main README](../README.md#channel-options).
";

/// The files in which people read about options.
const TEXTS: [&str; 11] = [
    "README.md",
    "docs/cpp.md",
    "docs/ci.md",
    "docs/moving.md",
    "docs/tokens.md",
    "docs/errors.md",
    "docs/threads.md",
    "docs/keepalive.md",
    "bindings/go/README.md",
    "bindings/java/README.md",
    "bindings/python/README.md",
];

fn text(path: &str) -> String {
    fs::read_to_string(support::root().join(path)).unwrap()
}

/// Unit and range.
fn value(takes: &Takes) -> String {
    match takes {
        Takes::Text => "text".to_owned(),
        Takes::Pem => "PEM".to_owned(),
        Takes::List => "an array".to_owned(),
        Takes::OneOf(words) => words.join(" or "),
        Takes::Named(names) => {
            let names = names
                .iter()
                .map(|(number, name)| format!("{number}: {name}"));
            names.collect::<Vec<_>>().join(", ")
        }
        Takes::Constant(prefix) => format!("`ZEEBE_{prefix}_…`"),
        Takes::Object => "".to_owned(),
        Takes::Flag => "0 or 1".to_owned(),
        Takes::Number(number) => range(number),
    }
}

fn range(number: &Number) -> String {
    let unit = number.unit.name();
    // The most that the number's type holds is no bound.
    let is_bounded = number.most != i64::MAX && number.most != i64::from(i32::MAX);
    let mut range = match (number.least, number.most) {
        (0, 1) => "0 or 1".to_owned(),
        (least, most) if is_bounded && unit == Unit::Count.name() => format!("{least} to {most}"),
        (least, most) if is_bounded => format!("{least} to {most} {unit}"),
        (-1, _) => format!("{unit}, or -1"),
        (0 | 1, _) => unit.to_owned(),
        (least, _) => format!("{unit}, at least {least}"),
    };
    if number.has_none {
        range += ", or -1";
    }
    range
}

fn default(takes: &Takes) -> String {
    match takes {
        Takes::Number(number) => match number.default {
            Absent::Value(value) => value.to_string(),
            Absent::Is(words) => words.to_owned(),
        },
        Takes::OneOf(words) => words[0].to_owned(),
        Takes::Named(_) | Takes::Flag => "0".to_owned(),
        _ => "–".to_owned(),
    }
}

/// In C++, Go, Java and Python.
fn own_names_of_all() -> [BTreeMap<String, String>; 4] {
    [
        "include/zeebe/option_names.hpp",
        "bindings/go/optionnames.go",
        "bindings/java/src/main/java/org/libzeebe/OptionNames.java",
        "bindings/python/src/libzeebe/_option_names.py",
    ]
    .map(own_names)
}

fn section(group: &Group) -> String {
    // Those of plugins are other structs in each language, whose fields are called as these.
    let of_plugin = group.name.ends_with("plugin_options");
    let languages = if of_plugin {
        Vec::new()
    } else {
        own_names_of_all().into()
    };
    let head = if of_plugin {
        ""
    } else {
        " C++ | Go | Java | Python |"
    };
    let rule = " --- |".repeat(3 + languages.len());
    let mut section = format!(
        "\n## `zeebe_{}`\n\n| option | value | default |{head}\n|{rule}\n",
        group.name
    );
    let is_value = |option: &&&Spec| !matches!(option.takes, Takes::Object);
    for option in group.options.iter().filter(is_value) {
        let (name, takes) = (option.name, &option.takes);
        write!(
            section,
            "| `{name}` | {} | {} |",
            value(takes),
            default(takes)
        )
        .unwrap();
        for names in &languages {
            match names.get(&option.to_string()) {
                Some(own) => write!(section, " `{own}` |"),
                None => write!(section, " – |"),
            }
            .unwrap();
        }
        section += "\n";
    }
    section
}

#[test]
fn the_page_of_options_is_up_to_date() {
    let sections = GROUPS.iter().map(section);
    let page = sections.fold(BEGINNING.to_owned(), |page, section| page + &section);
    if std::env::var_os("ZEEBE_UPDATE_HEADER").is_some() {
        fs::write(support::root().join(PAGE), &page).unwrap();
    }
    assert!(text(PAGE) == page, "{PAGE} is stale: run `make header`");
}

/// The cells of the table that begins with `head`, a row at a time.
fn rows(text: &str, head: &str) -> Vec<Vec<String>> {
    let table = text
        .split_once(head)
        .unwrap_or_else(|| panic!("no table {head}"))
        .1;
    let lines = table.lines().skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        row.trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    rows.map(cells).collect()
}

/// `a`, `b` and so on of a cell.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_readme_has_grpcs_options_with_their_values_and_defaults() {
    let mut keys = Vec::new();
    let readme = text("README.md");
    for row in rows(&readme, "| key | value | default | |") {
        let [key, said_value, said_default, _] = &row[..] else {
            panic!("{row:?}");
        };
        let options: Vec<_> = quoted(key)
            .into_iter()
            .map(|key| {
                *grpc::ALL
                    .iter()
                    .find(|option| option.name == key)
                    .unwrap_or_else(|| panic!("{key}: no option"))
            })
            .collect();
        // One for all of the row's, or one for each.
        for (cell, said) in [
            (said_value, value as fn(&Takes) -> String),
            (said_default, default),
        ] {
            let mut expected: Vec<_> = options.iter().map(|option| said(&option.takes)).collect();
            expected.dedup();
            assert_eq!(*cell, expected.join("; "), "{key}");
        }
        keys.extend(options.iter().map(|option| option.name));
    }
    let all: Vec<_> = grpc::ALL.iter().map(|option| option.name).collect();
    assert_eq!(keys, all);
}

#[test]
fn every_client_authentication_is_explained() {
    let prefix = "ZEEBE_CLIENT_AUTHENTICATION_";
    let constants = header::api();
    let expected: Vec<_> = constants
        .keys()
        .filter_map(|name| name.strip_prefix(prefix))
        .filter(|name| *name != "DEFAULT")
        .collect();
    let tokens = text("docs/tokens.md");
    let rows = rows(&tokens, &format!("| constant `{prefix}…` |"));
    let mut said: Vec<_> = rows.iter().flat_map(|row| quoted(&row[0])).collect();
    said.sort_unstable();
    assert_eq!(said, expected);
}

/// What is in backquotes and is an option's name, by its form.
#[test]
fn no_text_names_an_option_that_there_is_not() {
    let languages = own_names_of_all();
    let known = |name: &str| {
        // C++ has C's names where it has none of its own.
        let field = name.rsplit("::").next();
        let mut all = ALL.iter().chain(grpc::ALL);
        let mut own = languages.iter().flat_map(BTreeMap::values);
        all.any(|option| Some(option.name) == field || option.to_string() == name)
            || own.any(|own| own.trim_end_matches("()") == name)
    };
    let mut seen = 0;
    for path in TEXTS {
        let text = text(path);
        for line in text.lines() {
            for name in quoted(line) {
                let is_word = name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'));
                let is_option = (name.starts_with("grpc.")
                    && !name.starts_with("grpc.aio")
                    && name == name.to_lowercase())
                    || name.contains("ptions.")
                    || name.contains("ptions::")
                    || (name.ends_with("_ms") && !name.starts_with("zeebe_")) // a function
                    || name.starts_with("max_buffered")
                    || name.starts_with("maxBuffered");
                if is_word && is_option {
                    assert!(known(name), "{path}: {name}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

/// Defaults in running text.
#[test]
fn defaults_that_the_readme_says_are_those_of_the_table() {
    use zeebe::options::{TOKEN_CONNECT_TIMEOUT, TOKEN_TIMEOUT};
    let seconds = |option: &Spec| option.default_number() / 1000;
    let said = format!(
        "{} s to connect, {} s in all",
        seconds(&TOKEN_CONNECT_TIMEOUT),
        seconds(&TOKEN_TIMEOUT)
    );
    assert!(text("README.md").contains(&said), "{said}");
}
