//! Many instances, and what is left of them: nothing.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::Running;
use common::client::{Client, connect, create, deploy, poll, stream_jobs};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zeebe_dev_gateway::protocol::*;

/// What the allocator keeps of these serves the later ones.
const WARM_UP: usize = 2;
/// What leaks grows with every batch; what the allocator keeps, on a busy machine now and then, does not.
const MEASURED: usize = 4;
const INSTANCES: usize = 10_000;
/// Bytes that an ended instance may seem to leave: less than its key and another in a map.
const GROWTH: usize = 24;
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
    deploy(&mut connect(&gateway, "plaintext").await).await;
    for _ in 0..WARM_UP {
        run_batch(&gateway).await;
    }
    let (mut grown, mut batches) = (usize::MAX, WARM_UP);
    while grown > INSTANCES * GROWTH && batches < WARM_UP + MEASURED {
        let before = resident(&gateway);
        run_batch(&gateway).await;
        grown = grown.min(resident(&gateway).saturating_sub(before));
        batches += 1;
    }
    assert!(
        grown <= INSTANCES * GROWTH,
        "at least {grown} bytes more after each {INSTANCES} instances"
    );
    // A completion is one job's, and each job had one.
    let completed = &gateway.counters()["calls"]["CompleteJob"];
    assert_eq!(*completed, batches * INSTANCES);
    let state = gateway.control("GET", "/state", "");
    for name in ["instances", "jobs", "incidents"] {
        assert_eq!(state[name], json!([]), "{name}");
    }
    let nothing = json!({ "messages": 0, "signals": 0, "timers": 0, "results": 0 });
    assert_eq!(state["waiting"], nothing);
}

/// As many instances as in each batch, through ten workers that come and go with it.
async fn run_batch(gateway: &Running) {
    let work = Arc::new(Work {
        left: AtomicUsize::new(INSTANCES),
        done: CancellationToken::new(),
    });
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let client = connect(gateway, "plaintext").await;
        workers.spawn(streaming(client.clone(), Arc::clone(&work)));
        workers.spawn(polling(client, Arc::clone(&work)));
    }
    let client = connect(gateway, "plaintext").await;
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
}

/// The gateway's resident memory in bytes.
fn resident(gateway: &Running) -> usize {
    let path = format!("/proc/{}/status", gateway.child.id());
    let status = std::fs::read_to_string(path).expect("the status of the process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    let kibibytes: usize = kibibytes
        .and_then(|number| number.parse().ok())
        .expect("a number");
    kibibytes * 1024
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
    let mut stream = stream_jobs(&mut client).await;
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
