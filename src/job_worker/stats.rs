//! What a job worker did, as counts and times: as JSON, and as Prometheus reads it.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::end::{Kind, Verdict};
use super::histogram::{BOUNDS_MS, Histogram};

/// Counts of one worker. Its form as JSON is part of the ABI.
#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) job_type: String,
    pub(super) worker_name: String,
    counts: [AtomicU64; Count::ALL.len()],
    /// Those that are here now.
    pub(super) here: AtomicU64,
    /// From a job's arrival until the program has it.
    pub(super) queue_time: Histogram,
    /// From then until the program has ended it.
    pub(super) handler_time: Histogram,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    Activated,
    Completed,
    Failed,
    Thrown,
    NotEnded,
    Unknown,
    GivenBack,
    Expired,
    Left,
    Late,
    SentAgain,
    Extended,
}

impl Count {
    /// With the names, and what they mean, in the order of the counts.
    pub(super) const ALL: [(&'static str, &'static str); 12] = [
        ("activated", "Jobs that came."),
        ("completed", "Jobs that were completed."),
        ("failed", "Jobs that failed."),
        ("thrown", "Jobs that threw an error."),
        ("not_ended", "Ends that the gateway did not take."),
        (
            "unknown",
            "Ends of which it is not known whether the gateway took them.",
        ),
        (
            "given_back",
            "Jobs that went back to the gateway, untouched.",
        ),
        ("expired", "Jobs that waited here past their deadline."),
        (
            "left",
            "Jobs that were let go of and left to their time-out.",
        ),
        ("late", "Jobs that ended after their deadline."),
        ("sent_again", "Ends that were sent again."),
        ("extended", "Time-outs of jobs that began anew."),
    ];
}

impl Stats {
    pub(super) fn new(job_type: &str, worker_name: &str) -> Self {
        Self {
            job_type: job_type.to_owned(),
            worker_name: worker_name.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn count(&self, count: Count) {
        self.counts[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn settled(&self, kind: Kind, verdict: Verdict) {
        self.count(match (verdict, kind) {
            (Verdict::NotEnded, _) => Count::NotEnded,
            (Verdict::Unknown, _) => Count::Unknown,
            (Verdict::Ended, Kind::Complete) => Count::Completed,
            (Verdict::Ended, Kind::Fail) => Count::Failed,
            (Verdict::Ended, Kind::ThrowError) => Count::Thrown,
            (Verdict::Ended, Kind::GiveBack) => Count::GivenBack,
        });
    }

    /// Of the count at this place in [`Count::ALL`].
    pub(super) fn value(&self, index: usize) -> u64 {
        self.counts[index].load(Ordering::Relaxed)
    }

    pub(super) fn here(&self) -> u64 {
        self.here.load(Ordering::Relaxed)
    }

    pub(super) fn json(&self) -> String {
        let counts: serde_json::Map<_, _> = Count::ALL
            .iter()
            .enumerate()
            .map(|(index, (name, _))| ((*name).to_owned(), json!(self.value(index))))
            .collect();
        json!({
            "version": 1,
            "type": self.job_type,
            "worker": self.worker_name,
            "jobs_here": self.here(),
            "jobs": counts,
            "queue_time_ms": histogram(&self.queue_time),
            "handler_time_ms": histogram(&self.handler_time),
        })
        .to_string()
    }
}

fn histogram(histogram: &Histogram) -> Value {
    let shown = histogram.show();
    let buckets: serde_json::Map<_, _> = BOUNDS_MS
        .iter()
        .zip(shown.up_to)
        .map(|(bound, count)| (bound.to_string(), json!(count)))
        .collect();
    json!({
        "count": shown.up_to[BOUNDS_MS.len()],
        "sum": shown.sum.as_secs_f64() * 1000.0,
        "up_to": buckets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_names_in_their_order() {
        let stats = Stats::new("t", "w");
        stats.count(Count::Activated);
        for (kind, verdict) in [
            (Kind::Complete, Verdict::Ended),
            (Kind::Fail, Verdict::Ended),
            (Kind::ThrowError, Verdict::Ended),
            (Kind::GiveBack, Verdict::Ended),
            (Kind::Complete, Verdict::NotEnded),
            (Kind::Fail, Verdict::Unknown),
        ] {
            stats.settled(kind, verdict);
        }
        stats.count(Count::Extended);
        let ones: Vec<_> = Count::ALL
            .iter()
            .enumerate()
            .filter(|(index, _)| stats.value(*index) == 1)
            .map(|(_, (name, _))| *name)
            .collect();
        assert_eq!(
            ones,
            [
                "activated",
                "completed",
                "failed",
                "thrown",
                "not_ended",
                "unknown",
                "given_back",
                "extended"
            ]
        );
        let json: Value = serde_json::from_str(&stats.json()).unwrap();
        assert_eq!(json["jobs"]["completed"], 1);
        assert_eq!(json["queue_time_ms"]["count"], 0);
    }
}
