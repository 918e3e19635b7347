//! The live view of jobs.

#[path = "../../tests/support/mod.rs"]
mod support;
mod zeebe;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;
use zeebe::{Zeebe, gateway, process};

fn create(zeebe: &Zeebe, amount: u32) {
    let variables = format!("{{\"amount\": {amount}}}");
    let created = zeebe.run(&["create", "order", "--variables", &variables]);
    assert_eq!(created.code, 0, "{created:?}");
}

#[test]
fn jobs_are_shown_as_they_come() {
    let gateway = gateway("jobs", &[]);
    let (zeebe, file) = (Zeebe::plaintext(&gateway), process("jobs"));
    assert_eq!(zeebe.run(&["deploy", file.to_str().unwrap()]).code, 0);
    create(&zeebe, 1);
    let mut view = zeebe
        .command(&[
            "jobs",
            "payment",
            "--limit",
            "3",
            "--json",
            "--job-timeout",
            "600",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(view.stdout.take().unwrap()).lines();
    let mut amounts = Vec::new();
    // Each is created once the one before it was seen.
    for amount in 1..=3 {
        let job: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(job["type"], "payment");
        amounts.push(job["variables"]["amount"].as_u64());
        if amount < 3 {
            create(&zeebe, amount + 1);
        }
    }
    assert!(lines.next().is_none());
    assert!(view.wait().unwrap().success());
    assert_eq!(amounts, [Some(1), Some(2), Some(3)]);

    create(&zeebe, 4);
    let text = zeebe.run(&["jobs", "payment", "--limit", "1", "--job-timeout", "600"]);
    assert_eq!(text.code, 0, "{text:?}");
    text.fits_a_terminal();
    for part in ["pay in order", "retries 3", "\"amount\""] {
        assert!(text.out.contains(part), "{part}: {text:?}");
    }
}

/// Nobody else would get the others.
#[test]
fn no_more_jobs_are_taken_than_are_shown() {
    let gateway = gateway("jobs-limit", &[]);
    let (zeebe, file) = (Zeebe::plaintext(&gateway), process("jobs-limit"));
    assert_eq!(zeebe.run(&["deploy", file.to_str().unwrap()]).code, 0);
    for amount in 0..12 {
        create(&zeebe, amount);
    }
    let mut shown = 0;
    for limit in [1, 4, 7] {
        let limited = limit.to_string();
        let arguments = ["jobs", "payment", "--limit", &limited, "--job-timeout"];
        let view = zeebe.run(&[&arguments[..], &["600", "--json"]].concat());
        assert_eq!(
            (view.code, view.out.lines().count()),
            (0, limit),
            "{view:?}"
        );
        shown += limit;
        let state = gateway.ask("GET /state", "");
        let jobs = state["jobs"].as_array().unwrap();
        let taken = jobs.iter().filter(|job| job["state"] == "activated");
        assert_eq!(taken.count(), shown, "--limit {limit}");
    }
}

#[test]
fn jobs_that_are_long_keep_none_from_being_shown() {
    let gateway = gateway("jobs-long", &[]);
    let (zeebe, file) = (Zeebe::plaintext(&gateway), process("jobs-long"));
    assert_eq!(zeebe.run(&["deploy", file.to_str().unwrap()]).code, 0);
    let create = || {
        let variables = format!(r#"{{"long":"{}"}}"#, "x".repeat(400_000));
        let created = zeebe.run_with_input(&["create", "order", "--variables", "-"], &variables);
        assert_eq!(created.code, 0, "{created:?}");
    };
    (0..6).for_each(|_| create());
    let mut view = zeebe
        .command(&["jobs", "payment", "--limit", "8", "--json", "--timeout"])
        .arg("60")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(view.stdout.take().unwrap()).lines();
    let shown = lines.by_ref().take(6).filter(Result::is_ok).count();
    (0..2).for_each(|_| create());
    assert_eq!(shown + lines.filter(Result::is_ok).count(), 8);
    assert!(view.wait().unwrap().success());
}

#[test]
fn a_view_ends_at_its_time_and_without_jobs_all_the_same() {
    let gateway = gateway("jobs-none", &[]);
    let ended = Zeebe::plaintext(&gateway).run(&["jobs", "none", "--timeout", "0.3"]);
    assert_eq!(
        (ended.code, &*ended.out, &*ended.err),
        (0, "", ""),
        "{ended:?}"
    );
}

#[test]
fn what_cannot_pass_ends_a_view() {
    let gateway = gateway("jobs-refused", &[]);
    gateway.ask("POST /fail?status=7&count=99&message=no", "");
    let ended = Zeebe::plaintext(&gateway).run(&["jobs", "payment", "--timeout", "20"]);
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(ended.err.contains("the job stream failed: no"), "{ended:?}");
}
