//! The certificates that a server shows, whatever they are worth, for who looks for what is wrong with them.

use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
};

use super::tls::provider;
use crate::error::Error;
use crate::runtime::lock;

/// Keeps the chain of the one handshake that it is for, and ends that there: nothing is said to a server that was not judged.
#[derive(Debug)]
pub(crate) struct ShownChain {
    chain: Mutex<Vec<CertificateDer<'static>>>,
    schemes: Vec<SignatureScheme>,
}

impl ShownChain {
    /// And the configuration of a handshake that fills it, and fails.
    pub(crate) fn new() -> Result<(Arc<Self>, Arc<ClientConfig>), Error> {
        let provider = provider();
        let shown = Arc::new(Self {
            chain: Mutex::default(),
            schemes: provider
                .signature_verification_algorithms
                .supported_schemes(),
        });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::internal(format!("TLS: {error}")))?
            .dangerous() // it trusts no one
            .with_custom_certificate_verifier(Arc::<Self>::clone(&shown))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok((shown, Arc::new(config)))
    }

    /// The leaf first; empty: none were shown.
    pub(crate) fn take(&self) -> Vec<CertificateDer<'static>> {
        std::mem::take(&mut lock(&self.chain))
    }
}

fn refused() -> TlsError {
    CertificateError::ApplicationVerificationFailure.into()
}

impl ServerCertVerifier for ShownChain {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let chain = std::iter::once(certificate).chain(intermediates);
        *lock(&self.chain) = chain
            .map(|certificate| certificate.clone().into_owned())
            .collect();
        Err(refused())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(refused())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(refused())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
