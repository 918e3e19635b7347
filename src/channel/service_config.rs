//! Service config: the JSON of `grpc.service_config`, checked (service_config.md, gRFC A6), and the
//! arithmetic of its retries.
//!
//! Unknown fields are ignored, as gRPC does, and shown. Not here: the retries themselves (`call`), the balancing (`balancer`).

mod place;
mod throttle;

use std::collections::HashMap;
use std::time::Duration;

use tonic::Code;

use crate::error::CODE_NAMES;

use place::Place;
pub(crate) use throttle::{Throttle, Throttling};

/// gRFC A6, "Limits on Retries and Hedges".
const MOST_ATTEMPTS: u32 = 5;
/// gRFC A6, "Exponential Backoff": each pause is taken times 0.8 to 1.2.
const JITTER: f64 = 0.2;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ServiceConfig {
    /// `None`: the config does not say.
    pub(crate) policy: Option<Policy>,
    pub(crate) throttling: Option<Throttling>,
    /// By `/service/method`, `/service/` and the empty path, which is the default.
    methods: HashMap<String, MethodConfig>,
    /// The places of what has no effect here: what gRPC defines and this library does not do, and what nobody knows.
    pub(crate) not_honoured: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    PickFirst,
    RoundRobin,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MethodConfig {
    pub(crate) timeout: Option<Duration>,
    pub(crate) wait_for_ready: Option<bool>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) max_request: Option<usize>,
    pub(crate) max_response: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RetryPolicy {
    /// The first attempt included.
    pub(crate) max_attempts: u32,
    pub(crate) initial_backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) multiplier: f64,
    codes: Vec<Code>,
}

impl ServiceConfig {
    /// The error names the place in the JSON.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let root =
            serde_json::from_str(json).map_err(|error| format!("it is not JSON: {error}"))?;
        let root = Place::of(&root)?;
        let mut methods = HashMap::new();
        for place in root.list("methodConfig")? {
            let config = method_config(&place)?;
            for name in place.list("name")? {
                if methods.insert(path(&name)?, config.clone()).is_some() {
                    return Err(name.wrong("the same method is configured before"));
                }
            }
        }
        Ok(Self {
            policy: policy(&root)?,
            throttling: root.optional("retryThrottling", Throttling::parse)?,
            not_honoured: not_honoured(&root)?,
            methods,
        })
    }

    /// Of a path `/service/method`: what is said of the method, else of its service, else of all.
    pub(crate) fn method(&self, path: &str) -> Option<&MethodConfig> {
        if self.methods.is_empty() {
            return None; // as most are, and each call asks
        }
        let service = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
        let mut configs = [path, service, ""]
            .into_iter()
            .map(|key| self.methods.get(key));
        configs.find_map(|config| config)
    }
}

impl RetryPolicy {
    pub(crate) fn is_retryable(&self, code: Code) -> bool {
        self.codes.contains(&code)
    }

    /// The pause before a retry, the first of which is 1; `random` is in 0 to 1.
    pub(crate) fn backoff(&self, retry: u32, random: f64) -> Duration {
        let exponent = i32::try_from(retry.saturating_sub(1)).unwrap_or(i32::MAX);
        let pause = self.initial_backoff.as_secs_f64() * self.multiplier.powi(exponent);
        let pause = pause.min(self.max_backoff.as_secs_f64());
        Duration::from_secs_f64(pause * (1.0 - JITTER + 2.0 * JITTER * random))
    }
}

fn known(name: &str) -> Option<Policy> {
    match name {
        "pick_first" => Some(Policy::PickFirst),
        "round_robin" => Some(Policy::RoundRobin),
        _ => None,
    }
}

/// loadBalancingConfig, else the older loadBalancingPolicy.
fn policy(root: &Place) -> Result<Option<Policy>, String> {
    if let Some(place) = root.get("loadBalancingConfig") {
        let names = place.items()?.into_iter().map(|item| {
            let mut names = item.object()?.keys();
            match (names.next(), names.next()) {
                (Some(name), None) => Ok(known(name)),
                _ => Err(item.wrong("it must have one policy and nothing else")),
            }
        });
        // Each is checked, of those known the first counts.
        let policies: Vec<_> = names.collect::<Result<_, _>>()?;
        let policy = policies.into_iter().flatten().next();
        return match policy {
            Some(policy) => Ok(Some(policy)),
            None => Err(place.wrong("it must list pick_first or round_robin")),
        };
    }
    root.optional("loadBalancingPolicy", |place| {
        known(&place.text()?.to_ascii_lowercase())
            .ok_or_else(|| place.wrong("it must be pick_first or round_robin"))
    })
}

fn method_config(place: &Place) -> Result<MethodConfig, String> {
    let bytes = |key| {
        place.optional(key, |bytes| {
            Ok(bytes.whole("it must be a whole number of bytes, of 32 bits")? as usize)
        })
    };
    if let (Some(_), Some(hedging)) = (place.get("retryPolicy"), place.get("hedgingPolicy")) {
        return Err(hedging.wrong("there is a retryPolicy, too, and only one of the two may be"));
    }
    Ok(MethodConfig {
        max_request: bytes("maxRequestMessageBytes")?,
        max_response: bytes("maxResponseMessageBytes")?,
        timeout: place.optional("timeout", Place::duration)?,
        wait_for_ready: place.optional("waitForReady", Place::boolean)?,
        retry: place.optional("retryPolicy", retry_policy)?,
    })
}

/// What is said and has no effect, by its place.
fn not_honoured(root: &Place) -> Result<Vec<String>, String> {
    let mut places = root.others(&[
        "loadBalancingConfig",
        "loadBalancingPolicy",
        "methodConfig",
        "retryThrottling",
    ]);
    // The policy that counts has no settings that are honoured; of those before and after it nothing counts.
    if root.get("loadBalancingConfig").is_some() {
        for policy in root.list("loadBalancingConfig")? {
            for name in policy.object()?.keys() {
                match known(name).and(policy.get(name)) {
                    Some(settings) => places.extend(settings.others(&[])),
                    None => places.extend(policy.others(&[])),
                }
            }
        }
    }
    if let Some(throttling) = root.get("retryThrottling") {
        places.extend(throttling.others(&["maxTokens", "tokenRatio"]));
    }
    for method in root.list("methodConfig")? {
        places.extend(method.others(&[
            "name",
            "timeout",
            "waitForReady",
            "retryPolicy",
            "maxRequestMessageBytes",
            "maxResponseMessageBytes",
        ]));
        for name in method.list("name")? {
            places.extend(name.others(&["service", "method"]));
        }
        if let Some(retry) = method.get("retryPolicy") {
            places.extend(retry.others(&[
                "maxAttempts",
                "initialBackoff",
                "maxBackoff",
                "backoffMultiplier",
                "retryableStatusCodes",
            ]));
        }
    }
    Ok(places)
}

/// The key of a name; no service is the default for all.
fn path(name: &Place) -> Result<String, String> {
    name.object()?;
    let part = |key| name.optional(key, |part| Ok(part.text()?.to_owned()));
    let (service, method) = (part("service")?, part("method")?);
    match (service.unwrap_or_default(), method.unwrap_or_default()) {
        (service, method) if service.is_empty() && method.is_empty() => Ok(String::new()),
        (service, _) if service.is_empty() => Err(name.wrong("it has a method and no service")),
        (service, method) => Ok(format!("/{service}/{method}")),
    }
}

fn retry_policy(place: &Place) -> Result<RetryPolicy, String> {
    let pause = |key| {
        let place = place.required(key)?;
        match place.duration()? {
            Duration::ZERO => Err(place.wrong("it must be more than 0s")),
            pause => Ok(pause),
        }
    };
    let attempts = place.required("maxAttempts")?;
    let multiplier = place.required("backoffMultiplier")?;
    let codes = place.required("retryableStatusCodes")?;
    Ok(RetryPolicy {
        max_attempts: match attempts.whole("it must be a whole number")? {
            0 | 1 => return Err(attempts.wrong("it must be 2 or more, the first attempt included")),
            number => number.min(MOST_ATTEMPTS),
        },
        initial_backoff: pause("initialBackoff")?,
        max_backoff: pause("maxBackoff")?,
        multiplier: match multiplier.number()? {
            number if number > 0.0 => number,
            _ => return Err(multiplier.wrong("it must be more than 0")),
        },
        codes: match codes.items()? {
            items if items.is_empty() => return Err(codes.wrong("it must have a code")),
            items => items.iter().map(code).collect::<Result<_, _>>()?,
        },
    })
}

/// By name, in any case, or number (gRFC A6).
fn code(place: &Place) -> Result<Code, String> {
    let is_number = |number: i32| place.value.as_f64() == Some(f64::from(number));
    let is_name = |name| {
        place
            .value
            .as_str()
            .is_some_and(|text| text.eq_ignore_ascii_case(name))
    };
    let mut codes = (0..).zip(CODE_NAMES);
    let number = codes.find(|(number, name)| is_number(*number) || is_name(name));
    match number {
        Some((number, _)) => Ok(Code::from_i32(number)),
        None => Err(place.wrong("it is no gRPC status code")),
    }
}

#[cfg(test)]
mod tests;
