//! The certificate that a server shows, which can be renewed while it runs.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::certificates::{Authority, Outcome};

/// Longer ones would leave the calendar that certificates have.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

#[derive(Debug)]
pub(crate) struct Identity {
    names: Vec<String>,
    /// How much the clock of who issues it is ahead.
    ahead: Duration,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Identity {
    pub(crate) fn new(
        authority: &Authority,
        names: Vec<String>,
        lifetime: Option<Duration>,
        ahead: Duration,
    ) -> Outcome<Arc<Self>> {
        let current = RwLock::new(issue(authority, &names, lifetime, ahead)?);
        Ok(Arc::new(Self {
            names,
            ahead,
            current,
        }))
    }

    /// An authority and a server in one, as `openssl req -x509` makes it, and its certificate as PEM; good until then or for ever.
    pub(crate) fn self_signed(
        names: Vec<String>,
        until: Option<SystemTime>,
    ) -> Outcome<(Arc<Self>, String)> {
        let key = KeyPair::generate()?;
        let mut params = named(&names)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        if let Some(until) = until {
            params.not_after = until.into();
        }
        let certificate = params.self_signed(&key)?;
        let current = RwLock::new(certified(&certificate, &key)?);
        let ahead = Duration::ZERO;
        let identity = Self {
            names,
            ahead,
            current,
        };
        Ok((Arc::new(identity), certificate.pem()))
    }

    /// New handshakes see a new certificate.
    pub(crate) fn renew(&self, authority: &Authority, lifetime: Option<Duration>) -> Outcome<()> {
        let new = issue(authority, &self.names, lifetime, self.ahead)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

/// A new key and its certificate, which is good for this long or for ever.
fn issue(
    authority: &Authority,
    names: &[String],
    lifetime: Option<Duration>,
    ahead: Duration,
) -> Outcome<Arc<CertifiedKey>> {
    let now = SystemTime::now() + ahead;
    let key = KeyPair::generate()?;
    let mut params = named(names)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    if !ahead.is_zero() {
        params.not_before = now.into();
    }
    if let Some(lifetime) = lifetime {
        // The last second counts as good (RFC 5280, section 4.1.2.5).
        let end = now + lifetime.min(LONGEST) - Duration::from_secs(1);
        params.not_after = end.into();
    }
    certified(&params.signed_by(&key, authority)?, &key)
}

fn named(names: &[String]) -> Outcome<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, names[0].as_str());
    Ok(params)
}

fn certified(certificate: &Certificate, key: &KeyPair) -> Outcome<Arc<CertifiedKey>> {
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let provider = aws_lc_rs::default_provider();
    let chain = vec![certificate.der().clone()];
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &provider)?))
}
