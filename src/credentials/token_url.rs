//! The token URL: whether it may be used, and how it is shown to people.
//!
//! Pure. It is text until the first fetch: one that cannot be used fails calls, not constructors.

use std::borrow::Cow;

use url::Url;

use crate::loopback::is_loopback_host;

/// Whether a token URL may be used, as far as security goes.
///
/// An `http` URL beyond loopback is refused: the secret would travel in the clear.
pub fn check_token_url(text: &str, allow_insecure: bool) -> Result<(), String> {
    match Url::parse(text.trim()) {
        Ok(url) if url.scheme() == "http" && !allow_insecure && !is_loopback(&url) => Err(
            "it is http:// beyond loopback, so the secret would travel in the clear; \
                 token_options.allow_insecure_token_url allows it"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    is_loopback_host(host.trim_matches(['[', ']']))
}

/// Without the user and password that it may hold.
pub fn shown(text: &str) -> Cow<'_, str> {
    let begin = text.find("://").map_or(0, |at| at + "://".len());
    let rest = &text[begin..];
    // In what is no URL, a password may go on anywhere.
    let authority = match Url::parse(text) {
        Ok(_) => rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest),
        Err(_) => rest,
    };
    match authority.rfind('@') {
        Some(at) => format!("{}<redacted>{}", &text[..begin], &rest[at..]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_loopback_unless_allowed() {
        for url in [
            "http://localhost/t",
            "http://127.0.0.1:1/t",
            "http://[::1]:1/t",
            "https://a/t",
            "nonsense",
        ] {
            assert!(check_token_url(url, false).is_ok(), "{url}");
        }
        assert!(check_token_url(" http://a.example/t", false).is_err());
        assert!(check_token_url("http://a.example/t", true).is_ok());
    }

    #[test]
    fn user_and_password_are_not_shown() {
        for (url, expected) in [
            ("https://a/t", "https://a/t"),
            ("https://a/@tenant/t?b=@", "https://a/@tenant/t?b=@"),
            ("https://u:p@a:1/t", "https://<redacted>@a:1/t"),
            ("https://u@v:p@a/t", "https://<redacted>@a/t"),
            ("https://u:p/p@a/t", "https://<redacted>@a/t"),
            ("u:p@a/t", "<redacted>@a/t"),
            ("", ""),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
