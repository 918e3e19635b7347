//! Whether a server's certificate is trusted: webpki's judgement, and one case more.
//!
//! `openssl req -x509`, as everyone types it, makes a certificate that is an authority's and a server's at once. webpki
//! takes no authority's certificate for a server's; OpenSSL, gRPC, Go and Java do, if it is the very root they were given.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

use crate::error::Error;

#[derive(Debug)]
pub(super) struct ServerVerifier {
    webpki: Arc<WebPkiServerVerifier>,
    /// The program's own roots. One that a server shows is trusted if its name and its time fit.
    own: Vec<CertificateDer<'static>>,
}

impl ServerVerifier {
    pub(super) fn new(
        anchors: RootCertStore,
        own: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(anchors), provider);
        let webpki = webpki
            .build()
            .map_err(|error| Error::internal(format!("TLS: {error}")))?;
        Ok(Self { webpki, own })
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if !self.own.contains(certificate) {
            let webpki = &self.webpki;
            return webpki.verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        }
        check_time(certificate, now)?;
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.webpki
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.webpki
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// From `notBefore` to `notAfter`, both included (RFC 5280, section 4.1.2.5).
fn check_time(certificate: &CertificateDer<'_>, time: UnixTime) -> Result<(), TlsError> {
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let seconds = |of: ASN1Time| u64::try_from(of.timestamp()).unwrap_or(0);
    let not_before = seconds(parsed.validity().not_before);
    let not_after = seconds(parsed.validity().not_after);
    let unix = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    if time.as_secs() < not_before {
        let not_before = unix(not_before);
        return Err(CertificateError::NotValidYetContext { time, not_before }.into());
    }
    if time.as_secs() > not_after {
        let not_after = unix(not_after);
        return Err(CertificateError::ExpiredContext { time, not_after }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair};
    use rustls::crypto::aws_lc_rs;

    use super::*;

    /// As `openssl req -x509` makes it: an authority's, for localhost, good from 1000 to 2000 s.
    fn authority() -> Certificate {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let at = |seconds| std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        (params.not_before, params.not_after) = (at(1000).into(), at(2000).into());
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    fn verdict(
        own: bool,
        shown: &CertificateDer<'_>,
        root: &CertificateDer<'static>,
        name: &str,
        seconds: u64,
    ) -> Result<(), TlsError> {
        let mut anchors = RootCertStore::empty();
        anchors.add(root.clone()).unwrap();
        let own = own.then(|| root.clone()).into_iter().collect();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = ServerVerifier::new(anchors, own, provider).unwrap();
        let name = ServerName::try_from(name).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        verifier
            .verify_server_cert(shown, &[], &name, &[], now)
            .map(drop)
    }

    #[test]
    fn an_own_root_is_trusted_as_a_server_if_name_and_time_fit() {
        let (root, twin) = (authority(), authority());
        let (root, twin) = (root.der(), twin.der());
        for (own, shown, name, seconds, trusted) in [
            (true, root, "localhost", 1000, true),
            (true, root, "localhost", 2000, true),
            (true, root, "localhost", 999, false),
            (true, root, "localhost", 2001, false),
            (true, root, "other.example", 1500, false),
            (true, root, "127.0.0.1", 1500, false),
            (true, twin, "localhost", 1500, false), // equal names, another key
            (false, root, "localhost", 1500, false), // the platform's
        ] {
            let verdict = verdict(own, shown, root, name, seconds);
            assert_eq!(verdict.is_ok(), trusted, "{name} at {seconds}: {verdict:?}");
        }
    }
}
