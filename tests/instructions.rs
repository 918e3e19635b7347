//! What a call costs the released library, in instructions and allocations: by callgrind, on the benchmark's server in
//! lockstep, so that it is the same each time, however busy the machine is.

mod support;

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use support::programs::{C, clean, program};
use support::{Server, bench_server, run, scratch};

/// Calls of a kind, which two runs of tests/c/costs.c make; what the longer costs more is without start and end.
struct Case {
    name: &'static str,
    /// `unary` or `stream`
    kind: &'static str,
    /// of the server's, by its name
    answer: &'static str,
    in_flight: u64,
    has_token: bool,
    /// calls of the shorter and of the longer run
    runs: [u64; 2],
    /// messages of a call
    messages: u64,
    /// instructions of a message, at most
    most: u64,
}

const UNARY: Case = Case {
    name: "unary 64",
    kind: "unary",
    answer: "unary",
    in_flight: 64,
    has_token: false,
    runs: [6_400, 12_800],
    messages: 1,
    most: 6_000,
};
const STREAM: Case = Case {
    name: "stream of 100 bytes, three to a frame",
    kind: "stream",
    answer: "stream-100",
    in_flight: 1,
    has_token: false,
    runs: [1, 2],
    messages: 120_000,
    most: 600,
};

#[test]
fn instructions_of_a_unary_call_are_bounded() {
    UNARY.check();
}

#[test]
fn instructions_of_a_unary_call_with_a_token_are_bounded() {
    let with_token = Case {
        name: "unary 64 with a token of 907 bytes",
        has_token: true,
        most: 6_500,
        ..UNARY
    };
    with_token.check();
}

#[test]
fn instructions_of_a_short_message_are_bounded() {
    STREAM.check();
}

#[test]
fn instructions_of_a_message_of_1_kib_are_bounded() {
    let long = Case {
        name: "stream of 1 KiB",
        answer: "stream-1k",
        most: 1_000,
        ..STREAM
    };
    long.check();
}

/// Of a run or a part of it.
#[derive(Debug, Clone, Copy)]
struct Costs {
    instructions: u64,
    allocations: u64,
}

impl Case {
    fn check(&self) {
        let scratch = scratch("instructions").join(self.name.replace(' ', "-"));
        std::fs::create_dir_all(&scratch).unwrap();
        let server = Server::start(
            Command::new(bench_server())
                .arg(scratch.join("ca.pem"))
                .args(["--lockstep", &self.in_flight.to_string()]),
        );
        let ports: serde_json::Value = serde_json::from_str(&server.ready).unwrap();
        let address = format!("127.0.0.1:{}", ports["plaintext"][self.answer]);
        let program = program(C, "costs.c", &["-lzeebe"]);

        let [short, long] = self
            .runs
            .map(|count| self.costs(&program, &address, count, &scratch));
        let count = (self.runs[1] - self.runs[0]) * self.messages;
        let instructions = (long.instructions - short.instructions) / count;
        let allocations = (long.allocations - short.allocations) as f64 / count as f64;
        let said = format!(
            "{}: {instructions} instructions, {allocations:.3} allocations",
            self.name
        );
        writeln!(std::io::stdout(), "{said}").ok(); // not println!, of which a test that passes shows nothing
        assert!(
            instructions <= self.most,
            "{said}; at most {} are meant to be",
            self.most
        );
    }

    fn costs(&self, program: &Path, address: &str, count: u64, scratch: &Path) -> Costs {
        let profile = scratch.join(format!("{count}.callgrind"));
        let mut command = clean(Command::new("valgrind"));
        command
            .args(["--quiet", "--tool=callgrind"])
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(program)
            .args([address, self.kind])
            .args([count, self.in_flight].map(|number| number.to_string()));
        if self.has_token {
            command.env(
                "TOKEN",
                &"0123456789abcdefghijklmnopqrstuv".repeat(29)[..907],
            );
        }
        run(&mut command);
        Costs::of(&std::fs::read_to_string(profile).unwrap())
    }
}

impl Costs {
    /// From callgrind's file: <https://valgrind.org/docs/manual/cl-format.html>.
    fn of(profile: &str) -> Self {
        const ALLOCATE: [&str; 5] = [
            "malloc",
            "calloc",
            "realloc",
            "posix_memalign",
            "aligned_alloc",
        ];
        // A function is `(number) name` where it comes first, then `(number)`.
        let mut allocating = HashSet::new();
        let (mut instructions, mut allocations) = (None, 0);
        let mut is_allocation = false;
        for line in profile.lines() {
            if let Some(total) = line.strip_prefix("totals: ") {
                instructions = total.trim().parse().ok();
            } else if let Some(calls) = line.strip_prefix("calls=") {
                let calls: u64 = calls.split(' ').next().unwrap().parse().unwrap();
                allocations += if is_allocation { calls } else { 0 };
            } else if let Some((key, function)) = line.split_once('=')
                && (key == "fn" || key == "cfn")
            {
                let (number, name) = function.split_once(' ').unwrap_or((function, ""));
                if ALLOCATE.contains(&name) {
                    allocating.insert(number);
                }
                is_allocation = key == "cfn" && allocating.contains(number);
            }
        }
        Self {
            instructions: instructions.expect("callgrind has a total"),
            allocations,
        }
    }
}
