//! Retry: whether an attempt that failed is followed by another, and when (gRFC A6).

use std::time::Duration;

use super::failure::Failure;
use super::{Call, Control};
use crate::channel::{RetryPolicy, Throttle};

/// The attempts of one call.
pub(super) struct Retry<'a> {
    call: &'a Call,
    policy: Option<&'a RetryPolicy>,
    throttle: Option<&'a Throttle>,
    /// Attempts made before this one, for `grpc-previous-rpc-attempts`.
    pub(super) previous: u32,
    /// Retries since the start, or since the server last said when: the exponent of the pause.
    step: u32,
    replayed: bool,
    /// With another token.
    renewed: bool,
}

impl<'a> Retry<'a> {
    pub(super) fn new(call: &'a Call) -> Self {
        let policy = call.retry_policy();
        Self {
            call,
            policy,
            throttle: call.channel.throttle().filter(|_| policy.is_some()),
            previous: 0,
            step: 0,
            replayed: false,
            renewed: false,
        }
    }

    pub(super) fn succeeded(&self) {
        if let Some(throttle) = self.throttle {
            throttle.succeeded();
        }
    }

    /// The pause before the next attempt, if there is to be one; then `control` is rewound for it. Only what will be sent
    /// again is counted so.
    pub(super) fn after(&mut self, failure: &Failure, control: &Control) -> Option<Duration> {
        let counters = self.call.channel.counters();
        // Nobody waits for what comes after the deadline.
        let rewind =
            || !self.call.is_late() && control.rewind(failure.error.may_have_been_processed());
        // No attempt yet: it waits for a connection again, or fails with why there is none. As often as that happens (gRFC A6).
        if failure.unsaid && rewind() {
            return Some(Duration::ZERO);
        }
        if failure.unprocessed && !failure.committed && !self.replayed && rewind() {
            self.replayed = true;
            counters.replayed();
            return Some(Duration::ZERO);
        }
        if let Some(authorization) = &failure.refused
            && !self.renewed
            && self.call.plugin_rejects(authorization)
            && rewind()
        {
            self.renewed = true;
            counters.replayed();
            return Some(Duration::ZERO);
        }
        let policy = self.policy?;
        let refused = matches!(failure.pushback, Some(None));
        if !policy.is_retryable(failure.error.code()) && !refused {
            return None;
        }
        // Charged for each such failure, also of a call that cannot be sent again (gRFC A6).
        let allowed = self.throttle.is_none_or(|throttle| {
            throttle.failed();
            throttle.allows()
        });
        let last = self.previous + 1 >= policy.max_attempts;
        if failure.committed || refused || !allowed || last || !rewind() {
            return None;
        }
        self.previous += 1;
        counters.retried();
        Some(match failure.pushback.flatten() {
            Some(pause) => {
                self.step = 0;
                pause
            }
            None => {
                self.step += 1;
                policy.backoff(self.step, fastrand::f64())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::CallOptions;
    use crate::channel::Channel;
    use crate::error::Error;

    fn failed(unsaid: bool) -> Failure {
        Failure {
            unprocessed: true,
            unsaid,
            ..Error::unavailable("lost").processed(false).into()
        }
    }

    #[test]
    fn what_was_never_said_is_sent_as_often_as_that_happens_and_what_was_refused_once_more() {
        let method = "/gateway_protocol.Gateway/Topology";
        let call = Call::new(&Channel::of_test(), method, CallOptions::default()).unwrap();
        let control = Control::of_unary();
        let mut retry = Retry::new(&call);
        let again = Some(Duration::ZERO);
        for _ in 0..5 {
            assert_eq!(retry.after(&failed(true), &control), again);
        }
        assert_eq!(retry.after(&failed(false), &control), again);
        assert_eq!(retry.after(&failed(true), &control), again);
        assert_eq!(retry.after(&failed(false), &control), None);
    }
}
