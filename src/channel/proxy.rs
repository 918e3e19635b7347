//! Proxy: which HTTP proxy the gateway is reached through, if any, and the tunnel through it (CONNECT).
//!
//! Not here: dialling the proxy (`connector`), and the token endpoint's proxy (`credentials::oauth2`).

use std::fmt;
use std::net::IpAddr;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::header::{HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use hyper::client::conn::http1;
use hyper::upgrade::Upgraded;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use url::{Host, Url};

use crate::environment::{Environment, Origin, given};
use crate::error::{Error, chain};

const OPTION: &str = "grpc.http_proxy";
/// gRPC's variables, in gRPC's order; each in lower case first.
const PROXY: [&str; 6] = [
    "grpc_proxy",
    "GRPC_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "http_proxy",
    "HTTP_PROXY",
];
const NO_PROXY: [&str; 4] = ["no_grpc_proxy", "NO_GRPC_PROXY", "no_proxy", "NO_PROXY"];

/// Of the scheme http, as in every URL; gRPC C-core would take 443, curl 1080.
const DEFAULT_PORT: u16 = 80;
const MAX_HEAD: usize = 16 * 1024;

/// Bytes of the gateway, both ways.
pub(super) type Tunnelled = TokioIo<Upgraded>;

#[derive(Clone)]
pub(super) struct Proxy {
    host: String,
    port: u16,
    /// `user:password`, decoded.
    credentials: Option<SecretString>,
    /// The option or variable it came from.
    source: &'static str,
}

impl Proxy {
    /// The proxy for a host: of the option, else, if `enabled`, of the variables, which loopback hosts ignore.
    /// Neither holds for what NO_PROXY lists, as in gRPC.
    pub(super) fn choose(
        option: Option<&str>,
        enabled: bool,
        environment: &Environment<'_>,
        host: &str,
    ) -> Result<Option<Self>, Error> {
        let (url, source) = if let Some(url) = given(option) {
            (url.to_owned(), OPTION)
        } else if !enabled || is_loopback(host) {
            return Ok(None);
        } else {
            match environment.first(proxy_variables(environment)?)? {
                Some((url, Origin::Environment(name))) => (url, name),
                _ => return Ok(None),
            }
        };
        if let Some((list, _)) = environment.first(&NO_PROXY)?
            && is_listed(&list, host)
        {
            return Ok(None);
        }
        Self::parse(&url, source).map(Some).map_err(|why| {
            let message = format!("the proxy in {source} cannot be used: {why}");
            match source {
                OPTION => Error::invalid_argument(message),
                _ => Error::settings(message),
            }
        })
    }

    /// `http://user:password@host:port`, of which only the host must be there.
    fn parse(text: &str, source: &'static str) -> Result<Self, String> {
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

    /// Without brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Asks the proxy at the other end of `stream` for a tunnel. Waits as long as the caller does.
    pub(super) async fn connect<S>(
        &self,
        stream: S,
        host: &str,
        port: u16,
    ) -> Result<Tunnelled, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let gateway = authority(host, port);
        let failed = |why: String| {
            Error::unavailable(format!("CONNECT {gateway} through {self} failed: {why}"))
        };
        let lost = |error: hyper::Error| failed(chain(&error));
        let request = self
            .request(&gateway)
            .map_err(|error| failed(chain(&error)))?;
        let (mut send, connection) = http1::Builder::new()
            .title_case_headers(true)
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(lost)?;
        let exchange = async {
            let answer = send.send_request(request).await.map_err(lost)?;
            let status = answer.status();
            if !status.is_success() {
                let hint = match (status, &self.credentials) {
                    (StatusCode::PROXY_AUTHENTICATION_REQUIRED, None) => {
                        format!("; {} has no user and password", self.source)
                    }
                    (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(_)) => {
                        format!("; the user or password in {} is wrong", self.source)
                    }
                    _ => String::new(),
                };
                // What the proxy blames on the request, it will blame again.
                let error = failed(format!("the proxy answered {status}{hint}"));
                return Err(error.retryable(!status.is_client_error()));
            }
            hyper::upgrade::on(answer).await.map_err(lost)
        };
        tokio::pin!(exchange);
        let tunnel = tokio::select! {
            biased;
            ended = &mut exchange => ended?,
            // It hands the stream on or has failed; the exchange knows which.
            _ = connection.with_upgrades() => exchange.await?,
        };
        Ok(TokioIo::new(tunnel))
    }

    fn request(&self, gateway: &str) -> Result<Request<String>, http::Error> {
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .uri(gateway)
            .header(HOST, gateway)
            .header(
                USER_AGENT,
                concat!("grpc-c-libzeebe/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(credentials) = &self.credentials {
            let encoded = BASE64_STANDARD.encode(credentials.expose_secret());
            let mut value = HeaderValue::try_from(format!("Basic {encoded}"))?;
            value.set_sensitive(true);
            request = request.header(PROXY_AUTHORIZATION, value);
        }
        request.body(String::new())
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
fn proxy_variables(environment: &Environment<'_>) -> Result<&'static [&'static str], Error> {
    let is_cgi = environment.variable("REQUEST_METHOD")?.is_some();
    Ok(if is_cgi { &PROXY[..5] } else { &PROXY })
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

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
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

fn authority(host: &str, port: u16) -> String {
    format!("{}:{port}", bracketed(host))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

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
        Proxy::choose(option, enabled, &Environment(&variable), host)
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
            for variable in NO_PROXY {
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
            let proxy = Proxy::parse(text, OPTION).unwrap();
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

    async fn read_head(stream: &mut DuplexStream) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Connects to `[::1]:26500` through a proxy that answers so and hangs up unless it is a tunnel.
    async fn connect(url: &str, answer: &[u8]) -> (Result<Tunnelled, Error>, String, DuplexStream) {
        let proxy = Proxy::parse(url, "https_proxy").unwrap();
        let (near, mut far) = duplex(64 * 1024);
        let script = async {
            let head = read_head(&mut far).await;
            far.write_all(answer).await.unwrap();
            if !answer.windows(2).any(|bytes| bytes == b" 2") {
                far.shutdown().await.unwrap();
            }
            (head, far)
        };
        let (tunnel, (head, far)) = tokio::join!(proxy.connect(near, "::1", 26500), script);
        (tunnel, head, far)
    }

    #[tokio::test]
    async fn the_request_is_for_the_gateway_and_has_the_credentials() {
        let (_, head, _) = connect("user:p%40ss@proxy", b"HTTP/1.1 200 OK\r\n\r\n").await;
        let mut lines: Vec<_> = head.trim_end().split("\r\n").collect();
        lines[1..].sort_unstable();
        assert_eq!(
            lines,
            [
                "CONNECT [::1]:26500 HTTP/1.1",
                "Host: [::1]:26500",
                &format!(
                    "Proxy-Authorization: Basic {}",
                    BASE64_STANDARD.encode("user:p@ss")
                ),
                concat!("User-Agent: grpc-c-libzeebe/", env!("CARGO_PKG_VERSION")),
            ]
        );
    }

    #[tokio::test]
    async fn a_tunnel_loses_nothing_that_comes_with_the_answer() {
        for head in [
            "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n",
            "HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\n",
            "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n",
        ] {
            let answer = format!("{head}early");
            let (tunnel, _, mut far) = connect("proxy", answer.as_bytes()).await;
            let mut tunnel = tunnel.unwrap();
            far.write_all(b", late").await.unwrap();
            tunnel.write_all(b"PRI * HTTP/2.0").await.unwrap();
            let (mut down, mut up) = ([0; 11], [0; 14]);
            tunnel.read_exact(&mut down).await.unwrap();
            far.read_exact(&mut up).await.unwrap();
            assert_eq!((&down, &up), (b"early, late", b"PRI * HTTP/2.0"), "{head}");
            drop(far);
            assert_eq!(tunnel.read(&mut down).await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn a_refusal_names_the_proxy_and_the_status() {
        let authenticate = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
            Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 2\r\n\r\nno";
        for (url, answer, why, retryable) in [
            (
                "http://proxy:3128",
                &authenticate[..],
                "407 Proxy Authentication Required; https_proxy has no user and password",
                false,
            ),
            (
                "http://u:secret@proxy:3128",
                authenticate,
                "407 Proxy Authentication Required; the user or password in https_proxy is wrong",
                false,
            ),
            (
                "http://proxy:3128",
                b"HTTP/1.0 403 No\r\n\r\n",
                "403 Forbidden",
                false,
            ),
            (
                "http://proxy:3128",
                b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
                "502 Bad Gateway",
                true,
            ),
        ] {
            let (tunnel, ..) = connect(url, answer).await;
            let error = tunnel.unwrap_err();
            assert_eq!(
                error.message(),
                format!(
                    "CONNECT [::1]:26500 through the proxy proxy:3128 (https_proxy) failed: \
                     the proxy answered {why}"
                )
            );
            assert_eq!(error.is_retryable(), retryable, "{error}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_no_http_or_too_long_or_none_is_an_error() {
        let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(MAX_HEAD));
        for (answer, why) in [
            (&b"SSH-2.0-OpenSSH_9\r\n"[..], "invalid HTTP version parsed"),
            (long.as_bytes(), "message head is too large"),
            (b"", "connection closed before message completed"),
            (b"HTTP/1.", "connection closed before message completed"),
        ] {
            let (tunnel, ..) = connect("proxy", answer).await;
            let error = tunnel.unwrap_err();
            let start = "CONNECT [::1]:26500 through the proxy proxy:80 (https_proxy) failed: ";
            assert!(error.message().starts_with(start), "{error}");
            assert!(error.message().contains(why), "{error}");
            assert!(error.is_retryable(), "{error}");
        }
    }
}
