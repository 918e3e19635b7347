//! Targets: what the text given as a gateway's address means.
//!
//! `host:port`, `dns:///host:port`, `ipv4:a,b`, `ipv6:[a],[b]`, `unix:path`, and the URLs `http(s)://` and
//! `grpc(s)://` (gRPC naming document). Pure: nothing is resolved here.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::loopback::is_loopback_host;

/// gRPC's default.
const DEFAULT_PORT: u16 = 443;

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A name to look up, or one address as text; the port is 443 where none was written.
    Host(String, u16),
    /// `ipv4:` and `ipv6:`: addresses in the order written.
    Sockets(Vec<Socket>),
    /// A socket's path, absolute or not as written.
    Unix(PathBuf),
}

/// An address as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Numeric, with the port as written, else 443.
    pub address: SocketAddr,
    /// Of IPv6, where a host has several networks: the interface, by name or number (RFC 4007). Nobody else is told it.
    pub zone: Option<String>,
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "[{}%{zone}]:{}", self.address.ip(), self.address.port()),
            None => self.address.fmt(f),
        }
    }
}

/// A target that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What is dialled.
    pub address: Address,
    /// What `:authority` says, and the name the gateway's certificate must have.
    pub authority: String,
}

/// What a URL's scheme says about security; the other forms say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http` and `grpc`.
    Plaintext,
    /// `https` and `grpcs`.
    Tls,
}

/// Splits a URL's scheme off a target; `None` for targets that are no URLs.
pub fn url_scheme(text: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "grpc" => Some((Scheme::Plaintext, rest)),
        "https" | "grpcs" => Some((Scheme::Tls, rest)),
        _ => None,
    }
}

/// Where a user and a password end, which no gateway's address has (RFC 9113, section 8.3.1): behind the `@`, or
/// what stands for it in a URL.
fn end_of_user_info(text: &str) -> Option<usize> {
    if text.starts_with("unix:") {
        return None;
    }
    let at = text.rfind('@').map(|at| at + 1);
    at.max(text.rfind("%40").map(|at| at + 3))
}

/// Whether it has one in it.
fn has_user_info(text: &str) -> bool {
    end_of_user_info(text).is_some()
}

/// Whether an authority has what none has and what may be a secret: a user, a password or a query.
pub fn is_no_authority(text: &str) -> bool {
    has_user_info(text) || text.contains('?')
}

/// Without the user, the password and the query that it may have by mistake: any of them may be a secret.
pub fn shown(text: &str) -> Cow<'_, str> {
    let host = end_of_user_info(text);
    let query = text.rfind('?').filter(|_| !text.starts_with("unix:"));
    if host.is_none() && query.is_none() {
        return text.into();
    }
    // What looks like another scheme may be part of a password.
    let scheme = match text.split_once("://") {
        Some((scheme, _)) if url_scheme(text).is_some() || scheme == "dns" => {
            &text[..scheme.len() + 3]
        }
        _ => "",
    };
    let rest = &text[host.unwrap_or(scheme.len())..];
    let rest = rest.split('?').next().unwrap_or(rest);
    let user = if host.is_some() { "<redacted>@" } else { "" };
    let query = if query.is_some() { "?<redacted>" } else { "" };
    format!("{scheme}{user}{rest}{query}").into()
}

impl Target {
    /// Why it cannot be used is the error.
    pub fn parse(text: &str) -> Result<Self, String> {
        if has_user_info(text) {
            return Err(
                "it has a user or a password, before an @: credentials carry them".to_owned(),
            );
        }
        if let Some(bad) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(format!("it has the character {bad:?} in it"));
        }
        if let Some((_, rest)) = url_scheme(text) {
            // A URL's lone final slash is an empty path.
            return host_port(rest.strip_suffix('/').unwrap_or(rest), Zone::InUrl);
        }
        match text.split_once(':') {
            Some(("dns", rest)) => dns(rest),
            Some(("ipv4", rest)) => sockets(rest, v4),
            Some(("ipv6", rest)) => sockets(rest, v6),
            Some(("unix", rest)) => unix(rest),
            _ if text.contains("://") => Err("its scheme is not known".to_owned()),
            _ => host_port(text, Zone::Bare),
        }
    }

    /// Loopback as written: nothing is looked up.
    pub fn is_loopback(&self) -> bool {
        match &self.address {
            Address::Host(host, _) => is_loopback_host(host),
            Address::Sockets(all) => all.iter().all(|socket| socket.address.ip().is_loopback()),
            Address::Unix(_) => true,
        }
    }

    /// The host part of the authority, as TLS wants it: no port, no brackets.
    pub fn server_name(&self) -> &str {
        authority_host(&self.authority)
    }
}

/// The host of an authority, without port and brackets.
pub fn authority_host(authority: &str) -> &str {
    match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((address, _)) => address,
        None => match authority.rsplit_once(':') {
            Some((host, _)) if !host.contains(':') => host,
            _ => authority,
        },
    }
}

/// `//authority/host:port` or `host:port`; a resolver of one's own choice is not to be had.
fn dns(rest: &str) -> Result<Target, String> {
    let name = match rest.strip_prefix("//") {
        Some(rest) => match rest.split_once('/') {
            Some(("", name)) => name,
            Some((server, _)) => {
                return Err(format!(
                    "the DNS server {server} cannot be chosen: write dns:///…"
                ));
            }
            None => return Err("it has no name: write dns:///host:port".to_owned()),
        },
        None => rest,
    };
    host_port(name, Zone::Bare)
}

fn unix(rest: &str) -> Result<Target, String> {
    let path = match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err("unix:// needs an absolute path".to_owned()),
        None => rest,
    };
    if path.is_empty() {
        return Err("it has no path".to_owned());
    }
    Ok(Target {
        address: Address::Unix(path.into()),
        authority: "localhost".to_owned(),
    })
}

fn sockets(list: &str, parse: impl Fn(&str) -> Result<Socket, String>) -> Result<Target, String> {
    let list = list.strip_prefix("///").unwrap_or(list);
    let sockets = list.split(',').map(parse).collect::<Result<Vec<_>, _>>()?;
    Ok(of_sockets(sockets))
}

fn of_sockets(sockets: Vec<Socket>) -> Target {
    Target {
        authority: sockets[0].address.to_string(),
        address: Address::Sockets(sockets),
    }
}

fn v4(text: &str) -> Result<Socket, String> {
    let (ip, port) = split_port(text)?;
    let ip = ip
        .parse()
        .map_err(|_| format!("{ip:?} is no IPv4 address"))?;
    Ok(Socket {
        address: SocketAddrV4::new(ip, port).into(),
        zone: None,
    })
}

fn v6(text: &str) -> Result<Socket, String> {
    let (ip, port) = split_port(text)?;
    let (ip, zone) = zoned(ip, Zone::Bare)?;
    Ok(Socket {
        address: SocketAddrV6::new(ip, port, 0, 0).into(),
        zone,
    })
}

/// How the zone of an IPv6 address is written behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zone {
    /// `%eth0`, or `%25eth0` out of habit.
    Bare,
    /// `%25eth0`, where more may be percent-encoded (RFC 6874), or `%eth0`.
    InUrl,
}

fn zoned(text: &str, written: Zone) -> Result<(Ipv6Addr, Option<String>), String> {
    let (ip, zone) = match text.split_once('%') {
        Some((ip, zone)) => (ip, Some(zone)),
        None => (text, None),
    };
    let ip = ip
        .parse()
        .map_err(|_| format!("{text:?} is no IPv6 address"))?;
    let Some(zone) = zone else {
        return Ok((ip, None));
    };
    if zone.is_empty() {
        return Err(format!("nothing follows the % of {text:?}"));
    }
    let is_number = zone.bytes().all(|digit| digit.is_ascii_digit());
    let zone = match zone.strip_prefix("25") {
        Some(encoded) if !encoded.is_empty() && (written == Zone::InUrl || !is_number) => encoded,
        _ => zone,
    };
    let zone = percent_decode_str(zone).decode_utf8_lossy().into_owned();
    Ok((ip, Some(zone)))
}

fn host_port(text: &str, zone: Zone) -> Result<Target, String> {
    if let Some(bad) = text.chars().find(|c| "/?#@,\"<>\\^`{|}".contains(*c)) {
        return Err(format!("{bad:?} cannot follow or be part of host:port"));
    }
    let (host, port) = split_port(text)?;
    if host.is_empty() {
        return Err("it has no host".to_owned());
    }
    if !host.is_ascii() {
        return Err(format!(
            "{host:?} is not ASCII: write the name in its xn-- form"
        ));
    }
    let authority = if host.contains(':') {
        let (ip, zone) = zoned(host, zone)?;
        if zone.is_some() {
            let address = SocketAddrV6::new(ip, port, 0, 0).into();
            return Ok(of_sockets(vec![Socket { address, zone }]));
        }
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    Ok(Target {
        address: Address::Host(host.to_owned(), port),
        authority,
    })
}

/// A host without brackets, and its port.
fn split_port(text: &str) -> Result<(&str, u16), String> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("its bracket is not closed")?;
        zoned(host, Zone::Bare)?;
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err(format!("{rest:?} cannot follow the bracket")),
        }
    } else if text.matches(':').count() > 1 {
        (text, None) // a bare IPv6 address
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) if port.bytes().all(|digit| digit.is_ascii_digit()) => match port.parse() {
            Ok(0) | Err(_) => return Err(format!("{port:?} is no port")),
            Ok(port) => port,
        },
        Some(port) => return Err(format!("{port:?} is no port")),
    };
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        for (text, authority) in [
            ("localhost:26500", "localhost:26500"),
            ("zeebe.example", "zeebe.example:443"),
            ("UNSET", "UNSET:443"),
            ("dns:///zeebe.example:1", "zeebe.example:1"),
            ("dns:zeebe.example:1", "zeebe.example:1"),
            ("https://zeebe.example", "zeebe.example:443"),
            ("grpcs://zeebe.example:1/", "zeebe.example:1"),
            ("[::1]:26500", "[::1]:26500"),
            ("::1", "[::1]:443"),
            ("ipv4:127.0.0.1:1,127.0.0.2:2", "127.0.0.1:1"),
            ("ipv6:[::1]:1", "[::1]:1"),
            ("ipv6:[fe80::1%eth0]:1,[::1]:2", "[fe80::1]:1"),
            ("unix:/tmp/socket", "localhost"),
            ("unix:///tmp/socket", "localhost"),
        ] {
            assert_eq!(Target::parse(text).unwrap().authority, authority, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for text in [
            " zeebe.example:1 ",
            "zeebe.example:1/",
            "http://zeebe.example/path",
            "zeebe:port",
            "zeebe:0",
            "zeebe:65536",
            "ftp://zeebe.example",
            "dns://8.8.8.8/zeebe",
            "ipv4:zeebe:1",
            "unix:",
            ":1",
            "[::1",
            "[::1]x",
            "[zeebe]:1",
            "zeebe:+1",
            "zeebe:",
            "z\u{fc}rich:1",
            "user@zeebe:1",
            "unix://relative",
            "[fe80::1%]:1",
            "ipv6:[fe80::1%]:1",
            "[zeebe%eth0]:1",
            "ipv4:127.0.0.1%lo:1",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn zones_are_read_as_they_are_written_in_texts_and_urls() {
        for (text, ip, zone) in [
            ("ipv6:[fe80::1%eth0]:26500", "fe80::1", "eth0"),
            ("ipv6:///[fe80::1%eth0]", "fe80::1", "eth0"),
            ("ipv6:fe80::1%eth0", "fe80::1", "eth0"),
            ("ipv6:[fe80::1%2]:1", "fe80::1", "2"),
            ("[fe80::1%eth0]:26500", "fe80::1", "eth0"),
            ("fe80::1%eth0", "fe80::1", "eth0"),
            ("[fe80::1%25eth0]:1", "fe80::1", "eth0"),
            ("[fe80::1%25]:1", "fe80::1", "25"),
            ("[fe80::1%251]:1", "fe80::1", "251"),
            ("dns:///[fe80::1%wlan-0.5]:1", "fe80::1", "wlan-0.5"),
            ("http://[fe80::1%25eth0]:1", "fe80::1", "eth0"),
            ("http://[fe80::1%251]:1/", "fe80::1", "1"),
            ("https://[fe80::1%25]:1", "fe80::1", "25"),
            ("grpcs://[fe80::1%eth0]", "fe80::1", "eth0"),
            ("grpc://[::1%25a%2Db]", "::1", "a-b"),
        ] {
            let target = Target::parse(text).unwrap();
            let Address::Sockets(sockets) = &target.address else {
                panic!("{text}")
            };
            assert_eq!(sockets[0].address.ip().to_string(), ip, "{text}");
            assert_eq!(sockets[0].zone.as_deref(), Some(zone), "{text}");
            // The zone means nothing to the gateway (RFC 6874, section 4).
            assert_eq!(target.server_name(), ip, "{text}");
        }
        assert!(Target::parse("[::1%lo]:1").unwrap().is_loopback());
        assert!(!Target::parse("[fe80::1%lo]:1").unwrap().is_loopback());
    }

    #[test]
    fn a_user_a_password_and_a_query_are_never_shown() {
        for (text, expected) in [
            ("zeebe.example:1", "zeebe.example:1"),
            ("unix:/tmp/a@b?c", "unix:/tmp/a@b?c"),
            ("https://u:secret@a:1", "https://<redacted>@a:1"),
            ("u:secret@a", "<redacted>@a"),
            ("https://u:se/cret@a", "https://<redacted>@a"),
            ("https://u:se@cret@a", "https://<redacted>@a"),
            ("https://u:secret%40a", "https://<redacted>@a"),
            ("u:se://cret@a", "<redacted>@a"),
            ("secret://u@a", "<redacted>@a"),
            ("GRPCS://u:secret@a", "GRPCS://<redacted>@a"),
            ("ipv4:u:secret@1.2.3.4:1", "<redacted>@1.2.3.4:1"),
            ("dns://u:secret@8.8.8.8/a", "dns://<redacted>@8.8.8.8/a"),
            ("https://a/?token=secret", "https://a/?<redacted>"),
            ("https://u:sec?ret@a", "https://<redacted>@a?<redacted>"),
            (
                "https://u:secret@a/?token=secret",
                "https://<redacted>@a/?<redacted>",
            ),
        ] {
            assert_eq!(shown(text), expected);
            if let Err(why) = Target::parse(text) {
                assert!(!why.contains("secret"), "{text}: {why}");
            }
        }
    }

    #[test]
    fn loopback_is_judged_as_written() {
        for (text, loopback) in [
            ("localhost:1", true),
            ("LOCALHOST:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("unix:/x", true),
            ("ipv4:127.0.0.1:1", true),
            ("ipv4:127.0.0.1:1,10.0.0.1:1", false),
            ("localhost.example:1", false),
            ("10.0.0.1:1", false),
        ] {
            assert_eq!(
                Target::parse(text).unwrap().is_loopback(),
                loopback,
                "{text}"
            );
        }
    }

    #[test]
    fn server_names_have_neither_port_nor_brackets() {
        for (text, name) in [
            ("a.example:1", "a.example"),
            ("[::1]:1", "::1"),
            ("unix:/x", "localhost"),
        ] {
            assert_eq!(Target::parse(text).unwrap().server_name(), name);
        }
    }
}
