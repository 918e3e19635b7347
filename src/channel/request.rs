//! Request: the parts of a call's HTTP/2 request that no call changes.

use std::sync::{Arc, Mutex};

use http::Uri;

use super::kept::Kept;
use super::options::Values;
use super::target::is_no_authority;
use crate::error::Error;
use crate::http2::{Field, Indexing, Prepared};
use crate::runtime::lock;

/// Of this library.
pub(super) const USER_AGENT: &str = concat!("grpc-c-libzeebe/", env!("CARGO_PKG_VERSION"));

/// What all calls of a method have in common. Shared by them, so that a connection knows by its address what it has encoded.
#[derive(Debug)]
pub(crate) struct Head {
    path: String,
    authority: String,
    scheme: &'static str,
    user_agent: Arc<str>,
}

impl Head {
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    #[cfg(test)]
    pub(super) fn of_test() -> Arc<Self> {
        Arc::new(Self {
            path: "/a/B".to_owned(),
            authority: "localhost".to_owned(),
            scheme: "http",
            user_agent: "test".into(),
        })
    }

    pub(super) fn prepared(&self) -> Prepared {
        let fields = [
            (":method", "POST"),
            (":scheme", self.scheme),
            (":path", &self.path),
            (":authority", &self.authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", &self.user_agent),
            ("grpc-accept-encoding", "identity,gzip"),
        ];
        Prepared::new(fields.map(|(name, value)| Field {
            name: name.as_bytes(),
            value: value.as_bytes(),
            indexing: Indexing::Index,
        }))
    }
}

#[derive(Debug)]
pub(crate) struct RequestTemplate {
    user_agent: Arc<str>,
    scheme: &'static str,
    pub(crate) authority: String,
    /// Made once a method and authority.
    heads: Mutex<Kept<Arc<Head>>>,
}

impl RequestTemplate {
    pub(super) fn new(values: &Values, scheme: &'static str, authority: String) -> Self {
        Self {
            user_agent: user_agent(values).into(),
            scheme,
            authority,
            heads: Mutex::default(),
        }
    }

    /// `authority`: in place of the channel's.
    pub(crate) fn head(&self, path: &str, authority: Option<&str>) -> Result<Arc<Head>, Error> {
        let authority = authority.unwrap_or(&self.authority);
        let mut heads = lock(&self.heads);
        let is_same = |head: &Arc<Head>| head.path == path && head.authority == authority;
        let head = heads.get(is_same, || self.build(path, authority))?;
        Ok(Arc::clone(head))
    }

    fn build(&self, path: &str, authority: &str) -> Result<Arc<Head>, Error> {
        check_method(path)?;
        // A channel with an unusable target has no authority; the call will say so.
        if authority.is_empty() && self.authority.is_empty() {
            return Ok(self.unchecked(path, authority));
        }
        if is_no_authority(authority) {
            return Err(Error::invalid_argument(
                "the authority has a user, a password or a query",
            ));
        }
        let uri = Uri::builder()
            .scheme(self.scheme)
            .authority(authority)
            .path_and_query(path)
            .build();
        // A fragment is no part of it.
        if uri.is_ok_and(|uri| uri.path_and_query().is_some_and(|kept| kept == path)) {
            return Ok(self.unchecked(path, authority));
        }
        Err(Error::invalid_argument(format!(
            "the method {path:?} at the authority {authority:?} makes no URI"
        )))
    }

    fn unchecked(&self, path: &str, authority: &str) -> Arc<Head> {
        Arc::new(Head {
            path: path.to_owned(),
            authority: authority.to_owned(),
            scheme: self.scheme,
            user_agent: Arc::clone(&self.user_agent),
        })
    }
}

fn check_method(path: &str) -> Result<(), Error> {
    let parts = path.strip_prefix('/').and_then(|rest| rest.split_once('/'));
    match parts {
        Some((service, name)) if !service.is_empty() && !name.is_empty() => Ok(()),
        _ => Err(Error::invalid_argument(format!(
            "the method {path:?} is no path such as /gateway_protocol.Gateway/Topology"
        ))),
    }
}

/// Of printable ASCII, which is checked when the options are made.
fn user_agent(values: &Values) -> String {
    let parts = [
        values.primary_user_agent.as_deref(),
        Some(USER_AGENT),
        values.secondary_user_agent.as_deref(),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_made_once_a_method_and_authority_however_many_there_were_before() {
        let template = RequestTemplate {
            user_agent: "test".into(),
            scheme: "http",
            authority: "localhost".to_owned(),
            heads: Mutex::default(),
        };
        for number in 0..1000 {
            let other = format!("host-{number}");
            for (host, expected) in [(None, "localhost"), (Some(&*other), &other)] {
                let [first, second] = [(); 2].map(|()| template.head("/a/B", host).unwrap());
                assert!(Arc::ptr_eq(&first, &second) && first.authority == expected);
            }
        }
        assert!(template.head("/a/B", Some("")).is_err() && template.head("a", None).is_err());
    }
}
