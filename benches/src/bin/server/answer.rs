//! What a port answers, encoded once: only stream numbers are filled in later.

use prost::Message;
use zeebe_benches::protocol::{
    ActivateJobsRequest, ActivateJobsResponse, ActivatedJob, BrokerInfo, CompleteJobResponse,
    Partition, TopologyResponse,
};

use crate::connection::frame;

/// HPACK (RFC 7541) without its tables, so that it is the same on every connection:
/// `:status: 200` is entry 8 of the static table, `content-type` is entry 31.
const HEAD: &[u8] = b"\x88\x0f\x10\x10application/grpc";
const TRAILERS: &[u8] = b"\x00\x0bgrpc-status\x010";

/// The calls in flight of the row `held`.
const HELD: usize = 1000;

/// Of a job of a worker, and how many jobs a poll brings at most: they fit into a frame.
const JOB: usize = 256;
const MAX_POLLED: usize = 60;

/// Large enough that system calls do not count.
const WRITE_SIZE: usize = 256 * 1024;
/// With a frame more it arrives as a whole: the kernel makes one segment of it on loopback, and a client that reads
/// 64 KiB at a time one read.
const LOCKSTEP_WRITE_SIZE: usize = 60 * 1024;

#[derive(Debug)]
pub(crate) struct Answer {
    /// The frame HEADERS, as are the two below, of stream 0.
    pub(crate) head: Vec<u8>,
    /// One frame DATA with one or more messages.
    pub(crate) data: Vec<u8>,
    /// The frame HEADERS that ends the stream.
    pub(crate) trailers: Vec<u8>,
    /// How often `data` is sent in a call.
    pub(crate) count: u32,
    /// How many calls of a connection must wait before they are answered, all at once.
    pub(crate) at_once: usize,
    /// What is written at most before the next read.
    pub(crate) write_size: usize,
    /// Whether what one write does not hold waits until the client says that it has read it.
    pub(crate) is_in_lockstep: bool,
    /// Of the port of job workers.
    jobs: Option<Box<Jobs>>,
}

/// What workers are answered that do not ask for a stream of jobs.
#[derive(Debug)]
struct Jobs {
    completed: Answer,
    /// As many as are asked for, less one, by their number.
    polled: Vec<Answer>,
}

impl Answer {
    /// By the names that the comparison knows them by.
    ///
    /// Short messages come three to a frame: when they come one by one to a reader that falls behind, the h2 in
    /// tonic ends the connection (`too_many_data_frames`: frames below 256 bytes), and tonic has no option for it.
    pub(crate) fn all() -> [(&'static str, Self); 5] {
        [
            ("unary", Self::new(&topology(), 1, 1)),
            ("stream-100", Self::new(&job(100), 3, 40_000)),
            ("stream-1k", Self::new(&job(1024), 1, 120_000)),
            ("held", Self::new(&topology(), 1, 1).at_once(HELD + 1)),
            ("jobs", Self::jobs()),
        ]
    }

    fn new(message: &impl Message, in_a_frame: usize, count: u32) -> Self {
        let message = message.encode_to_vec();
        let mut body = vec![0]; // not compressed
        body.extend((message.len() as u32).to_be_bytes());
        body.extend(message);
        let body = body.repeat(in_a_frame);
        Self {
            head: frame::encode(frame::HEADERS, frame::END_HEADERS, HEAD),
            data: frame::encode(frame::DATA, 0, &body),
            trailers: frame::encode(
                frame::HEADERS,
                frame::END_HEADERS | frame::END_STREAM,
                TRAILERS,
            ),
            count,
            at_once: 1,
            write_size: WRITE_SIZE,
            is_in_lockstep: false,
            jobs: None,
        }
    }

    /// A stream has no end of them.
    fn jobs() -> Self {
        let polled = |count| {
            let jobs = vec![job(JOB); count];
            Self::new(&ActivateJobsResponse { jobs }, 1, 1)
        };
        Self {
            jobs: Some(Box::new(Jobs {
                completed: Self::new(&CompleteJobResponse {}, 1, 1),
                polled: (1..=MAX_POLLED).map(polled).collect(),
            })),
            ..Self::new(&job(JOB), 1, u32::MAX)
        }
    }

    /// What the body of a request is answered with.
    pub(crate) fn to(&self, body: &[u8]) -> &Self {
        let (Some(jobs), Some((_, message))) = (&self.jobs, body.split_first_chunk::<5>()) else {
            return self;
        };
        // CompleteJob begins with a number, the job's key; the others with a text, the type. ActivateJobs says how many.
        if message.first() == Some(&0x08) {
            return &jobs.completed;
        }
        let asked = ActivateJobsRequest::decode(message).map(|asked| asked.max_jobs_to_activate);
        match usize::try_from(asked.unwrap_or_default()) {
            Ok(count @ 1..) => &jobs.polled[count.min(MAX_POLLED) - 1],
            _ => self,
        }
    }

    fn at_once(self, at_once: usize) -> Self {
        Self { at_once, ..self }
    }

    pub(crate) fn in_lockstep(&mut self, calls: usize) {
        self.at_once = calls;
        self.write_size = LOCKSTEP_WRITE_SIZE;
        self.is_in_lockstep = true;
    }

    /// What `data` takes of the flow-control windows.
    pub(crate) fn data_size(&self) -> i64 {
        (self.data.len() - frame::HEADER_SIZE) as i64
    }
}

/// About 100 bytes.
fn topology() -> TopologyResponse {
    let partition = |partition_id| Partition {
        partition_id,
        ..Partition::default()
    };
    TopologyResponse {
        brokers: vec![BrokerInfo {
            host: "zeebe-0.zeebe.svc.cluster.local".to_owned(),
            port: 26501,
            partitions: (1..=3).map(partition).collect(),
            version: "8.8.0".to_owned(),
            ..BrokerInfo::default()
        }],
        cluster_size: 1,
        partitions_count: 3,
        replication_factor: 1,
        gateway_version: "8.8.0".to_owned(),
        cluster_id: "benchmark-cluster".to_owned(),
    }
}

/// A job of exactly `size` bytes.
fn job(size: usize) -> ActivatedJob {
    let mut job = ActivatedJob {
        key: 1 << 51,
        r#type: "payment".to_owned(),
        process_instance_key: 1 << 51,
        bpmn_process_id: "order".to_owned(),
        element_id: "pay".to_owned(),
        retries: 3,
        deadline: 4_000_000_000_000,
        custom_headers: "{}".to_owned(),
        variables: "{}".to_owned(),
        tenant_id: "<default>".to_owned(),
        ..ActivatedJob::default()
    };
    while job.encoded_len() < size {
        job.variables.insert(1, ' ');
    }
    job
}
