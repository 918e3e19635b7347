//! The certificates, made anew at every start, and the TLS settings of the listeners.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::identity::Identity;
use crate::options::Options;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

/// The files that clients need.
#[derive(Debug, Clone)]
pub(crate) struct CertificateFiles {
    pub(crate) ca: PathBuf,
    /// Another authority, which signed nothing here.
    pub(crate) other_ca: PathBuf,
    pub(crate) client_certificate: PathBuf,
    pub(crate) client_key: PathBuf,
    /// What `self_signed` and `token_self_signed` show, and `self_signed_expired`.
    pub(crate) self_signed: PathBuf,
    pub(crate) self_signed_expired: PathBuf,
    /// Of the same names as theirs and another key, which nobody shows.
    pub(crate) self_signed_other: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Certificates {
    pub(crate) files: CertificateFiles,
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) no_alpn: Arc<ServerConfig>,
    pub(crate) mtls: Arc<ServerConfig>,
    pub(crate) cloud: Arc<ServerConfig>,
    pub(crate) token: Arc<ServerConfig>,
    pub(crate) self_signed: Arc<ServerConfig>,
    pub(crate) self_signed_expired: Arc<ServerConfig>,
    pub(crate) token_self_signed: Arc<ServerConfig>,
    authority: Authority,
    identities: [Arc<Identity>; 2],
    pub(crate) token_mtls: Arc<ServerConfig>,
}

impl Certificates {
    /// Makes all certificates and writes those that clients need into `directory`.
    pub(crate) fn create(directory: &Path, options: &Options) -> Outcome<Self> {
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
            self_signed: directory.join("self-signed.pem"),
            self_signed_expired: directory.join("self-signed-expired.pem"),
            self_signed_other: directory.join("self-signed-other.pem"),
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
        let yesterday = SystemTime::now() - Duration::from_secs(24 * 60 * 60);
        let (self_signed, pem) = Identity::self_signed(local.to_vec(), None)?;
        fs::write(&files.self_signed, pem)?;
        let (self_signed_expired, pem) = Identity::self_signed(local.to_vec(), Some(yesterday))?;
        fs::write(&files.self_signed_expired, pem)?;
        let (_, pem) = Identity::self_signed(local.to_vec(), None)?;
        fs::write(&files.self_signed_other, pem)?;
        let domain = format!("{}.zeebe.camunda.io", options.region);
        let cloud = vec![
            format!("{}.{domain}", options.cluster_id),
            format!("*.{domain}"),
        ];
        let lifetime = options.certificate_lifetime;
        let local = Identity::new(&authority, local.into(), lifetime, options.clock_ahead)?;
        let cloud = Identity::new(&authority, cloud, lifetime, options.clock_ahead)?;
        Ok(Self {
            files,
            tls: server(&local, &["h2"], None)?,
            no_alpn: server(&local, &[], None)?,
            mtls: server(&local, &["h2"], Some(&authority))?,
            cloud: server(&cloud, &["h2"], None)?,
            token: server(&local, &["h2", "http/1.1"], None)?,
            self_signed: server(&self_signed, &["h2"], None)?,
            self_signed_expired: server(&self_signed_expired, &["h2"], None)?,
            token_self_signed: server(&self_signed, &["h2", "http/1.1"], None)?,
            token_mtls: server(&local, &["h2", "http/1.1"], Some(&authority))?,
            authority,
            identities: [local, cloud],
        })
    }

    /// The servers go on with new certificates; sessions that are resumed need none.
    pub(crate) fn renew(&self, lifetime: Option<Duration>) -> Outcome<()> {
        for identity in &self.identities {
            identity.renew(&self.authority, lifetime)?;
        }
        Ok(())
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
    identity: &Arc<Identity>,
    protocols: &[&str],
    clients: Option<&Authority>,
) -> Outcome<Arc<ServerConfig>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone())?;
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::<Identity>::clone(identity));
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    Ok(Arc::new(config))
}
