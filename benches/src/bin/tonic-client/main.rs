//! The clients made of tonic: `tonic`, as it is generated from the protocol, and `tonic-raw`, whose
//! messages stay bytes. Both have tonic's Channel.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod raw;
mod service;
mod typed;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use raw::Raw;
use service::{Service, WithToken};
use tokio::task::JoinSet;
use tonic::Request;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use typed::Typed;
use zeebe_benches::Outcome;
use zeebe_benches::meter::{Meter, rss_kib};
use zeebe_benches::run::{Kind, Measurement, Run};

#[derive(Debug, Parser)]
struct Arguments {
    client: Client,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
enum Client {
    /// generated, on tokio's current-thread runtime
    Tonic,
    /// a codec that passes bytes through, on the same
    TonicRaw,
    /// generated, on tokio's multi-thread runtime with one worker
    TonicMultiThread,
}

/// What the two kinds have in common.
trait Gateway: Clone + Send + 'static {
    type Service: Service;

    fn new(service: Self::Service) -> Self;
    fn topology(&mut self) -> impl Future<Output = Result<(), tonic::Status>> + Send;
    /// Reads the stream of one call, until it ends or `on_message` says `false`.
    fn jobs(
        &mut self,
        on_message: impl FnMut() -> bool + Send,
    ) -> impl Future<Output = Result<(), tonic::Status>> + Send;
}

fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(Duration::from_secs(30));
    request
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let mut builder = match arguments.client {
        Client::TonicMultiThread => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = builder.worker_threads(1).enable_all().build()?;
    let run = arguments.run;
    // Spawned, so that on the multi-thread runtime it is the worker that runs it.
    let measurement = runtime.block_on(async move {
        let is_raw = arguments.client == Client::TonicRaw;
        match (is_raw, run.token.is_some()) {
            (false, false) => tokio::spawn(measure::<Typed<Channel>>(run)),
            (false, true) => tokio::spawn(measure::<Typed<WithToken>>(run)),
            (true, false) => tokio::spawn(measure::<Raw<Channel>>(run)),
            (true, true) => tokio::spawn(measure::<Raw<WithToken>>(run)),
        }
        .await?
    })?;
    writeln!(io::stdout(), "{}", serde_json::to_string(&measurement)?)?;
    Ok(())
}

async fn measure<G: Gateway>(run: Run) -> Outcome<Measurement> {
    let endpoint = endpoint(&run)?;
    let mut measurement = match run.row {
        Kind::Unary => unary(connect::<G>(&endpoint, &run).await?, &run).await,
        Kind::Stream => stream(connect::<G>(&endpoint, &run).await?, &run).await,
        Kind::Cold => cold::<G>(endpoint, run).await,
        Kind::Idle => idle::<G>(&endpoint, &run).await,
        Kind::Held => held::<G>(&endpoint, &run).await,
        Kind::Jobs => Err("tonic has no worker".into()),
        Kind::Slow => Err("only the client zeebe-queue has this row".into()),
    }?;
    measurement.version = version();
    Ok(measurement)
}

fn endpoint(run: &Run) -> Outcome<Endpoint> {
    Ok(match run.ca_pem()? {
        None => Endpoint::from_shared(format!("http://{}", run.address))?,
        Some(ca) => {
            let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca));
            Endpoint::from_shared(format!("https://{}", run.address))?.tls_config(tls)?
        }
    })
}

async fn connect<G: Gateway>(endpoint: &Endpoint, run: &Run) -> Outcome<G> {
    let channel = endpoint.connect().await?;
    Ok(G::new(G::Service::over(channel, run)?))
}

async fn unary<G: Gateway>(gateway: G, run: &Run) -> Outcome<Measurement> {
    let meter = Arc::new(Meter::default());
    let mut tasks = JoinSet::new();
    for _ in 0..run.in_flight {
        let (mut gateway, meter) = (gateway.clone(), Arc::clone(&meter));
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            let mut from = Instant::now();
            while meter.goes_on() {
                gateway.topology().await?;
                let now = Instant::now();
                if meter.count_one() {
                    latencies.push((now - from).as_nanos() as u32);
                }
                from = now;
            }
            Ok::<_, tonic::Status>(latencies)
        });
    }
    let measurement = meter.measure(run.seconds).await?;
    let mut latencies = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        latencies.extend(joined??);
    }
    Ok(measurement.with_latencies(latencies))
}

async fn stream<G: Gateway>(mut gateway: G, run: &Run) -> Outcome<Measurement> {
    let meter = Arc::new(Meter::default());
    let reader = tokio::spawn({
        let meter = Arc::clone(&meter);
        async move {
            while meter.goes_on() {
                gateway
                    .jobs(|| {
                        meter.count_one();
                        meter.goes_on()
                    })
                    .await?;
            }
            Ok::<_, tonic::Status>(())
        }
    });
    let measurement = meter.measure(run.seconds).await?;
    reader.await??;
    Ok(measurement)
}

async fn cold<G: Gateway>(endpoint: Endpoint, run: Run) -> Outcome<Measurement> {
    let (meter, seconds) = (Arc::new(Meter::default()), run.seconds);
    let caller = tokio::spawn({
        let meter = Arc::clone(&meter);
        async move {
            let mut latencies = Vec::new();
            while meter.goes_on() {
                let from = Instant::now();
                called_once::<G>(&endpoint, &run).await?;
                if meter.count_one() {
                    latencies.push(from.elapsed().as_nanos() as u32);
                }
            }
            Outcome::Ok(latencies)
        }
    });
    let measurement = meter.measure(seconds).await?;
    Ok(measurement.with_latencies(caller.await??))
}

async fn idle<G: Gateway>(endpoint: &Endpoint, run: &Run) -> Outcome<Measurement> {
    // What the first one needs, the process needs once.
    let _first = called_once::<G>(endpoint, run).await?;
    let before = rss_kib()?;
    let mut channels = Vec::new();
    for _ in 0..run.in_flight {
        channels.push(called_once::<G>(endpoint, run).await?);
    }
    Ok(Measurement {
        rss_kib: Some((rss_kib()? - before) / channels.len() as f64),
        ..Measurement::default()
    })
}

async fn held<G: Gateway>(endpoint: &Endpoint, run: &Run) -> Outcome<Measurement> {
    let mut gateway = connect::<G>(endpoint, run).await?;
    let mut calls = JoinSet::new();
    let before = rss_kib()?;
    for _ in 0..run.in_flight {
        let mut gateway = gateway.clone();
        calls.spawn(async move { gateway.topology().await });
    }
    // They were spawned before it: when this one is connected, they are sent.
    let _next = connect::<G>(endpoint, run).await?;
    let each = (rss_kib()? - before) / run.in_flight as f64;
    gateway.topology().await?;
    while let Some(joined) = calls.join_next().await {
        joined??;
    }
    Ok(Measurement {
        rss_kib: Some(each),
        ..Measurement::default()
    })
}

async fn called_once<G: Gateway>(endpoint: &Endpoint, run: &Run) -> Outcome<G> {
    let mut gateway = connect::<G>(endpoint, run).await?;
    gateway.topology().await?;
    Ok(gateway)
}

/// tonic does not say it, but the workspace's lock file does.
fn version() -> String {
    let lock = include_str!("../../../../Cargo.lock");
    let of = |name: &str| {
        let start = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(start.1.split_once('"')?.0)
    };
    let unknown = "unknown";
    format!(
        "tonic {}, h2 {}",
        of("tonic").unwrap_or(unknown),
        of("h2").unwrap_or(unknown)
    )
}
