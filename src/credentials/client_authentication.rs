//! How a client proves who it is to the token endpoint (RFC 6749 section 2.3), as text of a request.
//!
//! Pure. Not here: assertions themselves (`assertion`), and client certificates (`tls`).

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::http_authentication;

/// A method of the token endpoint's, by the names of its metadata (RFC 8414) but for those of Basic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// HTTP Basic of id and secret as they are.
    Basic,
    /// HTTP Basic of id and secret, each form-encoded first (RFC 6749 section 2.3.1).
    BasicRfc6749,
    /// `client_id` and `client_secret` in the body.
    Body,
    /// An assertion that the client's key signs (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// The certificate of the TLS connection (RFC 8705 section 2).
    Tls,
}

impl ClientAuthentication {
    /// How Camunda's clients for Java, Node and Go send a secret; the reference does so to Camunda's cloud alone.
    pub const OF_OFFICIAL_CLIENTS: Self = Self::Body;

    /// In the order of the C API's numbers.
    pub fn all() -> [Self; 5] {
        [
            Self::Basic,
            Self::BasicRfc6749,
            Self::Body,
            Self::PrivateKeyJwt,
            Self::Tls,
        ]
    }

    /// As `describe` has it, and part of the token file's key.
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::BasicRfc6749 => "basic_rfc6749",
            Self::Body => "body",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Tls => "tls",
        }
    }

    /// Whether a client secret has to be given.
    pub fn needs_secret(self) -> bool {
        match self {
            Self::Basic | Self::BasicRfc6749 | Self::Body => true,
            Self::PrivateKeyJwt | Self::Tls => false,
        }
    }

    /// The value of `authorization`, if the method uses it.
    pub(super) fn authorization(self, id: &str, secret: &str) -> Option<HeaderValue> {
        let value = match self {
            Self::Basic => http_authentication::basic(id, secret),
            Self::BasicRfc6749 => {
                http_authentication::basic(&pair_encoded(id), &pair_encoded(secret))
            }
            Self::Body | Self::PrivateKeyJwt | Self::Tls => return None,
        };
        value.ok() // base64 always fits
    }
}

/// Form-encoded with `%20` for a space, which every server decodes; `+` not all.
fn pair_encoded(text: &str) -> Zeroizing<String> {
    let encoded = form_encoded(text);
    // `+` is a space there: a plus is %2B. Long enough at once.
    let mut pair = Zeroizing::new(String::with_capacity(3 * encoded.len()));
    for c in encoded.chars() {
        match c {
            '+' => pair.push_str("%20"),
            c => pair.push(c),
        }
    }
    pair
}

/// Whether form-encoding changes it.
pub(super) fn is_encoded(text: &str) -> bool {
    *form_encoded(text) != text
}

/// application/x-www-form-urlencoded as the reference writes it: `~` stays, `*` does not.
pub(super) fn form_encoded(text: &str) -> Zeroizing<String> {
    const SET: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b' ');
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    for piece in utf8_percent_encode(text, SET) {
        encoded.extend(piece.chars().map(|c| if c == ' ' { '+' } else { c }));
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_no_plus() {
        assert_eq!(*pair_encoded("a b+c"), "a%20b%2Bc");
    }

    #[test]
    fn form_encoding_is_the_references() {
        assert_eq!(
            *form_encoded("a b+~*-._\u{e9}&=%"),
            "a+b%2B~%2A-._%C3%A9%26%3D%25"
        );
    }
}
