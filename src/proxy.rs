//! Proxy: which HTTP proxy the gateway, or the token endpoint, is reached through, if any.
//!
//! Not here: the tunnel through it (`channel::tunnel`, and the HTTP client of `credentials::oauth2`).

use std::fmt;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::channel::target::is_loopback_host;
use crate::environment::{Environment, Origin, given};
use crate::error::Error;

/// Where a proxy may be named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources {
    /// The option, for errors.
    pub(crate) option: &'static str,
    /// The first that is set counts; each in lower case first.
    pub(crate) variables: &'static [&'static str],
    pub(crate) no_proxy: &'static [&'static str],
}

/// gRPC's variables, in gRPC's order.
pub(crate) const GATEWAY: Sources = Sources {
    option: "grpc.http_proxy",
    variables: &[
        "grpc_proxy",
        "GRPC_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "http_proxy",
        "HTTP_PROXY",
    ],
    no_proxy: &["no_grpc_proxy", "NO_GRPC_PROXY", "no_proxy", "NO_PROXY"],
};

const TOKEN_OPTION: &str = "token_options.http_proxy";

/// Of a token endpoint with an https:// URL.
pub(crate) const TOKEN_HTTPS: Sources = Sources {
    option: TOKEN_OPTION,
    variables: &["https_proxy", "HTTPS_PROXY"],
    no_proxy: &["no_proxy", "NO_PROXY"],
};

/// Of one with an http:// URL.
pub(crate) const TOKEN_HTTP: Sources = Sources {
    option: TOKEN_OPTION,
    variables: &["http_proxy", "HTTP_PROXY"],
    no_proxy: &["no_proxy", "NO_PROXY"],
};

/// Of the scheme http, as in every URL; gRPC C-core would take 443, curl 1080.
const DEFAULT_PORT: u16 = 80;

#[derive(Clone)]
pub(crate) struct Proxy {
    host: String,
    port: u16,
    /// `user:password`, decoded.
    credentials: Option<SecretString>,
    /// The option or variable it came from.
    source: &'static str,
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        let secret = |pair: &SecretString| Zeroizing::new(pair.expose_secret().to_owned());
        self.host == other.host
            && self.port == other.port
            && self.credentials.as_ref().map(secret) == other.credentials.as_ref().map(secret)
    }
}

impl Proxy {
    /// The proxy for a host: of the option, else, if `enabled`, of the variables, which loopback hosts ignore.
    /// Neither holds for what NO_PROXY lists, as in gRPC.
    pub(crate) fn choose(
        sources: Sources,
        option: Option<&str>,
        enabled: bool,
        environment: &Environment<'_>,
        host: &str,
    ) -> Result<Option<Self>, Error> {
        let (url, source) = if let Some(url) = given(option) {
            (url.to_owned(), sources.option)
        } else if !enabled || is_loopback_host(host) {
            return Ok(None);
        } else {
            match environment.first(&variables(sources, environment)?)? {
                Some((url, Origin::Environment(name))) => (url, name),
                _ => return Ok(None),
            }
        };
        if let Some((list, _)) = environment.first(sources.no_proxy)?
            && is_listed(&list, host)
        {
            return Ok(None);
        }
        Self::parse(&url, source).map(Some).map_err(|why| {
            let message = format!("the proxy in {source} cannot be used: {why}");
            if source == sources.option {
                Error::invalid_argument(message)
            } else {
                Error::settings(message)
            }
        })
    }

    /// `http://user:password@host:port`, of which only the host must be there.
    pub(crate) fn parse(text: &str, source: &'static str) -> Result<Self, String> {
        // What may hold a password is never shown.
        let shown = text.rsplit_once('@').map_or(text, |(_, place)| place);
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
            _ => ("http", text),
        };
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(format!(
                "its scheme is {scheme}, and only http:// proxies are known"
            ));
        }
        let url = Url::parse(&format!("http://{rest}"))
            .map_err(|error| format!("{shown:?} is no host:port ({error})"))?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            // Most likely a password with a character that must be percent-encoded.
            return Err("something follows its host:port".to_owned());
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("it has no host".to_owned()),
        };
        let decoded = |text| {
            let text = percent_decode_str(text).decode_utf8();
            text.map_err(|_| "its user or password is not UTF-8".to_owned())
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some(SecretString::from(format!(
                "{}:{}",
                decoded(user)?,
                decoded(password.unwrap_or_default())?
            ))),
        };
        Ok(Self {
            host,
            port: url.port().unwrap_or(DEFAULT_PORT),
            credentials,
            source,
        })
    }

    /// As [`Proxy::choose`], for a token endpoint; a URL that cannot be used has none.
    pub(crate) fn of_token_endpoint(
        url: &str,
        option: Option<&str>,
        environment: &Environment<'_>,
    ) -> Result<Option<Self>, Error> {
        let Ok(url) = Url::parse(url.trim()) else {
            return Ok(None);
        };
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_matches(['[', ']']);
        let sources = match url.scheme() {
            "http" => TOKEN_HTTP,
            _ => TOKEN_HTTPS,
        };
        Self::choose(sources, option, true, environment, host)
    }

    /// Without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `user:password`
    pub(crate) fn credentials(&self) -> Option<&SecretString> {
        self.credentials.as_ref()
    }

    /// The option or variable that names it.
    pub(crate) fn source(&self) -> &'static str {
        self.source
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the proxy {} ({})",
            authority(&self.host, self.port),
            self.source
        )
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Without HTTP_PROXY in a CGI program, where it is what the client's `Proxy:` header says.
fn variables(sources: Sources, environment: &Environment<'_>) -> Result<Vec<&'static str>, Error> {
    let is_cgi = environment.variable("REQUEST_METHOD")?.is_some();
    let mut variables = sources.variables.to_vec();
    variables.retain(|name| !is_cgi || *name != "HTTP_PROXY");
    Ok(variables)
}

/// Names with their sub-domains, `*`, addresses and CIDR blocks.
fn is_listed(list: &str, host: &str) -> bool {
    // The matcher's own `*` stands for names only.
    if list.split(',').any(|entry| entry.trim() == "*") {
        return true;
    }
    let all = Matcher::builder().http("http://any").no(list).build();
    let uri = Uri::builder()
        .scheme("http")
        .authority(bracketed(host))
        .path_and_query("/")
        .build();
    uri.is_ok_and(|uri| all.intercept(&uri).is_none())
}

fn is_scheme(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

pub(crate) fn authority(host: &str, port: u16) -> String {
    format!("{}:{port}", bracketed(host))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::error::Kind;

    fn choose(
        option: Option<&str>,
        enabled: bool,
        variables: &[(&str, &str)],
        host: &str,
    ) -> Result<Option<Proxy>, Error> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Proxy::choose(GATEWAY, option, enabled, &Environment(&variable), host)
    }

    #[test]
    fn the_option_comes_before_the_variables_and_those_in_grpcs_order() {
        let all = [
            ("HTTP_PROXY", "f"),
            ("http_proxy", "e"),
            ("HTTPS_PROXY", "d"),
            ("https_proxy", "c"),
            ("GRPC_PROXY", "b"),
            ("grpc_proxy", "a"),
        ];
        let chosen = |option, enabled, count: usize, host| {
            let proxy = choose(option, enabled, &all[..count], host).unwrap();
            proxy.map(|proxy| format!("{proxy}"))
        };
        for (count, expected) in [
            (6, "the proxy a:80 (grpc_proxy)"),
            (5, "the proxy b:80 (GRPC_PROXY)"),
            (4, "the proxy c:80 (https_proxy)"),
            (3, "the proxy d:80 (HTTPS_PROXY)"),
            (2, "the proxy e:80 (http_proxy)"),
            (1, "the proxy f:80 (HTTP_PROXY)"),
        ] {
            let found = chosen(None, true, count, "zeebe.example");
            assert_eq!(found.as_deref(), Some(expected));
        }
        assert_eq!(chosen(None, true, 0, "zeebe.example"), None);
        assert_eq!(chosen(None, false, 6, "zeebe.example"), None);
        for host in ["LocalHost", "127.1.2.3", "::1"] {
            assert_eq!(chosen(Some(""), true, 6, host), None, "{host}");
            let found = chosen(Some("o"), false, 6, host);
            assert_eq!(found.as_deref(), Some("the proxy o:80 (grpc.http_proxy)"));
        }
        let empty = [("grpc_proxy", ""), ("http_proxy", "e")];
        let proxy = choose(None, true, &empty, "zeebe.example").unwrap();
        assert_eq!(proxy.unwrap().source, "http_proxy");
    }

    #[test]
    fn a_cgi_program_does_not_take_a_header_for_its_proxy() {
        let mut variables = vec![("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil")];
        let chosen = |variables: &[_]| choose(None, true, variables, "zeebe.example").unwrap();
        assert!(chosen(&variables).is_none());
        variables.push(("http_proxy", "good"));
        assert_eq!(chosen(&variables).unwrap().host(), "good");
    }

    #[test]
    fn a_token_endpoint_has_variables_by_its_scheme() {
        let chosen = |url| {
            let variables = |name: &str| match name {
                "https_proxy" => Some(OsString::from("secure")),
                "HTTP_PROXY" => Some(OsString::from("plain")),
                "NO_PROXY" => Some(OsString::from("direct.example")),
                _ => None,
            };
            let proxy = Proxy::of_token_endpoint(url, None, &Environment(&variables)).unwrap();
            proxy.map(|proxy| proxy.host)
        };
        assert_eq!(chosen("https://a.example/t").as_deref(), Some("secure"));
        assert_eq!(chosen("http://a.example/t").as_deref(), Some("plain"));
        for direct in ["https://direct.example/t", "http://[::1]:1/t", "nonsense"] {
            assert_eq!(chosen(direct), None, "{direct}");
        }
    }

    #[test]
    fn what_no_proxy_lists_is_reached_directly() {
        for (list, host, direct) in [
            ("zeebe.example", "zeebe.example", true),
            ("zeebe.example", "ZEEBE.Example", true),
            ("example", "zeebe.example", true),
            (".example", "zeebe.example", true),
            (".zeebe.example", "zeebe.example", true),
            ("be.example", "zeebe.example", false),
            ("zeebe.example.com", "zeebe.example", false),
            ("a, zeebe.example ,b", "zeebe.example", true),
            ("*", "zeebe.example", true),
            ("a, *", "10.1.2.3", true),
            ("*.example", "zeebe.example", false), // as in curl
            ("10.1.2.3", "10.1.2.3", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("2001:db8::/32", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            (" , ", "zeebe.example", false),
        ] {
            for variable in GATEWAY.no_proxy {
                let variables = [("grpc_proxy", "p"), (variable, list)];
                let chosen = choose(None, true, &variables, host).unwrap();
                assert_eq!(chosen.is_none(), direct, "{variable}={list} {host}");
                let chosen = choose(Some("o"), true, &variables, host).unwrap();
                assert_eq!(chosen.is_none(), direct, "option, {variable}={list} {host}");
            }
        }
        let both = [("no_grpc_proxy", "a"), ("no_proxy", "b")];
        assert!(choose(Some("o"), true, &both, "a").unwrap().is_none());
        assert!(choose(Some("o"), true, &both, "b").unwrap().is_some());
    }

    #[test]
    fn a_proxy_is_a_host_with_or_without_scheme_port_and_credentials() {
        for (text, authority_, credentials) in [
            ("proxy.example", "proxy.example:80", None),
            ("proxy.example:3128", "proxy.example:3128", None),
            ("http://proxy.example:3128/", "proxy.example:3128", None),
            ("HTTP://[2001:db8::1]:3128", "[2001:db8::1]:3128", None),
            ("user:pass@10.0.0.1:1", "10.0.0.1:1", Some("user:pass")),
            ("http://user@proxy", "proxy:80", Some("user:")),
            ("http://a%40b:%3a%c3%a9@proxy", "proxy:80", Some("a@b::é")),
        ] {
            let proxy = Proxy::parse(text, GATEWAY.option).unwrap();
            assert_eq!(authority(proxy.host(), proxy.port()), authority_, "{text}");
            let found = proxy.credentials.as_ref().map(ExposeSecret::expose_secret);
            assert_eq!(found, credentials, "{text}");
            assert!(!format!("{proxy:?}").contains("pass"), "{proxy:?}");
        }
    }

    #[test]
    fn an_unusable_proxy_is_named_by_its_source_and_its_password_is_not_shown() {
        for (text, why) in [
            (
                "https://u:secret@proxy:1",
                "its scheme is https, and only http:// proxies are known",
            ),
            (
                "socks5://u:secret@proxy",
                "its scheme is socks5, and only http:// proxies are known",
            ),
            (
                "u:se/cret@proxy",
                "\"proxy\" is no host:port (invalid port number)",
            ),
            (
                "u:se://cret@proxy",
                "\"proxy\" is no host:port (invalid port number)",
            ),
            ("u:secret@proxy/path", "something follows its host:port"),
            ("u:1#secret@proxy", "something follows its host:port"),
            ("u:secret%ff@proxy", "its user or password is not UTF-8"),
            (
                "u:secret@proxy:99999",
                "\"proxy:99999\" is no host:port (invalid port number)",
            ),
            ("http://", "\"http://\" is no host:port (empty host)"),
        ] {
            let error = choose(None, true, &[("http_proxy", text)], "zeebe.example").unwrap_err();
            assert_eq!(
                error.message(),
                format!("the proxy in http_proxy cannot be used: {why}")
            );
            assert_eq!(error.kind(), Kind::Settings);
            let error = choose(Some(text), true, &[], "zeebe.example").unwrap_err();
            assert_eq!(
                error.message(),
                format!("the proxy in grpc.http_proxy cannot be used: {why}")
            );
            assert_eq!(error.kind(), Kind::InvalidArgument);
        }
    }
}
