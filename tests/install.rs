//! The installed tree: a program built against it by pkg-config and by CMake, shared and static, the
//! development gateway in it, and the demo.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Gateway, artefacts, compiler, root, run, scratch};

fn installed(name: &str) -> PathBuf {
    artefacts();
    let prefix = scratch(name);
    make("install", &prefix);
    prefix
}

fn make(target: &str, prefix: &Path) {
    run(Command::new("make")
        .current_dir(root())
        .args(["--silent", target])
        .arg(format!("PREFIX={}", prefix.display())));
}

/// The files below a directory, links included.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// Runs the README's program against a gateway.
fn prints_a_topology(program: &Path, prefix: &Path, gateway: &Gateway) {
    let printed = run(Command::new(program)
        .env(
            "ZEEBE_ADDRESS",
            format!("localhost:{}", gateway.get("plaintext")),
        )
        .env("ZEEBE_INSECURE_CONNECTION", "true")
        .env("LD_LIBRARY_PATH", prefix.join("lib")));
    assert!(printed.contains("gateway"), "{printed}");
}

#[test]
fn programs_build_against_the_installed_tree() {
    let (prefix, gateway) = (installed("installed"), Gateway::start("install"));
    let flags = |linking: &[&str]| {
        let printed = run(Command::new("pkg-config")
            .args(["--cflags", "--libs"])
            .args(linking)
            .arg("zeebe")
            .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")));
        printed
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for (name, linking) in [("shared", &[][..]), ("static", &["--static"][..])] {
        let program = prefix.join(format!("topology-{name}"));
        let mut flags = flags(linking);
        if name == "static" {
            // The archive and not the shared library beside it.
            for flag in flags.iter_mut().filter(|flag| *flag == "-lzeebe") {
                *flag = "-l:libzeebe.a".to_owned();
            }
        }
        run(compiler("CC", "cc")
            .arg(root().join("examples/topology.c"))
            .args(flags)
            .arg("-o")
            .arg(&program));
        prints_a_topology(&program, &prefix, &gateway);
    }

    let project = scratch("cmake");
    std::fs::write(
        project.join("CMakeLists.txt"),
        format!(
            "cmake_minimum_required(VERSION 3.16)\nproject(consumer C)\nfind_package(zeebe 0.1 REQUIRED)\n\
             foreach(kind zeebe zeebe-static)\n  add_executable(with-${{kind}} {})\n  \
             target_link_libraries(with-${{kind}} zeebe::${{kind}})\nendforeach()\n",
            root().join("examples/topology.c").display()
        ),
    )
    .unwrap();
    let build = project.join("build");
    run(Command::new("cmake")
        .arg("-S")
        .arg(&project)
        .arg("-B")
        .arg(&build)
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
    run(Command::new("cmake").arg("--build").arg(&build));
    for kind in ["with-zeebe", "with-zeebe-static"] {
        prints_a_topology(&build.join(kind), &prefix, &gateway);
    }
}

#[test]
fn the_development_gateway_is_installed_and_uninstall_leaves_nothing() {
    let prefix = installed("uninstalled");
    assert!(prefix.join("include/zeebe.h").exists());
    // Its input is closed at once, so that it stops as soon as it is ready.
    let printed = run(Command::new(prefix.join("bin/zeebe-dev-gateway"))
        .arg("--exit-with-stdin")
        .stdin(Stdio::null()));
    assert!(printed.starts_with("zeebe-dev-gateway ready:"), "{printed}");
    make("uninstall", &prefix);
    assert_eq!(files(&prefix), [] as [PathBuf; 0]);
}

#[test]
fn the_demo_serves_all_four_channels() {
    let printed = run(Command::new("make")
        .current_dir(root())
        .args(["--silent", "demo"]));
    assert!(printed.contains("4 of 4 channels"), "{printed}");
}

#[test]
fn versions_agree() {
    let header = std::fs::read_to_string(root().join("include/zeebe.h")).unwrap();
    let version: Vec<_> = ["MAJOR", "MINOR", "PATCH"]
        .iter()
        .map(|part| {
            let name = format!("#define ZEEBE_VERSION_{part} ");
            header
                .split(&name)
                .nth(1)
                .unwrap()
                .split_whitespace()
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(version.join("."), env!("CARGO_PKG_VERSION"));
}

/// The README's program is examples/topology.c to the letter.
#[test]
fn the_readme_shows_the_example() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let example = std::fs::read_to_string(root().join("examples/topology.c")).unwrap();
    assert!(readme.contains(&format!("```c\n{example}```")));
}
