//! The public keys that an issuer publishes (RFC 7517), and the signatures they check (RFC 7518). Pure; not here:
//! how they are fetched, and what a token claims (`issuers`).

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

#[derive(Debug, Clone)]
pub(crate) struct Key {
    id: Option<String>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// The keys of a set that check signatures. Those of other kinds, or for encryption, are left out.
pub(crate) fn keys(set: &Value) -> Vec<Key> {
    let keys = set["keys"].as_array().map_or(&[][..], Vec::as_slice);
    keys.iter().filter_map(Key::of).collect()
}

impl Key {
    fn of(jwk: &Value) -> Option<Self> {
        if jwk["use"].as_str().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let member = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok();
        let material = match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
            ("RSA", _) => Material::Rsa {
                n: member("n")?,
                e: member("e")?,
            },
            ("EC", Some("P-256")) => {
                Material::P256([&[4], &member("x")?[..], &member("y")?[..]].concat())
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(member("x")?),
            _ => return None,
        };
        Some(Self {
            id: jwk["kid"].as_str().map(str::to_owned),
            material,
        })
    }

    /// A token that names no key may be of any.
    pub(crate) fn is(&self, id: Option<&str>) -> bool {
        id.is_none() || self.id.as_deref() == id
    }

    /// Whether the signature is this key's; an algorithm that is not for such a key is none.
    pub(crate) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let verified = match (&self.material, algorithm) {
            (Material::Rsa { n, e }, "RS256") => {
                PublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Material::Rsa { n, e }, "PS256") => {
                PublicKeyComponents { n, e }.verify(&RSA_PSS_2048_8192_SHA256, message, signature)
            }
            (Material::P256(point), "ES256") => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Material::Ed25519(point), "EdDSA") => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    };
    use serde_json::json;

    fn text(bytes: &[u8]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn only(jwk: Value) -> Key {
        let mut keys = keys(&json!({ "keys": [jwk] }));
        assert_eq!(keys.len(), 1);
        keys.remove(0)
    }

    #[test]
    fn a_signature_is_good_for_its_key_message_and_algorithm() {
        let random = SystemRandom::new();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = rsa.public_key().as_ref(); // a sequence of two integers, of these lengths
        let rsa_key = only(json!({
            "kty": "RSA",
            "n": text(&der[9..265]),
            "e": text(&der[267..]),
        }));
        let rsa_signed = |padding| {
            let mut signature = vec![0; rsa.public_modulus_len()];
            rsa.sign(padding, &random, b"message", &mut signature)
                .expect("a signature");
            signature
        };
        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let point = &p256.public_key().as_ref()[1..];
        let p256_key = only(json!({
            "kty": "EC", "crv": "P-256", "x": text(&point[..32]), "y": text(&point[32..]),
        }));
        let p256_signed = p256.sign(&random, b"message").expect("a signature");
        let ed25519 = Ed25519KeyPair::generate().expect("a key");
        let ed25519_key = only(json!({
            "kty": "OKP", "crv": "Ed25519", "x": text(ed25519.public_key().as_ref()),
        }));
        for (key, algorithm, signature) in [
            (&rsa_key, "RS256", rsa_signed(&RSA_PKCS1_SHA256)),
            (&rsa_key, "PS256", rsa_signed(&RSA_PSS_SHA256)),
            (&p256_key, "ES256", p256_signed.as_ref().to_vec()),
            (
                &ed25519_key,
                "EdDSA",
                ed25519.sign(b"message").as_ref().to_vec(),
            ),
        ] {
            assert!(
                key.verifies(algorithm, b"message", &signature),
                "{algorithm}"
            );
            assert!(!key.verifies(algorithm, b"another", &signature));
            assert!(!key.verifies("none", b"message", &signature));
            assert!(!key.verifies("HS256", b"message", &signature));
        }
    }

    #[test]
    fn keys_that_sign_nothing_or_that_nobody_knows_are_left_out() {
        let set = json!({"keys": [
            {"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "crv": "P-521", "x": "AQAB", "y": "AQAB"},
            {"kty": "oct", "k": "AQAB"},
            {"kty": "RSA", "use": "sig", "kid": "one", "n": "AQAB", "e": "AQAB"},
        ]});
        let keys = keys(&set);
        assert_eq!(keys.len(), 1);
        assert!(keys[0].is(Some("one")) && keys[0].is(None) && !keys[0].is(Some("two")));
    }
}
