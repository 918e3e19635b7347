//! round_robin: a connection to each endpoint, which calls get in turn.

use super::{Loss, Start, Stays};
use crate::channel::connectivity::Connectivity;

pub(super) fn want(states: &[Connectivity]) -> Vec<Start> {
    if states.is_empty() {
        return vec![Start::LookUp];
    }
    let idle = (0..states.len()).filter(|place| states[*place] == Connectivity::Idle);
    idle.map(Start::Connect).collect()
}

pub(super) fn lost(idle: bool) -> Loss {
    Loss {
        stays: Stays::All,
        looks_up: !idle,
        wants: !idle,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::combinations;
    use super::*;

    #[test]
    fn every_idle_one_is_connected_and_none_else() {
        assert_eq!(want(&[]), [Start::LookUp]);
        for states in combinations(4)
            .into_iter()
            .filter(|states| !states.is_empty())
        {
            let starts = want(&states);
            for (place, state) in states.iter().enumerate() {
                let is_idle = *state == Connectivity::Idle;
                assert_eq!(
                    starts.contains(&Start::Connect(place)),
                    is_idle,
                    "{states:?}"
                );
            }
            assert!(!starts.contains(&Start::LookUp) && !starts.contains(&Start::Add));
        }
    }

    #[test]
    fn one_that_was_idle_is_not_made_again_at_once() {
        assert!(lost(false).wants && lost(false).looks_up);
        assert!(!lost(true).wants && !lost(true).looks_up);
    }
}
