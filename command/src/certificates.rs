//! Certificates that a server showed, for people: whose, by whom, until when, and whether now is within.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

use crate::token::date;

/// How a certificate's time lies to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Good,
    TooEarly,
    Expired,
}

#[derive(Debug)]
pub(crate) struct Certificate {
    subject: String,
    issuer: String,
    not_before: SystemTime,
    not_after: SystemTime,
    pub(crate) age: Age,
}

impl Certificate {
    /// `None`: it is none.
    pub(crate) fn parse(der: &[u8], now: SystemTime) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let validity = parsed.validity();
        let (not_before, not_after) = (time(validity.not_before), time(validity.not_after));
        Some(Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            not_before,
            not_after,
            age: match () {
                () if now < not_before => Age::TooEarly,
                () if now > not_after => Age::Expired,
                () => Age::Good,
            },
        })
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "subject": self.subject,
            "issuer": self.issuer,
            "not_before": date(self.not_before),
            "not_after": date(self.not_after),
            "good_now": self.age == Age::Good,
        })
    }

    pub(crate) fn text(&self) -> String {
        let until = match self.age {
            Age::Good => format!("good until {}", date(self.not_after)),
            Age::Expired => format!("EXPIRED on {}", date(self.not_after)),
            Age::TooEarly => format!("NOT GOOD YET, but from {} on", date(self.not_before)),
        };
        format!("{}, issued by {}, {until}", self.subject, self.issuer)
    }
}

/// Within what a date for people can show: years 1970 to 9999.
fn time(time: ASN1Time) -> SystemTime {
    const LAST: u64 = 253_402_300_799;
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0).min(LAST);
    UNIX_EPOCH + Duration::from_secs(seconds)
}
