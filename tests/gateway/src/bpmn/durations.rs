//! ISO 8601 durations, as timers have them.

const SECOND: f64 = 1000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// The milliseconds of `P1DT2H3M4.5S`. Months and years are none: their length depends on when they begin.
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let date = sum(date, &[('W', 7.0 * DAY), ('D', DAY)])?;
    let time = sum(time, &[('H', HOUR), ('M', MINUTE), ('S', SECOND)])?;
    Some((date + time).round() as i64)
}

/// Each unit at most once, in this order.
fn sum(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut total = 0.0;
    for (unit, length) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            if !number.starts_with(|first: char| first.is_ascii_digit()) {
                return None;
            }
            total += number.parse::<f64>().ok()? * length;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn a_duration_is_the_sum_of_its_parts() {
        assert_eq!(milliseconds("PT0S"), Some(0));
        assert_eq!(milliseconds("PT1.5S"), Some(1500));
        assert_eq!(milliseconds("PT2M"), Some(120_000));
        assert_eq!(milliseconds("P1DT1H1M1S"), Some(90_061_000));
        assert_eq!(milliseconds("P2W"), Some(1_209_600_000));
    }

    #[test]
    fn what_has_no_fixed_length_is_no_duration_here() {
        for text in [
            "", "P", "PT", "P1M", "P1Y", "PT1", "1S", "PT1S1M", "PT-1S", "PTinfS", "R/PT1S",
        ] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
