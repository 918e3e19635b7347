//! Tunnel: a connection to a host through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6).
//!
//! Not here: which proxy (`proxy`), and dialling it (`dial`).

use std::fmt;
use std::time::SystemTime;

use http::header::{self, HOST, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use secrecy::ExposeSecret;

use super::{Proxy, authority};
use crate::dial::BoxStream;
use crate::error::{Error, chain};
use crate::http_authentication::basic_pair;
use crate::retry_after::retry_after_of;

const MAX_HEAD: usize = 16 * 1024;

/// A proxy, and what it is to connect to.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) proxy: Proxy,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user_agent: &'static str,
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.proxy.fmt(f)
    }
}

impl Tunnel {
    /// The host, behind this peer, which is the proxy.
    pub(crate) fn peer(&self, proxy: &str) -> String {
        format!("{}:{} through the proxy {proxy}", self.host, self.port)
    }

    /// Asks the proxy at the other end of `stream` for a tunnel. Waits as long as the caller does. An error is retryable where the
    /// proxy may answer otherwise another time.
    pub(crate) async fn connect(&self, stream: BoxStream) -> Result<BoxStream, Error> {
        let proxy = &self.proxy;
        let host = authority(&self.host, self.port);
        let failed = |why: String| {
            Error::unavailable(format!("CONNECT {host} through {proxy} failed: {why}"))
        };
        let lost = |error: hyper::Error| failed(chain(&error));
        let request = self
            .request(&host)
            .map_err(|_| failed("its user and password make no header".to_owned()))?;
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
                let why = proxy.refusal(status);
                // What the proxy blames on the request, it will blame again, but for its number or its time.
                let may_pass = !status.is_client_error()
                    || matches!(
                        status,
                        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                    );
                let error = Error::unavailable(format!("CONNECT {host} failed: {why}"));
                return Err(match may_pass {
                    true => {
                        error.with_retry_after(retry_after_of(answer.headers(), SystemTime::now()))
                    }
                    false => error.retryable(false),
                });
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
        Ok(Box::new(TokioIo::new(tunnel)))
    }

    fn request(&self, host: &str) -> Result<Request<String>, http::Error> {
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .uri(host)
            .header(HOST, host)
            .header(header::USER_AGENT, self.user_agent);
        if let Some(credentials) = self.proxy.credentials() {
            let value = basic_pair(credentials.expose_secret())?;
            request = request.header(PROXY_AUTHORIZATION, value);
        }
        request.body(String::new())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::prelude::{BASE64_STANDARD, Engine};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;
    use crate::proxy::Source;

    async fn read_head(stream: &mut DuplexStream) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Connects to `[::1]:26500` through a proxy that answers so and hangs up unless it is a tunnel.
    async fn connect(url: &str, answer: &[u8]) -> (Result<BoxStream, Error>, String, DuplexStream) {
        let tunnel = Tunnel {
            proxy: Proxy::parse(url, Source::Variable("https_proxy")).unwrap(),
            host: "::1".to_owned(),
            port: 26500,
            user_agent: "test",
        };
        let (near, mut far) = duplex(64 * 1024);
        let script = async {
            let head = read_head(&mut far).await;
            far.write_all(answer).await.unwrap();
            if !answer.windows(2).any(|bytes| bytes == b" 2") {
                far.shutdown().await.unwrap();
            }
            (head, far)
        };
        let (tunnel, (head, far)) = tokio::join!(tunnel.connect(Box::new(near)), script);
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
                "User-Agent: test",
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
                b"HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
                "429 Too Many Requests",
                true,
            ),
            (
                "http://proxy:3128",
                b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
                "502 Bad Gateway",
                true,
            ),
        ] {
            let (tunnel, ..) = connect(url, answer).await;
            let error = tunnel.map(drop).unwrap_err();
            assert_eq!(
                error.message(),
                format!(
                    "CONNECT [::1]:26500 failed: the proxy proxy:3128 (https_proxy) answered {why}"
                )
            );
            assert_eq!(error.is_retryable(), retryable, "{error}");
            let pause = why.starts_with("429").then_some(Duration::from_secs(7));
            assert_eq!(error.retry_after(), pause, "{error}");
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
            let error = tunnel.map(drop).unwrap_err();
            let start = "CONNECT [::1]:26500 through the proxy proxy:80 (https_proxy) failed: ";
            assert!(error.message().starts_with(start), "{error}");
            assert!(error.message().contains(why), "{error}");
            assert!(error.is_retryable(), "{error}");
        }
    }
}
