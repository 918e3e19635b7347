//! Starts everything, says where it listens, and stops it.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::assertions::Assertions;
use crate::call_log::CallLog;
use crate::certificates::Certificates;
use crate::connections::Connections;
use crate::context::Context;
use crate::control;
use crate::counters::Counters;
use crate::decoys::DeadPort;
use crate::endpoints::Endpoints;
use crate::gateway::Gateway;
use crate::issuers::Issuers;
use crate::options::Options;
use crate::places::{self, Place};
use crate::protocol::Resource;
use crate::protocol::gateway_server::GatewayServer;
use crate::switches::Switches;
use crate::token_endpoint::LastRequest;
use crate::tokens::Tokens;

/// How long open calls may take to end once the gateway stops.
const GRACE: Duration = Duration::from_millis(500);

/// A gateway that listens.
#[derive(Debug)]
pub struct Server {
    places: Vec<(&'static str, Place)>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Dead only as long as they are kept.
    _dead_ports: Vec<DeadPort>,
    /// Removed with the server.
    _temporary: Option<TempDir>,
}

impl Server {
    /// Listens at every place, and answers from then on until [`Self::stop`]; an error names the place or option at fault.
    pub async fn start(options: Options) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let temporary = match options.directory {
            Some(_) => None,
            None => Some(
                tempfile::Builder::new()
                    .prefix("zeebe-dev-gateway-")
                    .tempdir()?,
            ),
        };
        let directory = options
            .directory
            .as_deref()
            .or(temporary.as_ref().map(TempDir::path));
        let directory = directory.unwrap_or(Path::new("."));
        let certificates = Certificates::create(directory, &options)?;

        let unix = directory.canonicalize()?.join("gateway.sock");
        let endpoints = Endpoints::bind(&options, &certificates, &unix).await?;
        let places = endpoints.places.clone();
        let files = certificates.files.clone();
        let stop = CancellationToken::new();
        let gateway = Gateway::new(&options, places[0].1.port(), stop.clone());
        if !options.seed.is_empty() {
            let seeded = gateway.seed(read_resources(&options.seed)?);
            seeded.map_err(|rejection| format!("--seed: {rejection}"))?;
        }
        let health = HealthReporter::new();
        health.set_serving::<GatewayServer<Gateway>>().await;
        let context = Arc::new(Context {
            gateway,
            health: HealthServer::new(HealthService::from_health_reporter(health)),
            certificates,
            tokens: Tokens::default(),
            assertions: Assertions::default(),
            issuers: Issuers::new(&options.issuers),
            connections: Connections::default(),
            counters: Counters::default(),
            calls: CallLog::open(options.call_log.as_deref())?,
            switches: Switches::default(),
            token_request: LastRequest::default(),
            stop: stop.clone(),
            options: options.clone(),
        });
        control::obey_all(&context, &options.misbehave).await?;
        let tasks = TaskTracker::new();
        tasks.spawn(context.gateway.clone().keep_time());
        let dead_ports = endpoints.run(&context, &tasks);
        if let Some(path) = &options.ports_file {
            places::write_ports_file(path, &places, &files)?;
        }
        Ok(Self {
            places,
            stop,
            tasks,
            _dead_ports: dead_ports,
            _temporary: temporary,
        })
    }

    /// The line that tells a user or a script that everything listens.
    pub fn ready_line(&self) -> String {
        let places: Vec<_> = self
            .places
            .iter()
            .map(|(name, place)| format!("{name} {place}"))
            .collect();
        format!("zeebe-dev-gateway ready: {}", places.join(", "))
    }

    /// Cancel it to stop the gateway.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits until the gateway was told to stop and its calls have ended, or have had time to.
    pub async fn stopped(self) {
        self.stop.cancelled().await;
        self.tasks.close();
        // What has not ended by now ends with the process.
        tokio::time::timeout(GRACE, self.tasks.wait()).await.ok();
    }
}

/// The files, each under its name without the directory.
fn read_resources(paths: &[PathBuf]) -> Result<Vec<Resource>, String> {
    let read = |path: &PathBuf| {
        let content =
            fs::read(path).map_err(|error| format!("--seed {}: {error}", path.display()))?;
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        Ok(Resource { name, content })
    };
    paths.iter().map(read).collect()
}
