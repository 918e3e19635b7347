//! Proxy: which HTTP proxy the gateway, or the token endpoint, is reached through, if any.
//!
//! And the tunnel through it.

mod choice;
mod tunnel;

use std::fmt;

use http::{StatusCode, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, ParseError, Url};
use zeroize::Zeroizing;

use crate::environment::{Environment, Origin, given};
use crate::error::Error;
use crate::loopback::is_loopback_host;
use crate::options::{self, Spec};
pub(crate) use choice::Choice;
pub(crate) use tunnel::Tunnel;

/// Where a proxy may be named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources {
    pub(crate) option: &'static Spec,
    /// The first that is set counts; each in lower case first.
    pub(crate) variables: &'static [&'static str],
    pub(crate) no_proxy: &'static [&'static str],
}

/// gRPC's variables, in gRPC's order.
pub(crate) const GATEWAY: Sources = Sources {
    option: &options::grpc::HTTP_PROXY,
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

/// Of a token endpoint with an https:// URL.
pub(crate) const TOKEN_HTTPS: Sources = Sources {
    option: &options::TOKEN_HTTP_PROXY,
    variables: &["https_proxy", "HTTPS_PROXY"],
    no_proxy: &["no_proxy", "NO_PROXY"],
};

/// Of one with an http:// URL.
pub(crate) const TOKEN_HTTP: Sources = Sources {
    option: &options::TOKEN_HTTP_PROXY,
    variables: &["http_proxy", "HTTP_PROXY"],
    no_proxy: &["no_proxy", "NO_PROXY"],
};

/// Of a program that a web server runs: then HTTP_PROXY may be a header of a request.
const CGI: &str = "REQUEST_METHOD";

/// Of the scheme http, as in every URL; gRPC C-core would take 443, curl 1080.
const DEFAULT_PORT: u16 = 80;

#[derive(Clone)]
pub(crate) struct Proxy {
    host: String,
    port: u16,
    /// `user:password`, decoded.
    credentials: Option<SecretString>,
    source: Source,
}

/// What names a proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Option(&'static Spec),
    Variable(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(option) => option.fmt(f),
            Self::Variable(name) => f.write_str(name),
        }
    }
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
            (
                Zeroizing::new(url.to_owned()),
                Source::Option(sources.option),
            )
        } else if !enabled || is_loopback_host(host) {
            return Ok(None);
        } else {
            match environment.first(&variables(sources, environment)?)? {
                Some((url, Origin::Environment(name))) => {
                    (Zeroizing::new(url), Source::Variable(name))
                }
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
            match source {
                Source::Option(option) => Error::invalid_argument(message).about(option),
                Source::Variable(_) => Error::settings(message),
            }
        })
    }

    /// `http://user:password@host:port`, of which only the host must be there.
    pub(crate) fn parse(text: &str, source: Source) -> Result<Self, String> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
            _ => ("http", text),
        };
        if !scheme.eq_ignore_ascii_case("http") {
            // What looks like another scheme may be part of a password.
            let known = ["https", "socks4", "socks4a", "socks5", "socks5h"];
            let known = known
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(scheme));
            let scheme = known.unwrap_or("another one");
            return Err(format!(
                "its scheme is {scheme}, and only http:// proxies are known"
            ));
        }
        // Nothing of it is shown, nor what the parser says of it: a password may stand anywhere in what does not parse.
        let url = Url::parse(&format!("http://{rest}")).map_err(|error| match error {
            ParseError::EmptyHost => "it has no host",
            ParseError::InvalidPort => {
                "it is no [user:password@]host:port: what stands for the port is none; \
                 in a user and a password, / : @ ? # must be percent-encoded"
            }
            _ => "it is no [user:password@]host:port",
        })?;
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
    fn of_token_endpoint(
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

    pub(crate) fn source(&self) -> Source {
        self.source
    }

    /// For errors: what it answered in place of the host's answer, and what may be done about that.
    pub(crate) fn refusal(&self, status: StatusCode) -> String {
        // Some proxies say 401 of a wrong password.
        let denied = matches!(
            status,
            StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED
        );
        let source = self.source;
        match (denied, self.credentials()) {
            (true, None) => format!("{self} answered {status}; {source} has no user and password"),
            (true, Some(_)) => {
                format!("{self} answered {status}; the user or password in {source} is wrong")
            }
            (false, _) => format!("{self} answered {status}"),
        }
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
    let is_cgi = environment.variable(CGI)?.is_some();
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
mod tests;
