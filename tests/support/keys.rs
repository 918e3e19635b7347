//! Key pairs for clients that sign assertions, made anew for each run, as PEM files.

use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair, RsaKeyPair,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The files of all keys in a directory.
pub(crate) struct Keys {
    directory: PathBuf,
}

impl Keys {
    /// RSA, P-256 (twice, one of them also as SEC1) and P-384.
    pub(crate) fn create(directory: &Path) -> Self {
        let keys = Self {
            directory: directory.to_owned(),
        };
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
        keys.write("rsa.key", "PRIVATE KEY", private.as_ref());
        keys.write("rsa.pub", "PUBLIC KEY", public.as_ref());
        let ec = keys.elliptic("ec", &ECDSA_P256_SHA256_FIXED_SIGNING);
        let sec1: EcPrivateKeyRfc5915Der<'_> = ec.private_key().as_der().unwrap();
        keys.write("sec1.key", "EC PRIVATE KEY", sec1.as_ref());
        keys.elliptic("other", &ECDSA_P256_SHA256_FIXED_SIGNING);
        keys.elliptic("p384", &ECDSA_P384_SHA384_FIXED_SIGNING);
        keys
    }

    pub(crate) fn path(&self, file: &str) -> String {
        self.directory.join(file).to_str().unwrap().to_owned()
    }

    fn elliptic(&self, name: &str, curve: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
        let pair = EcdsaKeyPair::generate(curve).unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let private = pair.to_pkcs8v1().unwrap();
        self.write(&format!("{name}.key"), "PRIVATE KEY", private.as_ref());
        self.write(&format!("{name}.pub"), "PUBLIC KEY", public.as_ref());
        pair
    }

    fn write(&self, file: &str, label: &str, der: &[u8]) {
        let text = BASE64_STANDARD.encode(der);
        let pem = format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n");
        std::fs::write(self.directory.join(file), pem).unwrap();
    }
}
