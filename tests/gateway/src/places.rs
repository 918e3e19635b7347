//! Where the gateway listens, as its ready line and the ports file say it.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use crate::certificates::CertificateFiles;

#[derive(Debug, Clone)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Place {
    /// A path has none.
    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Tcp(address) => address.port(),
            Self::Unix(_) => 0,
        }
    }

    /// What the ports file says: a port, or a path.
    fn to_json(&self) -> Value {
        match self {
            Self::Tcp(address) => json!(address.port()),
            Self::Unix(path) => json!(path),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Written beside its place and renamed, so that who sees the file sees all of it.
pub(crate) fn write_ports_file(
    path: &Path,
    places: &[(&'static str, Place)],
    files: &CertificateFiles,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut content: Map<String, Value> = places
        .iter()
        .map(|(name, place)| ((*name).to_owned(), place.to_json()))
        .collect();
    content.insert("ca".to_owned(), json!(files.ca));
    content.insert("other_ca".to_owned(), json!(files.other_ca));
    content.insert(
        "client_certificate".to_owned(),
        json!(files.client_certificate),
    );
    content.insert("client_key".to_owned(), json!(files.client_key));
    for (name, path) in [
        ("self_signed_certificate", &files.self_signed),
        (
            "self_signed_expired_certificate",
            &files.self_signed_expired,
        ),
        ("self_signed_other_certificate", &files.self_signed_other),
    ] {
        content.insert(name.to_owned(), json!(path));
    }
    content.insert("pid".to_owned(), json!(std::process::id()));
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(parent.unwrap_or(Path::new(".")))?;
    writeln!(file, "{}", Value::Object(content))?;
    file.persist(path)?;
    Ok(())
}
