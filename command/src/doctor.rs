//! `zeebe doctor`: the way to the gateway step by step, and at the step that fails the cause, and the variable to change.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value, json};
use zeebe::call::{CallOptions, Timeout, json_blocking};
use zeebe::channel::create::{ConnectionOptions, from_environment};
use zeebe::channel::{Channel, Leg, Stage};
use zeebe::error::{Code, Error};

use crate::advice::Advice;
use crate::certificates::{Age, Certificate};
use crate::failure::{Failure, exit_code};
use crate::output::{Output, wrapped};
use crate::settings::Settings;
use crate::stream::{self, Event};
use crate::{token, topology};

/// The way's steps, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Settings,
    Lookup,
    Connect,
    Proxy,
    Tls,
    Http2,
    Token,
    Topology,
    JobStream,
}

impl Step {
    const ALL: [Self; 9] = [
        Self::Settings,
        Self::Lookup,
        Self::Connect,
        Self::Proxy,
        Self::Tls,
        Self::Http2,
        Self::Token,
        Self::Topology,
        Self::JobStream,
    ];

    fn of(stage: Stage) -> Self {
        match stage {
            Stage::Lookup => Self::Lookup,
            Stage::Connect => Self::Connect,
            Stage::Proxy => Self::Proxy,
            Stage::Tls => Self::Tls,
            Stage::Http2 => Self::Http2,
        }
    }

    /// As JSON and people have it.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Settings => ("settings", "settings"),
            Self::Lookup => ("lookup", "name resolution"),
            Self::Connect => ("connect", "TCP connection"),
            Self::Proxy => ("proxy", "proxy"),
            Self::Tls => ("tls", "TLS handshake"),
            Self::Http2 => ("http2", "HTTP/2"),
            Self::Token => ("token", "token"),
            Self::Topology => ("topology", "topology"),
            Self::JobStream => ("job_stream", "job stream"),
        }
    }
}

/// A stream that lives so long was taken on: what refuses it does so at once.
const ALIVE: Duration = Duration::from_secs(1);

pub(crate) fn run(timeout: Duration, output: &Output) -> Result<(), Failure> {
    let mut doctor = Doctor {
        output,
        timeout,
        steps: Vec::new(),
    };
    let failed = doctor.examine()?;
    for step in &Step::ALL[doctor.steps.len()..] {
        let text = format!("-     {}: skipped", step.names().1);
        doctor.say(*step, &text, json!({ "outcome": "skipped" }))?;
    }
    let exit = failed.as_ref().map_or(0, exit_code);
    if output.json {
        let steps = &doctor.steps;
        output.line(&json!({ "ok": exit == 0, "exit_code": exit, "steps": steps }).to_string())?;
    } else {
        output.line(match exit {
            0 => "All is well.",
            _ => "Not well: see the step that FAILED.",
        })?;
    }
    match exit {
        0 => Ok(()),
        _ => Err(Failure::told(exit)),
    }
}

struct Doctor<'a> {
    output: &'a Output,
    timeout: Duration,
    /// As JSON has them.
    steps: Vec<Value>,
}

/// What is to be said of a step that went well.
#[derive(Default)]
struct Found {
    text: Vec<String>,
    json: Map<String, Value>,
}

impl Found {
    fn of(text: impl Into<String>) -> Self {
        Self {
            text: vec![text.into()],
            json: Map::new(),
        }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.json.insert(name.to_owned(), value);
        self
    }
}

impl Doctor<'_> {
    /// What failed, if anything did; all that was done until then was said.
    fn examine(&mut self) -> Result<Option<Error>, Failure> {
        let began = Instant::now();
        let channel = match from_environment(ConnectionOptions::default()) {
            Ok(channel) => channel,
            Err(error) => {
                // The message names the variables.
                let advice = Advice::of_variables(&error);
                self.failed(
                    Step::Settings,
                    began.elapsed(),
                    &error,
                    &advice,
                    Found::default(),
                )?;
                return Ok(Some(error));
            }
        };
        let settings = Settings::of(&channel);
        if let Some(problem) = settings.problem() {
            let error = Error::settings(problem);
            let setting = match problem.starts_with("the target") {
                true => "{address}",
                false => "{authorization_server}",
            };
            let advice = Advice::new(&settings, &format!("change {setting}"));
            self.failed(
                Step::Settings,
                began.elapsed(),
                &error,
                &advice,
                shown(&settings),
            )?;
            return Ok(Some(error));
        }
        self.well(Step::Settings, began.elapsed(), shown(&settings))?;

        if let Some(error) = self.walk(&channel, &settings)? {
            return Ok(Some(error));
        }
        for step in [Step::Token, Step::Topology, Step::JobStream] {
            let began = Instant::now();
            let ended = match step {
                Step::Token => self.token(&channel, &settings),
                Step::Topology => self.topology(&channel),
                _ => self.job_stream(&channel),
            };
            match ended {
                Ok(found) => self.well(step, began.elapsed(), found)?,
                Err(error) => {
                    let advice = Advice::of(&error, &settings);
                    self.failed(step, began.elapsed(), &error, &advice, Found::default())?;
                    return Ok(Some(error));
                }
            }
        }
        Ok(None)
    }

    /// Name, TCP, proxy, TLS and HTTP/2.
    fn walk(
        &mut self,
        channel: &Arc<Channel>,
        settings: &Settings,
    ) -> Result<Option<Error>, Failure> {
        let legs = match channel.walk(self.timeout) {
            Ok(legs) => legs,
            Err(error) => {
                let advice = Advice::of(&error, settings);
                self.failed(
                    Step::Lookup,
                    Duration::ZERO,
                    &error,
                    &advice,
                    Found::default(),
                )?;
                return Ok(Some(error));
            }
        };
        for leg in legs {
            let step = Step::of(leg.stage);
            self.not_needed_until(step)?;
            let now = SystemTime::now();
            let chain = leg.certificates.iter();
            let chain: Vec<_> = chain
                .filter_map(|der| Certificate::parse(der, now))
                .collect();
            let found = found(&leg, &chain);
            match &leg.ended {
                Ok(()) => self.well(step, leg.took, found)?,
                Err(error) => {
                    let advice = of_leg(&leg, &chain, error, settings);
                    self.failed(step, leg.took, error, &advice, found)?;
                    return Ok(Some(error.clone()));
                }
            }
        }
        Ok(None)
    }

    fn token(&self, channel: &Channel, settings: &Settings) -> Result<Found, Error> {
        if !settings.has_oauth() {
            let other = ["token", "username"]
                .into_iter()
                .find(|name| settings.value(name).is_some());
            return Ok(Found::of(match other {
                Some("token") => format!("given ({})", settings.origin("token")),
                Some(name) => format!("none, but HTTP Basic ({})", settings.origin(name)),
                None => "none is sent".to_owned(),
            }));
        }
        let obtained = token::obtained(channel, settings)?;
        let text = token::text(&obtained);
        let text = text.lines().map(str::to_owned).collect();
        let json = match obtained {
            Value::Object(json) => json,
            _ => Map::new(),
        };
        Ok(Found { text, json })
    }

    fn topology(&self, channel: &Arc<Channel>) -> Result<Found, Error> {
        let topology = self.ask(channel)?;
        let text = topology::summary(&topology);
        Ok(Found::of(text).with("topology", topology))
    }

    fn ask(&self, channel: &Arc<Channel>) -> Result<Value, Error> {
        let options = CallOptions {
            timeout: Timeout::After(self.timeout),
            ..CallOptions::default()
        };
        let answer = json_blocking(channel, "Topology", "{}", options)?;
        serde_json::from_str(&answer).map_err(|error| Error::internal(error.to_string()))
    }

    /// Of a type that has no jobs.
    fn job_stream(&self, channel: &Arc<Channel>) -> Result<Found, Error> {
        let job_type = format!("zeebe-doctor-{}", std::process::id());
        let (stream, events) = stream::open(channel, &job_type, 1000, 1, false)?;
        match events.recv_timeout(ALIVE) {
            // It is alive.
            Ok(Event::Job(..)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Event::Failed(failure)) => return Err(failure.error),
            Ok(Event::Closed(Err(error))) => return Err(error),
            Ok(Event::Closed(Ok(()))) | Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::unavailable("the job stream ended at once"));
            }
        }
        // Its connection carries answers beside it.
        self.ask(channel)?;
        stream.close();
        Ok(Found::of(format!(
            "opened, and open after {} ms",
            ALIVE.as_millis()
        )))
    }

    /// The steps before this one that the way did not have.
    fn not_needed_until(&mut self, step: Step) -> Result<(), Failure> {
        loop {
            let next = Step::ALL[self.steps.len()];
            if next >= step {
                return Ok(());
            }
            let why = match next {
                Step::Lookup => "the address is no name",
                Step::Proxy => "none is configured",
                Step::Tls => "the channel is plaintext",
                _ => "there is none",
            };
            let text = format!("-     {}: not needed, {why}", next.names().1);
            self.say(next, &text, json!({ "outcome": "not_needed", "why": why }))?;
        }
    }

    fn well(&mut self, step: Step, took: Duration, found: Found) -> Result<(), Failure> {
        self.done(step, took, found, None)
    }

    fn failed(
        &mut self,
        step: Step,
        took: Duration,
        error: &Error,
        advice: &Advice,
        found: Found,
    ) -> Result<(), Failure> {
        self.done(step, took, found, Some((error, advice)))
    }

    fn done(
        &mut self,
        step: Step,
        took: Duration,
        found: Found,
        failure: Option<(&Error, &Advice)>,
    ) -> Result<(), Failure> {
        self.not_needed_until(step)?;
        let shown = format!("{} ({})", step.names().1, milliseconds(took));
        let (line, outcome) = match failure {
            None => (format!("ok    {shown}"), "ok"),
            Some(_) => (format!("FAIL  {shown} FAILED"), "failed"),
        };
        let mut lines = vec![line];
        lines.extend(found.text.iter().map(|text| indented(text)));
        let mut json = found.json;
        json.insert("outcome".to_owned(), json!(outcome));
        json.insert("took_ms".to_owned(), json!(took.as_secs_f64() * 1000.0));
        if let Some((error, advice)) = failure {
            lines.push(format!("      cause: {}", wrapped(error.message(), 13)));
            lines.push(format!("      to do: {}", wrapped(&advice.text, 13)));
            json.insert("cause".to_owned(), json!(error.message()));
            json.insert("status".to_owned(), json!(error.status()));
            json.insert("advice".to_owned(), json!(advice.text));
            json.insert("variables".to_owned(), json!(advice.variables));
        }
        self.say(step, &lines.join("\n"), Value::Object(json))
    }

    /// As it happens, for people; for programs all at the end.
    fn say(&mut self, step: Step, text: &str, said: Value) -> Result<(), Failure> {
        let mut json = Map::from_iter([("step".to_owned(), json!(step.names().0))]);
        if let Value::Object(said) = said {
            json.extend(said);
        }
        self.steps.push(Value::Object(json));
        match self.output.json {
            true => Ok(()),
            false => self.output.line(text),
        }
    }
}

fn indented(text: &str) -> String {
    format!("      {}", wrapped(text, 8))
}

fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

/// Settings with their origins, and what is set in vain.
fn shown(settings: &Settings) -> Found {
    let mut text = vec![format!(
        "{} channel, {}",
        settings.kind(),
        settings.security()
    )];
    for name in settings.names() {
        let value = settings.value(&name);
        let value = value.unwrap_or_else(|| "none".to_owned());
        text.push(format!("{name}: {value} ({})", settings.origin(&name)));
    }
    for (name, why, hint) in settings.unused() {
        text.push(format!("note: {name} is not used: {why}; {hint}"));
    }
    let json = settings.json().as_object();
    Found {
        text,
        json: Map::from_iter([("channel".to_owned(), json!(json))]),
    }
}

fn found(leg: &Leg, chain: &[Certificate]) -> Found {
    let mut text = match leg.stage {
        _ if leg.found.is_empty() => Vec::new(),
        Stage::Lookup => vec![leg.found.join(", ")],
        Stage::Connect => vec![format!("to {}", leg.found.join(", "))],
        Stage::Proxy => vec![format!("through {}", leg.found.join(", "))],
        Stage::Tls => vec![format!("as {}", leg.found.join(", "))],
        Stage::Http2 => vec!["the gateway's SETTINGS came".to_owned()],
    };
    text.extend(
        chain
            .iter()
            .map(|certificate| format!("certificate: {}", certificate.text())),
    );
    let mut json = Map::from_iter([("found".to_owned(), json!(leg.found))]);
    if leg.stage == Stage::Tls {
        let chain = chain.iter().map(Certificate::json).collect::<Vec<_>>();
        json.insert("certificates".to_owned(), json!(chain));
    }
    Found { text, json }
}

/// What to do about a stage of the way that failed.
fn of_leg(leg: &Leg, chain: &[Certificate], error: &Error, settings: &Settings) -> Advice {
    let text = match (leg.stage, &leg.proxy) {
        (Stage::Lookup | Stage::Connect, Some(variable)) => format!(
            "the proxy cannot be reached: change {{{variable}}}, or list the gateway's host in no_proxy to go without"
        ),
        (Stage::Proxy, Some(variable)) => format!(
            "the proxy makes no connection to the gateway: change {{{variable}}}, or {{address}}, or list the gateway's host in no_proxy to go without"
        ),
        _ => return of_direct_leg(leg, chain, error, settings),
    };
    Advice::new(settings, &text)
}

/// The same of a stage that no proxy has a part in.
fn of_direct_leg(leg: &Leg, chain: &[Certificate], error: &Error, settings: &Settings) -> Advice {
    let is_late = error.code() == Code::DeadlineExceeded;
    let has_age = |age| chain.iter().any(|certificate| certificate.age == age);
    let now = token::date(SystemTime::now());
    let text = match leg.stage {
        Stage::Lookup => {
            "no such name is known here: is the host in {address} right, and does this machine have the right DNS servers (/etc/resolv.conf)?".to_owned()
        }
        Stage::Connect if is_late => {
            "nothing answers, not even with a refusal: a firewall drops what is sent, or the host is off. Is the port in {address} right? Where \
             a proxy is to be used, name it in https_proxy or grpc_proxy"
                .to_owned()
        }
        Stage::Connect => {
            "nothing listens there: is the gateway running, and are host and port in {address} right?".to_owned()
        }
        Stage::Tls if has_age(Age::Expired) => format!(
            "the certificate has expired: the gateway needs a new one, or {{address}} leads to an old gateway; it is {now} by this machine's clock: is \
             that right?"
        ),
        Stage::Tls if has_age(Age::TooEarly) => format!(
            "the certificate is not good yet: it is {now} by this machine's clock, which seems to be slow: set it, by NTP; else the gateway at \
             {{address}} needs another certificate"
        ),
        Stage::Tls if is_late => {
            "it was connected, and then nothing came: what listens at {address} is busy, is no TLS server, or is behind a firewall that \
             drops what is sent"
                .to_owned()
        }
        Stage::Http2 if is_late => {
            "it was connected, and then nothing came: what listens at {address} speaks no HTTP/2, or wants TLS: then change {insecure}".to_owned()
        }
        Stage::Http2 | Stage::Tls if is_http1(error) => {
            "HTTP/1.1 is spoken there, and gRPC needs HTTP/2: a proxy or a REST endpoint is at {address}: change it to the gateway's gRPC port, \
             or let the proxy speak HTTP/2 to both sides (docs/proxies.md); {insecure} says whether TLS is used"
                .to_owned()
        }
        Stage::Proxy | Stage::Tls | Stage::Http2 => return Advice::of(error, settings),
    };
    Advice::new(settings, &text)
}

fn is_http1(error: &Error) -> bool {
    let message = error.message();
    message.contains("HTTP/1")
        || message.contains("by ALPN")
        || message.contains("NoApplicationProtocol")
}
