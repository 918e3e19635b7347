//! The last calls and their headers, for tests that want to see what came.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName};
use serde_json::{Map, Value, json};

const CAPACITY: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct CallLog(Mutex<VecDeque<Call>>);

#[derive(Debug)]
struct Call {
    rpc: String,
    listener: &'static str,
    headers: HeaderMap,
}

impl CallLog {
    pub(crate) fn add(&self, rpc: &str, listener: &'static str, headers: &HeaderMap) {
        let call = Call {
            rpc: rpc.to_owned(),
            listener,
            headers: headers.clone(),
        };
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == CAPACITY {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    /// The oldest first.
    pub(crate) fn last(&self, count: usize) -> Value {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = calls.len().saturating_sub(count);
        calls.iter().skip(skipped).map(Call::to_json).collect()
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
        let all = log.last(CAPACITY + 2);
        assert_eq!(all.as_array().map(Vec::len), Some(CAPACITY));
        assert_eq!(all[0]["rpc"], "2");
        assert_eq!(log.last(1)[0]["rpc"], (CAPACITY + 1).to_string());
    }

    #[test]
    fn a_secret_without_a_scheme_is_not_shown_either() {
        let log = CallLog::default();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "secret".parse().expect("a header"))]);
        log.add("Topology", "plaintext", &headers);
        assert_eq!(log.last(1)[0]["headers"]["authorization"], "…");
    }
}
