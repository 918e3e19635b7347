//! What is compared.

use zeebe_benches::Outcome;
use zeebe_benches::run::Kind;

use crate::clients::{CAMUNDA_JAVA, REFERENCE};

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

#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) in_flight: usize,
    /// Which of the server's answers it takes.
    pub(crate) answer: &'static str,
    /// Whether its calls carry a token.
    pub(crate) has_token: bool,
    pub(crate) security: Security,
    /// The client that others' ratios are to.
    pub(crate) reference: &'static str,
}

const ROWS: [Row; 12] = [
    row("unary-1", Kind::Unary, 1, "unary"),
    row("unary-16", Kind::Unary, 16, "unary"),
    row("unary-64", Kind::Unary, 64, "unary"),
    Row {
        has_token: true,
        ..row("unary-64-token", Kind::Unary, 64, "unary")
    },
    row("unary-1024", Kind::Unary, 1024, "unary"),
    row("stream-100", Kind::Stream, 1, "stream-100"),
    row("stream-1k", Kind::Stream, 1, "stream-1k"),
    row("slow-1k", Kind::Slow, 1, "stream-1k"),
    row("cold", Kind::Cold, 1, "unary"),
    row("idle", Kind::Idle, 1000, "unary"),
    row("held", Kind::Held, 1000, "held"),
    Row {
        reference: CAMUNDA_JAVA,
        ..row("jobs", Kind::Jobs, 32, "jobs")
    },
];
/// TLS costs each byte and each write; what it costs in the other rows can be told from these.
const OVER_TLS: [&str; 5] = ["unary-1", "unary-64", "unary-1024", "stream-1k", "cold"];

const fn row(name: &'static str, kind: Kind, in_flight: usize, answer: &'static str) -> Row {
    Row {
        name,
        kind,
        in_flight,
        answer,
        has_token: false,
        security: Security::Plaintext,
        reference: REFERENCE,
    }
}

impl Row {
    /// Those whose names begin with one of `names`; all, if there are none.
    pub(crate) fn named(names: &[String]) -> Outcome<Vec<Self>> {
        let over_tls = ROWS
            .iter()
            .filter(|row| OVER_TLS.contains(&row.name))
            .map(|row| Self {
                security: Security::Tls,
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
        !matches!(self.kind, Kind::Idle | Kind::Held | Kind::Slow)
    }

    /// `tls-unary-64` for TLS, `unary-64` for plaintext.
    pub(crate) fn name(&self) -> String {
        match self.security {
            Security::Plaintext => self.name.to_owned(),
            Security::Tls => format!("tls-{}", self.name),
        }
    }
}
