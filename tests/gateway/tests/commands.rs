//! Calls that need more than a job: results, operators' commands, deployments, signals.

mod common;

use common::Running;
use common::client::{Client, connect, create, deploy, poll};
use common::raw::soon;
use tonic::Code;
use zeebe_dev_gateway::protocol::*;

fn awaited(request_timeout: i64) -> CreateProcessInstanceWithResultRequest {
    let creation = CreateProcessInstanceRequest {
        bpmn_process_id: "p".to_owned(),
        version: -1,
        variables: r#"{"a":1,"b":2}"#.to_owned(),
        ..Default::default()
    };
    CreateProcessInstanceWithResultRequest {
        request: Some(creation),
        request_timeout,
        fetch_variables: vec!["b".to_owned(), "c".to_owned()],
    }
}

async fn started() -> (Running, Client) {
    let gateway = Running::start(&[]);
    let mut client = connect(&gateway, "plaintext").await;
    deploy(&mut client).await;
    (gateway, client)
}

async fn next_job(client: &mut Client) -> ActivatedJob {
    poll(client, 0).await.expect("a poll").remove(0)
}

#[tokio::test]
async fn a_result_comes_when_the_instance_has_ended() {
    let (gateway, mut client) = started().await;
    let mut other = client.clone();
    let waiting = tokio::spawn(async move {
        other
            .create_process_instance_with_result(awaited(60_000))
            .await
    });
    let job = next_job(&mut client).await;
    let request = CompleteJobRequest {
        job_key: job.key,
        variables: r#"{"c":3}"#.to_owned(),
        ..Default::default()
    };
    client.complete_job(request).await.expect("a completion");
    let result = soon(waiting)
        .await
        .expect("no panic")
        .expect("a result")
        .into_inner();
    assert_eq!(result.variables, r#"{"b":2,"c":3}"#);
    assert_eq!(result.process_instance_key, job.process_instance_key);
    assert_eq!(
        gateway.control("GET", "/state", "")["waiting"]["results"],
        0
    );
}

#[tokio::test]
async fn a_result_that_does_not_come_in_time_is_awaited_no_more() {
    let (gateway, mut client) = started().await;
    let late = client
        .create_process_instance_with_result(awaited(50))
        .await;
    assert_eq!(late.expect_err("a refusal").code(), Code::DeadlineExceeded);
    let state = gateway.control("GET", "/state", "");
    assert_eq!(state["waiting"]["results"], 0);
    // The instance itself lives on.
    assert_eq!(state["instances"][0]["element_id"], "task");
}

#[tokio::test]
async fn an_instance_is_cancelled_once() {
    let (gateway, mut client) = started().await;
    create(&mut client).await;
    let job = next_job(&mut client).await;
    let request = CancelProcessInstanceRequest {
        process_instance_key: job.process_instance_key,
        ..Default::default()
    };
    client
        .cancel_process_instance(request)
        .await
        .expect("a cancellation");
    let again = client.cancel_process_instance(request).await;
    assert_eq!(again.expect_err("a refusal").code(), Code::NotFound);
    assert_eq!(
        gateway.control("GET", "/state", "")["jobs"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn an_operator_mends_a_failed_job() {
    let (gateway, mut client) = started().await;
    create(&mut client).await;
    let job = next_job(&mut client).await;
    let failure = FailJobRequest {
        job_key: job.key,
        ..Default::default()
    };
    client.fail_job(failure).await.expect("a failure");
    let incidents = gateway.control("GET", "/incidents", "");
    let resolution = ResolveIncidentRequest {
        incident_key: incidents[0]["key"].as_i64().expect("a key"),
        ..Default::default()
    };
    let early = client.resolve_incident(resolution).await;
    assert_eq!(
        early.expect_err("a refusal").code(),
        Code::FailedPrecondition
    );
    let update = UpdateJobRetriesRequest {
        job_key: job.key,
        retries: 1,
        ..Default::default()
    };
    client.update_job_retries(update).await.expect("retries");
    let variables = SetVariablesRequest {
        element_instance_key: job.element_instance_key,
        variables: r#"{"mended":true}"#.to_owned(),
        local: true,
        ..Default::default()
    };
    client.set_variables(variables).await.expect("variables");

    // A poll that waits already is woken by the resolution.
    let mut other = client.clone();
    let waiting = tokio::spawn(async move { next_job(&mut other).await });
    gateway
        .counters_until(|counters| counters["open_calls"] == 1)
        .await;
    client
        .resolve_incident(resolution)
        .await
        .expect("a resolution");
    let again = soon(waiting).await.expect("no panic");
    assert_eq!((again.key, again.retries), (job.key, 1));
    assert_eq!(again.variables, r#"{"mended":true}"#);
    let update = UpdateJobTimeoutRequest {
        job_key: job.key,
        timeout: 1,
        ..Default::default()
    };
    client.update_job_timeout(update).await.expect("a timeout");
    assert_eq!(next_job(&mut client).await.key, job.key);
}

#[tokio::test]
async fn what_is_deployed_can_be_deleted() {
    let (gateway, mut client) = started().await;
    let key = gateway.control("GET", "/state", "")["processes"][0]["key"].clone();
    let request = DeleteResourceRequest {
        resource_key: key.as_i64().expect("a key"),
        ..Default::default()
    };
    client.delete_resource(request).await.expect("a deletion");
    let late = client.create_process_instance_with_result(awaited(0)).await;
    assert_eq!(late.expect_err("a refusal").code(), Code::NotFound);
}

#[tokio::test]
async fn a_signal_has_a_key_even_if_nobody_waits_for_it() {
    let (_gateway, mut client) = started().await;
    let request = BroadcastSignalRequest {
        signal_name: "go".to_owned(),
        ..Default::default()
    };
    let signal = client
        .broadcast_signal(request)
        .await
        .expect("a signal")
        .into_inner();
    assert!(signal.key > 0);
    assert_eq!(signal.tenant_id, "<default>");
}

#[tokio::test]
async fn a_seed_is_deployed_at_start() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = |name: &str| {
        directory
            .path()
            .join(name)
            .to_str()
            .expect("UTF-8")
            .to_owned()
    };
    let (process, form) = (path("p.bpmn"), path("f.form"));
    std::fs::write(&process, common::client::PROCESS).expect("a file");
    std::fs::write(&form, r#"{"id":"f"}"#).expect("a file");
    let gateway = Running::start(&["--seed", &process, &form, "--first-key", "5000"]);
    let mut client = connect(&gateway, "plaintext").await;
    create(&mut client).await;
    let state = gateway.control("GET", "/state", "");
    assert_eq!(
        (&state["processes"][0]["id"], &state["forms"][0]["id"]),
        (&"p".into(), &"f".into())
    );
    let key = state["processes"][0]["key"].as_i64().expect("a key");
    assert!((5000..5003).contains(&(key & ((1 << 51) - 1))), "{key}");
}

#[test]
fn a_seed_that_cannot_be_deployed_is_told() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let broken = directory.path().join("broken.bpmn");
    std::fs::write(&broken, "<a/>").expect("a file");
    for (seed, expected) in [
        (directory.path().join("none.bpmn"), "none.bpmn"),
        (broken, "broken.bpmn: its root is not"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_zeebe-dev-gateway"))
            .arg("--seed")
            .arg(seed)
            .output()
            .expect("it runs");
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(expected), "{error}");
    }
}
