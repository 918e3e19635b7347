//! Where the gateway is, and whether it is spoken to over TLS.

use super::names::{ADDRESS, HOST, INSECURE, PORT, SECURE};
use super::variables::Variables;
use crate::channel::target::{Scheme, url_scheme};
use crate::environment::{DEFAULT_ADDRESS, Origin, Setting};
use crate::error::Error;

const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: u16 = 26500;

/// A URL, a target, or host and port.
pub(super) fn address(variables: &Variables<'_>) -> Result<Setting, Error> {
    if let Some((text, origin)) = variables.first(&ADDRESS)? {
        return Ok((text.trim().to_owned(), origin));
    }
    let (host, port) = (variables.one(HOST)?, variables.one(PORT)?);
    let Some(origin) = host.as_ref().or(port.as_ref()).map(|found| found.1) else {
        return Ok((DEFAULT_ADDRESS.to_owned(), Origin::Default));
    };
    let port = match port {
        None => DEFAULT_PORT,
        Some((text, origin)) => text
            .trim()
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| {
                Error::settings(format!("{text:?} ({origin}) is no port from 1 to 65535"))
            })?,
    };
    let host = host.map_or_else(
        || DEFAULT_HOST.to_owned(),
        |(text, _)| text.trim().to_owned(),
    );
    let is_ipv6 = host.parse::<std::net::Ipv6Addr>().is_ok();
    let address = if is_ipv6 {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    Ok((address, origin))
}

/// Whether the address is spoken to in plaintext, and what to do if the gateway wants it otherwise.
///
/// A scheme decides, also beside the variables, as the Java and the Node client have it.
pub(super) fn plaintext(
    variables: &Variables<'_>,
    (address, origin): &Setting,
) -> Result<(bool, String), Error> {
    if let Some((scheme, _)) = url_scheme(address) {
        for name in [SECURE, INSECURE] {
            variables.pass_over(
                name,
                format!("the scheme of the address ({origin}) decides"),
                "unset it, or leave the scheme out of the address".to_owned(),
            );
        }
        let plaintext = scheme == Scheme::Plaintext;
        let other = if plaintext { "grpcs://" } else { "grpc://" };
        return Ok((
            plaintext,
            hint(
                plaintext,
                &format!("give the address ({origin}) as {other}"),
            ),
        ));
    }
    if let Some(secure) = variables.truth(SECURE)? {
        variables.pass_over_for(INSECURE, SECURE);
        return Ok((!secure, hint(!secure, &format!("set {SECURE}={}", !secure))));
    }
    let insecure = variables.truth(INSECURE)?.unwrap_or(false);
    let otherwise = match insecure {
        true => format!("unset {INSECURE}"),
        false => format!("set {INSECURE}=true, or give the address as grpc://"),
    };
    Ok((insecure, hint(insecure, &otherwise)))
}

/// What to do if the gateway is of the other kind.
fn hint(plaintext: bool, otherwise: &str) -> String {
    let gateway = if plaintext {
        "speaks TLS"
    } else {
        "does not speak TLS"
    };
    format!("if the gateway {gateway}, {otherwise}")
}
