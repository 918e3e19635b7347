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
    assert_eq!(proxy.unwrap().source.to_string(), "http_proxy");
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
        let proxy = Proxy::parse(text, Source::Option(GATEWAY.option)).unwrap();
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
            "secret://u@proxy",
            "its scheme is another one, and only http:// proxies are known",
        ),
        (
            "u:se/cret@proxy",
            "it is no [user:password@]host:port: what stands for the port is none; in a user and a password, / : @ ? # must be percent-encoded",
        ),
        (
            "u:se://cret@proxy",
            "it is no [user:password@]host:port: what stands for the port is none; in a user and a password, / : @ ? # must be percent-encoded",
        ),
        ("u:secret@proxy/path", "something follows its host:port"),
        ("u:1#secret@proxy", "something follows its host:port"),
        ("u:secret%ff@proxy", "its user or password is not UTF-8"),
        (
            "u:secret@proxy:99999",
            "it is no [user:password@]host:port: what stands for the port is none; in a user and a password, / : @ ? # must be percent-encoded",
        ),
        ("http://", "it has no host"),
        (
            "u:secret",
            "it is no [user:password@]host:port: what stands for the port is none; in a user and a password, / : @ ? # must be percent-encoded",
        ),
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
