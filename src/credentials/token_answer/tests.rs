//! Answers as text; what comes of them.

use super::*;
use crate::error::Kind;
use crate::proxy::{self, Proxy};

fn endpoint(authentication: ClientAuthentication) -> Endpoint<'static> {
    Endpoint {
        name: "the endpoint",
        url: "https://login.example/oauth/token",
        authentication,
        is_encoded: false,
        assertion_audience: None,
        proxy: None,
        by_variables: false,
        redactor: Redactor::new(["s3cret"]),
    }
}

fn judged(
    mut endpoint: Endpoint<'_>,
    status: u16,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Result<Granted, Error> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    endpoint.judge(Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: &map,
        body: body.as_bytes(),
        came: SystemTime::UNIX_EPOCH,
    })
}

fn answer(status: u16, body: &str) -> Result<Granted, Error> {
    judged(endpoint(ClientAuthentication::Basic), status, &[], body)
}

fn message(
    endpoint: Endpoint<'_>,
    status: u16,
    headers: &[(&'static str, &str)],
    body: &str,
) -> String {
    let error = judged(endpoint, status, headers, body).unwrap_err();
    error.message().to_owned()
}

fn lifetime(expires_in: &str) -> Option<f64> {
    let body = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
    answer(200, &body)
        .unwrap()
        .expires_in
        .map(|d| d.as_secs_f64())
}

#[test]
fn expires_in_is_a_number_or_its_text() {
    for (text, seconds) in [
        ("3600", Some(3600.0)),
        ("3600.7", Some(3600.7)),
        ("\"3600\"", Some(3600.0)),
        ("\" 3600 \"", Some(3600.0)),
        ("\"soon\"", None),
        ("[1]", None),
        ("{}", None),
        ("true", None),
        ("null", None),
        ("0", Some(0.0)),
        ("-5", Some(0.0)),
    ] {
        assert_eq!(lifetime(text), seconds, "{text}");
    }
}

#[test]
fn refusals_blame_the_credentials_the_url_or_the_moment() {
    let object = r#"{"error":"invalid_client","error_description":"no such client"}"#;
    for (status, body, kind, retryable) in [
        (401, object, Kind::InvalidOauthCredentials, false),
        (400, "", Kind::InvalidOauthCredentials, false),
        (404, object, Kind::InvalidOauthCredentials, false),
        (404, "<html>", Kind::Settings, false),
        (503, object, Kind::Rpc, true),
        (429, object, Kind::Rpc, true),
        (302, object, Kind::Rpc, false),
        (200, object, Kind::InvalidOauthCredentials, false),
        (200, "<html>", Kind::Rpc, false),
        (200, "no page", Kind::Rpc, true),
        (200, "", Kind::Rpc, true),
        (200, r#"{"access_token":NaN}"#, Kind::Rpc, true),
        (
            200,
            r#"{"access_token":"t","token_type":"mac"}"#,
            Kind::Rpc,
            false,
        ),
        (200, r#"{"access_token":""}"#, Kind::Rpc, false),
        (200, r#"{"access_token":"a b"}"#, Kind::Rpc, false),
        (200, r#"{"access_token":7}"#, Kind::Rpc, false),
        (
            401,
            r#"{"access_token":"t"}"#,
            Kind::InvalidOauthCredentials,
            false,
        ),
    ] {
        let error = answer(status, body).unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (kind, retryable),
            "{status} {body}"
        );
        assert_eq!(error.source(), Source::TokenEndpoint);
    }
    let error = answer(401, object).unwrap_err();
    assert!(
        error.message().contains("(invalid_client) no such client"),
        "{error}"
    );
}

#[test]
fn a_secret_that_the_endpoint_repeats_is_not_shown() {
    for (status, body) in [
        (
            401,
            r#"{"error":"no","error_description":"not \u00733cret"}"#,
        ),
        (200, r#"{"error":"s3cret"}"#),
        (200, r#"{"access_token":"t","token_type":"s3cret"}"#),
    ] {
        let error = answer(status, body).unwrap_err();
        assert!(error.message().contains("<redacted>"), "{error}");
        assert!(!error.message().contains("s3cret"), "{error}");
    }
}

#[test]
fn tokens_come_in_several_wrappings() {
    for body in [
        r#"{"access_token":"t","token_type":"BEARER"}"#,
        r#"{"access_token":"t","token_type":""}"#,
        "\u{feff}{\"access_token\":\"t\"}",
        r#"{"access_token":"t","error":null}"#,
        r#"{"access_token":"t","error":"","scope":["a"],"expires_at":1}"#,
        "access_token=t&expires_in=60",
    ] {
        let granted = answer(200, body).unwrap();
        assert_eq!(granted.access_token.expose_secret(), "t", "{body}");
    }
}

#[test]
fn an_error_is_told_in_the_servers_words_whatever_its_shape() {
    for (status, headers, body, says) in [
        (
            401,
            &[][..],
            r#"{"error":"a","error_description":"b"}"#,
            ": (a) b; ",
        ),
        (
            401,
            &[],
            r#"{"error":"a","error_uri":"https://c"}"#,
            ": (a) (see https://c); ",
        ),
        (
            401,
            &[],
            r#"{"title":"No","detail":"because","status":401}"#,
            ": (No) because; ",
        ),
        (401, &[], r#"{"message":"because"}"#, ": because; "),
        (
            401,
            &[],
            r#"{"error":"a","message":"because"}"#,
            ": (a) because; ",
        ),
        (
            401,
            &[],
            r#"{"errorCode":"E1","errorSummary":"because"}"#,
            ": (E1) because; ",
        ),
        (
            401,
            &[],
            r#"{"error":{"code":401,"message":"because","status":"UNAUTHENTICATED"}}"#,
            ": (UNAUTHENTICATED) because; ",
        ),
        (
            401,
            &[],
            r#"{"errors":[{"code":"a","message":"because"}]}"#,
            ": (a) because; ",
        ),
        (401, &[], r#"{"errors":["because"]}"#, ": because; "),
        (
            401,
            &[],
            r#"[{"errorCode":"a","message":"because"}]"#,
            ": (a) because; ",
        ),
        (401, &[], r#"{"detail":["one","two"]}"#, ": one, two; "),
        (
            401,
            &[(
                "www-authenticate",
                r#"Bearer realm="x", error="a", error_description="say \"b\", c""#,
            )],
            "",
            r#": (a) say "b", c; "#,
        ),
        (
            401,
            &[("www-authenticate", "Bearer error=a")],
            r#"{"message":"b"}"#,
            ": (a) b; ",
        ),
        (
            404,
            &[],
            "<!DOCTYPE html><html><head><TITLE id=1>\n Not  Found </TITLE>",
            r#": a page with the title "Not Found"; "#,
        ),
        (
            502,
            &[("content-type", "text/html")],
            "<p>no",
            ": a page without a title",
        ),
        (
            503,
            &[("content-type", "text/plain")],
            "no healthy upstream\n",
            ": no healthy upstream",
        ),
        (401, &[], r#"{"error":"a\u202eb\nc"}"#, ": (a b c)"),
    ] {
        let message = message(endpoint(ClientAuthentication::Body), status, headers, body);
        assert!(message.contains(says), "{body}: {message}");
    }
    let long = format!(r#"{{"error":"{}"}}"#, "\u{e9}".repeat(1000));
    let message = message(endpoint(ClientAuthentication::Body), 401, &[], &long);
    assert_eq!(
        message.matches('\u{e9}').count(),
        255,
        "512 bytes with the bracket"
    );
}

#[test]
fn what_passes_is_told_apart_by_code_and_by_rate_limits() {
    for (status, headers, body, retryable, seconds) in [
        (
            400,
            &[][..],
            r#"{"error":"temporarily_unavailable"}"#,
            true,
            None,
        ),
        (200, &[], r#"{"error":"server_error"}"#, true, None),
        (
            401,
            &[("retry-after", "1.5")],
            r#"{"error":"slow_down"}"#,
            true,
            Some(1.5),
        ),
        (403, &[("retry-after", "2")], "", true, Some(2.0)),
        (403, &[("x-retry-after", "2")], "", true, Some(2.0)),
        (
            403,
            &[("ratelimit-remaining", "0"), ("ratelimit-reset", "3")],
            "",
            true,
            Some(3.0),
        ),
        (
            403,
            &[("ratelimit", "limit=5, remaining=0, reset=3")],
            "",
            true,
            None,
        ),
        (
            403,
            &[("ratelimit-remaining", "7"), ("ratelimit-reset", "3")],
            "",
            false,
            None,
        ),
        (
            403,
            &[],
            r#"{"message":"API rate limit exceeded"}"#,
            true,
            None,
        ),
        (
            400,
            &[],
            r#"{"__type":"TooManyRequestsException","message":"Rate exceeded"}"#,
            true,
            None,
        ),
        (403, &[], "", false, None),
        (401, &[("retry-after", "2")], "", false, None),
        (
            400,
            &[],
            r#"{"error":"invalid_scope","error_description":"no server_error"}"#,
            false,
            None,
        ),
    ] {
        let error =
            judged(endpoint(ClientAuthentication::Body), status, headers, body).unwrap_err();
        let pause = error.retry_after().map(|pause| pause.as_secs_f64());
        assert_eq!(
            (error.is_retryable(), pause),
            (retryable, seconds),
            "{status} {headers:?} {body}"
        );
        let code = if retryable {
            Code::Unavailable
        } else {
            Code::Unauthenticated
        };
        assert_eq!(error.code(), code, "{status} {body}");
    }
}

#[test]
fn a_refusal_hints_at_the_method_that_would_fit() {
    use ClientAuthentication::{Basic, BasicRfc6749, Body, PrivateKeyJwt, Tls};
    let offer = &[("www-authenticate", r#"Bearer realm="a", Basic realm="b""#)][..];
    let client = r#"{"error":"invalid_client"}"#;
    for (authentication, is_encoded, headers, body, hint) in [
        (Basic, true, &[][..], client, Some("try basic_rfc6749")),
        (Basic, true, offer, client, Some("try basic_rfc6749")),
        (Basic, false, &[], client, Some("try body")),
        (Basic, false, offer, client, None),
        (BasicRfc6749, true, offer, client, Some("try basic")),
        (BasicRfc6749, false, offer, client, None),
        (Body, false, offer, client, Some("try basic")),
        (Body, true, offer, client, Some("try basic_rfc6749")),
        (Body, false, &[], client, None),
        (Basic, true, &[], r#"{"error":"invalid_scope"}"#, None),
        (
            PrivateKeyJwt,
            false,
            &[],
            client,
            Some("token_options.assertion_audience"),
        ),
        (Tls, false, &[], client, Some("certificate")),
    ] {
        for status in [400, 401] {
            let endpoint = Endpoint {
                is_encoded,
                ..endpoint(authentication)
            };
            let message = message(endpoint, status, headers, body);
            let used = format!("; client authentication was {}", authentication.name());
            assert!(message.contains(&used), "{message}");
            match hint {
                Some(hint) => assert!(message.contains(hint), "{message}"),
                None => assert!(message.ends_with(&used), "{message}"),
            }
        }
    }
}

#[test]
fn an_answer_of_a_wrong_url_asks_whether_it_is_right() {
    let asks = "is the URL of the token endpoint right?";
    for (status, body, asked) in [
        (404, "", true),
        (405, "", true),
        (404, r#"{"error":"Realm does not exist"}"#, true),
        (400, r#"{"error":"unsupported_grant_type"}"#, true),
        (400, r#"{"error":"invalid_client"}"#, false),
        (401, "<html>", true),
        (200, "<html><title>Sign in</title>", true),
        (502, "<html>", false),
        (429, "", false),
    ] {
        let message = message(endpoint(ClientAuthentication::Body), status, &[], body);
        assert_eq!(message.contains(asks), asked, "{status} {body}: {message}");
    }
    for (url, hint) in [
        (
            "https://a/auth/realms/r/protocol/openid-connect/token",
            "no /auth before",
        ),
        (
            "https://a/realms/r/protocol/openid-connect/token",
            "before version 17",
        ),
        (
            "https://a/realms/r",
            "ends in /protocol/openid-connect/token",
        ),
        (
            "https://a/realms/r/.well-known/openid-configuration",
            "token_endpoint",
        ),
        ("https://a/oauth/authorize", "authorization endpoint"),
        ("https://a/", "an issuer's"),
    ] {
        let endpoint = Endpoint {
            url,
            ..endpoint(ClientAuthentication::Body)
        };
        let message = message(endpoint, 404, &[], "");
        assert!(message.contains(hint), "{url}: {message}");
    }
}

#[test]
fn a_redirect_shows_origin_and_path_alone() {
    for (to, shown) in [
        (
            "https://u:p@other.example:1/login?code=c#f",
            "https://other.example:1/login:",
        ),
        ("/login?code=c", "https://login.example/login:"),
        ("//other.example/x", "https://other.example/x:"),
        ("mailto:u@p", "a URL of the scheme mailto:"),
        ("/echo/s3cret/x", "https://login.example/echo/<redacted>/x:"),
    ] {
        let message = message(
            endpoint(ClientAuthentication::Basic),
            302,
            &[("location", to)],
            "",
        );
        assert!(
            message.contains(&format!("a redirect to {shown}")),
            "{message}"
        );
    }
}

#[test]
fn a_clock_that_differs_is_told_to_who_signs() {
    use ClientAuthentication::{Body, PrivateKeyJwt};
    let date =
        |seconds| httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    for (authentication, status, seconds, hinted) in [
        (PrivateKeyJwt, 500, 2, true),
        (PrivateKeyJwt, 401, 90, true),
        (PrivateKeyJwt, 500, 1, false),
        (PrivateKeyJwt, 500, 0, false),
        (Body, 500, 90, false),
    ] {
        let message = message(
            endpoint(authentication),
            status,
            &[("date", &date(seconds))],
            "",
        );
        assert_eq!(message.contains("clock"), hinted, "{message}");
    }
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let proxy = Proxy::parse(
        "http://user:pass@proxy.example:3128",
        proxy::Source::Variable("http_proxy"),
    )
    .unwrap();
    let endpoint = Endpoint {
        proxy: Some(&proxy),
        by_variables: false,
        ..endpoint(ClientAuthentication::Basic)
    };
    let error = judged(endpoint, 407, &[], "").unwrap_err();
    let says = "proxy.example:3128 (http_proxy) answered 407";
    assert!(error.message().contains(says), "{error}");
    assert_eq!(
        (error.code(), error.is_retryable()),
        (Code::Unavailable, false)
    );
    assert!(!error.message().contains("pass@"), "{error}");
}
