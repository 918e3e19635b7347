//! Loopback, as written: nothing is looked up.

use std::net::IpAddr;

/// Whether a host, without brackets, is localhost, 127/8 or ::1.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
