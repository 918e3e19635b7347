//! The table of options, and what says the same again: the header's structs, C++, Go, Java, Python.
//!
//! That each has a name in each language, and that there is what it names, the bindings' own tests see to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use zeebe::options::{Absent, GROUPS, Number, Spec, Takes, Unit};

use crate::{header, support};

#[test]
fn the_headers_structs_have_the_options_of_the_table_in_its_order() {
    let api = header::api();
    for group in GROUPS {
        let fields = &api[&format!("zeebe_{}", group.name)];
        let fields: Vec<_> = fields
            .trim_matches(['{', '}'])
            .split(", ")
            .filter_map(|field| field.split_once(": "))
            .filter(|(name, _)| *name != "size" && !name.starts_with("reserved"))
            .collect();
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        let expected: Vec<_> = group.options.iter().map(|option| option.name).collect();
        assert_eq!(names, expected, "zeebe_{}", group.name);
        for ((name, ty), option) in fields.iter().zip(group.options) {
            let fits = match option.takes {
                Takes::Text | Takes::Pem | Takes::OneOf(_) => *ty == "const char *",
                Takes::Flag | Takes::Constant(_) => *ty == "int32_t",
                Takes::Number(_) | Takes::Named(_) => matches!(*ty, "int32_t" | "int64_t"),
                Takes::List | Takes::Object => !ty.starts_with("int") && *ty != "const char *",
            };
            assert!(
                fits,
                "{name} of zeebe_{} is {ty}: {:?}",
                group.name, option.takes
            );
        }
    }
}

/// What an option is called in a language, by the table of its error messages.
pub(crate) fn own_names(table: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for line in fs::read_to_string(support::root().join(table))
        .unwrap()
        .lines()
    {
        let quoted: Vec<_> = line.split('"').skip(1).step_by(2).collect();
        if let [c, own] = quoted[..]
            && c.contains("options.")
        {
            names.insert(c.to_owned(), own.to_owned());
        }
    }
    assert!(names.len() > 35, "{table}: {}", names.len());
    names
}

/// The sources of a folder.
fn sources(folder: &str, extension: &str) -> Vec<String> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(support::root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let is_one = |path: &Path| path.extension().is_some_and(|found| found == extension);
        if is_one(&path) && !path.to_string_lossy().contains("_test") {
            sources.push(fs::read_to_string(path).unwrap());
        }
    }
    sources
}

/// A declaration and the comment above it.
struct Declaration {
    line: String,
    comment: String,
}

/// The line that `is_it`, behind one that begins with `within`.
fn declaration(
    sources: &[String],
    within: &str,
    is_it: impl Fn(&str) -> bool,
) -> Option<Declaration> {
    for source in sources {
        let lines: Vec<_> = source.lines().collect();
        let Some(begin) = lines
            .iter()
            .position(|line| line.trim_start().starts_with(within))
        else {
            continue;
        };
        if let Some(at) = lines[begin..].iter().position(|line| is_it(line.trim())) {
            let at = begin + at;
            let above = lines[..at].iter().rev().map(|line| line.trim());
            let comment: Vec<_> = above
                .take_while(|line| line.starts_with(['/', '*', '#']))
                .collect();
            return Some(Declaration {
                line: lines[at].trim().to_owned(),
                comment: comment.into_iter().rev().collect::<Vec<_>>().join("\n"),
            });
        }
    }
    None
}

/// How a default may be said.
fn said(number: &Number) -> Vec<String> {
    let Absent::Value(value) = number.default else {
        return vec![String::new()];
    };
    let seconds = match number.unit {
        Unit::Milliseconds if value < 1000 => return vec![format!("{value} ms")],
        Unit::Milliseconds => value / 1000,
        Unit::Seconds => value,
        Unit::Bytes => return vec![format!("{} MiB", value >> 20)],
        Unit::Percent | Unit::Count => return vec![value.to_string()],
    };
    let words = match seconds {
        10 => "ten seconds",
        30 => "thirty seconds",
        60 => "a minute",
        _ => "",
    };
    let mut said = vec![format!("{seconds} s")];
    said.extend((!words.is_empty()).then(|| words.to_owned()));
    said
}

fn holds(option: &Spec, number: &Number, found: Option<&Declaration>, types: [&str; 3]) {
    let Declaration { line, comment } = found.unwrap_or_else(|| panic!("{option}: not declared"));
    let [milliseconds, seconds, count] = types;
    let ty = match number.unit {
        Unit::Milliseconds => milliseconds,
        Unit::Seconds => seconds,
        Unit::Bytes | Unit::Percent | Unit::Count => count,
    };
    assert!(line.contains(ty), "{option} is no {ty}: {line}");
    let text = format!("{comment} {line}");
    assert!(
        said(number)
            .iter()
            .any(|default| text.contains(default.as_str())),
        "{option}, by default {:?}: {text}",
        said(number)
    );
}

fn numbers() -> impl Iterator<Item = (&'static Spec, Number)> {
    let options = zeebe::options::ALL.iter();
    options.filter_map(|option| match option.takes {
        Takes::Number(number) => Some((*option, number)),
        _ => None,
    })
}

#[test]
fn numbers_have_their_units_and_defaults_in_cpp() {
    let names = own_names("include/zeebe/option_names.hpp");
    let sources = sources("include/zeebe", "hpp");
    for (option, number) in numbers() {
        let own = &names[&option.to_string()];
        let of = "OAuth2ClientCredentialsChannelOptions";
        let (of, field) = own.split_once("::").unwrap_or((of, own));
        let found = declaration(&sources, &format!("struct {of} {{"), |line| {
            line.contains(&format!(" {field} = "))
        });
        holds(
            option,
            &number,
            found.as_ref(),
            ["Milliseconds", "Seconds", "int"],
        );
    }
}

#[test]
fn numbers_have_their_units_and_defaults_in_go() {
    let names = own_names("bindings/go/optionnames.go");
    let sources = sources("bindings/go", "go");
    for (option, number) in numbers() {
        let Some(own) = names.get(&option.to_string()) else {
            continue; // none of Go's
        };
        let found = match own.split_once('.') {
            Some(("context" | "grpc", _)) => continue,
            Some((of, field)) => declaration(&sources, &format!("type {of} struct"), |line| {
                line.starts_with(&format!("{field} "))
            }),
            None => declaration(&sources, &format!("func {own}("), |_| true),
        };
        let duration = "time.Duration";
        holds(option, &number, found.as_ref(), [duration, duration, "int"]);
    }
}

#[test]
fn numbers_have_their_units_and_defaults_in_java() {
    let folder = "bindings/java/src/main/java/org/libzeebe";
    let names = own_names(&format!("{folder}/OptionNames.java"));
    let sources = sources(folder, "java");
    for (option, number) in numbers() {
        let Some(own) = names.get(&option.to_string()) else {
            continue; // none of Java's
        };
        if own.starts_with("CallOptions.") {
            continue;
        }
        // A method, or the key of gRPC's options of calls.
        let (_, name) = own.rsplit_once('.').unwrap_or(("", own));
        let method = name.strip_suffix("()");
        let place = match method {
            Some(method) => format!(" {method}("),
            None => format!(" {name} ="),
        };
        let found = declaration(&sources, "public ", |line| {
            line.starts_with("public ") && line.contains(&place)
        });
        let number_type = if method.is_some() { "int" } else { "Integer" };
        let types = ["Duration", "Duration", number_type];
        holds(option, &number, found.as_ref(), types);
    }
}

#[test]
fn numbers_have_their_units_and_defaults_in_python() {
    let folder = "bindings/python/src/libzeebe";
    let names = own_names(&format!("{folder}/_option_names.py"));
    let sources = sources(folder, "py");
    for (option, number) in numbers() {
        let Some(own) = names.get(&option.to_string()) else {
            continue; // none of Python's
        };
        let (found, seconds) = match own.split_once('.') {
            Some((of, field)) => {
                let is_it = |line: &str| line.starts_with(&format!("{field}: "));
                (
                    declaration(&sources, &format!("class {of}:"), is_it),
                    "float",
                )
            }
            None if own == "timeout" => continue, // grpc.aio's
            // An argument, of which the function's text says what it is.
            None => {
                let is_it = |line: &str| line.starts_with(&format!("{own}: Seconds"));
                (declaration(&sources, "def create_oauth2", is_it), "Seconds")
            }
        };
        holds(option, &number, found.as_ref(), [seconds, seconds, "int"]);
    }
}

/// Those whose numbers a binding writes down itself its own tests compare; here, that none of them is left out.
#[test]
fn every_constant_is_there_in_every_language() {
    let cpp = sources("include/zeebe", "hpp").concat();
    let go = sources("bindings/go", "go").concat();
    let java = sources("bindings/java/src/main/java/org/libzeebe", "java").concat();
    let python = sources("bindings/python/src/libzeebe", "py").concat();
    let mut seen = 0;
    for name in header::api().into_keys() {
        let is_of = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        if !is_of(&["ZEEBE_"]) {
            continue;
        }
        seen += 1;
        // In C++ whether messages are asked for is yes or no.
        if !is_of(&["ZEEBE_STATUS_", "ZEEBE_REQUESTS_"]) {
            assert!(cpp.contains(&format!("{name},")), "{name} in C++");
        }
        if is_of(&[
            "ZEEBE_CLIENT_AUTHENTICATION_",
            "ZEEBE_ERROR_KIND_",
            "ZEEBE_ERROR_SOURCE_",
        ]) && !name.ends_with("_NONE")
        {
            assert!(go.contains(&format!("C.{name}\n")), "{name} in Go");
            let (_, own) = ["AUTHENTICATION_", "KIND_", "SOURCE_"]
                .iter()
                .find_map(|part| name.split_once(part))
                .unwrap();
            let is_there = [",", ";", "("].map(|end| java.contains(&format!("  {own}{end}")));
            assert!(
                is_there.contains(&true) || java.contains(&format!("  {own}\n")),
                "{own} in Java"
            );
            assert!(python.contains(&format!("    {own} = ")), "{own} in Python");
        }
    }
    assert!(seen > 60, "{seen}");
}
