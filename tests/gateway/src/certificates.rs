//! The certificates, made anew at every start, and the TLS settings of the listeners.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
type Authority = CertifiedIssuer<'static, KeyPair>;

/// The files that clients need.
#[derive(Debug, Clone)]
pub(crate) struct CertificateFiles {
    pub(crate) ca: PathBuf,
    /// Another authority, which signed nothing here.
    pub(crate) other_ca: PathBuf,
    pub(crate) client_certificate: PathBuf,
    pub(crate) client_key: PathBuf,
}

#[derive(Debug, Clone)]
pub(crate) struct Certificates {
    pub(crate) files: CertificateFiles,
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) no_alpn: Arc<ServerConfig>,
    pub(crate) mtls: Arc<ServerConfig>,
    pub(crate) cloud: Arc<ServerConfig>,
    pub(crate) token: Arc<ServerConfig>,
}

impl Certificates {
    /// Makes all certificates and writes those that clients need into `directory`.
    pub(crate) fn create(directory: &Path, cluster_id: &str, region: &str) -> Outcome<Self> {
        fs::create_dir_all(directory)?;
        let directory = directory.canonicalize()?;
        let authority = authority("zeebe-dev-gateway CA")?;
        let other = self::authority("zeebe-dev-gateway other CA")?;

        let client_key = KeyPair::generate()?;
        let mut client = CertificateParams::default();
        client
            .distinguished_name
            .push(DnType::CommonName, "zeebe-dev-gateway client");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        client.use_authority_key_identifier_extension = true;
        let client = client.signed_by(&client_key, &authority)?;

        let files = CertificateFiles {
            ca: directory.join("ca.pem"),
            other_ca: directory.join("other-ca.pem"),
            client_certificate: directory.join("client.pem"),
            client_key: directory.join("client.key"),
        };
        fs::write(&files.ca, authority.pem())?;
        fs::write(&files.other_ca, other.pem())?;
        fs::write(&files.client_certificate, client.pem())?;
        fs::write(&files.client_key, client_key.serialize_pem())?;

        let local = [
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ];
        let domain = format!("{region}.zeebe.camunda.io");
        let cloud = [format!("{cluster_id}.{domain}"), format!("*.{domain}")];
        Ok(Self {
            files,
            tls: server(&authority, &local, &["h2"], false)?,
            no_alpn: server(&authority, &local, &[], false)?,
            mtls: server(&authority, &local, &["h2"], true)?,
            cloud: server(&authority, &cloud, &["h2"], false)?,
            token: server(&authority, &local, &["h2", "http/1.1"], false)?,
        })
    }
}

fn authority(name: &str) -> Outcome<Authority> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn server(
    authority: &Authority,
    names: &[String],
    protocols: &[&str],
    asks_client: bool,
) -> Outcome<Arc<ServerConfig>> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, names[0].as_str());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, authority)?.der().clone();

    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = if asks_client {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone())?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let mut config = builder.with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    Ok(Arc::new(config))
}
