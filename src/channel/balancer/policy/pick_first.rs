//! pick_first: one connection, to whichever endpoint is ready first, and another when all streams of it are in use.

use super::{Loss, Start};
use crate::channel::connectivity::Connectivity;

/// A gateway's long polls hold this many times its streams before a call waits.
const MAX_CONNECTIONS: usize = 8;

pub(super) fn want(states: &[Connectivity]) -> Option<Start> {
    let is = |wanted| states.iter().position(|state| *state == wanted);
    // One at a time: what is under way may be enough.
    if is(Connectivity::Connecting)
        .or(is(Connectivity::TransientFailure))
        .is_some()
    {
        return None;
    }
    match is(Connectivity::Idle) {
        Some(place) => Some(Start::Connect(place)),
        None => (states.len() < MAX_CONNECTIONS).then_some(Start::Add),
    }
}

pub(super) fn lost(count: usize) -> Loss {
    Loss {
        forgets: count > 1,
        looks_up: false, // the next attempt does
        wants: false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::combinations;
    use super::*;

    #[test]
    fn at_most_one_attempt_is_under_way_and_at_most_eight_connections_there() {
        for states in combinations(4) {
            let under_way = states.iter().any(|state| {
                matches!(
                    state,
                    Connectivity::Connecting | Connectivity::TransientFailure
                )
            });
            let idle = states.iter().position(|state| *state == Connectivity::Idle);
            let expected = match idle {
                _ if under_way => None,
                Some(place) => Some(Start::Connect(place)),
                None => Some(Start::Add),
            };
            assert_eq!(want(&states), expected, "{states:?}");
        }
        let ready = |count| vec![Connectivity::Ready; count];
        assert_eq!(want(&ready(7)), Some(Start::Add));
        assert_eq!(want(&ready(8)), None);
    }

    #[test]
    fn the_last_subchannel_stays() {
        assert!(!lost(1).forgets && lost(2).forgets);
    }
}
