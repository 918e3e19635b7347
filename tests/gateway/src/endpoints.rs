//! What listens, by the names of the ports file.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio_util::task::TaskTracker;

use crate::calls::Admission;
use crate::certificates::Certificates;
use crate::context::Context;
use crate::decoys::{DeadPort, Decoy};
use crate::listeners::{Endpoint, Role};
use crate::options::{CLOUD_AUDIENCE, Options};
use crate::places::Place;
use crate::sockets::Listening;
use crate::token_endpoint::Shown;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LOCALHOST_V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// All that is bound, before anything is served; plaintext is the first.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    pub(crate) places: Vec<(&'static str, Place)>,
    served: Vec<(Listening, Endpoint)>,
    decoys: Vec<(Listening, Decoy)>,
    /// Kept, so that they stay dead.
    dead_ports: Vec<DeadPort>,
}

impl Endpoints {
    pub(crate) async fn bind(
        options: &Options,
        certificates: &Certificates,
        unix: &Path,
    ) -> io::Result<Self> {
        let mut all = Self::default();
        for endpoint in tcp(options, certificates) {
            let port = match endpoint.name {
                "plaintext" => options.plaintext_port,
                _ => 0,
            };
            all.serve(Listening::tcp(LOCALHOST, port).await?, endpoint);
        }
        // Not every machine has IPv6, nor every path room in a Unix address.
        let open = |name| endpoint(name, None, Role::Gateway(Admission::default()));
        if let Ok(bound) = Listening::tcp(LOCALHOST_V6, 0).await {
            all.serve(bound, open("plaintext_v6"));
        }
        if let Ok(bound) = Listening::unix(unix) {
            all.serve(bound, open("unix"));
        }
        for (name, decoy) in [
            ("silent", Decoy::Silent),
            ("http1", Decoy::HTTP1),
            ("leaving", Decoy::LEAVING),
            ("proxy_407", Decoy::PROXY_407),
            ("proxy_502", Decoy::PROXY_502),
            ("endless_interim", Decoy::ENDLESS_INTERIM),
            ("endless_chunk", Decoy::ENDLESS_CHUNK),
        ] {
            let (listening, place) = Listening::tcp(LOCALHOST, 0).await?;
            all.places.push((name, place));
            all.decoys.push((listening, decoy));
        }
        all.keep("refused", DeadPort::refused()?);
        if let Some(port) = DeadPort::blackhole()? {
            all.keep("blackhole", port);
        }
        Ok(all)
    }

    fn serve(&mut self, (listening, place): (Listening, Place), endpoint: Endpoint) {
        self.places.push((endpoint.name, place));
        self.served.push((listening, endpoint));
    }

    fn keep(&mut self, name: &'static str, port: DeadPort) {
        self.places.push((name, Place::Tcp(port.address)));
        self.dead_ports.push(port);
    }

    /// Serves all in tasks of their own; returns what has to be kept.
    pub(crate) fn run(self, context: &Arc<Context>, tasks: &TaskTracker) -> Vec<DeadPort> {
        for (listening, endpoint) in self.served {
            tasks.spawn(endpoint.run(listening, Arc::clone(context), tasks.clone()));
        }
        for (listening, decoy) in self.decoys {
            tasks.spawn(decoy.run(listening, context.stop.clone(), tasks.clone()));
        }
        self.dead_ports
    }
}

/// What listens on 127.0.0.1.
fn tcp(options: &Options, certificates: &Certificates) -> Vec<Endpoint> {
    let Certificates {
        tls,
        no_alpn,
        mtls,
        cloud,
        token,
        token_mtls,
        self_signed,
        self_signed_expired,
        token_self_signed,
        ..
    } = certificates;
    let open = || Role::Gateway(Admission::default());
    let guarded = |audience: &str| {
        Role::Gateway(Admission {
            audience: Some(audience.to_owned()),
            ..Admission::default()
        })
    };
    let resetting = || {
        Role::Gateway(Admission {
            resets: true,
            ..Admission::default()
        })
    };
    let compressing = Role::Gateway(Admission {
        compresses: true,
        ..Admission::default()
    });
    let limited = Role::Gateway(Admission {
        max_concurrent_streams: Some(4),
        ..Admission::default()
    });
    let oauth = || guarded(&options.audience);
    vec![
        endpoint("plaintext", None, open()),
        endpoint("plaintext_oauth", None, oauth()),
        endpoint("tls", Some(tls), open()),
        endpoint("tls_oauth", Some(tls), oauth()),
        endpoint("mtls", Some(mtls), open()),
        endpoint("cloud", Some(cloud), guarded(CLOUD_AUDIENCE)),
        endpoint("no_alpn", Some(no_alpn), open()),
        endpoint("self_signed", Some(self_signed), open()),
        endpoint("self_signed_expired", Some(self_signed_expired), open()),
        endpoint("gzip", None, compressing),
        endpoint("limited", None, limited),
        endpoint("reset", None, resetting()),
        endpoint("reset_tls", Some(tls), resetting()),
        endpoint(
            "token_http",
            None,
            Role::TokenEndpoint("http", Shown::Request),
        ),
        endpoint(
            "token_https",
            Some(token),
            Role::TokenEndpoint("https", Shown::Request),
        ),
        endpoint(
            "token_self_signed",
            Some(token_self_signed),
            Role::TokenEndpoint("https", Shown::Request),
        ),
        endpoint(
            "token_mtls",
            Some(token_mtls),
            Role::TokenEndpoint("https", Shown::Certificate),
        ),
        endpoint("control", None, Role::Control),
    ]
}

fn endpoint(name: &'static str, tls: Option<&Arc<ServerConfig>>, role: Role) -> Endpoint {
    let tls = tls.cloned();
    Endpoint { name, tls, role }
}
