//! When a peer that speaks HTTP asks to be asked again (RFC 9110 section 10.2.3).
//!
//! Pure. Of gRPC's own ways to say it knows `call`.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName};

/// The longest pause that a peer may ask for.
const MOST: Duration = Duration::from_secs(300);

/// The first that can be read counts; what others than the standard are is in common use.
const HEADERS: [HeaderName; 3] = [
    RETRY_AFTER,
    HeaderName::from_static("x-retry-after"),
    HeaderName::from_static("ratelimit-reset"),
];

/// The pause that an answer asks for, of seconds or up to a date; nothing if none can be read.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let values = HEADERS.into_iter().flat_map(|name| headers.get_all(name));
    let mut texts = values.filter_map(|value| value.to_str().ok());
    let pause = texts.find_map(|text| {
        let text = text.trim();
        seconds(text).or_else(|| until(text, now))
    })?;
    Some(pause.min(MOST))
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
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        retry_after(&map, SystemTime::UNIX_EPOCH).map(|pause| pause.as_secs_f64())
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
        let date = "Thu, 01 Jan 1970 00:00:09 GMT".parse().unwrap();
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        let headers = HeaderMap::from_iter([(RETRY_AFTER, date)]);
        assert_eq!(retry_after(&headers, late), Some(Duration::ZERO));
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
