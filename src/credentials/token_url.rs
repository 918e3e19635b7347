//! The token URL: whether it may be used, and how it is shown to people.
//!
//! Pure. It is text until the first fetch: one that cannot be used fails calls, not constructors.

use std::borrow::Cow;

use url::Url;

use crate::environment::Origin;
use crate::error::Error;
use crate::loopback::is_loopback_host;
use crate::options::ALLOW_INSECURE_TOKEN_URL;

/// Whether a token URL may be used, as far as security goes.
///
/// An `http` URL beyond loopback is refused: the secret would travel in the clear.
pub(super) fn check_token_url(text: &str, allow_insecure: bool) -> Result<(), String> {
    match Url::parse(text.trim()) {
        Ok(url) if url.scheme() == "http" && !allow_insecure && !is_loopback(&url) => Err(format!(
            "it is http:// beyond loopback, so the secret would travel in the clear; {ALLOW_INSECURE_TOKEN_URL} allows it"
        )),
        _ => Ok(()),
    }
}

/// The same of one that a program, or a variable, gives, for whom the error is.
pub(crate) fn refuse_readable(
    text: &str,
    origin: Option<Origin>,
    allow_insecure: bool,
) -> Result<(), Error> {
    check_token_url(text, allow_insecure).map_err(|why| {
        let shown = shown(text);
        let error = match origin {
            Some(origin @ Origin::Environment(_)) => {
                Error::settings(format!("the token URL {shown:?} ({origin}): {why}"))
            }
            Some(origin) => {
                Error::invalid_argument(format!("the token URL {shown:?} ({origin}): {why}"))
            }
            None => Error::invalid_argument(format!("the token URL {shown:?}: {why}")),
        };
        error.about(&ALLOW_INSECURE_TOKEN_URL)
    })
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    is_loopback_host(host.trim_matches(['[', ']']))
}

/// Without the user and password that it may hold.
pub fn shown(text: &str) -> Cow<'_, str> {
    if let Some(url) = usable(text)
        && !is_misread(text, &url)
    {
        return match has_userinfo(&url) {
            false => text.into(),
            true => {
                let url = without_userinfo(url).to_string();
                url.replacen("://", "://<redacted>@", 1).into()
            }
        };
    }
    // In what is no URL, a password may begin and go on anywhere: also before what looks like the end of a scheme.
    let scheme = ["https://", "http://"].into_iter().find(|scheme| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let (scheme, rest) = text.split_at(scheme.map_or(0, str::len));
    let at = ["@", "%40", "\u{ff20}", "\u{fe6b}"];
    if let Some(end) = at.into_iter().filter_map(|at| rest.rfind(at)).max() {
        return format!("{scheme}<redacted>{}", &rest[end..]).into();
    }
    // A password whose @ and host are missing stands where a port would.
    let host = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    match host.split_once(':') {
        Some((name, port)) if !name.starts_with('[') && !is_number(port) => {
            format!("{scheme}{name}:<redacted>").into()
        }
        _ => text.into(),
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The URL to ask: a user and a password in it go nowhere (RFC 9110 section 4.2.4). What is no URL stays as it is, and will
/// not be asked.
pub(super) fn asked(text: &str) -> Cow<'_, str> {
    match usable(text) {
        Some(url) if has_userinfo(&url) => without_userinfo(url).to_string().into(),
        _ => text.into(),
    }
}

fn usable(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn without_userinfo(mut url: Url) -> Url {
    // They fail for URLs without a host alone, which http and https have not.
    url.set_username("").ok();
    url.set_password(None).ok();
    url
}

/// A password with a `#` or `?` in it ends what is read as the host.
fn is_misread(text: &str, url: &Url) -> bool {
    let in_fragment = url.fragment().is_some_and(|rest| rest.contains('@'));
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    let has_path = authority.find('/') < authority.find('?') && authority.contains('/');
    let in_query = !has_path && url.query().is_some_and(|rest| rest.contains('@'));
    in_fragment || in_query
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
            ("https:u:p@a/t", "https://<redacted>@a/t"),
            ("https:\\\\u:p@a/t", "https://<redacted>@a/t"),
            ("https:///u:p@a/t", "https://<redacted>@a/t"),
            ("ht\ntps://u:p@a/t", "https://<redacted>@a/t"),
            ("HTTPS://u:p@A/t", "https://<redacted>@a/t"),
            ("https://u:p%40a/t", "https://<redacted>%40a/t"),
            ("https://u:1#p@a/t", "https://<redacted>@a/t"),
            ("https://u:1?p@a/t", "https://<redacted>@a/t"),
            ("ftp://u:p@a/t", "<redacted>@a/t"),
            ("u:p://p@a/t", "<redacted>@a/t"),
            ("p://p@a/t", "<redacted>@a/t"),
            ("u:http://p@a/t", "<redacted>@a/t"),
            ("https://u:p\u{ff20}a/t", "https://<redacted>\u{ff20}a/t"),
            ("https://u:p", "https://u:<redacted>"),
            ("https://u:p/p", "https://u:<redacted>"),
            ("u:p", "u:<redacted>"),
            ("htps://a/t", "htps://a/t"),
            ("a:8080/t", "a:8080/t"),
            ("https://a:99999/t", "https://a:99999/t"),
            ("https://[::1/t", "https://[::1/t"),
            ("https://u:@a/t", "https://<redacted>@a/t"),
            ("https://:p@a/t", "https://<redacted>@a/t"),
            ("", ""),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[test]
    fn user_and_password_are_not_sent() {
        for (url, expected) in [
            ("https://u:p@a/t?b", "https://a/t?b"),
            ("https:u:p@a", "https://a/"),
            ("https://a/@tenant", "https://a/@tenant"),
            ("HTTPS://A", "HTTPS://A"),
            ("u:p@a/t", "u:p@a/t"),
        ] {
            assert_eq!(asked(url), expected);
        }
    }
}
