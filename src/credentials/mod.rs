//! Credentials: what secures a channel's connections, and what authenticates its calls.

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
/// cbindgen:ignore
pub mod any_bytes;
mod assertion;
mod authorization;
mod client_authentication;
mod create;
mod discovery;
mod disk_cache;
mod fingerprint;
mod host;
mod oauth2;
mod pem;
mod plugin;
mod redaction;
mod server_verifier;
mod shown_chain;
mod tls;
mod token;
mod token_answer;
mod token_cache;
mod token_file;
mod token_http;
mod token_options;
mod token_provider;
mod token_url;

use std::sync::Arc;

pub use assertion::SigningKey;
pub(crate) use authorization::{Authorization, Fetched};
pub use client_authentication::ClientAuthentication;
pub use create::GivenClient;
pub use fingerprint::{Fingerprint, fingerprint, fingerprint_of_bytes};
pub use host::{TokenRequest, TokenSource};
pub use oauth2::ClientCredentials;
pub use plugin::Plugin;
pub(crate) use redaction::{Effort, Redactor};
pub(crate) use shown_chain::ShownChain;
pub(crate) use tls::read as read_file;
pub use tls::{PemOptions, TlsCredentials, VariableIdentity, VariableRoots};
pub use token::{Lifetime, Token};
pub use token_cache::{Counts, Facts};
pub use token_options::{EndpointSettings, GivenTokenOptions, ServerMetadata, TokenOptions};
pub use token_provider::TokenProvider;
pub(crate) use token_url::refuse_readable as refuse_readable_token_url;
pub use token_url::shown as shown_token_url;

/// How connections are secured.
#[derive(Clone, Debug)]
pub enum Security {
    /// TLS, with the roots and the certificate to show.
    Tls(Arc<TlsCredentials>),
    /// To any host, where the program has allowed it.
    Plaintext,
    /// Plaintext that never leaves the machine: loopback and Unix sockets only.
    Local,
}

impl Security {
    /// As `describe` has it: part of the ABI.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tls(_) => "tls",
            Self::Plaintext => "plaintext",
            Self::Local => "local",
        }
    }
}

/// Security and plugins together (gRPC: composite channel credentials).
#[derive(Clone, Debug)]
pub struct ChannelCredentials {
    /// Of the connection.
    pub security: Security,
    /// All are asked for each call; of several that give `authorization`, the later wins.
    pub plugins: Vec<Arc<Plugin>>,
}

impl From<Security> for ChannelCredentials {
    fn from(security: Security) -> Self {
        Self {
            security,
            plugins: Vec::new(),
        }
    }
}
