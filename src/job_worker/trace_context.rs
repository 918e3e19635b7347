//! The trace that a job belongs to, by its headers: `traceparent` and `tracestate` (W3C Trace Context) and `baggage` (W3C Baggage).

use serde_json::{Map, Value};

use crate::wire::Metadata;

const KEYS: [&str; 3] = ["traceparent", "tracestate", "baggage"];

/// `metadata`, and what the headers, a JSON object, say of the trace. What no header may hold is left out, and what the
/// program gave stays.
pub(super) fn with_trace_context(metadata: &Metadata, headers: &[u8]) -> Metadata {
    let mut metadata = metadata.clone();
    let Ok(headers) = serde_json::from_slice::<Map<String, Value>>(headers) else {
        return metadata;
    };
    for key in KEYS {
        if let Some(Value::String(value)) = headers.get(key)
            && !metadata.has(key)
            && let Err(error) = metadata.add(key, value.as_bytes())
        {
            tracing::debug!("a job's header is not handed on: {error}");
        }
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_headers_say_of_a_trace_is_handed_on() {
        let mut own = Metadata::default();
        own.add("baggage", b"mine").unwrap();
        let headers = br#"{"traceparent":"00-1-2-01","tracestate":"a\nb","baggage":"theirs","else":"x","n":1}"#;
        let metadata = with_trace_context(&own, headers);
        let all: Vec<_> = (0..metadata.len())
            .map(|index| metadata.get(index).unwrap())
            .collect();
        assert_eq!(
            all,
            [("baggage", &b"mine"[..]), ("traceparent", b"00-1-2-01")]
        );
        for odd in [&b""[..], b"[]", b"{\"traceparent\":1}", b"{"] {
            assert_eq!(with_trace_context(&own, odd).len(), 1);
        }
    }
}
