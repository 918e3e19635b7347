//! What a client in Rust measures with; `drivers/meter.h` is the same in C.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::run::Measurement;

// It begins at 0, warming up.
const MEASURING: u8 = 1;
const OVER: u8 = 2;

/// Shared by the tasks of a run: each asks it whether to go on, and tells it what it did.
#[derive(Debug, Default)]
pub struct Meter {
    phase: AtomicU8,
    count: AtomicU64,
}

impl Meter {
    /// `false` once the time to measure is over.
    pub fn goes_on(&self) -> bool {
        self.phase.load(Relaxed) != OVER
    }

    /// `true` while what happens is measured.
    pub fn count_one(&self) -> bool {
        let measuring = self.phase.load(Relaxed) == MEASURING;
        if measuring {
            self.count.fetch_add(1, Relaxed);
        }
        measuring
    }

    /// Warms up, measures, and tells the tasks that it is over.
    pub async fn measure(&self, seconds: f64) -> nix::Result<Measurement> {
        tokio::time::sleep(Duration::from_secs_f64(seconds / 5.0)).await;
        let (from, cpu_from) = (Instant::now(), cpu_us()?);
        self.phase.store(MEASURING, Relaxed);
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        self.phase.store(OVER, Relaxed);
        let (cpu, seconds) = (cpu_us()? - cpu_from, from.elapsed().as_secs_f64());
        let count = self.count.load(Relaxed);
        Ok(Measurement {
            count: Some(count),
            seconds: Some(seconds),
            cpu_us: Some(cpu as f64 / count as f64),
            ..Measurement::default()
        })
    }
}

/// Processor time of this process so far, user and system.
pub fn cpu_us() -> nix::Result<i64> {
    cpu_us_of(UsageWho::RUSAGE_SELF)
}

/// The same of the processes that it started and that have ended.
pub fn children_cpu_us() -> nix::Result<i64> {
    cpu_us_of(UsageWho::RUSAGE_CHILDREN)
}

fn cpu_us_of(who: UsageWho) -> nix::Result<i64> {
    let usage = getrusage(who)?;
    Ok((usage.user_time() + usage.system_time()).num_microseconds())
}

impl Measurement {
    /// Adds the percentiles of latencies in nanoseconds.
    pub fn with_latencies(mut self, mut latencies: Vec<u32>) -> Self {
        latencies.sort_unstable();
        let at = |part: f64| {
            let index = (latencies.len() as f64 * part) as usize;
            latencies.get(index).map(|ns| f64::from(*ns) / 1000.0)
        };
        self.p50_us = at(0.5);
        self.p99_us = at(0.99);
        self
    }
}

/// Resident memory of this process.
pub fn rss_kib() -> io::Result<f64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: Option<f64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    // x86-64 and most arm64 kernels have pages of 4 KiB.
    pages
        .map(|pages| pages * 4.0)
        .ok_or_else(|| io::Error::other(format!("/proc/self/statm says {statm:?}")))
}
