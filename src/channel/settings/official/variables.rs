//! The official clients' variables, read, and which of those that are set were of use.

use std::cell::RefCell;

use secrecy::SecretString;

use super::super::Unused;
use super::names::{ALL, Group};
use crate::environment::{Environment, Origin, Setting, missing, secret};
use crate::error::Error;

pub(super) struct Variables<'a> {
    environment: &'a Environment<'a>,
    used: RefCell<Vec<&'static str>>,
    /// Of which more is known than the table says.
    passed_over: RefCell<Vec<Unused>>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(environment: &'a Environment<'a>) -> Self {
        Self {
            environment,
            used: RefCell::default(),
            passed_over: RefCell::default(),
        }
    }

    pub(super) fn is_set(&self, name: &'static str) -> bool {
        self.environment.is_set(name)
    }

    pub(super) fn any_set(&self, names: &[&'static str]) -> bool {
        names.iter().any(|name| self.is_set(name))
    }

    pub(super) fn one(&self, name: &'static str) -> Result<Option<Setting>, Error> {
        self.first(&[name])
    }

    /// The first that is set; the others are passed over for it.
    pub(super) fn first(&self, names: &[&'static str]) -> Result<Option<Setting>, Error> {
        let mut set = names.iter().copied().filter(|name| self.is_set(name));
        let Some(name) = set.next() else {
            return Ok(None);
        };
        self.used.borrow_mut().push(name);
        for later in set {
            self.pass_over_for(later, name);
        }
        self.environment.variable(name)
    }

    /// As [`Variables::first`], of what nobody may see.
    pub(super) fn secret(
        &self,
        names: &[&'static str],
    ) -> Result<Option<(SecretString, Origin)>, Error> {
        Ok(self.first(names)?.map(secret))
    }

    pub(super) fn required(&self, names: &[&'static str]) -> Result<Setting, Error> {
        self.first(names)?.ok_or_else(|| missing(names))
    }

    pub(super) fn required_secret(
        &self,
        names: &[&'static str],
    ) -> Result<(SecretString, Origin), Error> {
        self.secret(names)?.ok_or_else(|| missing(names))
    }

    /// `true` or `false`, in any case; what is neither is passed over.
    pub(super) fn truth(&self, name: &'static str) -> Result<Option<bool>, Error> {
        let Some((text, _)) = self.environment.variable(name)? else {
            return Ok(None);
        };
        let truth = match text.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => {
                self.pass_over(
                    name,
                    format!("it is {text:?}, which is neither true nor false"),
                    "write true or false".to_owned(),
                );
                return Ok(None);
            }
        };
        self.used.borrow_mut().push(name);
        Ok(Some(truth))
    }

    /// The first that is set, as a number of milliseconds.
    pub(super) fn milliseconds(
        &self,
        names: &[&'static str],
        at_least: u64,
    ) -> Result<Option<(u64, Origin)>, Error> {
        const AT_MOST: u64 = i32::MAX as u64;
        let Some((text, origin)) = self.first(names)? else {
            return Ok(None);
        };
        match text.trim().parse() {
            Ok(number) if (at_least..=AT_MOST).contains(&number) => Ok(Some((number, origin))),
            _ => Err(Error::settings(format!(
                "{text:?} ({origin}) is no number of milliseconds from {at_least} to {AT_MOST}"
            ))),
        }
    }

    pub(super) fn pass_over_for(&self, name: &'static str, other: &str) {
        self.pass_over(
            name,
            format!("{other} comes before it"),
            "unset one of the two".to_owned(),
        );
    }

    /// Says of a variable, if it is set, why it is not used.
    pub(super) fn pass_over(&self, name: &'static str, why: String, hint: String) {
        if self.is_set(name) {
            let mut passed_over = self.passed_over.borrow_mut();
            passed_over.push(Unused { name, why, hint });
        }
    }

    /// All that are set and were not used, in the order of the table.
    pub(super) fn unused(self) -> Vec<Unused> {
        let (used, mut passed_over) = (self.used.into_inner(), self.passed_over.into_inner());
        let mut unused = Vec::new();
        for Group { names, why, hint } in ALL {
            for &name in *names {
                if used.contains(&name) || !self.environment.is_set(name) {
                    continue;
                }
                let known = passed_over.iter().position(|unused| unused.name == name);
                unused.push(match known {
                    Some(at) => passed_over.swap_remove(at),
                    None => Unused {
                        name,
                        why: (*why).to_owned(),
                        hint: (*hint).to_owned(),
                    },
                });
            }
        }
        unused
    }
}
