use std::fs;
use std::path::Path;

use super::*;

#[test]
fn a_number_out_of_range_is_told_what_it_may_be() {
    for (option, given, said) in [
        (
            &CONNECTION_TIMEOUT,
            -1,
            "connection_options.timeout_ms is -1: it is milliseconds; 0: none",
        ),
        (
            &TOKEN_TIMEOUT,
            -1,
            "token_options.timeout_ms is -1: it is milliseconds; 0: 30000",
        ),
        (
            &TIMEOUT,
            -2,
            "options.timeout_ms is -2: it is milliseconds; 0: the channel's, -1: none",
        ),
        (
            &LEEWAY,
            i64::MIN,
            "options.leeway is -9223372036854775808: it is seconds; 0: 60, -1: none",
        ),
        (
            &MAX_BUFFERED_JOBS,
            100_001,
            "options.max_buffered_jobs is 100001: it is 1 to 100000; 0: 32",
        ),
        (
            &MAX_RECEIVE_MESSAGE_LENGTH,
            1 << 31,
            "options.max_receive_message_length is 2147483648: it is 1 to 2147483647 bytes; 0: the channel's, -1: none",
        ),
    ] {
        let refusal = option.given(given).unwrap_err();
        assert_eq!(refusal.why, said);
        assert!(std::ptr::eq(refusal.option, option));
    }
}

#[test]
fn what_is_not_given_is_the_default() {
    assert_eq!(WATCHDOG.milliseconds(0).unwrap(), Duration::from_mins(1));
    assert_eq!(CALLBACK_THREADS.number(0).unwrap(), 0);
    assert_eq!(TIMEOUT.given(0).unwrap(), Given::Not);
    assert_eq!(TIMEOUT.given(-1).unwrap(), Given::None);
    assert_eq!(TIMEOUT.given(1).unwrap(), Given::Number(1));
}

#[test]
fn every_option_is_in_a_group_and_in_none_twice() {
    for option in ALL {
        let within = |group: &&Group| group.options.iter().any(|one| std::ptr::eq(*one, *option));
        assert!(GROUPS.iter().any(|group| within(&group)), "{option}");
    }
    for Group { name, options } in GROUPS {
        let mut names: Vec<_> = options.iter().map(|option| option.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), options.len(), "{name}");
    }
}

/// What could be a name: words that may have dots within.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '.'))
        .map(|word| word.trim_matches('.'))
        .filter(|word| word.contains("options.") || word.starts_with("grpc."))
}

/// The texts between quotes, but for those of tests.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let mut literals = Vec::new();
    let mut text = None::<String>;
    let mut rest = source.chars().peekable();
    while let Some(c) = rest.next() {
        match (&mut text, c) {
            (Some(_), '"') => literals.extend(text.take()),
            (Some(text), '\\') => text.extend(rest.next()),
            (Some(text), c) => text.push(c),
            (None, '"') => text = Some(String::new()),
            (None, '/') if rest.peek() == Some(&'/') => {
                rest.by_ref().find(|c| *c == '\n');
            }
            // A character in quotes that would mislead.
            (None, '\'') if rest.next_if(|c| matches!(c, '"' | '\\')).is_some() => {
                rest.next();
            }
            _ => {}
        }
    }
    literals
}

fn sources(directory: &Path, visit: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, visit);
        } else if !path.ends_with("tests.rs") {
            visit(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// A misspelt name would be none. The core has a name from its row; what says it in a text says one that is there.
#[test]
fn nothing_names_an_option_that_is_not_in_the_table() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = 0;
    sources(&src, &mut |path, source| {
        for literal in literals(source) {
            for name in names(&literal) {
                // What only a C program has to do with.
                if matches!(
                    name.rsplit('.').next(),
                    Some("reserved" | "size" | "oauth2")
                ) {
                    continue;
                }
                let all = ALL.iter().chain(grpc::ALL);
                let is_known = all.into_iter().any(|option| option.to_string() == name);
                assert!(is_known, "{}: {name} in {literal:?}", path.display());
                found += 1;
            }
        }
    });
    assert!(found > 0);
}
