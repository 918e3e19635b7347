//! Calls over plaintext: the life of a job on the wire, tokens, and misbehaviour.

mod common;

use std::time::{Duration, Instant};

use common::client::{connect, create, deploy, poll, stream_jobs, topology};
use common::raw::soon;
use common::{Running, http};
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use zeebe_dev_gateway::protocol::*;

#[tokio::test]
async fn a_job_lives_on_the_wire() {
    let gateway = Running::start(&["--partitions", "3"]);
    let mut client = connect(&gateway, "plaintext").await;
    let topology = topology(&mut client).await.expect("a topology");
    assert_eq!(
        (
            topology.partitions_count,
            topology.brokers[0].partitions.len()
        ),
        (3, 3)
    );
    deploy(&mut client).await;
    create(&mut client).await;
    let jobs = poll(&mut client, -1).await.expect("a poll");
    assert_eq!(jobs.len(), 1);
    let request = CompleteJobRequest {
        job_key: jobs[0].key,
        ..Default::default()
    };
    client
        .complete_job(request.clone())
        .await
        .expect("a completion");
    let again = client.complete_job(request).await.expect_err("a refusal");
    assert_eq!(again.code(), Code::NotFound);
    let counters = gateway.control("GET", "/counters", "");
    assert_eq!(counters["calls"]["CompleteJob"], 2);
    assert_eq!(
        (
            &counters["open_connections"],
            &counters["accepted_connections"]
        ),
        (&1.into(), &1.into())
    );
}

#[tokio::test]
async fn a_long_poll_waits_for_a_job_or_its_time() {
    let gateway = Running::start(&[]);
    let mut client = connect(&gateway, "plaintext").await;
    deploy(&mut client).await;
    let start = Instant::now();
    assert_eq!(poll(&mut client, -1).await.expect("a poll"), []);
    // A poll that waits does so for 10 s.
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(poll(&mut client, 300).await.expect("a poll"), []);
    assert!(start.elapsed() >= Duration::from_millis(300));

    let mut other = client.clone();
    let waiting = tokio::spawn(async move { poll(&mut other, 0).await });
    gateway
        .counters_until(|counters| counters["calls"]["ActivateJobs"] == 3)
        .await;
    let start = Instant::now();
    create(&mut client).await;
    let jobs = waiting.await.expect("no panic").expect("a poll");
    assert_eq!(jobs.len(), 1);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn who_waits_gets_a_job_when_its_time_with_another_worker_is_up() {
    let gateway = Running::start(&[]);
    let mut client = connect(&gateway, "plaintext").await;
    deploy(&mut client).await;
    create(&mut client).await;
    let request = ActivateJobsRequest {
        r#type: "pay".to_owned(),
        worker: "slow".to_owned(),
        timeout: 300,
        max_jobs_to_activate: 1,
        ..Default::default()
    };
    let start = Instant::now();
    let mut first = client.activate_jobs(request).await.expect("a poll");
    let first = first.get_mut().message().await.expect("a response");
    // Both wait before the time is up, and for much longer than it lasts.
    let mut other = client.clone();
    let jobs = soon(async {
        tokio::select! {
            jobs = poll(&mut client, 60_000) => jobs,
            jobs = poll(&mut other, 60_000) => jobs,
        }
    });
    let jobs = jobs.await.expect("a poll");
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].key, first.expect("a response").jobs[0].key);
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_stream_gets_jobs_as_they_appear_and_ends_with_the_gateway() {
    let mut gateway = Running::start(&[]);
    let mut client = connect(&gateway, "plaintext").await;
    deploy(&mut client).await;
    let mut jobs = stream_jobs(&mut client).await;
    for _ in 0..3 {
        create(&mut client).await;
        assert!(jobs.message().await.expect("a job").is_some());
    }
    gateway.close_stdin();
    let end = jobs.message().await.expect_err("the end");
    assert_eq!(end.code(), Code::Unavailable);
    assert!(gateway.ended().success());
}

#[tokio::test]
async fn a_muted_stream_stays_open_while_polls_get_the_jobs() {
    let gateway = Running::start(&[]);
    let mut client = connect(&gateway, "plaintext").await;
    deploy(&mut client).await;
    let mut stream = stream_jobs(&mut client).await;
    gateway.control("POST", "/mute-streams?on=1", "");
    create(&mut client).await;
    assert_eq!(poll(&mut client, 0).await.expect("a poll").len(), 1);
    create(&mut client).await;
    gateway.control("POST", "/mute-streams?on=0", "");
    assert!(stream.message().await.expect("a job").is_some());
}

#[tokio::test]
async fn rpcs_that_are_not_real_say_so() {
    let gateway = Running::start(&[]);
    let mut client = connect(&gateway, "plaintext").await;
    let status = client
        .evaluate_decision(EvaluateDecisionRequest::default())
        .await;
    let status = status.expect_err("a refusal");
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("EvaluateDecision"));
}

#[tokio::test]
async fn the_oauth_listener_wants_a_good_token() {
    let gateway = Running::start(&[]);
    let mut client = connect(&gateway, "plaintext_oauth").await;
    let missing = topology(&mut client).await.expect_err("a refusal");
    assert_eq!(missing.code(), Code::Unauthenticated);
    assert!(missing.message().contains("missing"));

    for (audience, refusal) in [("zeebe-api", None), ("elsewhere", Some("audience"))] {
        let outcome = client.topology(with_token(&gateway, audience)).await;
        match refusal {
            None => assert!(outcome.is_ok()),
            Some(word) => {
                let status = outcome.expect_err("a refusal");
                assert_eq!(status.code(), Code::Unauthenticated);
                assert!(status.message().contains(word));
            }
        }
    }
    let request = with_token(&gateway, "zeebe-api");
    gateway.control("POST", "/revoke-tokens", "");
    let unknown = client.topology(request).await.expect_err("a refusal");
    assert!(unknown.message().contains("unknown"));
}

fn with_token(gateway: &Running, audience: &str) -> Request<TopologyRequest> {
    let form = "content-type: application/x-www-form-urlencoded";
    let body = format!(
        "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret&audience={audience}"
    );
    let token = http(
        gateway.port("token_http"),
        "POST",
        "/oauth/token",
        &[form],
        &body,
    )
    .json();
    let bearer = format!(
        "Bearer {}",
        token["access_token"].as_str().expect("a token")
    );
    let mut request = Request::new(TopologyRequest {});
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().expect("metadata"));
    request
}

#[tokio::test]
async fn it_fails_and_dawdles_when_told_to() {
    let gateway = Running::start(&[]);
    let mut client = connect(&gateway, "plaintext").await;
    gateway.control("POST", "/fail?status=8&count=2&message=too+much", "");
    for _ in 0..2 {
        let status = topology(&mut client).await.expect_err("a failure");
        assert_eq!(
            (status.code(), status.message()),
            (Code::ResourceExhausted, "too much")
        );
    }
    topology(&mut client).await.expect("a topology");
    gateway.control("POST", "/latency?ms=200", "");
    let start = Instant::now();
    topology(&mut client).await.expect("a topology");
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn it_resets_connections() {
    let gateway = Running::start(&[]);
    let mut resetting = connect(&gateway, "reset").await;
    topology(&mut resetting).await.expect_err("a reset");
    topology(&mut resetting)
        .await
        .expect_err("a reset of the next connection");

    let mut client = connect(&gateway, "plaintext").await;
    topology(&mut client).await.expect("a topology");
    let mut other = client.clone();
    let waiting = tokio::spawn(async move { poll(&mut other, 0).await });
    gateway
        .counters_until(|counters| counters["calls"]["ActivateJobs"] == 1)
        .await;
    assert_eq!(
        gateway.control("POST", "/reset-connections", "")["reset"],
        1
    );
    waiting.await.expect("no panic").expect_err("a reset");
    assert_eq!(
        gateway.control("GET", "/counters", "")["open_connections"],
        0
    );
    topology(&mut client)
        .await
        .expect("a topology on a new connection");
}

#[tokio::test]
async fn after_goaway_calls_finish_and_the_connection_closes() {
    let gateway = Running::start(&[]);
    let mut client = connect(&gateway, "plaintext").await;
    let waiting = tokio::spawn(async move { poll(&mut client, 2000).await });
    gateway
        .counters_until(|counters| counters["calls"]["ActivateJobs"] == 1)
        .await;
    assert_eq!(gateway.control("POST", "/goaway", "")["goaway"], 1);
    let mut other = connect(&gateway, "plaintext").await;
    topology(&mut other)
        .await
        .expect("a topology on a new connection");
    assert_eq!(waiting.await.expect("no panic").expect("a poll"), []);
    let counters = gateway
        .counters_until(|counters| counters["open_connections"] == 1)
        .await;
    assert_eq!(counters["accepted_connections"], 2);
}

#[tokio::test]
async fn the_gateway_says_that_it_serves() {
    let gateway = Running::start(&[]);
    let address = format!("http://127.0.0.1:{}", gateway.port("plaintext"));
    let endpoint = Channel::from_shared(address).expect("an address");
    let mut health = HealthClient::new(endpoint.connect().await.expect("a connection"));
    for service in ["", "gateway_protocol.Gateway"] {
        let service = service.to_owned();
        let answer = health.check(HealthCheckRequest { service }).await;
        let status = answer.expect("an answer").into_inner().status();
        assert_eq!(status, ServingStatus::Serving);
    }
    let service = "nobody".to_owned();
    let refusal = health.check(HealthCheckRequest { service }).await;
    assert_eq!(refusal.expect_err("no service").code(), Code::NotFound);
}
