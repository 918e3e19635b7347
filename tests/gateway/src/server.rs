//! Starts everything, says where it listens, and stops it.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tempfile::{NamedTempFile, TempDir};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::calls::Admission;
use crate::certificates::{CertificateFiles, Certificates};
use crate::connections::Connections;
use crate::context::Context;
use crate::gateway::Gateway;
use crate::listeners::{Endpoint, Listener, Role};
use crate::options::{CLOUD_AUDIENCE, Options};
use crate::switches::{Counters, Switches};
use crate::tokens::Tokens;

/// How long open calls may take to end once the gateway stops.
const GRACE: Duration = Duration::from_millis(500);

/// A gateway that listens.
#[derive(Debug)]
pub struct Server {
    ports: Vec<(&'static str, u16)>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Removed with the server.
    _temporary: Option<TempDir>,
}

impl Server {
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
        let certificates = Certificates::create(directory, &options.cluster_id, &options.region)?;

        let mut listeners = Vec::new();
        for (name, endpoint) in endpoints(&options, &certificates) {
            let port = if name == "plaintext" {
                options.plaintext_port
            } else {
                0
            };
            listeners.push((Listener::bind(name, port).await?, endpoint));
        }
        let ports: Vec<_> = listeners
            .iter()
            .map(|(listener, _)| (listener.name, listener.address.port()))
            .collect();
        let stop = CancellationToken::new();
        let context = Arc::new(Context {
            gateway: Gateway::new(&options, ports[0].1, stop.clone()),
            tokens: Tokens::default(),
            connections: Connections::default(),
            counters: Counters::default(),
            switches: Switches::default(),
            stop: stop.clone(),
            options: options.clone(),
        });
        let tasks = TaskTracker::new();
        for (listener, endpoint) in listeners {
            tasks.spawn(listener.run(endpoint, Arc::clone(&context), tasks.clone()));
        }
        if let Some(path) = &options.ports_file {
            write_ports_file(path, &ports, &certificates.files)?;
        }
        Ok(Self {
            ports,
            stop,
            tasks,
            _temporary: temporary,
        })
    }

    /// The line that tells a user or a script that everything listens.
    pub fn ready_line(&self) -> String {
        let ports: Vec<_> = self
            .ports
            .iter()
            .map(|(name, port)| format!("{name} 127.0.0.1:{port}"))
            .collect();
        format!("zeebe-dev-gateway ready: {}", ports.join(", "))
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
        drop(tokio::time::timeout(GRACE, self.tasks.wait()).await);
    }
}

/// What listens; plaintext is the first.
fn endpoints(options: &Options, certificates: &Certificates) -> Vec<(&'static str, Endpoint)> {
    let Certificates {
        tls,
        mtls,
        cloud,
        token,
        ..
    } = certificates;
    let open = || Role::Gateway(Admission::default());
    let guarded = |audience: &str| {
        Role::Gateway(Admission {
            audience: Some(audience.to_owned()),
            resets: false,
        })
    };
    let resetting = || {
        Role::Gateway(Admission {
            audience: None,
            resets: true,
        })
    };
    let oauth = || guarded(&options.audience);
    [
        ("plaintext", None, open()),
        ("plaintext_oauth", None, oauth()),
        ("tls", Some(tls), open()),
        ("tls_oauth", Some(tls), oauth()),
        ("mtls", Some(mtls), open()),
        ("cloud", Some(cloud), guarded(CLOUD_AUDIENCE)),
        ("reset", None, resetting()),
        ("reset_tls", Some(tls), resetting()),
        ("token_http", None, Role::TokenEndpoint),
        ("token_https", Some(token), Role::TokenEndpoint),
        ("control", None, Role::Control),
    ]
    .into_iter()
    .map(|(name, tls, role)| {
        (
            name,
            Endpoint {
                tls: tls.cloned(),
                role,
            },
        )
    })
    .collect()
}

/// Written beside its place and renamed, so that who sees the file sees all of it.
fn write_ports_file(
    path: &Path,
    ports: &[(&'static str, u16)],
    files: &CertificateFiles,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut content: Map<String, Value> = ports
        .iter()
        .map(|(name, port)| ((*name).to_owned(), json!(port)))
        .collect();
    content.insert("ca".to_owned(), json!(files.ca));
    content.insert("other_ca".to_owned(), json!(files.other_ca));
    content.insert(
        "client_certificate".to_owned(),
        json!(files.client_certificate),
    );
    content.insert("client_key".to_owned(), json!(files.client_key));
    content.insert("pid".to_owned(), json!(std::process::id()));
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(parent.unwrap_or(Path::new(".")))?;
    writeln!(file, "{}", Value::Object(content))?;
    file.persist(path)?;
    Ok(())
}
