//! What is compared, and the goals that libzeebe has there.

use zeebe_benches::Outcome;
use zeebe_benches::run::Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    Plaintext,
    Tls,
}

impl Security {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Tls => "tls",
        }
    }
}

/// Of libzeebe, in plaintext: from the design.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// At least so many times tonic's rate.
    Ratio(f64),
    /// At most so many KiB a channel.
    Memory(f64),
    /// At most so many KiB more than at the beginning: what a stream's window (2 MiB) and its part of a queue (2 MiB) hold.
    Growth(f64),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) in_flight: usize,
    /// Which of the server's answers it takes.
    pub(crate) answer: &'static str,
    pub(crate) goal: Option<Goal>,
    pub(crate) security: Security,
}

const ROWS: [Row; 9] = [
    row("unary-1", Kind::Unary, 1, "unary", Some(Goal::Ratio(1.05))),
    row("unary-16", Kind::Unary, 16, "unary", None),
    row("unary-64", Kind::Unary, 64, "unary", Some(Goal::Ratio(2.0))),
    row(
        "unary-1024",
        Kind::Unary,
        1024,
        "unary",
        Some(Goal::Ratio(3.0)),
    ),
    row(
        "stream-100",
        Kind::Stream,
        1,
        "stream-100",
        Some(Goal::Ratio(1.3)),
    ),
    row(
        "stream-1k",
        Kind::Stream,
        1,
        "stream-1k",
        Some(Goal::Ratio(1.4)),
    ),
    row(
        "slow-1k",
        Kind::Slow,
        1,
        "stream-1k",
        Some(Goal::Growth(4096.0)),
    ),
    row("cold", Kind::Cold, 1, "unary", Some(Goal::Ratio(1.0))),
    row("idle", Kind::Idle, 1000, "unary", Some(Goal::Memory(28.0))),
];

const fn row(
    name: &'static str,
    kind: Kind,
    in_flight: usize,
    answer: &'static str,
    goal: Option<Goal>,
) -> Row {
    Row {
        name,
        kind,
        in_flight,
        answer,
        goal,
        security: Security::Plaintext,
    }
}

impl Row {
    /// Those whose names begin with one of `names`; all, if there are none.
    pub(crate) fn named(names: &[String]) -> Outcome<Vec<Self>> {
        let over_tls = ROWS.iter().filter(|row| row.is_of_rates()).map(|row| Self {
            security: Security::Tls,
            goal: None,
            ..*row
        });
        let all: Vec<Self> = ROWS.iter().copied().chain(over_tls).collect();
        let known: Vec<String> = all.iter().map(Self::name).collect();
        if let Some(unknown) = names
            .iter()
            .find(|name| !known.iter().any(|known| known.starts_with(*name)))
        {
            return Err(format!(
                "no row's name begins with {unknown:?}; there are {}",
                known.join(", ")
            )
            .into());
        }
        Ok(all
            .into_iter()
            .filter(|row| names.is_empty() || names.iter().any(|name| row.name().starts_with(name)))
            .collect())
    }

    /// Whether it says how fast clients are; the others, how much memory they take.
    pub(crate) fn is_of_rates(&self) -> bool {
        !matches!(self.kind, Kind::Idle | Kind::Slow)
    }

    /// `tls-unary-64` for TLS, `unary-64` for plaintext.
    pub(crate) fn name(&self) -> String {
        match self.security {
            Security::Plaintext => self.name.to_owned(),
            Security::Tls => format!("tls-{}", self.name),
        }
    }
}
