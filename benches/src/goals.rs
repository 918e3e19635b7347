//! What is wanted of libzeebe, and whether it is reached.

use std::fmt;

use crate::clients::{CAMUNDA_JAVA, GRPC_JAVA, PYZEEBE, QUEUE, ZEEBE, ZEEBE_JAVA};
use crate::rows::Row;
use crate::samples::{Sample, Samples, Spread};

#[derive(Debug)]
pub(crate) struct Goal {
    row: &'static str,
    pub(crate) client: &'static str,
    pub(crate) bound: Bound,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// At least so many times what the reference does with the same processor time.
    PerCpu(f64),
    /// At least so many times what that client does with the same processor time.
    PerCpuOf(&'static str, f64),
    /// Of a hundred calls, 99 take at most so many times as long as half of them.
    Tail(f64),
    /// At most so many KiB a channel.
    Memory(f64),
    /// At most so many KiB more than at the beginning: what a stream's window (2 MiB) and its part of a queue (2 MiB) hold.
    Growth(f64),
}

const GOALS: [Goal; 26] = [
    goal("unary-1", ZEEBE, Bound::PerCpu(2.0)),
    goal("unary-1", QUEUE, Bound::PerCpu(1.5)),
    goal("unary-64", ZEEBE, Bound::PerCpu(6.0)),
    goal("unary-64", QUEUE, Bound::PerCpu(5.0)),
    goal("unary-64-token", ZEEBE, Bound::PerCpu(8.0)),
    goal("unary-64-token", QUEUE, Bound::PerCpu(6.0)),
    goal("unary-1024", ZEEBE, Bound::PerCpu(10.0)),
    goal("unary-1024", QUEUE, Bound::PerCpu(8.0)),
    goal("unary-1024", ZEEBE, Bound::Tail(2.0)),
    goal("unary-1024", QUEUE, Bound::Tail(2.0)),
    goal("stream-100", ZEEBE, Bound::PerCpu(6.0)),
    goal("stream-100", QUEUE, Bound::PerCpu(4.0)),
    goal("stream-1k", ZEEBE, Bound::PerCpu(3.0)),
    goal("stream-1k", QUEUE, Bound::PerCpu(2.5)),
    goal("slow-1k", QUEUE, Bound::Growth(4096.0)),
    goal("cold", ZEEBE, Bound::PerCpu(1.3)),
    goal("idle", ZEEBE, Bound::Memory(20.0)),
    goal("tls-unary-64", ZEEBE, Bound::PerCpu(3.0)),
    goal("unary-1", ZEEBE_JAVA, Bound::PerCpuOf(GRPC_JAVA, 1.5)),
    goal("unary-64", ZEEBE_JAVA, Bound::PerCpuOf(GRPC_JAVA, 10.0)),
    goal("unary-1024", ZEEBE_JAVA, Bound::PerCpuOf(GRPC_JAVA, 8.0)),
    goal("stream-100", ZEEBE_JAVA, Bound::PerCpuOf(GRPC_JAVA, 5.0)),
    goal("stream-1k", ZEEBE_JAVA, Bound::PerCpuOf(GRPC_JAVA, 3.0)),
    goal("cold", ZEEBE_JAVA, Bound::PerCpuOf(GRPC_JAVA, 1.3)),
    goal("jobs", ZEEBE, Bound::PerCpuOf(CAMUNDA_JAVA, 5.0)),
    goal("jobs", ZEEBE, Bound::PerCpuOf(PYZEEBE, 20.0)),
];

const fn goal(row: &'static str, client: &'static str, bound: Bound) -> Goal {
    Goal { row, client, bound }
}

impl Goal {
    pub(crate) fn of(row: &Row) -> impl Iterator<Item = &'static Self> {
        let name = row.name();
        GOALS.iter().filter(move |goal| goal.row == name)
    }
}

impl Bound {
    pub(crate) fn measured(self, samples: &Samples, row: &Row, client: &str) -> Option<Spread> {
        match self {
            Self::PerCpu(_) => samples.ratio(row, client, Sample::per_cpu),
            Self::PerCpuOf(other, _) => samples.ratio_to(row, other, client, Sample::per_cpu),
            Self::Tail(_) => samples.spread(row, client, |sample| sample.measurement.tail()),
            Self::Memory(_) => samples.spread(row, client, |sample| sample.measurement.rss_kib),
            Self::Growth(_) => {
                samples.spread(row, client, |sample| sample.measurement.growth_kib())
            }
        }
    }

    pub(crate) fn is_met_by(self, median: f64) -> bool {
        match self {
            Self::PerCpu(least) | Self::PerCpuOf(_, least) => median >= least,
            Self::Tail(most) | Self::Memory(most) | Self::Growth(most) => median <= most,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerCpu(least) => write!(formatter, "per CPU ≥ {least} x"),
            Self::PerCpuOf(other, least) => write!(formatter, "per CPU ≥ {least} x `{other}`"),
            Self::Tail(most) => write!(formatter, "p99 ≤ {most} x p50"),
            Self::Memory(most) => write!(formatter, "≤ {most} KiB"),
            Self::Growth(most) => write!(formatter, "≤ {most} KiB more"),
        }
    }
}
