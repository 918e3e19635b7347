//! HTTP authentication: the values of `authorization` and `proxy-authorization`, in memory that is overwritten when the last copy of
//! the value goes.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use http::header::InvalidHeaderValue;
use zeroize::Zeroizing;

const BEARER: &str = "Bearer ";

/// RFC 6750.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    value(Zeroizing::new([BEARER, token].concat()))
}

/// The token in what [`bearer`] gave, which is printable ASCII.
pub(crate) fn bearer_token(value: &HeaderValue) -> Zeroizing<String> {
    let token = value.as_bytes().strip_prefix(BEARER.as_bytes());
    Zeroizing::new(String::from_utf8_lossy(token.unwrap_or_default()).into_owned())
}

/// RFC 7617, of both as they are.
pub(crate) fn basic(user: &str, password: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    basic_pair(&Zeroizing::new([user, ":", password].concat()))
}

/// The same of `user:password`.
pub(crate) fn basic_pair(pair: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    // Long enough at once: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(length_of_basic(pair)));
    text.push_str("Basic ");
    BASE64_STANDARD.encode_string(pair, &mut text);
    let mut value = value(text)?;
    value.set_sensitive(true);
    Ok(value)
}

fn length_of_basic(pair: &str) -> usize {
    "Basic ".len() + pair.len().div_ceil(3) * 4
}

fn value(text: Zeroizing<String>) -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from_owner(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_rfcs() {
        assert_eq!(bearer("t").unwrap(), "Bearer t");
        assert_eq!(*bearer_token(&bearer("t").unwrap()), "t");
        assert_eq!(
            basic("Aladdin", "open sesame").unwrap(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert!(bearer("a\nb").is_err());
    }

    #[test]
    fn the_text_of_basic_does_not_move_as_it_grows() {
        for length in 0..50 {
            let pair = "x".repeat(length);
            let value = basic_pair(&pair).unwrap();
            assert_eq!(value.len(), length_of_basic(&pair), "{length}");
        }
    }
}
