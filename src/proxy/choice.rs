//! What a token endpoint's proxy is chosen by, kept: where the endpoint is discovered, its host is not the one that was asked for it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use zeroize::Zeroizing;

use super::{CGI, Proxy, TOKEN_HTTP, TOKEN_HTTPS};
use crate::environment::Environment;
use crate::error::Error;

/// The option, and the variables as they were: a program may change them, which nobody may read meanwhile.
#[derive(Clone, PartialEq)]
pub(crate) struct Choice {
    option: Option<Zeroizing<String>>,
    variables: Vec<(&'static str, Zeroizing<Vec<u8>>)>,
}

impl std::fmt::Debug for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Choice(<redacted>)")
    }
}

impl Choice {
    pub(crate) fn new(option: Option<&str>, environment: &Environment<'_>) -> Self {
        let names = [TOKEN_HTTPS.variables, TOKEN_HTTP.variables];
        let names = names
            .concat()
            .into_iter()
            .chain(TOKEN_HTTPS.no_proxy.iter().copied());
        let read = |name| {
            let value: OsString = (environment.0)(name)?;
            Some((name, Zeroizing::new(value.into_vec())))
        };
        Self {
            option: option.map(|url| Zeroizing::new(url.to_owned())),
            variables: names.chain([CGI]).filter_map(read).collect(),
        }
    }

    /// For this URL.
    pub(crate) fn proxy(&self, url: &str) -> Result<Option<Proxy>, Error> {
        let value = |wanted: &str| {
            let found = self.variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| std::ffi::OsStr::from_bytes(value).to_owned())
        };
        let option = self.option.as_ref().map(|url| url.as_str());
        Proxy::of_token_endpoint(url, option, &Environment(&value))
    }
}
