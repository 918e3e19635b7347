//! Retry throttling (gRFC A6, "Throttling Retry Attempts").

use std::sync::atomic::{AtomicU32, Ordering};

use super::place::Place;

const MOST_TOKENS: f64 = 1000.0;

/// Tokens in thousandths: tokenRatio has three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Throttling {
    pub(super) max_tokens: u32,
    pub(super) token_ratio: u32,
}

impl Throttling {
    pub(super) fn parse(place: &Place) -> Result<Self, String> {
        let tokens = place.required("maxTokens")?;
        let ratio = place.required("tokenRatio")?;
        Ok(Self {
            max_tokens: match tokens.thousandths()? {
                0 => return Err(tokens.wrong("it must be more than 0")),
                _ if tokens.number()? > MOST_TOKENS => {
                    return Err(tokens.wrong("it must be 1000 at most"));
                }
                thousandths => thousandths,
            },
            token_ratio: match ratio.thousandths()? {
                0 => return Err(ratio.wrong("it must be 0.001 or more")),
                thousandths => thousandths,
            },
        })
    }
}

/// Stops retries while failures outweigh successes (gRFC A6, "Throttling Retry Attempts").
#[derive(Debug)]
pub(crate) struct Throttle {
    limits: Throttling,
    tokens: AtomicU32,
}

impl Throttle {
    pub(crate) fn new(limits: Throttling) -> Self {
        Self {
            limits,
            tokens: AtomicU32::new(limits.max_tokens),
        }
    }

    pub(crate) fn allows(&self) -> bool {
        self.tokens.load(Ordering::Relaxed) > self.limits.max_tokens / 2
    }

    /// An attempt failed with a retryable code, or was told not to retry.
    pub(crate) fn failed(&self) {
        self.change(|tokens| tokens.saturating_sub(1000));
    }

    pub(crate) fn succeeded(&self) {
        let Throttling {
            max_tokens,
            token_ratio,
        } = self.limits;
        self.change(|tokens| tokens.saturating_add(token_ratio).min(max_tokens));
    }

    fn change(&self, change: impl Fn(u32) -> u32) {
        // What stays as it is, is not written: calls that succeed do not fight for the cache line.
        self.tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                Some(change(tokens)).filter(|changed| *changed != tokens)
            })
            .ok();
    }
}
