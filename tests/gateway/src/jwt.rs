//! A JSON Web Token (RFC 7519) in its parts, nothing of it checked.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

pub(crate) struct Jwt<'a> {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// What the signature is of.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    pub(crate) fn of(text: &'a str) -> Result<Self, String> {
        let (signed, signature) = text.rsplit_once('.').ok_or("it is no JWT")?;
        let (header, claims) = signed.split_once('.').ok_or("it is no JWT")?;
        Ok(Self {
            header: json(header)?,
            claims: json(claims)?,
            signed: signed.as_bytes(),
            signature: BASE64_URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|error| format!("its signature is no base64url: {error}"))?,
        })
    }
}

fn json(part: &str) -> Result<Value, String> {
    let decoded = BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|error| format!("it is no base64url: {error}"))?;
    serde_json::from_slice(&decoded).map_err(|error| format!("it is no JSON: {error}"))
}
