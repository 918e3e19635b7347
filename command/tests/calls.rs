//! Calls by the command, each as text and as JSON, and what it says when they fail.

#[path = "../../tests/support/mod.rs"]
mod support;
mod zeebe;

use std::io::Read;
use std::process::Stdio;

use serde_json::{Value, json};
use zeebe::{CLIENT, SECRET, Zeebe, gateway, process};

#[test]
fn the_topology_is_shown() {
    let gateway = gateway("topology", &["--partitions", "9"]);
    let zeebe = Zeebe::plaintext(&gateway);
    let text = zeebe.run(&["topology"]);
    assert_eq!(text.code, 0, "{text:?}");
    text.fits_a_terminal();
    let said = text.said();
    assert!(said.contains("cluster demo-cluster: 1 broker, 9 partitions"));
    assert!(said.contains("9 leader healthy"), "{said}");
    let topology = zeebe.json(&["topology"]);
    assert_eq!(topology["partitionsCount"], 9);
}

#[test]
fn a_process_is_deployed_and_started() {
    let gateway = gateway("process", &[]);
    let (zeebe, file) = (Zeebe::plaintext(&gateway), process("process"));
    let file = file.to_str().unwrap();
    let deployed = zeebe.run(&["deploy", file]);
    assert_eq!(deployed.code, 0, "{deployed:?}");
    assert!(
        deployed.out.starts_with("process order, version 1, key "),
        "{deployed:?}"
    );
    let deployed = zeebe.json(&["deploy", file]);
    assert_eq!(
        deployed["deployments"][0]["process"]["bpmnProcessId"],
        "order"
    );

    let created = zeebe.run(&["create", "order"]);
    assert!(
        created.code == 0
            && created.out.starts_with("instance ")
            && created.out.ends_with(" of process order, version 1\n"),
        "{created:?}"
    );
    let created = zeebe.json(&[
        "create",
        "order",
        "--variables",
        r#"{"amount": 17}"#,
        "--version",
        "1",
    ]);
    assert!(created["processInstanceKey"].is_string(), "{created}");
    // By standard input, and from a file.
    let created = zeebe.run_with_input(
        &["create", "order", "--variables", "-"],
        r#"{"amount": 18}"#,
    );
    assert_eq!(created.code, 0, "{created:?}");
    let variables = support::scratch("command-process").join("variables.json");
    std::fs::write(&variables, r#"{"amount": 19}"#).unwrap();
    let created = zeebe.run(&[
        "create",
        "order",
        "--variables",
        &format!("@{}", variables.display()),
    ]);
    assert_eq!(created.code, 0, "{created:?}");

    let request = json!({ "type": "payment", "worker": "w", "timeout": 60000, "maxJobsToActivate": 9, "requestTimeout": -1 });
    let answers = zeebe.json(&["call", "ActivateJobs", &request.to_string()]);
    let jobs = answers.as_array().unwrap().iter();
    let jobs = jobs.flat_map(|answer| answer["jobs"].as_array().unwrap());
    let amounts: Vec<_> = jobs
        .map(|job| job["variables"]["amount"].as_i64())
        .collect();
    assert_eq!(amounts, [None, Some(17), Some(18), Some(19)]);
}

#[test]
fn an_instance_is_waited_for() {
    let gateway = gateway("result", &[]);
    let (zeebe, file) = (Zeebe::plaintext(&gateway), process("result"));
    assert_eq!(zeebe.run(&["deploy", file.to_str().unwrap()]).code, 0);
    let mut waiting = zeebe
        .command(&["create", "order", "--result", "--json", "--timeout", "30"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let request = json!({ "type": "payment", "worker": "w", "timeout": 60000, "maxJobsToActivate": 1, "requestTimeout": 30000 });
    let answers = zeebe.json(&[
        "call",
        "ActivateJobs",
        &request.to_string(),
        "--timeout",
        "30",
    ]);
    let key = &answers[0]["jobs"][0]["key"];
    // As it is written, beyond what a double holds.
    let request = format!(r#"{{"jobKey":{key},"variables":{{"big":9007199254740993}}}}"#);
    assert_eq!(zeebe.run(&["call", "CompleteJob", &request]).code, 0);
    let mut printed = String::new();
    let mut output = waiting.stdout.take().unwrap();
    output.read_to_string(&mut printed).unwrap();
    assert!(waiting.wait().unwrap().success());
    assert!(printed.contains(r#""big":9007199254740993"#), "{printed}");
    // Nobody works on its job.
    let late = zeebe.run(&["create", "order", "--result", "--timeout", "0.4"]);
    assert_eq!(late.code, 4, "{late:?}");
    assert!(
        late.said()
            .contains("CreateProcessInstanceWithResult failed"),
        "{late:?}"
    );
}

#[test]
fn a_token_is_obtained_and_not_shown() {
    let gateway = gateway("token", &["--token-lifetime", "1800"]);
    let zeebe = Zeebe::oauth(&gateway).with("CAMUNDA_TOKEN_SCOPE", "jobs");
    let text = zeebe.run(&["token"]);
    assert_eq!(text.code, 0, "{text:?}");
    text.fits_a_terminal();
    let url = format!(
        "https://localhost:{}/oauth/token",
        gateway.get("token_https")
    );
    for part in [
        &*url,
        CLIENT,
        "zeebe-api",
        "jobs (from CAMUNDA_TOKEN_SCOPE); granted: jobs",
        " GMT",
    ] {
        assert!(text.said().contains(part), "{part}: {text:?}");
    }
    let token = zeebe.json(&["token"]);
    assert_eq!(
        token["endpoint"],
        json!({ "value": url, "origin": "from CAMUNDA_OAUTH_URL" })
    );
    assert_eq!(token["granted_scope"], "jobs");
    let left = token["expires_in_seconds"].as_u64().unwrap();
    assert!((1790..=1800).contains(&left), "{left}");
    assert_eq!(zeebe.run(&["topology"]).code, 0);
}

/// What fails, how it is called, the exit code, and what is said of it.
#[test]
fn each_failure_says_what_to_change() {
    let gateway = gateway("failures", &[]);
    let closed = format!("localhost:{}", gateway.get("refused"));
    let good = || Zeebe::oauth(&gateway);
    for (zeebe, arguments, code, said) in [
        (
            good(),
            &["call", "Topolog"][..],
            2,
            &["did you mean Topology?"][..],
        ),
        (
            good(),
            &["call", "CompleteJob", r#"{"jobKy": 1}"#],
            2,
            &["jobKy"],
        ),
        (
            good(),
            &["call", "StreamActivatedJobs"],
            2,
            &["needs a call that streams"],
        ),
        (
            good(),
            &["call", "CompleteJob", r#"{"jobKey": 1}"#],
            1,
            &["CompleteJob failed", "ZEEBE_ADDRESS"],
        ),
        (
            good(),
            &["deploy", "/nowhere.bpmn"],
            2,
            &["cannot read /nowhere.bpmn"],
        ),
        (
            good(),
            &["create", "order", "--variables", "[1]"],
            2,
            &["--variables is no JSON object"],
        ),
        (
            good(),
            &["create", "order", "--variables", "@/nowhere"],
            2,
            &["cannot read @/nowhere"],
        ),
        (good(), &["create", "order"], 1, &["order"]),
        (
            good(),
            &["topology", "--timeout", "0"],
            2,
            &["expected seconds"],
        ),
        (
            good().with("CAMUNDA_CLIENT_SECRET", ""),
            &["token"],
            3,
            &["No CAMUNDA_CLIENT_SECRET or"],
        ),
        (
            good().with("CAMUNDA_CLIENT_SECRET", "wrong"),
            &["token"],
            5,
            &[
                "invalid_client",
                "change CAMUNDA_CLIENT_ID or CAMUNDA_CLIENT_SECRET",
            ],
        ),
        (
            good().with("CAMUNDA_TOKEN_AUDIENCE", "other"),
            &["topology"],
            5,
            &["audience", "change CAMUNDA_TOKEN_AUDIENCE"],
        ),
        (
            Zeebe::tls(&gateway, "tls_oauth"),
            &["topology"],
            5,
            &["set CAMUNDA_CLIENT_ID, CAMUNDA_CLIENT_SECRET and CAMUNDA_OAUTH_URL"],
        ),
        (
            Zeebe::plaintext(&gateway),
            &["token"],
            3,
            &["to have tokens, set CAMUNDA_CLIENT_ID"],
        ),
        (
            good().with("ZEEBE_ADDRESS", &closed),
            &["topology"],
            4,
            &["Connection refused", "Change ZEEBE_ADDRESS"],
        ),
        (
            good().with("CAMUNDA_CA_CERTIFICATE_PATH", &gateway.get("other_ca")),
            &["topology"],
            4,
            &["UnknownIssuer", "change CAMUNDA_CA_CERTIFICATE_PATH"],
        ),
        (
            Zeebe::plaintext(&gateway).with("ZEEBE_INSECURE_CONNECTION", "false"),
            &["topology"],
            4,
            &["change ZEEBE_INSECURE_CONNECTION"],
        ),
        (
            Zeebe::at("localhost:1/"),
            &["topology"],
            2,
            &["cannot be used"],
        ),
    ] {
        let text = zeebe.run(arguments);
        assert_eq!(
            (text.code, &*text.out),
            (code, ""),
            "{arguments:?}: {text:?}"
        );
        for part in said {
            assert!(
                text.said().contains(part),
                "{arguments:?}: {part}: {text:?}"
            );
        }
        if arguments.contains(&"--timeout") {
            continue; // clap's own
        }
        text.fits_a_terminal();
        let json = zeebe.run(&[arguments, &["--json"]].concat());
        assert_eq!(
            (json.code, &*json.out),
            (code, ""),
            "{arguments:?}: {json:?}"
        );
        let error: Value = serde_json::from_str(&json.err).unwrap();
        assert_eq!(error["error"]["exit_code"], code, "{error}");
    }
}

/// Who answers may repeat what it was sent.
#[test]
fn what_peers_repeat_of_secrets_is_not_shown() {
    let gateway = gateway("repeated", &[]);
    let zeebe = Zeebe::oauth(&gateway);
    let description = format!("no {SECRET} and no {CLIENT}:{SECRET}");
    let refusal = json!({ "error": "invalid_client", "error_description": description });
    for arguments in [
        &["token"][..],
        &["token", "--json"],
        &["topology"],
        &["topology", "--json"],
    ] {
        gateway.ask(
            "POST /token-answer?status=401&count=1",
            &refusal.to_string(),
        );
        assert_eq!(zeebe.run(arguments).code, 5);
    }
    // A gateway that looks at no token, and answers with what it got.
    let zeebe = zeebe.with(
        "ZEEBE_ADDRESS",
        &format!("localhost:{}", gateway.get("tls")),
    );
    let token = "eyJhbGciOiJub25lIn0.e30.of-the-test";
    let answer = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 60 });
    let refusal =
        format!("content-type: application/grpc\ngrpc-status: 7\ngrpc-message: not {token} here");
    for arguments in [&["topology"][..], &["topology", "--json"]] {
        gateway.ask("POST /token-answer?status=200", &answer.to_string());
        gateway.ask("POST /fault?kind=answer&status=200", &refusal);
        let ended = zeebe.run(arguments);
        assert_eq!(ended.code, 5, "{ended:?}");
        assert!(
            ended.said().contains(" here") && !ended.said().contains("of-the-test"),
            "{ended:?}"
        );
    }
}
