//! Kept: the last few of what is dear to make, of which others may always follow. Pure.

/// So many: more than the methods of a service.
const MOST: usize = 64;

#[derive(Debug)]
pub(super) struct Kept<T> {
    /// With whether it was asked for since the hand passed it.
    all: Vec<(T, bool)>,
    /// Where the next one goes, once there are as many as may be: in place of one that was not asked for.
    hand: usize,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            hand: 0,
        }
    }
}

impl<T> Kept<T> {
    /// The one that `is` says, else what `make` makes.
    pub(super) fn get<E>(
        &mut self,
        is: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<&mut T, E> {
        let at = match self.all.iter().position(|(one, _)| is(one)) {
            Some(at) => {
                self.all[at].1 = true;
                at
            }
            None => self.add(make()?),
        };
        Ok(&mut self.all[at].0)
    }

    fn add(&mut self, one: T) -> usize {
        if self.all.len() < MOST {
            self.all.push((one, false));
            return self.all.len() - 1;
        }
        loop {
            let at = self.hand;
            self.hand = (at + 1) % MOST;
            if !std::mem::take(&mut self.all[at].1) {
                self.all[at].0 = one;
                return at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn the_last_ones_are_there_and_others_may_always_follow() {
        let mut kept = Kept::default();
        let mut made = Vec::new();
        let mut ask = |number: usize| {
            let make = || {
                made.push(number);
                Ok::<_, Infallible>(number)
            };
            assert_eq!(
                kept.get(|one| *one == number, make),
                Ok(&mut number.clone())
            );
            std::mem::take(&mut made).len()
        };
        for number in 0..10 * MOST {
            assert_eq!(ask(number), 1, "{number}");
            for last in number.saturating_sub(MOST - 1)..=number {
                assert_eq!(ask(last), 0, "{last} after {number}");
            }
        }
        assert_eq!(ask(0), 1);
        for number in 10 * MOST..20 * MOST {
            assert_eq!((ask(number), ask(0)), (1, 0), "what is asked for stays");
        }
        let failed: Result<_, &str> = kept.get(|_| false, || Err("not made"));
        assert_eq!(failed, Err("not made"));
        assert_eq!(kept.all.len(), MOST);
    }
}
