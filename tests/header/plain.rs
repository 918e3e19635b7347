//! zeebe_ffi.h: what zeebe.h declares, for who reads C without a preprocessor. Nothing but declarations, a function on one line.

const ABOUT: &str = "\
/* libzeebe's declarations, for FFI that reads C without a preprocessor (LuaJIT, PHP, cffi). Generated from the Rust sources: do not edit.
 * SPDX-License-Identifier: Apache-2.0
 * What each does, and who owns what: zeebe.h. The types of stdint.h and stddef.h are known to whom this is for.
 */
";

/// Before the declarations: the numbers that are macros, which stay so in zeebe.h: an enumerator would warn in C++ where another number
/// may stand.
pub(crate) fn head(prologue: &str) -> String {
    let numbers = prologue.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix("#define ZEEBE_")?.split_once(' ')?;
        let value: i32 = value.trim_matches(['(', ')']).parse().ok()?;
        Some(format!("enum {{ ZEEBE_{name} = {value} }};\n"))
    });
    format!("{ABOUT}\n{}", numbers.collect::<String>())
}

/// On one line, without comments, and without what the preprocessor chooses of an enumeration: its type, and its second name.
pub(crate) fn declaration(code: &str) -> String {
    let code = without_comments(code);
    let code = match code.strip_prefix("enum ") {
        Some(rest) => {
            let name = rest.split_whitespace().next().unwrap();
            let (_, body) = rest.split_once('{').unwrap();
            let (body, _) = body.split_once('}').unwrap();
            let name = name.trim_matches('{');
            format!("enum {name} {{{}}};", body.trim_end().trim_end_matches(','))
        }
        None => code.trim_start_matches("ZEEBE_API").to_owned(),
    };
    let code = code.replace('}', " }");
    code.split_whitespace().collect::<Vec<_>>().join(" ") + "\n"
}

fn without_comments(code: &str) -> String {
    let mut parts = code.split("/*");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |code, part| code + part.split_once("*/").unwrap().1)
}
