//! The calls and their headers, for tests and people that want to see what came: the last ones in memory, and all in
//! a file if wished.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName};
use serde_json::{Map, Value, json};

const CAPACITY: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct CallLog(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    last: VecDeque<Call>,
    lines: Option<Box<dyn Write + Send>>,
}

struct Call {
    rpc: String,
    listener: &'static str,
    headers: HeaderMap,
}

impl CallLog {
    /// Each call is also a line of JSON in this file, or on standard output if it is `-`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, String> {
        let lines: Option<Box<dyn Write + Send>> = match path {
            None => None,
            Some(path) if path == Path::new("-") => Some(Box::new(io::stdout())),
            Some(path) => {
                let file = File::create(path)
                    .map_err(|error| format!("--call-log {}: {error}", path.display()))?;
                Some(Box::new(file))
            }
        };
        let last = VecDeque::new();
        Ok(Self(Mutex::new(Calls { last, lines })))
    }

    pub(crate) fn add(&self, rpc: &str, listener: &'static str, headers: &HeaderMap) {
        let call = Call {
            rpc: rpc.to_owned(),
            listener,
            headers: headers.clone(),
        };
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lines) = &mut calls.lines {
            // Whole lines at once. That nobody reads them must not stop the gateway.
            lines
                .write_all(format!("{}\n", call.to_json()).as_bytes())
                .ok();
            lines.flush().ok();
        }
        if calls.last.len() == CAPACITY {
            calls.last.pop_front();
        }
        calls.last.push_back(call);
    }

    /// Of this RPC, if one is named; the oldest first.
    pub(crate) fn last(&self, count: usize, rpc: Option<&str>) -> Value {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_rpc = |call: &&Call| rpc.is_none_or(|rpc| call.rpc == rpc);
        let newest_first = calls.last.iter().rev().filter(of_rpc).take(count);
        let mut last: Vec<_> = newest_first.map(Call::to_json).collect();
        last.reverse();
        last.into()
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls")
            .field("last", &self.last.len())
            .finish_non_exhaustive()
    }
}

impl Call {
    fn to_json(&self) -> Value {
        let header = |name: &HeaderName| (name.to_string(), json!(self.values(name)));
        let headers: Map<_, _> = self.headers.keys().map(header).collect();
        json!({ "rpc": self.rpc, "listener": self.listener, "headers": headers })
    }

    /// The values of a header, joined by commas; of the authorization only the scheme is shown.
    fn values(&self, name: &HeaderName) -> String {
        let values = self.headers.get_all(name).iter();
        let values: Vec<Cow<'_, str>> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .map(|value| match value.split_once(' ') {
                _ if name != AUTHORIZATION => value,
                Some((scheme, _)) => format!("{scheme} …").into(),
                None => "…".into(),
            })
            .collect();
        values.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_are_kept_and_the_oldest_comes_first() {
        let log = CallLog::default();
        for number in 0..CAPACITY + 2 {
            log.add(&number.to_string(), "plaintext", &HeaderMap::new());
        }
        let all = log.last(CAPACITY + 2, None);
        assert_eq!(all.as_array().map(Vec::len), Some(CAPACITY));
        assert_eq!(all[0]["rpc"], "2");
        assert_eq!(log.last(1, None)[0]["rpc"], (CAPACITY + 1).to_string());
        assert_eq!(log.last(1, Some("7"))[0]["rpc"], "7");
        assert_eq!(log.last(1, Some("1")), json!([]));
    }

    #[test]
    fn a_secret_without_a_scheme_is_not_shown_either() {
        let log = CallLog::default();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "secret".parse().expect("a header"))]);
        log.add("Topology", "plaintext", &headers);
        assert_eq!(log.last(1, None)[0]["headers"]["authorization"], "…");
    }
}
