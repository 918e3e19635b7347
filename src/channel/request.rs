//! Request: the parts of a call's HTTP/2 request that no call changes.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue, Uri};

use super::options::Values;
use super::target::is_no_authority;
use crate::error::Error;
use crate::runtime::lock;
use crate::wire::GRPC_TIMEOUT;

/// Methods whose URI is kept: more than a service has.
const MAX_URIS: usize = 64;

/// Of this library.
pub(super) const USER_AGENT: &str = concat!("grpc-c-libzeebe/", env!("CARGO_PKG_VERSION"));

#[derive(Debug)]
pub(crate) struct RequestTemplate {
    pub(crate) headers: HeaderMap,
    scheme: &'static str,
    pub(crate) authority: String,
    /// Made once a method, and cheap to clone.
    uris: Mutex<Vec<Arc<Uri>>>,
}

impl RequestTemplate {
    pub(super) fn new(values: &Values, scheme: &'static str, authority: String) -> Self {
        Self {
            headers: headers(values),
            scheme,
            authority,
            uris: Mutex::default(),
        }
    }

    pub(crate) fn uri(&self, path: &str, authority: Option<&str>) -> Result<Arc<Uri>, Error> {
        if let Some(authority) = authority {
            return self.build(path, authority);
        }
        let mut uris = lock(&self.uris);
        if let Some(uri) = uris.iter().find(|uri| uri.path() == path) {
            return Ok(Arc::clone(uri));
        }
        let uri = self.build(path, &self.authority)?;
        if uris.len() < MAX_URIS {
            uris.push(Arc::clone(&uri));
        }
        Ok(uri)
    }

    fn build(&self, path: &str, authority: &str) -> Result<Arc<Uri>, Error> {
        if is_no_authority(authority) {
            return Err(Error::invalid_argument(
                "the authority has a user, a password or a query",
            ));
        }
        Uri::builder()
            .scheme(self.scheme)
            .authority(authority)
            .path_and_query(path)
            .build()
            .map(Arc::new)
            .map_err(|_| {
                Error::invalid_argument(format!(
                    "the method {path:?} at the authority {authority:?} makes no URI"
                ))
            })
    }
}

fn headers(values: &Values) -> HeaderMap {
    let mut agent = String::new();
    let parts = [
        values.primary_user_agent.as_deref(),
        Some(USER_AGENT),
        values.secondary_user_agent.as_deref(),
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
    // A call replaces it or takes it out.
    headers.insert(GRPC_TIMEOUT, HeaderValue::from_static("1H"));
    // Printable ASCII is checked when the options are made.
    if let Ok(agent) = HeaderValue::from_str(&agent) {
        headers.insert("user-agent", agent);
    }
    headers
}
