//! pick_first: one connection, to whichever endpoint is ready first, and another when all streams of it are in use.

use super::{Loss, Start, Stays};
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

/// One is enough: another that works or is being made; else that which worked, for the others failed, and are in their pauses.
pub(super) fn lost(others: &[Connectivity]) -> Loss {
    let works =
        |state: &Connectivity| matches!(state, Connectivity::Ready | Connectivity::Connecting);
    Loss {
        stays: match others.iter().any(works) {
            true => Stays::Others,
            false => Stays::Itself,
        },
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

    /// Nobody waits for the pause of one that failed while one that worked can be made again at once.
    #[test]
    fn after_a_loss_one_works_or_is_made_at_once() {
        for others in combinations(4) {
            let stay = match lost(&others).stays {
                Stays::All => [&others[..], &[Connectivity::Idle]].concat(),
                Stays::Others => others.clone(),
                Stays::Itself => vec![Connectivity::Idle],
            };
            let has = |state| stay.contains(&state);
            let works = has(Connectivity::Ready) || has(Connectivity::Connecting);
            let at_once = matches!(want(&stay), Some(Start::Connect(_)));
            assert!(works || at_once, "{others:?}");
            assert!(stay.len() <= others.len().max(1), "{others:?}");
        }
    }
}
