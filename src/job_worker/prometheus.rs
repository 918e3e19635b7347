//! What a job worker did, in Prometheus' text format (version 0.0.4).

use std::fmt::Write;

use super::histogram::{BOUNDS_MS, Histogram};
use super::stats::{Count, Stats};
use crate::channel::prometheus::escaped;

const PREFIX: &str = "zeebe_job_worker";

fn labels(stats: &Stats) -> String {
    format!(
        "type=\"{}\",worker=\"{}\"",
        escaped(&stats.job_type),
        escaped(&stats.worker_name)
    )
}

/// Each metric once, with a sample of each worker.
pub(super) fn text(workers: &[&Stats]) -> String {
    let mut text = String::new();
    let family = |name: &str, kind: &str, about: &str| {
        format!("# HELP {PREFIX}_{name} {about}\n# TYPE {PREFIX}_{name} {kind}\n")
    };
    for (index, (name, about)) in Count::ALL.iter().enumerate() {
        let name = format!("jobs_{name}_total");
        text += &family(&name, "counter", about);
        for stats in workers {
            let value = stats.value(index);
            text += &format!("{PREFIX}_{name}{{{}}} {value}\n", labels(stats));
        }
    }
    text += &family("jobs_here", "gauge", "Jobs that are here now.");
    for stats in workers {
        let here = stats.here();
        text += &format!("{PREFIX}_jobs_here{{{}}} {here}\n", labels(stats));
    }
    let about = "From a job's arrival until the program has it.";
    text += &family("queue_seconds", "histogram", about);
    for stats in workers {
        histogram(
            &mut text,
            "queue_seconds",
            &labels(stats),
            &stats.queue_time,
        );
    }
    let about = "From when the program has a job until it has ended it.";
    text += &family("handler_seconds", "histogram", about);
    for stats in workers {
        let times = &stats.handler_time;
        histogram(&mut text, "handler_seconds", &labels(stats), times);
    }
    text
}

fn histogram(text: &mut String, name: &str, labels: &str, times: &Histogram) {
    let shown = times.show();
    let count = shown.up_to[BOUNDS_MS.len()];
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        writeln!(text, "{PREFIX}_{name}_{line}").ok();
    };
    for (bound, count) in BOUNDS_MS.iter().zip(shown.up_to) {
        #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
        let bound = *bound as f64 / 1000.0;
        line(format_args!("bucket{{{labels},le=\"{bound}\"}} {count}"));
    }
    line(format_args!("bucket{{{labels},le=\"+Inf\"}} {count}"));
    line(format_args!("sum{{{labels}}} {}", shown.sum.as_secs_f64()));
    line(format_args!("count{{{labels}}} {count}"));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let stats = Stats::new("a\"b", "c\\d\ne");
        stats.count(Count::Activated);
        stats.handler_time.add(Duration::from_millis(3));
        let other = Stats::new("t", "w");
        let text = text(&[&stats, &other]);
        let labels = r#"type="a\"b",worker="c\\d\ne""#;
        for line in [
            "# TYPE zeebe_job_worker_jobs_activated_total counter".to_owned(),
            format!("zeebe_job_worker_jobs_activated_total{{{labels}}} 1"),
            format!("zeebe_job_worker_jobs_here{{{labels}}} 0"),
            format!("zeebe_job_worker_handler_seconds_bucket{{{labels},le=\"0.002\"}} 0"),
            format!("zeebe_job_worker_handler_seconds_bucket{{{labels},le=\"0.005\"}} 1"),
            format!("zeebe_job_worker_handler_seconds_bucket{{{labels},le=\"300\"}} 1"),
            format!("zeebe_job_worker_handler_seconds_bucket{{{labels},le=\"+Inf\"}} 1"),
            format!("zeebe_job_worker_handler_seconds_sum{{{labels}}} 0.003"),
            format!("zeebe_job_worker_handler_seconds_count{{{labels}}} 1"),
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(text.contains("zeebe_job_worker_jobs_here{type=\"t\",worker=\"w\"} 0\n"));
        // Each family is announced once, before its samples.
        let names = text.lines().filter(|line| line.starts_with("# TYPE"));
        assert_eq!(names.count(), Count::ALL.len() + 3);
    }
}
