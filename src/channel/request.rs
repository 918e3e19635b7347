//! Request: the parts of a call's HTTP/2 request that no call changes.

use http::{HeaderMap, HeaderValue, Uri};

use super::options::ChannelOptions;
use crate::error::Error;

#[derive(Debug)]
pub(crate) struct RequestTemplate {
    pub(crate) headers: HeaderMap,
    pub(crate) scheme: &'static str,
    pub(crate) authority: String,
}

impl RequestTemplate {
    pub(super) fn new(options: &ChannelOptions, scheme: &'static str, authority: String) -> Self {
        Self {
            headers: headers(options),
            scheme,
            authority,
        }
    }

    pub(crate) fn uri(&self, path: &str, authority: Option<&str>) -> Result<Uri, Error> {
        let authority = authority.unwrap_or(&self.authority);
        Uri::builder()
            .scheme(self.scheme)
            .authority(authority)
            .path_and_query(path)
            .build()
            .map_err(|error| {
                Error::invalid_argument(format!(
                    "the method {path:?} at the authority {authority:?} makes no URI: {error}"
                ))
            })
    }
}

fn headers(options: &ChannelOptions) -> HeaderMap {
    let mut agent = String::new();
    let ours = concat!("grpc-c-libzeebe/", env!("CARGO_PKG_VERSION"));
    let parts = [
        options.text("grpc.primary_user_agent"),
        Some(ours),
        options.text("grpc.secondary_user_agent"),
    ];
    for part in parts.into_iter().flatten() {
        if !agent.is_empty() {
            agent.push(' ');
        }
        agent.push_str(part);
    }
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert("te", HeaderValue::from_static("trailers"));
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert(
        "grpc-accept-encoding",
        HeaderValue::from_static("identity,gzip"),
    );
    // Printable ASCII is checked when the options are made.
    if let Ok(agent) = HeaderValue::from_str(&agent) {
        headers.insert("user-agent", agent);
    }
    headers
}
