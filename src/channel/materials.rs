//! What the variables name, made into credentials: certificates and keys are read from their files, but the roots,
//! which are read at the first connect.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::settings::{CallCredentials, FromEnvironment, Official};
use crate::credentials::{
    ChannelCredentials, ClientAuthentication, Fingerprint, Plugin, Security, SigningKey,
    TlsCredentials, VariableIdentity, VariableRoots, fingerprint, read_file,
};
use crate::environment::{Origin, Setting, shown_path};
use crate::error::Error;

/// A file's content, and what errors call it.
struct Pem {
    name: String,
    text: Zeroizing<Vec<u8>>,
}

/// Credentials as the variables have them, read and parsed.
#[derive(Debug)]
pub struct Materials {
    /// Of the gateway, with a plugin for a fixed authorization.
    pub credentials: ChannelCredentials,
    /// Of the token endpoint.
    pub token_tls: Arc<TlsCredentials>,
    /// Signs the assertions of `private_key_jwt`; `None`: another method.
    pub signing_key: Option<Arc<SigningKey>>,
    /// Of all that the token endpoint is shown and checked by.
    pub identity: Fingerprint,
}

impl Materials {
    /// Reads the files now; an error names the variable, and never what the file holds.
    pub fn read(found: &FromEnvironment) -> Result<Self, Error> {
        let official = &found.official;
        let certificate = official.certificate.as_ref().map(read).transpose()?;
        let key = official.key.as_ref().map(read).transpose()?;
        let identity = match (&certificate, &key) {
            (Some(chain), Some(key)) => Some(VariableIdentity {
                chain: (&chain.name, &chain.text),
                key: (&key.name, &key.text),
            }),
            _ => None, // a key alone signs
        };
        let (gateway, token_tls) = TlsCredentials::from_variables(roots(official), identity)?;
        let security = match found.plaintext {
            true => Security::Plaintext,
            false => Security::Tls(gateway),
        };
        let mut credentials = ChannelCredentials::from(security);
        credentials
            .plugins
            .extend(plugin(&official.call_credentials)?);
        let signs = official.client_authentication == Some(ClientAuthentication::PrivateKeyJwt);
        let signing_key = match &key {
            Some(key) if signs => {
                let key = SigningKey::from_pem(&key.name, &key.text, None)?;
                Some(Arc::new(match token_tls.own_certificate() {
                    Some(certificate) => key.with_certificate(certificate),
                    None => key,
                }))
            }
            _ => None,
        };
        let text = |pem: &Option<Pem>| {
            let bytes = pem.as_ref().map(|pem| &pem.text[..]);
            bytes.map(|bytes| Zeroizing::new(String::from_utf8_lossy(bytes).into_owned()))
        };
        let (key, certificate) = (text(&key), text(&certificate));
        let ca = official.ca.as_ref().map(|(text, _)| text.as_str());
        // What the options can have, too, in their order, so that equal channels share their token however they were made.
        let mut shown = vec![
            key.as_ref().map(|text| text.as_str()),
            certificate.as_ref().map(|text| text.as_str()),
            None,
        ];
        let configuration = official.configuration.as_ref();
        let more = [ca, configuration.map(|found| found.url.as_str())];
        if more.iter().any(Option::is_some) {
            shown.extend(more);
        }
        Ok(Self {
            credentials,
            token_tls: token_tls.without_root(),
            signing_key,
            identity: fingerprint(&shown),
        })
    }
}

fn roots(official: &Official) -> Option<VariableRoots<'_>> {
    match official.ca.as_ref()? {
        (text, Origin::Environment(name)) if Official::is_text(Origin::Environment(name)) => {
            Some(VariableRoots::Text(text, name))
        }
        (path, Origin::Environment(name))
            if Official::beside_platform(Origin::Environment(name)) =>
        {
            Some(VariableRoots::FileAndPlatform(Path::new(path), name))
        }
        (path, Origin::Environment(name)) => Some(VariableRoots::File(Path::new(path), name)),
        _ => None, // variables alone give them
    }
}

fn read((path, origin): &Setting) -> Result<Pem, Error> {
    let name = format!("{} ({origin})", shown_path(path));
    let text = read_file(Path::new(path))
        .map_err(|error| Error::settings(format!("{name} cannot be read: {error}")))?;
    Ok(Pem {
        name,
        text: Zeroizing::new(text),
    })
}

fn plugin(credentials: &CallCredentials) -> Result<Option<Arc<Plugin>>, Error> {
    match credentials {
        CallCredentials::None => Ok(None),
        CallCredentials::Basic {
            username: (username, origin),
            password,
        } => {
            let made = Plugin::basic(username, password.expose_secret());
            let made = made.map_err(|error| refused(*origin, &error))?;
            Ok(Some(made))
        }
        CallCredentials::Bearer(token, origin) => {
            let made = Plugin::bearer(token.expose_secret().trim());
            Ok(Some(made.map_err(|error| refused(*origin, &error))?))
        }
    }
}

/// What cannot be an argument can be no variable, and here it is one.
fn refused(origin: Origin, error: &Error) -> Error {
    Error::settings(format!("{origin}: {}", error.message()))
}
