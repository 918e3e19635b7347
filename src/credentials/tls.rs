//! TLS: roots, own certificate and key, as a configuration for rustls.
//!
//! Material given as PEM is parsed when the credentials are made. The platform's roots, and the file that
//! ZEEBE_CA_CERTIFICATE_PATH names, are read at the first connect, off the I/O threads; that file is read again
//! at the next one if it has changed, and connections that are there stay.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, InconsistentKeys, RootCertStore};
use rustls_native_certs::ErrorKind;
use zeroize::Zeroize;

use super::pem;
use super::server_verifier::ServerVerifier;
use crate::environment::shown_path;
use crate::error::Error;
use crate::options::{self, Spec};
use crate::runtime::lock;

#[derive(Clone)]
enum Roots {
    /// The platform's; `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured.
    Platform,
    File(PathBuf, &'static str),
    Given(RootStore),
    /// The platform's, if it has any, and those that the program or a variable gave.
    PlatformAnd(Box<Roots>),
}

impl Roots {
    /// The file that they come from.
    fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path, _) => Some(path),
            Self::PlatformAnd(more) => more.file(),
            Self::Platform | Self::Given(_) => None,
        }
    }

    fn load(&self) -> Result<RootStore, Error> {
        match self {
            Self::Given(roots) => Ok(roots.clone()),
            Self::Platform => platform_roots(),
            Self::File(path, variable) => {
                let shown = path.to_string_lossy();
                let named = || format!("{} (environment:{variable})", shown_path(&shown));
                let pem = read(path)
                    .map_err(|error| Error::unavailable(format!("{}: {error}", named())))?;
                store(&named(), pem::certificates(&named(), &pem)?)
            }
            Self::PlatformAnd(more) => {
                let mut roots = more.load()?;
                match platform_roots() {
                    Ok(platform) => roots.anchors.extend(platform.anchors.roots),
                    Err(error) => tracing::debug!("{error}"),
                }
                Ok(roots)
            }
        }
    }
}

/// Roots that a variable gives.
#[derive(Clone, Copy, Debug)]
pub enum VariableRoots<'a> {
    /// Read at the first connect.
    File(&'a Path, &'static str),
    /// The same, and the platform's roots beside them.
    FileAndPlatform(&'a Path, &'static str),
    /// PEM that stands in the variable itself.
    Text(&'a str, &'static str),
}

impl VariableRoots<'_> {
    fn roots(self) -> Result<Roots, Error> {
        Ok(match self {
            Self::File(path, variable) => Roots::File(path.to_owned(), variable),
            Self::FileAndPlatform(path, variable) => {
                Roots::PlatformAnd(Box::new(Roots::File(path.to_owned(), variable)))
            }
            Self::Text(pem, variable) => Roots::Given(store(
                variable,
                pem::certificates(variable, pem.as_bytes())?,
            )?),
        })
    }
}

/// A certificate chain and its key that variables name, read already: PEM, with the names that errors give them.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "it holds a key")]
pub struct VariableIdentity<'a> {
    /// What errors call it, and its PEM.
    pub chain: (&'a str, &'a [u8]),
    /// What errors call it, and its PEM.
    pub key: (&'a str, &'a [u8]),
}

/// The options that PEM text comes from.
#[derive(Clone, Copy, Debug)]
pub struct PemOptions {
    /// Certificates to trust.
    pub roots: &'static Spec,
    /// Of the certificate that is shown.
    pub key: &'static Spec,
    /// The certificate that is shown, the leaf first.
    pub chain: &'static Spec,
}

impl PemOptions {
    /// `zeebe_ssl_channel_credentials_options`.
    pub const OF_CHANNEL: Self = Self {
        roots: &options::ROOT_CERTIFICATES,
        key: &options::PRIVATE_KEY,
        chain: &options::CERTIFICATE_CHAIN,
    };
    /// `zeebe_token_options`.
    pub const OF_TOKEN: Self = Self {
        roots: &options::TOKEN_CA,
        key: &options::TOKEN_PRIVATE_KEY,
        chain: &options::TOKEN_CERTIFICATE_CHAIN,
    };
}

#[derive(Clone)]
struct RootStore {
    anchors: RootCertStore,
    /// The program's, as they are; empty for the platform's.
    own: Vec<CertificateDer<'static>>,
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// Shared by every channel it is given to, and so are sessions and roots.
pub struct TlsCredentials {
    roots: Roots,
    identity: Option<Identity>,
    made: Mutex<Option<Made>>,
}

#[derive(Clone)]
struct Made {
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
    /// Of the file it was read from, when it was read.
    stamp: Option<Stamp>,
}

/// What tells that a file has changed.
type Stamp = (SystemTime, u64);

impl fmt::Debug for TlsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsCredentials")
    }
}

impl TlsCredentials {
    /// The platform's roots and no certificate of one's own: one for the whole process.
    pub fn platform() -> Arc<Self> {
        static PLATFORM: OnceLock<Arc<TlsCredentials>> = OnceLock::new();
        Arc::clone(PLATFORM.get_or_init(|| Arc::new(Self::with(Roots::Platform, None))))
    }

    /// What variables give, each optional. For the gateway and, with the platform's roots beside those given, for the token
    /// endpoint, which is often one that everybody knows.
    pub fn from_variables(
        roots: Option<VariableRoots<'_>>,
        identity: Option<VariableIdentity<'_>>,
    ) -> Result<(Arc<Self>, Arc<Self>), Error> {
        if roots.is_none() && identity.is_none() {
            return Ok((Self::platform(), Self::platform()));
        }
        let given = |roots: Option<VariableRoots<'_>>| match roots {
            None => Ok(Roots::Platform),
            Some(roots) => roots.roots(),
        };
        let gateway = Self::with(given(roots)?, identity.map(parsed).transpose()?);
        let token_endpoint = match roots {
            None => Roots::Platform,
            Some(roots) => Roots::PlatformAnd(Box::new(roots.roots()?)),
        };
        let token_endpoint = Self::with(token_endpoint, identity.map(parsed).transpose()?);
        Ok((Arc::new(gateway), Arc::new(token_endpoint)))
    }

    /// All three as PEM text, each optional, key and chain only together; `options` are theirs.
    pub fn from_pem(
        options: &PemOptions,
        roots: Option<&[u8]>,
        key: Option<&[u8]>,
        chain: Option<&[u8]>,
    ) -> Result<Arc<Self>, Error> {
        let identity = match (key, chain) {
            (None, None) => None,
            (Some(key), Some(chain)) => Some(Identity::of_options(options, chain, key)?),
            (key, _) => {
                // The one that is missing first: it is the option that the error is about.
                let (missing, given) = match key {
                    Some(_) => (options.chain, options.key),
                    None => (options.key, options.chain),
                };
                let why = format!("is missing, to which {given} belongs");
                return Err(missing.refuse(why).into());
            }
        };
        let roots = match roots {
            None if identity.is_none() => return Ok(Self::platform()),
            None => Roots::Platform,
            Some(roots) => {
                let name = options.roots.to_string();
                let roots = pem::certificates(&name, roots).and_then(|roots| store(&name, roots));
                Roots::Given(roots.map_err(|error| error.about(options.roots))?)
            }
        };
        Ok(Arc::new(Self::with(roots, identity)))
    }

    fn with(roots: Roots, identity: Option<Identity>) -> Self {
        Self {
            roots,
            identity,
            made: Mutex::new(None),
        }
    }

    /// Shows no root at the end of its chain. What was read before is read anew.
    pub fn without_root(self: Arc<Self>) -> Arc<Self> {
        let Some(identity) = self.identity.as_ref().filter(|it| ends_in_root(&it.chain)) else {
            return self;
        };
        let roots = self.roots.clone();
        let (_, chain) = identity
            .chain
            .split_last()
            .unwrap_or((&identity.chain[0], &[]));
        let identity = Identity {
            chain: chain.to_vec(),
            key: identity.key.clone_key(),
        };
        Arc::new(Self::with(roots, Some(identity)))
    }

    /// The program's own, without those that stand behind it.
    pub fn own_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.identity.as_ref()?.chain.first()
    }

    /// Whether a server that asks for a certificate gets one.
    pub(super) fn shows_certificate(&self) -> bool {
        self.identity.is_some()
    }

    /// For gRPC, which is HTTP/2 alone. May read files: call it where blocking is allowed.
    pub(crate) fn http2(&self) -> Result<Arc<ClientConfig>, Error> {
        Ok(self.made()?.http2)
    }

    /// What [`TlsCredentials::http2`] would give, if it need read nothing for it.
    pub(crate) fn http2_ready(&self) -> Option<Arc<ClientConfig>> {
        if self.roots.file().is_some() {
            return None; // it may have changed
        }
        // Who makes it reads files meanwhile, and an I/O thread waits for none.
        let made = self.made.try_lock().ok()?;
        Some(Arc::clone(&made.as_ref()?.http2))
    }

    /// For a token endpoint, in HTTP/1.1 alone. May read files.
    pub(crate) fn http1(&self) -> Result<Arc<ClientConfig>, Error> {
        Ok(self.made()?.http1)
    }

    fn made(&self) -> Result<Made, Error> {
        let mut made = lock(&self.made);
        let stamp = self.roots.file().and_then(stamp);
        let before = match &*made {
            Some(before) if before.stamp == stamp => return Ok(before.clone()),
            before => before.clone(),
        };
        match (self.make(stamp), before) {
            (Ok(new), _) => Ok(made.insert(new).clone()),
            (Err(error), Some(before)) => {
                tracing::warn!("{error}; the certificates read before are used");
                Ok(before)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn make(&self, stamp: Option<Stamp>) -> Result<Made, Error> {
        let mut http1 = build(self.roots.load()?, self.identity.as_ref())?;
        let mut http2 = http1.clone();
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        http2.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Made {
            http1: Arc::new(http1),
            http2: Arc::new(http2),
            stamp,
        })
    }
}

/// A self-issued certificate behind others.
fn ends_in_root(chain: &[CertificateDer<'static>]) -> bool {
    let root = chain.last().filter(|_| chain.len() > 1);
    let root = root.and_then(|root| webpki::EndEntityCert::try_from(root).ok());
    root.is_some_and(|root| root.issuer() == root.subject())
}

/// `None` if there is no such file, which reading it will say.
fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

fn parsed(VariableIdentity { chain, key }: VariableIdentity<'_>) -> Result<Identity, Error> {
    Identity::parse(chain, key).map_err(|(_, error)| error)
}

/// Of a file alone: a FIFO, say, would hold us until somebody writes.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(content)
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// What an error is about.
#[derive(Clone, Copy)]
enum Part {
    Key,
    Chain,
}

impl Identity {
    fn of_options(options: &PemOptions, chain: &[u8], key: &[u8]) -> Result<Self, Error> {
        let (chain_name, key_name) = (options.chain.to_string(), options.key.to_string());
        Self::parse((&chain_name, chain), (&key_name, key)).map_err(|(of, error)| {
            error.about(match of {
                Part::Key => options.key,
                Part::Chain => options.chain,
            })
        })
    }

    /// From PEM, with the names that errors give them. Key and certificate belong together.
    fn parse(
        (chain_name, chain): (&str, &[u8]),
        (key_name, key): (&str, &[u8]),
    ) -> Result<Self, (Part, Error)> {
        let of_key = |error| (Part::Key, error);
        let of_chain = |error| (Part::Chain, error);
        let identity = Self {
            key: pem::private_key(key_name, key).map_err(of_key)?,
            chain: pem::certificates(chain_name, chain).map_err(of_chain)?,
        };
        store(chain_name, identity.chain.clone()).map_err(of_chain)?; // each of them is one
        let (chain, key) = (identity.chain.clone(), identity.key.clone_key());
        // In our words: another's might show the key.
        match CertifiedKey::from_der(chain, key, &provider()) {
            Ok(_) => Ok(identity),
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(of_key(Error::tls(format!(
                    "{key_name} does not belong to the first certificate of {chain_name}"
                ))))
            }
            Err(rustls::Error::InvalidCertificate(_)) => Err(of_chain(Error::tls(format!(
                "the first certificate of {chain_name} cannot be used"
            )))),
            Err(_) => Err(of_key(Error::tls(format!(
                "{key_name} cannot be used: it is no RSA, EC or Ed25519 key that can be read"
            )))),
        }
    }
}

fn build(roots: RootStore, identity: Option<&Identity>) -> Result<ClientConfig, Error> {
    let verifier = ServerVerifier::new(roots.anchors, roots.own, provider())?;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal(format!("TLS: {error}")))?
        .dangerous() // it asks webpki, and adds one case
        .with_custom_certificate_verifier(Arc::new(verifier));
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some(Identity { chain, key }) => builder
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(|_| Error::tls("certificate_chain and private_key cannot be used")),
    }
}

fn platform_roots() -> Result<RootStore, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _ignored) = roots.add_parsable_certificates(found.certs);
    let reasons: Vec<_> = found.errors.iter().map(reason).collect();
    let reasons = reasons.join("; ");
    if added == 0 {
        return Err(Error::unavailable(format!(
            "the platform has no root certificates (SSL_CERT_FILE or SSL_CERT_DIR can name some): {reasons}"
        )));
    }
    if !reasons.is_empty() {
        tracing::warn!("of the platform's root certificates some could not be read: {reasons}");
    }
    Ok(RootStore {
        anchors: roots,
        own: Vec::new(),
    })
}

/// Without the PEM reader's words, in which the file's text stands.
fn reason(error: &rustls_native_certs::Error) -> String {
    match &error.kind {
        ErrorKind::Io { inner, path } => {
            format!("{}: {inner}", shown_path(&path.to_string_lossy()))
        }
        ErrorKind::Pem(_) => "a file is broken PEM".to_owned(),
        _ => error.context.to_owned(),
    }
}

fn store(name: &str, certificates: Vec<CertificateDer<'static>>) -> Result<RootStore, Error> {
    let mut anchors = RootCertStore::empty();
    for (index, certificate) in certificates.iter().enumerate() {
        anchors.add(certificate.clone()).map_err(|_| {
            Error::tls(format!(
                "{name}: certificate {} of {} cannot be read",
                index + 1,
                certificates.len()
            ))
        })?;
    }
    Ok(RootStore {
        anchors,
        own: certificates,
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn from_file(path: &Path) -> Arc<TlsCredentials> {
        let roots = VariableRoots::File(path, "ROOTS");
        TlsCredentials::from_variables(Some(roots), None).unwrap().0
    }

    #[test]
    fn a_root_at_the_end_of_a_chain_is_left_out() {
        let pem = include_bytes!("../../tests/certificate.pem");
        let issued_by_itself = pem::certificates("certificate", pem).unwrap().remove(0);
        let other = CertificateDer::from(&b"no certificate"[..]);
        let root = || issued_by_itself.clone();
        for (chain, expected) in [
            (vec![root()], false),
            (vec![root(), root()], true),
            (vec![root(), other.clone()], false),
            (vec![other, root()], true),
            (vec![], false),
        ] {
            assert_eq!(
                ends_in_root(&chain),
                expected,
                "{} certificates",
                chain.len()
            );
        }
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let path = std::env::temp_dir().join(format!("zeebe-fifo-{}", std::process::id()));
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let error = from_file(&path).http2();
        std::fs::remove_file(&path).unwrap();
        let named = format!("{} (environment:ROOTS): it is no file", path.display());
        assert_eq!(error.unwrap_err().message(), named);
        let error = from_file(&std::env::temp_dir()).http2();
        assert!(error.unwrap_err().message().ends_with("it is no file"));
    }

    #[test]
    fn a_file_that_changed_is_read_again_and_a_broken_one_is_not_used() {
        let path = std::env::temp_dir().join(format!("zeebe-roots-{}.pem", std::process::id()));
        let credentials = from_file(&path);
        assert!(credentials.http2().is_err());
        let certificate = include_str!("../../tests/certificate.pem");
        std::fs::write(&path, certificate).unwrap();
        let first = credentials.http2().unwrap();
        assert!(Arc::ptr_eq(&first, &credentials.http2().unwrap()));
        std::fs::write(&path, "no PEM").unwrap();
        assert!(Arc::ptr_eq(&first, &credentials.http2().unwrap()));
        std::fs::write(&path, certificate.repeat(2)).unwrap();
        assert!(!Arc::ptr_eq(&first, &credentials.http2().unwrap()));
        std::fs::remove_file(&path).unwrap();
    }
}
