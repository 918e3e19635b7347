//! Policies: which connections a channel has, and where a call looks for one first. Pure: what there is goes in, what to do
//! comes out.

mod pick_first;
mod round_robin;

use crate::channel::connectivity::Connectivity;
use crate::channel::service_config::Policy;

/// What is to be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The attempts of the subchannel at this place.
    Connect(usize),
    /// Another subchannel, and its attempts.
    Add,
    /// A lookup of the endpoints, each of which becomes a subchannel.
    LookUp,
}

/// Which subchannels stay when one is no more READY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stays {
    All,
    /// All but that one.
    Others,
    /// That one alone.
    Itself,
}

/// What follows when a subchannel is no more READY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) stays: Stays,
    /// The gateways may have moved.
    pub(super) looks_up: bool,
    /// Another connection is wanted, though no call waits for one.
    pub(super) wants: bool,
}

impl Policy {
    /// Somebody wants a stream, and none is free.
    pub(super) fn want(self, states: &[Connectivity]) -> Vec<Start> {
        match self {
            Self::PickFirst => pick_first::want(states).into_iter().collect(),
            Self::RoundRobin => round_robin::want(states),
        }
    }

    /// Whether one that is IDLE is wanted also while others are READY.
    pub(super) fn keeps_all(self) -> bool {
        self == Self::RoundRobin
    }

    /// Where a call looks first; `turn` is the place after the one that the last call got.
    pub(super) fn first(self, turn: usize) -> usize {
        match self {
            Self::PickFirst => 0,
            Self::RoundRobin => turn,
        }
    }

    /// A subchannel beside these `others` has lost its connection; `idle`: given up since no call used it.
    pub(super) fn lost(self, others: &[Connectivity], idle: bool) -> Loss {
        match self {
            Self::PickFirst => pick_first::lost(others),
            Self::RoundRobin => round_robin::lost(idle),
        }
    }

    /// Whether the endpoints are looked up again after a failed attempt; else each attempt looks them up.
    pub(super) fn looks_up_after_failure(self) -> bool {
        self == Self::RoundRobin
    }

    /// Whether one of `count`, which failed, is let go in place of being tried again.
    pub(super) fn spares(self, count: usize, awaited: bool) -> bool {
        self == Self::PickFirst && count > 1 && !awaited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const STATES: [Connectivity; 4] = [
        Connectivity::Idle,
        Connectivity::Connecting,
        Connectivity::Ready,
        Connectivity::TransientFailure,
    ];

    /// All orders of up to so many states.
    pub(super) fn combinations(most: usize) -> Vec<Vec<Connectivity>> {
        let mut all = vec![vec![]];
        let mut last = all.clone();
        for _ in 0..most {
            last = last
                .iter()
                .flat_map(|states| STATES.map(|state| [&states[..], &[state]].concat()))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    #[test]
    fn what_is_started_is_there_and_idle_and_started_once() {
        for policy in [Policy::PickFirst, Policy::RoundRobin] {
            for states in combinations(4) {
                let starts = policy.want(&states);
                for (at, start) in starts.iter().enumerate() {
                    assert!(!starts[..at].contains(start), "{states:?}: {starts:?}");
                    if let Start::Connect(place) = start {
                        assert_eq!(states[*place], Connectivity::Idle, "{states:?}");
                    }
                }
            }
        }
    }

    /// Nobody may wait for ever: something is under way, is started, or there are as many connections as there may be.
    #[test]
    fn who_waits_waits_for_something() {
        let under_way = |states: &[Connectivity]| {
            states.iter().any(|state| {
                matches!(
                    state,
                    Connectivity::Connecting | Connectivity::TransientFailure
                )
            })
        };
        for policy in [Policy::PickFirst, Policy::RoundRobin] {
            for states in combinations(4) {
                let all_ready = states.iter().all(|state| *state == Connectivity::Ready);
                let full = policy == Policy::RoundRobin && all_ready && !states.is_empty();
                let waits = under_way(&states) || !policy.want(&states).is_empty();
                assert!(waits || full, "{policy:?} {states:?}");
            }
        }
    }
}
