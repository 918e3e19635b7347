//! Whether an integer field holds a JSON number exactly as it is written.

/// An integer literal of serde_json is exact; one with a point or an exponent becomes the nearest `f64`.
pub(super) fn check(literal: &str, least: i128, most: i128) -> Result<(), &'static str> {
    let integer = match integer(literal) {
        Parsed::Integer(integer) if (least..=most).contains(&integer) => integer,
        Parsed::Integer(_) | Parsed::Huge => return Err("a number out of range"),
        Parsed::Fraction => return Err("a number that is not whole"),
    };
    let is_float = literal.contains(['.', 'e', 'E']);
    if is_float && integer as f64 as i128 != integer {
        return Err(
            "a number with more digits than one with a point or an exponent keeps: write it without",
        );
    }
    Ok(())
}

enum Parsed {
    Integer(i128),
    Fraction,
    /// Of more digits than any 64-bit number has.
    Huge,
}

/// The value of a valid literal, without rounding.
fn integer(literal: &str) -> Parsed {
    const MOST_DIGITS: i64 = 20;
    let (sign, text) = match literal.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, literal),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Parsed::Integer(0);
    }
    // Beyond 64 bits the exponent outweighs any text that fits in memory.
    let exponent = exponent.parse().unwrap_or(if exponent.starts_with('-') {
        i64::MIN / 2
    } else {
        i64::MAX / 2
    });
    let zeros = exponent + (whole.len() as i64 - significant.len() as i64);
    let significant = significant.trim_start_matches('0');
    if zeros < 0 {
        return Parsed::Fraction;
    }
    if zeros.saturating_add(significant.len() as i64) > MOST_DIGITS {
        return Parsed::Huge;
    }
    let scale = 10_i128.pow(zeros as u32);
    match significant.parse::<i128>() {
        Ok(value) => Parsed::Integer(sign * value * scale),
        Err(_) => Parsed::Huge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exact_passes_and_nothing_else() {
        let signed = |literal| check(literal, i64::MIN.into(), i64::MAX.into()).is_ok();
        let unsigned = |literal| check(literal, 0, u64::MAX.into()).is_ok();
        for (literal, is_signed, is_unsigned) in [
            ("0", true, true),
            ("-0", true, true),
            ("-0.0", true, true),
            ("0e999999999999999999999", true, true),
            ("0.000", true, true),
            ("1", true, true),
            ("-1", true, false),
            ("-1.0", true, false),
            ("1.0", true, true),
            ("1e3", true, true),
            ("1E+3", true, true),
            ("100e-2", true, true),
            ("0.5e1", true, true),
            ("123.4500e2", true, true),
            ("1e18", true, true),
            ("1e19", false, true),
            ("1e20", false, false),
            ("-1e20", false, false),
            ("1e999999999999999999999", false, false),
            ("1e-999999999999999999999", false, false),
            ("1e-400", false, false),
            ("1.5", false, false),
            ("-1.5", false, false),
            ("12345e-1", false, false),
            ("9007199254740992.0", true, true),
            ("9007199254740993", true, true),
            ("9007199254740993.0", false, false),
            ("9007199254740993e0", false, false),
            ("-9007199254740993.0", false, false),
            ("9007199254740994.0", true, true),
            ("9223372036854775807", true, true),
            ("9223372036854775807.0", false, false),
            ("9223372036854775808", false, true),
            ("9223372036854775808.0", false, true),
            ("-9223372036854775808", true, false),
            ("-9223372036854775808.0", true, false),
            ("-9223372036854775809", false, false),
            ("18446744073709551615", false, true),
            ("18446744073709551615.0", false, false),
            ("18446744073709551616", false, false),
            ("18446744073709551616.0", false, false),
            (
                "1000000000000000000000000000000000000000000000000000000",
                false,
                false,
            ),
        ] {
            assert_eq!(signed(literal), is_signed, "{literal} signed");
            assert_eq!(unsigned(literal), is_unsigned, "{literal} unsigned");
        }
    }
}
