//! Options: what a program may set, each described once, by a row of the table.
//!
//! Pure. From its row come the check of what is given, what an error says and carries, the header's sentence about it, and what the
//! tests hold the bindings against. Names are those of the C structs, which each binding translates to its own.

pub mod grpc;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

pub use table::*;

/// One option.
#[derive(Debug)]
pub struct Spec {
    /// What it is in, as errors have it before its name; empty for gRPC's channel arguments, whose names stand alone.
    pub place: &'static str,
    /// The field's in C, or gRPC's key.
    pub name: &'static str,
    /// What kind of value, with its bounds.
    pub takes: Takes,
}

/// What an option's value is, and what of it is checked by the table.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// UTF-8; NULL is not given.
    Text,
    /// Several of another kind, each checked on its own.
    List,
    /// Text of any encoding, whose certificates and keys are read.
    Pem,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A number that has a name.
    Named(&'static [(i64, &'static str)]),
    /// 0 or 1.
    Flag,
    /// One of an enumeration's constants, by the beginning of their names.
    Constant(&'static str),
    /// Within bounds, with a unit.
    Number(Number),
    /// Another struct, a handle, a count or a function.
    Object,
}

/// What a number means, and which ones may be.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// Of the value as C gives it.
    pub unit: Unit,
    /// Inclusive; what is not given apart.
    pub least: i64,
    /// Inclusive; `i64::MAX`: without a bound.
    pub most: i64,
    /// What is not given, which 0 says but for gRPC's arguments.
    pub default: Absent,
    /// -1 is none, or no limit.
    pub has_none: bool,
}

/// What it is when it is not given.
#[derive(Clone, Copy, Debug)]
pub enum Absent {
    /// The number itself.
    Value(i64),
    /// In words.
    Is(&'static str),
}

/// A binding's own type follows it: a duration, or a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `_ms` in C's names.
    Milliseconds,
    /// Of tokens' lives, as the reference has them.
    Seconds,
    /// Of content, without what it takes to keep it.
    Bytes,
    /// Hundredths.
    Percent,
    /// Things.
    Count,
}

/// What a number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// 0: the default counts.
    Not,
    /// -1, where there is such a thing.
    None,
    /// Within bounds, in the option's unit.
    Number(u64),
}

/// What is given cannot be.
#[derive(Debug)]
pub struct Refusal {
    /// At fault.
    pub option: &'static Spec,
    /// In words, the option's name first.
    pub why: String,
}

impl Absent {
    /// 0 where it is no number.
    pub const fn value(self) -> i64 {
        match self {
            Self::Value(value) => value,
            Self::Is(_) => 0,
        }
    }
}

/// In full, so that it is found in a text.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            "" => f.write_str(self.name),
            place => write!(f, "{place}.{}", self.name),
        }
    }
}

impl Number {
    /// What it may be and what is not given, as errors and the header say it.
    pub fn sentence(&self) -> String {
        let range = match (self.least, self.most) {
            (_, i64::MAX) => String::new(),
            (least, most) => format!("{least} to {most}"),
        };
        let unit = match (self.unit, range.is_empty()) {
            (Unit::Count, true) => "a number",
            (Unit::Count, false) => "",
            (unit, _) => unit.name(),
        };
        let space = if range.is_empty() || unit.is_empty() {
            ""
        } else {
            " "
        };
        let default = match self.default {
            Absent::Value(value) => value.to_string(),
            Absent::Is(words) => words.to_owned(),
        };
        let none = if self.has_none { ", -1: none" } else { "" };
        format!("{range}{space}{unit}; 0: {default}{none}")
    }
}

impl Unit {
    /// In words; empty for things that are counted.
    pub fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Percent => "percent",
            Self::Count => "",
        }
    }
}

impl Spec {
    /// `why` says what is wrong, after the name.
    pub fn refuse(&'static self, why: impl fmt::Display) -> Refusal {
        Refusal {
            option: self,
            why: format!("{self} {why}"),
        }
    }

    /// 0 is off, 1 is on, and nothing else is either.
    pub fn flag(&'static self, value: i32) -> Result<bool, Refusal> {
        match value {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.refuse(format_args!("is {value}, neither 0 nor 1"))),
        }
    }

    /// What C's number says, by the row's bounds; an error also where the row is no number's.
    #[inline]
    pub fn given(&'static self, value: i64) -> Result<Given, Refusal> {
        if value == 0 {
            return Ok(Given::Not);
        }
        let Takes::Number(number) = &self.takes else {
            return Err(self.refuse("is no number"));
        };
        match u64::try_from(value) {
            Ok(given) if (number.least..=number.most).contains(&value) => Ok(Given::Number(given)),
            Err(_) if value == -1 && number.has_none => Ok(Given::None),
            _ => Err(self.out_of_bounds(value, number)),
        }
    }

    /// 0 where what is not given is no number.
    pub const fn default_number(&self) -> u64 {
        match self.takes {
            Takes::Number(number) => number.default.value().unsigned_abs(),
            _ => 0,
        }
    }

    /// What is given, else the default.
    #[inline]
    pub fn number(&'static self, value: i64) -> Result<u64, Refusal> {
        Ok(match self.given(value)? {
            Given::Number(number) => number,
            Given::Not | Given::None => self.default_number(),
        })
    }

    #[cold]
    fn out_of_bounds(&'static self, value: i64, number: &Number) -> Refusal {
        self.refuse(format_args!("is {value}: it is {}", number.sentence()))
    }

    /// As [`Self::number`]; `None`: there is to be no limit.
    pub fn limit(&'static self, value: i64) -> Result<Option<usize>, Refusal> {
        let number = match self.given(value)? {
            Given::None => return Ok(None),
            Given::Number(number) => number,
            Given::Not => self.default_number(),
        };
        Ok(usize::try_from(number).ok())
    }

    /// As [`Self::number`], of an option whose unit is milliseconds.
    pub fn milliseconds(&'static self, value: i64) -> Result<Duration, Refusal> {
        self.number(value).map(Duration::from_millis)
    }
}
