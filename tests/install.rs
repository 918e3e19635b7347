//! The installed tree: programs built against it by pkg-config and by CMake, shared and static, those of the C++ guide and
//! examples among them; the development gateway in it, the command with its man pages, which package each file is in, and the demo.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::{Gateway, artefacts, compiler, root, run, scratch};

/// What make builds, installed by someone without a compiler, and then moved.
fn installed(name: &str) -> PathBuf {
    support::make("all");
    let [prefix, first, tools] = [
        name.to_owned(),
        format!("{name}-first"),
        format!("{name}-tools"),
    ]
    .map(fresh);
    std::os::unix::fs::symlink("/bin/false", tools.join("cargo")).unwrap();
    let others = std::env::var("PATH").unwrap();
    let path = format!("{}:{others}", tools.display());
    let said = run(make("install", &first).env("PATH", path));
    assert!(said.contains("LD_LIBRARY_PATH="), "{said}");
    std::fs::remove_dir(&prefix).unwrap();
    std::fs::rename(first, &prefix).unwrap();
    prefix
}

/// Empty, whatever an earlier run left.
fn fresh(name: String) -> PathBuf {
    std::fs::remove_dir_all(scratch(&name)).unwrap();
    scratch(&name)
}

fn make(target: &str, prefix: &Path) -> Command {
    let mut make = Command::new("make");
    make.current_dir(root())
        .args(["--silent", target])
        .arg(format!("PREFIX={}", prefix.display()));
    make
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

/// The README of the C++ binding, whose code is to work as pasted.
fn cpp_guide() -> String {
    std::fs::read_to_string(root().join("docs/cpp.md")).unwrap()
}

/// The code blocks of a language, in their order.
fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks = markdown.split(&fence).skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// Builds a CMake project against an installed tree, with all warnings as errors; returns where its programs are.
fn build_cpp(project: &Path, prefix: &Path, name: &str) -> PathBuf {
    let build = scratch(name).join("build");
    run(Command::new("cmake")
        .arg("-S")
        .arg(project)
        .arg("-B")
        .arg(&build)
        .arg("-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror")
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
    run(Command::new("cmake").arg("--build").arg(&build));
    build
}

#[test]
fn the_cpp_quick_start_works_as_pasted() {
    let (prefix, gateway) = (
        installed("cpp-quick-start"),
        Gateway::start("cpp-quick-start"),
    );
    let project = prefix.join("project");
    std::fs::create_dir_all(&project).unwrap();
    for (file, language) in [("main.cpp", "cpp"), ("CMakeLists.txt", "cmake")] {
        std::fs::write(project.join(file), &blocks(&cpp_guide(), language)[0]).unwrap();
    }
    let build = build_cpp(&project, &prefix, "cpp-quick-start");
    prints_a_topology(&build.join("topology"), &prefix, &gateway);
}

/// Each further block of the guide is the body of a function that has a channel and a request.
#[test]
fn the_cpp_guide_compiles() {
    let build = artefacts();
    let guide = blocks(&cpp_guide(), "cpp");
    assert!(guide.len() > 3, "{guide:?}");
    let mut source = guide[0].clone();
    source.push_str(
        "struct Task { struct promise_type { Task get_return_object() { return {}; } std::suspend_never initial_suspend() { return {}; } \
         std::suspend_never final_suspend() noexcept { return {}; } void return_void() {} void unhandled_exception() {} }; };\n",
    );
    for (index, body) in guide[1..].iter().enumerate() {
        let result = if body.contains("co_await") {
            "Task"
        } else {
            "void"
        };
        let given = if body.contains("Buffer request") {
            ""
        } else {
            ", zeebe::bytes_view request"
        };
        source.push_str(&format!(
            "{result} block{index}(zeebe::Channel channel{given}) {{\n{body}}}\n"
        ));
    }
    let file = scratch("cpp-guide").join("guide.cpp");
    std::fs::write(&file, source).unwrap();
    run(compiler("CXX", "c++")
        .args(["-std=c++20", "-fsyntax-only", "-Wall", "-Werror", "-I"])
        .arg(build.join("include"))
        .arg(&file));
}

#[test]
fn the_cpp_worker_serves_a_process() {
    let prefix = installed("cpp-examples");
    let bpmn = prefix.join("order.bpmn");
    std::fs::write(
        &bpmn,
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0">
             <process id="order" isExecutable="true"><startEvent id="s"/><serviceTask id="pay"><extensionElements>
             <z:taskDefinition type="payment"/></extensionElements></serviceTask><endEvent id="e"/>
             <sequenceFlow id="a" sourceRef="s" targetRef="pay"/><sequenceFlow id="b" sourceRef="pay" targetRef="e"/></process>
           </definitions>"#,
    )
    .unwrap();
    let seed = ["--seed".to_owned(), bpmn.display().to_string()];
    let gateway = Gateway::start_with("cpp-examples", &seed);
    let build = build_cpp(&root().join("examples/cpp"), &prefix, "cpp-examples");
    let program = |name: &str, argument: &str| {
        let mut command = Command::new(build.join(name));
        command
            .arg(argument)
            .env(
                "ZEEBE_ADDRESS",
                format!("localhost:{}", gateway.get("plaintext")),
            )
            .env("ZEEBE_INSECURE_CONNECTION", "true");
        command
    };

    let mut worker = Worker(
        program("worker", "payment")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    // It ends only if the worker completes the job.
    let result = run(&mut program("create_instance", "order"));
    assert!(result.contains("done"), "{result}");
    run(Command::new("kill").arg(worker.0.id().to_string()));
    let status = worker.0.wait().unwrap();
    assert!(status.success(), "{status}");
    let printed = std::io::read_to_string(worker.0.stdout.take().unwrap()).unwrap();
    assert_eq!(printed.matches("completed ").count(), 1, "{printed}");
}

/// A test that fails leaves no worker behind; one that has ended cannot be killed, and need not be.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_development_gateway_is_installed_and_uninstall_leaves_nothing() {
    let prefix = installed("uninstalled");
    for header in ["zeebe.h", "zeebe_ffi.h", "zeebe.hpp", "zeebe/channel.hpp"] {
        assert!(prefix.join("include").join(header).exists(), "{header}");
    }
    // Its input is closed at once, so that it stops as soon as it is ready.
    let printed = run(Command::new(prefix.join("bin/zeebe-dev-gateway"))
        .arg("--exit-with-stdin")
        .stdin(Stdio::null()));
    assert!(printed.starts_with("zeebe-dev-gateway ready:"), "{printed}");
    run(&mut make("uninstall", &prefix));
    assert_eq!(files(&prefix), [] as [PathBuf; 0]);
}

#[test]
fn the_command_is_installed_with_its_man_page_and_completions() {
    let (prefix, gateway) = (installed("command"), Gateway::start("install-command"));
    let printed = run(Command::new(prefix.join("bin/zeebe"))
        .args(["call", "Topology", "--json"])
        .env(
            "ZEEBE_ADDRESS",
            format!("localhost:{}", gateway.get("plaintext")),
        )
        .env("ZEEBE_INSECURE_CONNECTION", "true"));
    assert!(printed.contains("\"gatewayVersion\""), "{printed}");
    let share = |path: &str| std::fs::read_to_string(prefix.join("share").join(path)).unwrap();
    let page = share("man/man1/zeebe.1");
    assert!(page.contains(".TH zeebe 1"), "{page}");
    let gateway_page = share("man/man1/zeebe-dev-gateway.1");
    assert!(gateway_page.contains("plaintext\\-port"), "{gateway_page}");
    let bash = prefix.join("share/bash-completion/completions/zeebe");
    let completed = |line: &str| {
        let script = format!(
            "source {}; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _zeebe zeebe \"${{COMP_WORDS[-1]}}\" zeebe; echo \"${{COMPREPLY[@]}}\"",
            bash.display()
        );
        run(Command::new("bash").args(["-c", &script]))
    };
    assert_eq!(completed("zeebe doc").trim(), "doctor");
    assert!(share("zsh/site-functions/_zeebe").starts_with("#compdef zeebe"));
    let fish = share("fish/vendor_completions.d/zeebe.fish");
    for command in [
        "doctor", "call", "topology", "deploy", "create", "jobs", "token",
    ] {
        assert!(
            page.contains(&format!(".SS \"zeebe {command}")),
            "{command}: {page}"
        );
        assert!(fish.contains(command), "{command}: {fish}");
    }
    for code in 0..=5 {
        assert!(
            page.contains(&format!(".TP\n\\fB{code}\\fR\n")),
            "{code}: {page}"
        );
    }
}

/// Whether a line of packaging/debian/*.install names this path, or a directory above it.
fn names(line: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let pattern = line.split_whitespace().next().unwrap();
    pattern.split('/').all(|wanted| {
        parts
            .next()
            .is_some_and(|part| wanted == "*" || wanted == part)
    })
}

/// That its files are what Debian's policy wants says lintian: `make deb`.
#[test]
fn each_installed_file_is_in_one_package_of_debian() {
    support::make("all");
    let root_directory = fresh("debian".to_owned());
    run(make("install", Path::new("/usr"))
        .arg("LIBDIR=/usr/lib/architecture")
        .arg(format!("DESTDIR={}", root_directory.display())));
    let packages = ["libzeebe0", "libzeebe-dev", "zeebe-tools"].map(|package| {
        let list = root().join(format!("packaging/debian/{package}.install"));
        std::fs::read_to_string(list).unwrap()
    });
    let mut lines: Vec<_> = packages.iter().flat_map(|list| list.lines()).collect();
    let installed = files(&root_directory);
    assert!(installed.len() > 20, "{installed:?}");
    for file in &installed {
        let path = file.strip_prefix(&root_directory).unwrap();
        let path = path.to_str().unwrap();
        let packed = packages
            .iter()
            .flat_map(|list| list.lines())
            .filter(|line| names(line, path));
        assert_eq!(packed.count(), 1, "{path}");
        lines.retain(|line| !names(line, path));
    }
    assert_eq!(lines, [""; 0], "nothing is there for these");
}

#[test]
fn what_was_not_built_is_not_installed() {
    let prefix = fresh("nothing".to_owned());
    let refused = make("install", &prefix)
        .arg("GATEWAY=target/none")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{said}");
    assert!(
        said.contains("target/none is not there: run make first, without sudo"),
        "{said}"
    );
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
    let debian = std::fs::read_to_string(root().join("packaging/debian/changelog")).unwrap();
    let newest = format!("libzeebe ({}-", env!("CARGO_PKG_VERSION"));
    assert!(debian.starts_with(&newest), "{debian}");
}

/// The README's program is examples/topology.c to the letter.
#[test]
fn the_readme_shows_the_example() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let example = std::fs::read_to_string(root().join("examples/topology.c")).unwrap();
    assert!(readme.contains(&format!("```c\n{example}```")));
}
