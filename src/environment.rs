//! Settings from environment variables: their names, their order, their messages.
//!
//! Not here: what a channel makes of them (`channel::settings`).

use std::ffi::OsString;

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::error::Error;

/// Where a setting's value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The program's.
    Argument,
    /// The variable of this name.
    Environment(&'static str),
    /// The library's.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argument => f.write_str("argument"),
            Self::Environment(name) => write!(f, "environment:{name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it came from.
pub type Setting = (String, Origin);

/// The variables of this process, or of a test.
pub struct Environment<'a>(pub &'a dyn Fn(&str) -> Option<OsString>);

impl std::fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}

/// Reads the process's own variables.
pub const PROCESS: Environment<'static> = Environment(&|name| std::env::var_os(name));

/// Of gateway, as pyzeebe's; `from_environment` reads more (`channel::settings::official`).
pub const ZEEBE_ADDRESS: &str = "ZEEBE_ADDRESS";
/// Of the token endpoint; the first that is set counts, as in the next three.
pub const OAUTH_URL: [&str; 2] = ["CAMUNDA_OAUTH_URL", "ZEEBE_AUTHORIZATION_SERVER_URL"];
/// Also where `from_environment` is asked whether there is OAuth at all.
pub const CLIENT_ID: [&str; 2] = ["CAMUNDA_CLIENT_ID", "ZEEBE_CLIENT_ID"];
/// Not read where the client proves who it is without one.
pub const CLIENT_SECRET: [&str; 2] = ["CAMUNDA_CLIENT_SECRET", "ZEEBE_CLIENT_SECRET"];
/// Of a cluster in Camunda's SaaS.
pub const CLUSTER_ID: &str = "CAMUNDA_CLUSTER_ID";
/// Of that cluster; bru-2 where it is not set.
pub const CLUSTER_REGION: &str = "CAMUNDA_CLUSTER_REGION";
/// Without a default but in Camunda's SaaS.
pub const TOKEN_AUDIENCE: [&str; 2] = ["CAMUNDA_TOKEN_AUDIENCE", "ZEEBE_TOKEN_AUDIENCE"];

/// The reference's, and Zeebe's own.
pub const DEFAULT_ADDRESS: &str = "localhost:26500";

impl Environment<'_> {
    /// A variable's value; empty counts as not set.
    pub fn variable(&self, name: &'static str) -> Result<Option<Setting>, Error> {
        let Some(value) = (self.0)(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        match value.into_string() {
            Ok(value) => Ok(Some((value, Origin::Environment(name)))),
            Err(_) => Err(Error::settings(format!(
                "the environment variable {name} is not UTF-8"
            ))),
        }
    }

    /// Whether a variable is there and not empty.
    pub fn is_set(&self, name: &str) -> bool {
        (self.0)(name).is_some_and(|value| !value.is_empty())
    }

    /// The first of several variables that is set.
    pub fn first(&self, names: &[&'static str]) -> Result<Option<Setting>, Error> {
        for name in names {
            if let Some(setting) = self.variable(name)? {
                return Ok(Some(setting));
            }
        }
        Ok(None)
    }

    /// As [`Environment::first`], then the default, else the error that names the variables.
    pub fn required(
        &self,
        names: &[&'static str],
        default: Option<&str>,
    ) -> Result<Setting, Error> {
        if let Some(setting) = self.first(names)? {
            return Ok(setting);
        }
        match given(default) {
            Some(default) => Ok((default.to_owned(), Origin::Default)),
            None => Err(missing(names)),
        }
    }

    /// The gateway's, of `ZEEBE_ADDRESS`, else `default`, else [`DEFAULT_ADDRESS`].
    pub fn zeebe_address(&self, default: Option<&str>) -> Result<Setting, Error> {
        let default = given(default).unwrap_or(DEFAULT_ADDRESS);
        self.required(&[ZEEBE_ADDRESS], Some(default))
    }
}

/// None of these variables is set, and one has to be.
pub fn missing(names: &[&str]) -> Error {
    Error::settings(format!("No {} provided!", names.join(" or ")))
}

/// A setting that nobody may see; its text is overwritten.
pub fn secret((text, origin): Setting) -> (SecretString, Origin) {
    let text = Zeroizing::new(text);
    (SecretString::from(text.as_str()), origin)
}

/// `host:port` of a cluster in Camunda's cloud.
pub fn camunda_address(cluster_id: Option<&str>, region: Option<&str>) -> Result<String, Error> {
    match (given(cluster_id), given(region)) {
        (Some(cluster_id), Some(region)) => {
            Ok(format!("{cluster_id}.{region}.zeebe.camunda.io:443"))
        }
        _ => Err(Error::settings(
            "The cluster_id and cluster_region must be provided!",
        )),
    }
}

/// An empty text counts as not given.
pub fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// The path of a file, unless it is what stands in one, by mistake: that may be a key.
pub(crate) fn shown_path(text: &str) -> &str {
    match text.contains("-----") || text.contains('\n') {
        true => "<PEM, not its path>",
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn camunda_variables_come_before_zeebe_ones_and_empty_ones_do_not_count() {
        let both = |name: &str| Some(OsString::from(format!("of {name}")));
        let found = Environment(&both).first(&CLIENT_ID).unwrap();
        let origin = Origin::Environment("CAMUNDA_CLIENT_ID");
        assert_eq!(found, Some(("of CAMUNDA_CLIENT_ID".into(), origin)));

        let empty = |name: &str| Some(OsString::from(if name.starts_with('C') { "" } else { "z" }));
        let found = Environment(&empty).first(&CLIENT_ID).unwrap();
        assert_eq!(
            found,
            Some(("z".into(), Origin::Environment("ZEEBE_CLIENT_ID")))
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf8_is_named() {
        use std::os::unix::ffi::OsStringExt;
        let broken = |_: &str| Some(OsString::from_vec(vec![0xff]));
        let error = Environment(&broken).zeebe_address(None).unwrap_err();
        assert_eq!(
            error.message(),
            "the environment variable ZEEBE_ADDRESS is not UTF-8"
        );
    }
}
