//! Wheel: what is due at a time, as data: to put in and to take out are a few stores.
//!
//! A hashed wheel (Varghese and Lauck, 1987): a ring of lists, one a tick; what is due beyond a turn stays in its list for more
//! turns. Pure: `now` comes in.

use std::time::{Duration, Instant};

/// So much later than its time a thing may be found due.
const TICK_MS: u64 = 4;
/// A turn takes four seconds.
const LISTS: usize = 1024;

/// Where a thing stands in a wheel, and nothing else while it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    node: usize,
    /// A node is used again; this number is not.
    number: u64,
}

struct Node<T> {
    previous: usize,
    next: usize,
    at: Instant,
    number: u64,
    /// `None` in the lists' heads, which are the first nodes, and in what is free.
    value: Option<T>,
}

pub(super) struct Wheel<T> {
    nodes: Vec<Node<T>>,
    free: Vec<usize>,
    begin: Instant,
    /// Ticks that were looked at.
    done: u64,
    next_number: u64,
    /// Which lists hold something, a bit each.
    filled: [u64; LISTS / 64],
}

impl<T> Wheel<T> {
    pub(super) fn new(now: Instant) -> Self {
        let head = |list| Node {
            previous: list,
            next: list,
            at: now,
            number: 0,
            value: None,
        };
        Self {
            nodes: (0..LISTS).map(head).collect(),
            free: Vec::new(),
            begin: now,
            done: 0,
            next_number: 1,
            filled: [0; LISTS / 64],
        }
    }

    fn tick(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.begin);
        let within = u64::from(since.subsec_millis()) / TICK_MS;
        since.as_secs().saturating_mul(1000 / TICK_MS) + within
    }

    pub(super) fn insert(&mut self, at: Instant, value: T) -> Place {
        // The tick after it has it behind itself whole.
        let tick = self.tick(at).saturating_add(1).max(self.done + 1);
        let list = tick as usize % LISTS;
        let number = self.next_number;
        self.next_number += 1;
        let previous = self.nodes[list].previous;
        let new = Node {
            previous,
            next: list,
            at,
            number,
            value: Some(value),
        };
        let node = match self.free.pop() {
            Some(node) => {
                self.nodes[node] = new;
                node
            }
            None => {
                self.nodes.push(new);
                self.nodes.len() - 1
            }
        };
        self.nodes[previous].next = node;
        self.nodes[list].previous = node;
        self.filled[list / 64] |= 1 << (list % 64);
        Place { node, number }
    }

    /// What stands there, if it still does.
    pub(super) fn get(&self, place: Place) -> Option<&T> {
        let node = self.nodes.get(place.node)?;
        let is_same = node.number == place.number;
        node.value.as_ref().filter(|_| is_same)
    }

    /// Whatever stood there, if it still does.
    pub(super) fn remove(&mut self, place: Place) -> Option<T> {
        let node = self.nodes.get_mut(place.node)?;
        if node.number != place.number {
            return None;
        }
        let value = node.value.take()?;
        let (previous, next) = (node.previous, node.next);
        self.nodes[previous].next = next;
        self.nodes[next].previous = previous;
        self.free.push(place.node);
        if previous == next {
            // A head, alone again.
            self.filled[next / 64] &= !(1 << (next % 64));
        }
        Some(value)
    }

    /// Takes out all that is due.
    pub(super) fn due(&mut self, now: Instant, mut take: impl FnMut(T)) {
        let tick = self.tick(now);
        // More than a turn behind, each list is looked at once.
        let first = (self.done + 1).max(tick.saturating_sub(LISTS as u64 - 1));
        for list in (first..=tick).map(|tick| tick as usize % LISTS) {
            if self.filled[list / 64] & (1 << (list % 64)) == 0 {
                continue;
            }
            let mut node = self.nodes[list].next;
            while node != list {
                let Node {
                    next, at, number, ..
                } = self.nodes[node];
                if at <= now
                    && let Some(value) = self.remove(Place { node, number })
                {
                    take(value);
                }
                node = next;
            }
        }
        self.done = self.done.max(tick);
    }

    /// When to look again, at the latest in a turn; `None`: nothing is there.
    pub(super) fn next(&self) -> Option<Instant> {
        let first = self.done + 1;
        let words = LISTS as u64 / 64;
        // The first word once more at the end, for what lies before `first` in it.
        for step in 0..=words {
            let from = if step == 0 {
                first
            } else {
                first - first % 64 + step * 64
            };
            let word = self.filled[from as usize % LISTS / 64] & (u64::MAX << (from % 64));
            if word != 0 {
                let tick = from - from % 64 + u64::from(word.trailing_zeros());
                return Some(self.begin + Duration::from_millis(tick * TICK_MS));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(TICK_MS);

    #[test]
    fn it_gives_what_a_list_of_all_would_give() {
        for seed in 0..50 {
            let random = &mut fastrand::Rng::with_seed(seed);
            let begin = Instant::now();
            let mut now = begin;
            let mut wheel = Wheel::new(begin);
            let mut all: Vec<(Instant, u32, Place)> = Vec::new();
            for number in 0..2000 {
                match random.u8(..4) {
                    0 | 1 => {
                        let most = [10, 5_000, 60_000][random.usize(..3)];
                        let at = now + Duration::from_millis(random.u64(..most));
                        all.push((at, number, wheel.insert(at, number)));
                    }
                    2 if !all.is_empty() => {
                        let (_, number, place) = all.swap_remove(random.usize(..all.len()));
                        assert_eq!(wheel.remove(place), Some(number));
                        assert_eq!(wheel.remove(place), None);
                    }
                    _ => {
                        let most = [5, 300, 9_000][random.usize(..3)];
                        now += Duration::from_micros(random.u64(..most * 1000));
                        let mut due = Vec::new();
                        wheel.due(now, |number| due.push(number));
                        due.sort_unstable();
                        // By a tick a thing may be late, and never early.
                        let late = |at: &Instant| *at + TICK <= now;
                        all.retain(|(at, number, _)| match due.binary_search(number) {
                            Ok(_) => {
                                assert!(*at <= now);
                                false
                            }
                            Err(_) => {
                                assert!(!late(at), "{:?} late", now - *at);
                                true
                            }
                        });
                    }
                }
                let first = all.iter().map(|(at, ..)| *at).min();
                match (first, wheel.next()) {
                    (None, next) => assert_eq!(next, None),
                    (Some(at), Some(next)) => assert!(next <= at.max(now) + 2 * TICK),
                    (Some(_), None) => panic!("it says that nothing is there"),
                }
            }
        }
    }
}
