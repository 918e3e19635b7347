//! The messages of a job stream: the request of a poll from that of the stream, and single jobs from its answer.

use std::time::Duration;

use bytes::Bytes;
use prost::{DecodeError, Message};
use prost_reflect::{DynamicMessage, ReflectMessage, Value};

use crate::channel::{ACTIVATE_JOBS, STREAM_ACTIVATED_JOBS};
use crate::error::Error;
use crate::json::Rpc;
use crate::wire::fields;

/// A request timeout below 0: the gateway answers at once.
const NO_LONG_POLL: i64 = -1;

/// The requests of both calls.
#[derive(Debug)]
pub(super) struct Requests {
    /// As the program gave it, unknown fields too.
    pub(super) stream: Vec<u8>,
    poll: DynamicMessage,
}

impl Requests {
    /// `stream` is an encoded StreamActivatedJobsRequest. A poll takes over what both requests have, by name.
    pub(super) fn new(stream: &[u8]) -> Result<Self, Error> {
        let given = DynamicMessage::decode(Rpc::find(STREAM_ACTIVATED_JOBS)?.input(), stream)
            .map_err(|error| {
                Error::invalid_argument(format!(
                    "the request is no StreamActivatedJobsRequest: {error}"
                ))
            })?;
        let mut poll = DynamicMessage::new(Rpc::find(ACTIVATE_JOBS)?.input());
        for (field, value) in given.fields() {
            if poll.descriptor().get_field_by_name(field.name()).is_some() {
                set(&mut poll, field.name(), value.clone())?;
            }
        }
        // They are set for each poll; here they are tried.
        set(&mut poll, "maxJobsToActivate", Value::I32(1))?;
        set(&mut poll, "requestTimeout", Value::I64(NO_LONG_POLL))?;
        Ok(Self {
            stream: stream.to_vec(),
            poll,
        })
    }

    /// For at most `max` jobs; with `patience` as a long poll.
    pub(super) fn poll(&self, max: usize, patience: Option<Duration>) -> Result<Vec<u8>, Error> {
        let max = i32::try_from(max).unwrap_or(i32::MAX);
        let timeout = patience.map_or(NO_LONG_POLL, |patience| {
            i64::try_from(patience.as_millis()).unwrap_or(i64::MAX)
        });
        let mut poll = self.poll.clone();
        set(&mut poll, "maxJobsToActivate", Value::I32(max))?;
        set(&mut poll, "requestTimeout", Value::I64(timeout))?;
        Ok(poll.encode_to_vec())
    }
}

/// Fails only with a protocol of the program's own that has another type there.
fn set(message: &mut DynamicMessage, field: &str, value: Value) -> Result<(), Error> {
    message
        .try_set_field_by_name(field, value)
        .map_err(|error| {
            let name = message.descriptor().full_name().to_owned();
            Error::invalid_argument(format!(
                "the registered {name} does not fit: {field}: {error}"
            ))
        })
}

/// The jobs of an ActivateJobsResponse, cut out and not decoded: fields that this library does not know stay.
pub(super) fn jobs(response: Bytes) -> Result<Vec<Bytes>, DecodeError> {
    const JOBS: u32 = 1;
    fields(response, JOBS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: &str) -> Requests {
        Requests::new(
            &Rpc::find(STREAM_ACTIVATED_JOBS)
                .unwrap()
                .request_from_json(json)
                .unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn a_poll_asks_for_what_the_stream_does() {
        let json = r#"{"type":"t","worker":"w","timeout":"5","fetchVariable":["a"],"tenantIds":["x","y"]}"#;
        let poll = request(json).poll(7, Some(Duration::from_secs(2))).unwrap();
        let expected = r#"{"type":"t","worker":"w","timeout":"5","maxJobsToActivate":7,"fetchVariable":["a"],
            "requestTimeout":2000,"tenantIds":["x","y"]}"#;
        let rpc = Rpc::find(ACTIVATE_JOBS).unwrap();
        assert_eq!(poll, rpc.request_from_json(expected).unwrap());
        let error = Requests::new(b"\xff").unwrap_err();
        assert!(
            error.message().contains("StreamActivatedJobsRequest"),
            "{error}"
        );
    }

    #[test]
    fn jobs_are_cut_out_as_they_came() {
        // Two jobs, the first with a field 1023, and an unknown field 9 beside them.
        let response = b"\x0a\x05\x08\x07\xf8\x3f\x01\x48\x01\x0a\x00";
        let jobs_of = |bytes: &[u8]| jobs(Bytes::copy_from_slice(bytes));
        assert_eq!(
            jobs_of(response).unwrap(),
            [&b"\x08\x07\xf8\x3f\x01"[..], b""]
        );
        assert!(jobs_of(b"\x0a\x05\x08").is_err());
        assert!(jobs_of(b"\x48").is_err());
        assert!(jobs_of(b"").unwrap().is_empty());
    }
}
