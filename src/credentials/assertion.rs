//! Assertions by which a client proves who it is: JWTs that its own key signs (RFC 7523, RFC 7521).
//!
//! Time and `jti` come in as arguments. Not here: how an assertion travels (`oauth2`).

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use zeroize::Zeroize;

use super::pem;
use crate::error::Error;

/// The value of `client_assertion_type` (RFC 7523 section 2.2).
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Until `exp`: for one request, and for clocks that differ a little.
const LIFETIME: Duration = Duration::from_secs(60);

/// `iat` lies so far back: some servers take none that is ahead of their clock. None wants it younger than a minute.
const BACKDATED: Duration = Duration::from_secs(10);

enum KeyPair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

/// A private key that signs assertions: RS256 or ES256, by its kind. aws-lc overwrites it when it is dropped.
pub struct SigningKey {
    pair: KeyPair,
    /// `kid`: which of a client's keys it is.
    key_id: Option<String>,
    /// `x5t` and `x5t#S256` (RFC 7515 sections 4.1.7 and 4.1.8): of the certificate of the same key, if there is one.
    thumbprints: Option<(String, String)>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, <redacted>)", self.algorithm())
    }
}

/// What an assertion says of its client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claims<'a> {
    /// Issuer and subject alike (RFC 7523 section 3).
    pub(super) client_id: &'a str,
    /// The token endpoint's URL.
    pub(super) audience: &'a str,
    /// By the wall clock: the endpoint compares it with its own.
    pub(super) issued: SystemTime,
    /// Used once, so that the endpoint can refuse an assertion that was overheard.
    pub(super) jti: &'a str,
}

impl SigningKey {
    /// From PEM: PKCS#8, PKCS#1 (RSA) or SEC1 (EC). Errors call it `name`.
    pub fn from_pem(name: &str, pem: &[u8], key_id: Option<&str>) -> Result<Self, Error> {
        let mut der = pem::private_key(name, pem)?;
        let pair = key_pair(&der).map_err(|error| match error.description_() {
            "InvalidEncoding" | "UnexpectedError" if !is_of_another_curve(&der) => Error::tls(
                format!("{name} holds no RSA and no P-256 key that can be read"),
            ),
            _ => Error::invalid_argument(format!(
                "{name} cannot sign assertions: they need an RSA key of 2048 \
                 to 8192 bits, or a P-256 key"
            )),
        });
        der.zeroize();
        Ok(Self {
            pair: pair?,
            key_id: key_id.map(str::to_owned),
            thumbprints: None,
        })
    }

    /// The certificate, by which some servers find the key.
    pub fn with_certificate(mut self, certificate: &CertificateDer<'_>) -> Self {
        let thumbprint = |algorithm| {
            let digest = digest::digest(algorithm, certificate);
            BASE64_URL_SAFE_NO_PAD.encode(digest)
        };
        self.thumbprints = Some((
            thumbprint(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            thumbprint(&digest::SHA256),
        ));
        self
    }

    /// `alg`, by RFC 7518 section 3.1.
    fn algorithm(&self) -> &'static str {
        match self.pair {
            KeyPair::Rsa(_) => "RS256",
            KeyPair::P256(_) => "ES256",
        }
    }

    /// A signed JWT in its compact form (RFC 7515 section 7.1).
    pub(super) fn assertion(&self, claims: Claims<'_>) -> Result<String, Error> {
        let mut header = json!({"alg": self.algorithm(), "typ": "JWT"});
        if let Some(key_id) = &self.key_id {
            header["kid"] = json!(key_id);
        }
        if let Some((sha1, sha256)) = &self.thumbprints {
            header["x5t"] = json!(sha1);
            header["x5t#S256"] = json!(sha256);
        }
        let issued = claims.issued.duration_since(UNIX_EPOCH).unwrap_or_default();
        let payload = json!({
            "iss": claims.client_id,
            "sub": claims.client_id,
            "aud": claims.audience,
            "jti": claims.jti,
            "iat": issued.saturating_sub(BACKDATED).as_secs(),
            "exp": (issued + LIFETIME).as_secs(),
        });
        let part = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(header), part(payload));
        let signature = self
            .sign(signed.as_bytes())
            .map_err(|_| Error::internal("the client assertion cannot be signed"))?;
        Ok(format!(
            "{signed}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature)
        ))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match &self.pair {
            KeyPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            KeyPair::P256(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
        }
    }
}

fn key_pair(der: &PrivateKeyDer<'_>) -> Result<KeyPair, KeyRejected> {
    const P256: &EcdsaSigningAlgorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    match der {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()).map(KeyPair::Rsa),
        PrivateKeyDer::Sec1(key) => {
            EcdsaKeyPair::from_private_key_der(P256, key.secret_sec1_der()).map(KeyPair::P256)
        }
        PrivateKeyDer::Pkcs8(key) => match RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()) {
            Err(error) if error.description_() == "WrongAlgorithm" => {
                EcdsaKeyPair::from_pkcs8(P256, key.secret_pkcs8_der()).map(KeyPair::P256)
            }
            rsa => rsa.map(KeyPair::Rsa),
        },
        // No form that the PEM reader gives today.
        other => RsaKeyPair::from_pkcs8(other.secret_der()).map(KeyPair::Rsa),
    }
}

/// SEC1 alone does not tell a curve that is not asked for from an encoding that cannot be read.
fn is_of_another_curve(der: &PrivateKeyDer<'_>) -> bool {
    const OTHERS: [&EcdsaSigningAlgorithm; 2] = [
        &ECDSA_P384_SHA384_FIXED_SIGNING,
        &ECDSA_P521_SHA512_FIXED_SIGNING,
    ];
    let PrivateKeyDer::Sec1(key) = der else {
        return false;
    };
    OTHERS
        .iter()
        .any(|curve| EcdsaKeyPair::from_private_key_der(curve, key.secret_sec1_der()).is_ok())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256,
        UnparsedPublicKey, VerificationAlgorithm,
    };
    use base64::prelude::BASE64_STANDARD;

    use super::*;
    use crate::error::Kind;

    fn pem(label: &str, der: impl AsRef<[u8]>) -> String {
        let text = BASE64_STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    }

    fn claims(jti: &str) -> Claims<'_> {
        Claims {
            client_id: "caf\u{e9}",
            audience: "https://login.example/token",
            issued: UNIX_EPOCH + Duration::from_millis(1_700_000_000_999),
            jti,
        }
    }

    /// Header and payload, if the signature is right.
    fn verified(
        assertion: &str,
        algorithm: &'static dyn VerificationAlgorithm,
        key: &[u8],
    ) -> (Value, Value) {
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(algorithm, key)
            .verify(signed.as_bytes(), &signature)
            .unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        let json = |part| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap());
        (json(header).unwrap(), json(payload).unwrap())
    }

    #[test]
    fn rsa_keys_sign_rs256_whatever_their_form() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let pkcs1 = &pkcs8.as_ref()[26..]; // what follows PKCS#8's own head, for this size
        for text in [
            pem("PRIVATE KEY", pkcs8.as_ref()),
            pem("RSA PRIVATE KEY", pkcs1),
        ] {
            let key = SigningKey::from_pem("the key", text.as_bytes(), Some("key 1")).unwrap();
            let (header, payload) = verified(
                &key.assertion(claims("once")).unwrap(),
                &RSA_PKCS1_2048_8192_SHA256,
                pair.public_key().as_ref(),
            );
            assert_eq!(
                header,
                json!({"alg": "RS256", "typ": "JWT", "kid": "key 1"})
            );
            assert_eq!(
                payload,
                json!({
                    "iss": "caf\u{e9}",
                    "sub": "caf\u{e9}",
                    "aud": "https://login.example/token",
                    "jti": "once",
                    "iat": 1_699_999_990_u64,
                    "exp": 1_700_000_060_u64,
                })
            );
        }
    }

    #[test]
    fn p256_keys_sign_es256_whatever_their_form() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
        for text in [
            pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap()),
            pem("EC PRIVATE KEY", sec1.as_ref()),
        ] {
            let key = SigningKey::from_pem("the key", text.as_bytes(), None).unwrap();
            let (header, _) = verified(
                &key.assertion(claims("once")).unwrap(),
                &ECDSA_P256_SHA256_FIXED,
                pair.public_key().as_ref(),
            );
            assert_eq!(header, json!({"alg": "ES256", "typ": "JWT"}));
        }
    }

    #[test]
    fn a_certificate_is_named_by_its_thumbprints() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let text = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap());
        let key = SigningKey::from_pem("the key", text.as_bytes(), None).unwrap();
        let key = key.with_certificate(&CertificateDer::from(&b"abc"[..]));
        let assertion = key.assertion(claims("once")).unwrap();
        let public = pair.public_key().as_ref();
        let (header, _) = verified(&assertion, &ECDSA_P256_SHA256_FIXED, public);
        // The digests of "abc" in FIPS 180's examples.
        assert_eq!(header["x5t"], "qZk-NkcGgWq6PiVxeFDCbJzQ2J0");
        assert_eq!(
            header["x5t#S256"],
            "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"
        );
    }

    #[test]
    fn other_keys_are_refused_and_what_is_no_key_is_told_apart() {
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let ed25519 = Ed25519KeyPair::generate().unwrap();
        for (der, kind) in [
            (p384.to_pkcs8v1().unwrap().as_ref(), Kind::InvalidArgument),
            (ed25519.to_pkcs8().unwrap().as_ref(), Kind::InvalidArgument),
            (&b"nonsense"[..], Kind::Tls),
        ] {
            let error = SigningKey::from_pem("the key", pem("PRIVATE KEY", der).as_bytes(), None)
                .unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
        let sec1: EcPrivateKeyRfc5915Der<'_> = p384.private_key().as_der().unwrap();
        let error = SigningKey::from_pem(
            "the key",
            pem("EC PRIVATE KEY", sec1.as_ref()).as_bytes(),
            None,
        )
        .unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument, "{error}");
        let error = SigningKey::from_pem(
            "the key",
            pem("EC PRIVATE KEY", "nonsense").as_bytes(),
            None,
        )
        .unwrap_err();
        assert_eq!(error.kind(), Kind::Tls, "{error}");
        let error = SigningKey::from_pem("the key", b"no PEM", None).unwrap_err();
        assert_eq!(error.kind(), Kind::Tls);
    }

    #[test]
    fn an_rsa_key_that_is_too_short_is_told_so() {
        let short = include_bytes!("../../tests/short_rsa_key.pem");
        let error = SigningKey::from_pem("the key", short, None).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument);
        assert!(error.message().contains("2048"), "{error}");
    }

    #[test]
    fn a_key_is_never_printed() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let text = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap());
        let key = SigningKey::from_pem("the key", text.as_bytes(), Some("k")).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(ES256, <redacted>)");
    }
}
