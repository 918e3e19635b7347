//! How a job ends: the request that says so, and what its answer means.

use std::time::Duration;

use prost::encoding::{int32, int64};

use crate::error::{Code, Error, Source};

pub(super) const UPDATE_JOB_TIMEOUT: &str = "/gateway_protocol.Gateway/UpdateJobTimeout";

/// What the program knows of a job's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The gateway has taken it.
    Ended,
    /// The gateway has not, and will not: the job comes again, or is another's.
    NotEnded,
    /// It may have, or not.
    Unknown,
}

/// What is told of it.
#[derive(Debug)]
pub struct Outcome {
    /// What is known.
    pub verdict: Verdict,
    /// Why it is not known to have ended.
    pub error: Option<Error>,
}

/// What the answer to an end means; without a verdict it may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) verdict: Option<Verdict>,
    /// The gateway may have taken it all the same.
    pub(super) perhaps: bool,
    /// It has more to do than it can.
    pub(super) is_pressure: bool,
    pub(super) retry_after: Option<Duration>,
}

/// What became of an end.
pub(super) fn judge(answered: Result<(), &Error>) -> Answer {
    let Err(error) = answered else {
        return Answer {
            verdict: Some(Verdict::Ended),
            perhaps: false,
            is_pressure: false,
            retry_after: None,
        };
    };
    let perhaps = error.may_have_been_processed() && !is_refusal(error);
    // Also a stream that was cut, and an answer that is late: to end a job twice does no harm.
    let is_passing = error.is_retryable()
        || error.is_passing()
        || error.is_cut()
        || error.code() == Code::DeadlineExceeded;
    let verdict = match (is_passing, perhaps) {
        (true, _) => None,
        (false, true) => Some(Verdict::Unknown),
        (false, false) => Some(Verdict::NotEnded),
    };
    Answer {
        verdict,
        perhaps,
        is_pressure: is_pressure(error),
        retry_after: error.retry_after(),
    }
}

pub(super) fn is_pressure(error: &Error) -> bool {
    error.code() == Code::ResourceExhausted && error.source() == Source::Gateway
}

/// The gateway says that it did nothing.
fn is_refusal(error: &Error) -> bool {
    error.source() == Source::Gateway
        && matches!(
            error.code(),
            Code::InvalidArgument
                | Code::NotFound
                | Code::AlreadyExists
                | Code::PermissionDenied
                | Code::ResourceExhausted
                | Code::FailedPrecondition
                | Code::OutOfRange
                | Code::Unimplemented
                | Code::Unauthenticated
        )
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Complete,
    Fail,
    ThrowError,
    /// The worker closes before the program had it.
    GiveBack,
}

/// A request that ends a job.
#[derive(Debug)]
pub(super) struct End {
    pub(super) kind: Kind,
    pub(super) message: Vec<u8>,
}

impl End {
    pub(super) fn method(&self) -> &'static str {
        match self.kind {
            Kind::Complete => "/gateway_protocol.Gateway/CompleteJob",
            Kind::Fail | Kind::GiveBack => "/gateway_protocol.Gateway/FailJob",
            Kind::ThrowError => "/gateway_protocol.Gateway/ThrowError",
        }
    }

    pub(super) fn complete(key: i64, variables: &str) -> Self {
        let mut message = Vec::with_capacity(variables.len() + 16);
        int64::encode(1, &key, &mut message);
        text(2, variables, &mut message);
        Self {
            kind: Kind::Complete,
            message,
        }
    }

    pub(super) fn fail(
        key: i64,
        retries: i32,
        backoff: Duration,
        why: &str,
        variables: &str,
    ) -> Self {
        let mut message = Vec::with_capacity(why.len() + variables.len() + 32);
        int64::encode(1, &key, &mut message);
        if retries != 0 {
            int32::encode(2, &retries, &mut message);
        }
        text(3, why, &mut message);
        if !backoff.is_zero() {
            int64::encode(4, &milliseconds(backoff), &mut message);
        }
        text(5, variables, &mut message);
        Self {
            kind: Kind::Fail,
            message,
        }
    }

    /// With the retries that it has.
    pub(super) fn give_back(key: i64, retries: i32, why: &str) -> Self {
        Self {
            kind: Kind::GiveBack,
            ..Self::fail(key, retries, Duration::ZERO, why, "")
        }
    }

    pub(super) fn throw_error(key: i64, code: &str, why: &str, variables: &str) -> Self {
        let mut message = Vec::with_capacity(code.len() + why.len() + variables.len() + 24);
        int64::encode(1, &key, &mut message);
        text(2, code, &mut message);
        text(3, why, &mut message);
        text(4, variables, &mut message);
        Self {
            kind: Kind::ThrowError,
            message,
        }
    }
}

/// The request for another time-out of a job.
pub(super) fn extension(key: i64, timeout: Duration) -> Vec<u8> {
    let mut message = Vec::with_capacity(24);
    int64::encode(1, &key, &mut message);
    int64::encode(2, &milliseconds(timeout), &mut message);
    message
}

pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What is empty is not sent, as in proto3.
pub(super) fn text(number: u32, value: &str, message: &mut Vec<u8>) {
    if !value.is_empty() {
        prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, message);
        prost::encoding::encode_varint(value.len() as u64, message);
        message.extend_from_slice(value.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Rpc;

    #[test]
    fn requests_are_those_of_the_protocol() {
        let seconds = Duration::from_secs;
        for (end, json) in [
            (
                End::complete(7, r#"{"a":1}"#),
                r#"{"jobKey":7,"variables":"{\"a\":1}"}"#,
            ),
            (End::complete(7, ""), r#"{"jobKey":7}"#),
            (
                End::fail(7, 2, seconds(3), "why", "{}"),
                r#"{"jobKey":7,"retries":2,"errorMessage":"why","retryBackOff":3000,"variables":"{}"}"#,
            ),
            (End::fail(7, 0, seconds(0), "", ""), r#"{"jobKey":7}"#),
            (
                End::give_back(7, 3, "why"),
                r#"{"jobKey":7,"retries":3,"errorMessage":"why"}"#,
            ),
            (
                End::throw_error(7, "code", "why", "{}"),
                r#"{"jobKey":7,"errorCode":"code","errorMessage":"why","variables":"{}"}"#,
            ),
        ] {
            let rpc = Rpc::find(end.method()).unwrap();
            assert_eq!(end.message, rpc.request_from_json(json).unwrap(), "{json}");
        }
        let rpc = Rpc::find(UPDATE_JOB_TIMEOUT).unwrap();
        assert_eq!(
            extension(7, seconds(2)),
            rpc.request_from_json(r#"{"jobKey":7,"timeout":2000}"#)
                .unwrap()
        );
    }

    #[test]
    fn an_answer_says_whether_the_job_ended_or_may_have_or_may_yet() {
        let gateway = |code| Error::rpc(Source::Gateway, code, "no");
        let lost = || Error::unavailable("lost");
        let rows = [
            (gateway(Code::NotFound), Some(Verdict::NotEnded), false),
            (
                gateway(Code::FailedPrecondition),
                Some(Verdict::NotEnded),
                false,
            ),
            (
                gateway(Code::Unauthenticated),
                Some(Verdict::NotEnded),
                false,
            ),
            (
                gateway(Code::PermissionDenied),
                Some(Verdict::NotEnded),
                false,
            ),
            (gateway(Code::Unimplemented), Some(Verdict::NotEnded), false),
            (gateway(Code::Internal), Some(Verdict::Unknown), true),
            (gateway(Code::Aborted), Some(Verdict::Unknown), true),
            (
                gateway(Code::ResourceExhausted).retryable(true),
                None,
                false,
            ),
            (gateway(Code::Unavailable).retryable(true), None, true),
            (lost(), None, true),
            (lost().processed(false), None, false),
            (Error::deadline_exceeded("late"), None, true),
            (
                Error::deadline_exceeded("late").processed(false),
                None,
                false,
            ),
            (
                Error::rpc(Source::Transport, Code::Internal, "reset").cut(),
                None,
                true,
            ),
            // Nothing was sent, and what it needed here may be there soon: a token, a place among those that wait.
            (
                Error::rpc(Source::Caller, Code::Internal, "no token")
                    .processed(false)
                    .passing(),
                None,
                false,
            ),
            (
                Error::rpc(Source::Library, Code::ResourceExhausted, "full")
                    .processed(false)
                    .passing(),
                None,
                false,
            ),
            (Error::shutdown("closed"), Some(Verdict::NotEnded), false),
            (Error::given_up(), Some(Verdict::Unknown), true),
            (
                // A limit of ours, not the gateway's: it stays too long.
                Error::rpc(Source::Library, Code::ResourceExhausted, "long").processed(false),
                Some(Verdict::NotEnded),
                false,
            ),
        ];
        for (error, verdict, perhaps) in rows {
            let answer = judge(Err(&error));
            assert_eq!(
                (answer.verdict, answer.perhaps),
                (verdict, perhaps),
                "{error:?}"
            );
            let pressure = error.is_retryable() && error.code() == Code::ResourceExhausted;
            assert_eq!(answer.is_pressure, pressure, "{error:?}");
        }
        assert_eq!(judge(Ok(())).verdict, Some(Verdict::Ended));
    }
}
