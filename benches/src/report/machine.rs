//! What the report says of the machine, without its name.

use std::fmt::{self, Write};
use std::fs;
use std::process::Command;

pub(crate) fn write(text: &mut String) -> fmt::Result {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    writeln!(text, "- {}", first_line("date", &["-u", "+%F"]))?;
    writeln!(
        text,
        "- {cores} cores, {}; Linux {}, {}",
        field("/proc/cpuinfo", "model name", ':'),
        kernel(),
        field("/etc/os-release", "PRETTY_NAME", '=').trim_matches('"'),
    )?;
    writeln!(
        text,
        "- {}; {}; {}",
        first_line("rustc", &["--version"]),
        first_line("cc", &["--version"]),
        first_line("go", &["version"]),
    )
}

/// Its numbers alone: what follows them may tell where it runs.
fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let is_number = |char: char| char.is_ascii_digit() || char == '.';
    release
        .chars()
        .take_while(|char| is_number(*char))
        .collect()
}

/// The value of `key` in a text file of lines `key SEPARATOR value`.
fn field(file: &str, key: &str, separator: char) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut fields = text.lines().filter_map(|line| line.split_once(separator));
    fields.find(|(of, _)| of.trim() == key).map_or_else(
        || format!("unknown {key}"),
        |(_, value)| value.trim().to_owned(),
    )
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .map_or_else(
            || format!("no {program}"),
            |output| {
                let text = String::from_utf8_lossy(&output.stdout);
                text.lines().next().unwrap_or_default().to_owned()
            },
        )
}
