//! Many instances, and what is left of them: nothing.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::Running;
use common::client::{Client, connect, create, deploy, poll};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zeebe_dev_gateway::protocol::*;

const INSTANCES: usize = 2_000;
/// Each way to get jobs has this many.
const WORKERS: usize = 5;

/// How many jobs are to be completed yet.
struct Work {
    left: AtomicUsize,
    done: CancellationToken,
}

impl Work {
    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.done.cancel();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_ended_leave_nothing_behind() {
    let gateway = Running::start(&["--partitions", "3"]);
    let mut client = connect(&gateway, "plaintext").await;
    deploy(&mut client).await;
    let work = Arc::new(Work {
        left: AtomicUsize::new(INSTANCES),
        done: CancellationToken::new(),
    });
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let client = connect(&gateway, "plaintext").await;
        workers.spawn(streaming(client.clone(), Arc::clone(&work)));
        workers.spawn(polling(client, Arc::clone(&work)));
    }
    let mut creators = JoinSet::new();
    for _ in 0..10 {
        let mut client = client.clone();
        creators.spawn(async move {
            for _ in 0..INSTANCES / 10 {
                create(&mut client).await;
            }
        });
    }
    creators.join_all().await;
    workers.join_all().await;
    // A completion is one job's, and each job had one.
    assert_eq!(gateway.counters()["calls"]["CompleteJob"], INSTANCES);
    let state = gateway.control("GET", "/state", "");
    for name in ["instances", "jobs", "incidents"] {
        assert_eq!(state[name], json!([]), "{name}");
    }
    let nothing = json!({ "messages": 0, "signals": 0, "timers": 0, "results": 0 });
    assert_eq!(state["waiting"], nothing);
}

async fn complete(client: &mut Client, job_key: i64, work: &Work) {
    let request = CompleteJobRequest {
        job_key,
        ..Default::default()
    };
    client.complete_job(request).await.expect("a completion");
    work.count();
}

async fn streaming(mut client: Client, work: Arc<Work>) {
    let request = StreamActivatedJobsRequest {
        r#type: "pay".to_owned(),
        worker: "w".to_owned(),
        timeout: 60_000,
        ..Default::default()
    };
    let stream = client.stream_activated_jobs(request).await;
    let mut stream = stream.expect("a stream").into_inner();
    while let Some(job) = work.done.run_until_cancelled(stream.message()).await {
        let job = job.expect("no error").expect("no end");
        complete(&mut client, job.key, &work).await;
    }
}

async fn polling(mut client: Client, work: Arc<Work>) {
    while let Some(jobs) = work.done.run_until_cancelled(poll(&mut client, 0)).await {
        for job in jobs.expect("a poll") {
            complete(&mut client, job.key, &work).await;
        }
    }
}
