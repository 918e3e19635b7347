//! How much of the machine others had during the comparison: the reader shall know how quiet it was.

use std::fs;
use std::time::Instant;

use zeebe_benches::Outcome;
use zeebe_benches::meter::{children_cpu_us, cpu_us};

#[derive(Debug)]
pub(crate) struct Watch {
    from: Instant,
    idle_from: f64,
}

impl Watch {
    pub(crate) fn start() -> Outcome<Self> {
        Ok(Self {
            from: Instant::now(),
            idle_from: idle_us()?,
        })
    }

    /// The share of all cores that was neither idle nor spent by the server, the clients and this process.
    pub(crate) fn others(&self, server_us: f64) -> Outcome<f64> {
        let cores = std::thread::available_parallelism()?.get() as f64;
        let all = self.from.elapsed().as_micros() as f64 * cores;
        let ours = server_us + (children_cpu_us()? + cpu_us()?) as f64;
        let idle = idle_us()? - self.idle_from;
        Ok((1.0 - (idle + ours) / all).max(0.0))
    }
}

/// Of all cores since the machine started. The idle time is exact; the kernel samples the other ones.
fn idle_us() -> Outcome<f64> {
    const TICK_US: f64 = 10_000.0; // what the kernel counts in, for programs
    let stat = fs::read_to_string("/proc/stat")?;
    let mut fields = stat.split_whitespace().skip(4);
    let mut ticks = || -> Option<f64> { fields.next()?.parse().ok() };
    let (Some(idle), Some(waiting)) = (ticks(), ticks()) else {
        return Err("/proc/stat does not say how long the cores were idle".into());
    };
    Ok((idle + waiting) * TICK_US)
}
