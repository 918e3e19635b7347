//! Programs of tests/c: built against the staged library, run with nothing of the user's settings, and under valgrind.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{artefacts, compiler, make, root, run, scratch};

pub(crate) const C: [&str; 3] = ["CC", "cc", "-std=c11"];
pub(crate) const CPP: [&str; 3] = ["CXX", "c++", "-std=c++17"];
pub(crate) const WARNINGS: [&str; 6] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wundef",
    "-Wshadow",
    "-Werror",
];
const VALGRIND: [&str; 4] = [
    "--quiet",
    "--error-exitcode=1",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect",
];

/// Built, and then put in its place: tests side by side run the same.
pub(crate) fn program(language: [&str; 3], source: &str, link: &[&str]) -> PathBuf {
    let build = artefacts();
    let program = scratch("c").join(format!(
        "{source}{}",
        link.concat().replace(['/', '-'], "_")
    ));
    static BUILT: AtomicUsize = AtomicUsize::new(0);
    let mut new = program.clone().into_os_string();
    new.push(format!(".{}", BUILT.fetch_add(1, Ordering::Relaxed)));
    let [variable, default, standard] = language;
    let mut compile = compiler(variable, default);
    compile
        .args([standard, "-pthread", "-g"])
        .args(WARNINGS)
        .arg("-I")
        .arg(build.join("include"))
        .arg(root().join("tests/c").join(source))
        .arg("-L")
        .arg(build.join("lib"))
        .args(link)
        .arg(format!("-Wl,-rpath,{}", build.join("lib").display()))
        .arg("-o")
        .arg(&new);
    run(&mut compile);
    std::fs::rename(new, &program).unwrap();
    program
}

/// A directory with a library that panics when told to: `zeebe_test_panic`.
pub(crate) fn library_that_panics() -> PathBuf {
    make("build/check/panics/libzeebe.so.0");
    root().join("build/check/panics")
}

pub(crate) fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars() {
        let lower = name.to_ascii_lowercase();
        let of_clients = ["ZEEBE_", "CAMUNDA_", "GRPC_"];
        if of_clients.iter().any(|prefix| name.starts_with(prefix)) || lower.ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command
}

pub(crate) fn valgrind(program: &Path) -> Command {
    let mut command = clean(Command::new("valgrind"));
    command.args(VALGRIND).arg(program);
    command
}
