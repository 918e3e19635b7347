//! `grpc-timeout`: how long a call may take, as its request says it.

use std::time::Duration;

pub(crate) const GRPC_TIMEOUT: &str = "grpc-timeout";

/// A value of `grpc-timeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeoutText {
    text: [u8; 9],
    begin: usize,
}

impl TimeoutText {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[self.begin..]
    }
}

/// At most eight digits and a unit (gRPC over HTTP/2, "Timeout"), rounded up to three figures, as other
/// clients do: a value that comes again costs a byte on the wire, by HPACK. The deadline itself is kept here.
pub(crate) fn grpc_timeout(left: Duration) -> TimeoutText {
    const UNITS: [(u8, u64); 5] = [
        (b'u', 1),
        (b'm', 1_000),
        (b'S', 1_000_000),
        (b'M', 60_000_000),
        (b'H', 3_600_000_000),
    ];
    // In 64 bits, which are half a million years, so that it is divided at once.
    let micros = u64::try_from(left.as_micros()).unwrap_or(u64::MAX / 10_000);
    let micros = micros.clamp(1, u64::MAX / 10_000);
    let mut step = 1;
    while micros > 999 * step {
        step *= 10;
    }
    let rounded = micros.div_ceil(step) * step;
    let fitting = UNITS.iter().rev().find(|(_, unit)| rounded % unit == 0);
    let (unit, micros_of_unit) = fitting.unwrap_or(&UNITS[0]);
    let value = (rounded / micros_of_unit).min(99_999_999);
    let mut text = [0; 9];
    let mut digits = text.len() - 1;
    text[digits] = *unit;
    let mut rest = value;
    loop {
        digits -= 1;
        text[digits] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    TimeoutText {
        text,
        begin: digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_rounded_up_to_three_figures() {
        for (micros, text) in [
            (0, "1u"),
            (999, "999u"),
            (1_001, "1010u"),
            (1_500_000, "1500m"),
            (29_999_990, "30S"),
            (60_000_000, "1M"),
            (200_000_000, "200S"),
            (86_400_000_000, "24H"),
        ] {
            assert_eq!(
                grpc_timeout(Duration::from_micros(micros)).as_bytes(),
                text.as_bytes(),
                "{micros}"
            );
        }
        assert_eq!(grpc_timeout(Duration::MAX).as_bytes(), b"99999999S");
    }
}
