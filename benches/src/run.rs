//! The agreement with every client, in whatever language: what it is told on its command line and by
//! its environment, and what it prints, one line of JSON.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// `CLIENT ADDRESS CA ROW IN_FLIGHT SECONDS`
#[derive(Debug, Clone, clap::Args)]
pub struct Run {
    /// `host:port` of the listener that answers as the row wants it
    pub address: String,
    /// file of the authority's certificate; `-`: plaintext
    pub ca: PathBuf,
    /// what is done, over and over
    pub row: Kind,
    /// calls under way at a time, or held; of `idle`, channels
    pub in_flight: usize,
    /// to measure, after a fifth of it to warm up
    pub seconds: f64,
    /// a bearer token that each call carries; none, if the variable is not set
    #[arg(skip = env::var("TOKEN").ok())]
    pub token: Option<String>,
}

/// The rows of the table, as the command line names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Topology calls on one connection
    Unary,
    /// StreamActivatedJobs calls on one connection, one after the other
    Stream,
    /// the same, taken at a tenth of the rate that the warm-up reached
    Slow,
    /// channels with one Topology call each, one after the other
    Cold,
    /// channels with one Topology call each, all open
    Idle,
    /// Topology calls on one connection that wait for their answer, until one more is made
    Held,
    /// jobs that a worker gets and completes, so many here at most, of a gateway that has more than it takes
    Jobs,
}

impl Run {
    /// The authority's certificate, for TLS.
    pub fn ca_pem(&self) -> std::io::Result<Option<Vec<u8>>> {
        if self.ca == Path::new("-") {
            return Ok(None);
        }
        fs::read(&self.ca).map(Some)
    }
}

/// What a client prints. What a row does not measure is absent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measurement {
    /// of the client: its library's name and version
    pub version: String,
    /// calls or messages in `seconds`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// how long was measured in fact
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// processor time of the process, user and system, for each of `count`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us: Option<f64>,
    /// half of the calls took no longer
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<f64>,
    /// of a hundred calls, 99 took no longer
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<f64>,
    /// resident memory for each channel, or for each call
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_kib: Option<f64>,
    /// resident memory of the process when measuring begins
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_from_kib: Option<f64>,
    /// the most that was seen from then on
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_most_kib: Option<f64>,
}

impl Measurement {
    /// How many times as long as half of the calls 99 of a hundred take.
    pub fn tail(&self) -> Option<f64> {
        Some(self.p99_us? / self.p50_us?)
    }

    /// By how much the process grew while it was measured.
    pub fn growth_kib(&self) -> Option<f64> {
        Some(self.rss_most_kib? - self.rss_from_kib?)
    }
}
