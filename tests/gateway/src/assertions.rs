//! Client assertions (RFC 7523): who signed them, for whom, and that none comes twice.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

use crate::jwt::Jwt;

/// The value of `client_assertion_type`.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far beyond its issue an assertion may expire.
const LONGEST_LIFETIME: u64 = 300;

/// A client that signs assertions, and the public key they are checked with.
#[derive(Debug, Clone)]
pub struct ClientKey {
    pub(crate) id: String,
    public_key: Vec<u8>,
}

impl FromStr for ClientKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (id, file) = text.split_once(':').ok_or("expected ID:PEMFILE")?;
        let key = SubjectPublicKeyInfoDer::from_pem_file(Path::new(file))
            .map_err(|error| format!("{file} holds no PEM public key: {error}"))?;
        Ok(Self {
            id: id.to_owned(),
            public_key: key.to_vec(),
        })
    }
}

/// The assertions that were accepted, until they expire.
#[derive(Debug, Default)]
pub(crate) struct Assertions(Mutex<HashMap<String, u64>>);

impl Assertions {
    /// The client that an assertion is from. `is_endpoint` says whether an audience means this endpoint.
    pub(crate) fn client(
        &self,
        keys: &[ClientKey],
        assertion: &str,
        is_endpoint: impl Fn(&str) -> bool,
        now: SystemTime,
    ) -> Result<String, String> {
        let jwt = Jwt::of(assertion)?;
        let text = |name: &str| {
            let found = jwt.claims[name].as_str().filter(|text| !text.is_empty());
            found.ok_or_else(|| format!("its {name} is missing"))
        };
        let number = |name: &str| {
            let found = jwt.claims[name].as_u64();
            found.ok_or_else(|| format!("its {name} is missing"))
        };
        let client = text("iss")?;
        if text("sub")? != client {
            return Err("its iss and sub differ".to_owned());
        }
        let algorithm: &dyn VerificationAlgorithm = match jwt.header["alg"].as_str() {
            Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
            Some("ES256") => &ECDSA_P256_SHA256_FIXED,
            _ => return Err("its alg is neither RS256 nor ES256".to_owned()),
        };
        let is_signed_by = |key: &&ClientKey| {
            let public_key = UnparsedPublicKey::new(algorithm, &key.public_key);
            key.id == client && public_key.verify(jwt.signed, &jwt.signature).is_ok()
        };
        if !keys.iter().any(|key| is_signed_by(&key)) {
            return Err(format!("no key of client {client} signed it"));
        }
        if !is_endpoint(text("aud")?) {
            return Err(format!("its aud is {}, not this endpoint", text("aud")?));
        }
        let now = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_secs());
        let (issued, expires) = (number("iat")?, number("exp")?);
        if expires <= now || expires > issued + LONGEST_LIFETIME {
            return Err("it has expired, or is good for too long".to_owned());
        }
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires| *expires > now);
        match used.insert(text("jti")?.to_owned(), expires) {
            Some(_) => Err("its jti was used before".to_owned()),
            None => Ok(client.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn assertion(pair: &EcdsaKeyPair, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let mut header = json!({"alg": "ES256"});
        let mut claims = json!({
            "iss": "a", "sub": "a", "aud": "here", "jti": "1", "iat": NOW, "exp": NOW + 60,
        });
        change(&mut header, &mut claims);
        let part = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .expect("a signature");
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn an_assertion_is_good_once_and_only_as_it_should_be() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("its DER");
        let keys = [ClientKey {
            id: "a".to_owned(),
            public_key: der.as_ref().to_vec(),
        }];
        let assertions = Assertions::default();
        let client = |assertion: &str| {
            let now = UNIX_EPOCH + Duration::from_secs(NOW);
            assertions.client(&keys, assertion, |audience| audience == "here", now)
        };
        let good = assertion(&pair, |_, _| {});
        assert_eq!(client(&good), Ok("a".to_owned()));
        let refused = |assertion: &str, why: &str| {
            let refusal = client(assertion).expect_err("a refusal");
            assert!(refusal.contains(why), "{refusal}");
        };
        refused(&good, "jti was used");
        refused(&assertion(&other, |_, _| {}), "no key of client a");
        refused("nonsense", "no JWT");
        let claim =
            |name: &'static str, value: Value| assertion(&pair, |_, claims| claims[name] = value);
        refused(&claim("aud", json!("there")), "aud is there");
        refused(&claim("exp", json!(NOW)), "has expired");
        refused(&claim("exp", json!(NOW + 3600)), "too long");
        refused(&claim("sub", json!("b")), "differ");
        refused(&claim("jti", json!("")), "jti is missing");
        let none = assertion(&pair, |header, _| header["alg"] = json!("none"));
        refused(&none, "alg");
    }
}
