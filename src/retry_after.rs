//! When a peer that speaks HTTP asks to be asked again (RFC 9110 section 10.2.3).
//!
//! Pure. Of gRPC's own ways to say it knows `call`.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue};

/// The longest pause that a peer may ask for.
const MOST: Duration = Duration::from_secs(300);

/// The first that can be read counts; what others than the standard are is in common use.
const HEADERS: [&str; 3] = ["retry-after", "x-retry-after", "ratelimit-reset"];

/// The pause that an answer asks for, of seconds or up to a date; nothing if none can be read. `values` gives those of a
/// header.
pub(crate) fn retry_after<'a, V: Iterator<Item = &'a [u8]>>(
    values: impl Fn(&'static str) -> V,
    now: SystemTime,
) -> Option<Duration> {
    let values = HEADERS.into_iter().flat_map(values);
    let mut texts = values.filter_map(|value| std::str::from_utf8(value).ok());
    let pause = texts.find_map(|text| {
        let text = text.trim();
        seconds(text).or_else(|| until(text, now))
    })?;
    Some(pause.min(MOST))
}

/// The same of an answer that the HTTP client gave.
pub(crate) fn retry_after_of(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let values = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    retry_after(values, now)
}

/// Whole seconds by the standard, a fraction as some servers write it; however many.
fn seconds(text: &str) -> Option<Duration> {
    let is_number = text.bytes().any(|byte| byte.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = text.parse().ok().filter(|_| is_number)?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(MOST))
}

/// A date that has passed is now.
fn until(text: &str, now: SystemTime) -> Option<Duration> {
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &str)]) -> Option<f64> {
        let values = |wanted| {
            let same = headers.iter().filter(move |(name, _)| *name == wanted);
            same.map(|(_, value)| value.as_bytes())
        };
        retry_after(values, SystemTime::UNIX_EPOCH).map(|pause| pause.as_secs_f64())
    }

    #[test]
    fn it_is_seconds_or_a_date_and_bounded() {
        let long = "9".repeat(400);
        for (text, seconds) in [
            ("7", Some(7.0)),
            (" 7 ", Some(7.0)),
            ("0", Some(0.0)),
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("2.", Some(2.0)),
            ("300.1", Some(300.0)),
            ("9999", Some(300.0)),
            ("99999999999999999999999", Some(300.0)),
            (long.as_str(), Some(300.0)),
            ("Thu, 01 Jan 1970 00:00:09 GMT", Some(9.0)),
            ("Thursday, 01-Jan-70 00:00:09 GMT", Some(9.0)),
            ("Thu Jan  1 00:00:09 1970", Some(9.0)),
            ("Fri, 02 Jan 1970 00:00:00 GMT", Some(300.0)),
            ("soon", None),
            ("", None),
            (".", None),
            ("1.2.3", None),
            ("-5", None),
            ("+5", None),
            ("1e3", None),
            ("inf", None),
            ("NaN", None),
            ("5s", None),
        ] {
            assert_eq!(asked(&[("retry-after", text)]), seconds, "{text}");
        }
        let date = |_| std::iter::once(&b"Thu, 01 Jan 1970 00:00:09 GMT"[..]);
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        assert_eq!(retry_after(date, late), Some(Duration::ZERO));
    }

    #[test]
    fn the_first_header_that_can_be_read_counts() {
        let standard = ("retry-after", "1");
        let older = ("x-retry-after", "2");
        let limit = ("ratelimit-reset", "3");
        for (headers, seconds) in [
            (&[][..], None),
            (&[limit, older, standard], Some(1.0)),
            (&[limit, older], Some(2.0)),
            (&[limit], Some(3.0)),
            (&[("retry-after", "soon"), limit], Some(3.0)),
            (&[("retry-after", "soon"), standard], Some(1.0)),
            (&[("x-ratelimit-reset", "1767225600")], None),
        ] {
            assert_eq!(asked(headers), seconds, "{headers:?}");
        }
    }
}
