//! Channel credentials: what secures a channel, with or without plugins.

use macro_rules_attribute::apply;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::convert::{self, Out};
use super::error::zeebe_error;
use super::options::zeebe_ssl_channel_credentials_options;
use super::plugin::zeebe_metadata_plugin;
use crate::credentials::{ChannelCredentials, Security, TlsCredentials};

/// What secures a channel's connections and authenticates its calls; any number of channels may
/// share it. Owned by who received it: zeebe_channel_credentials_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_channel_credentials {
    pub(crate) credentials: ChannelCredentials,
}

fn boxed(
    credentials: impl Into<ChannelCredentials>,
) -> Option<repr_c::Box<zeebe_channel_credentials>> {
    let credentials = credentials.into();
    Some(Box::new(zeebe_channel_credentials { credentials }).into())
}

/// TLS. NULL options: the platform's roots and no certificate of one's own.
///
/// PEM text is parsed here; what stands around its blocks may have any encoding. The platform's roots are read at the first connect.
/// TLS: something does not parse, and which line it is, or key and certificate do not belong together.
/// INVALID_ARGUMENT: `credentials` is NULL, key or chain without the other.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_ssl_channel_credentials_new(
    options: *const zeebe_ssl_channel_credentials_options,
    credentials: *mut Option<repr_c::Box<zeebe_channel_credentials>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let credentials = unsafe { Out::new("credentials", credentials) }?;
    // SAFETY: an options struct of the header's contract.
    let options = unsafe { convert::options("options", options) }?;
    // SAFETY: a string of the header's contract.
    let roots = unsafe { convert::given_pem(options.root_certificates) };
    // SAFETY: a string of the header's contract.
    let key = unsafe { convert::given_pem(options.private_key) };
    // SAFETY: a string of the header's contract.
    let chain = unsafe { convert::given_pem(options.certificate_chain) };
    credentials.write(boxed(Security::Tls(TlsCredentials::from_pem(
        "options",
        ("root_certificates", roots),
        key,
        chain,
    )?)));
    Ok(())
}

/// Plaintext. Plugins are refused with it beyond loopback, unless the channel allows it.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_insecure_channel_credentials_new(
    credentials: *mut Option<repr_c::Box<zeebe_channel_credentials>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    unsafe { Out::new("credentials", credentials) }?.write(boxed(Security::Plaintext));
    Ok(())
}

/// Plaintext that never leaves the machine: for loopback and unix: targets only.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_local_channel_credentials_new(
    credentials: *mut Option<repr_c::Box<zeebe_channel_credentials>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    unsafe { Out::new("credentials", credentials) }?.write(boxed(Security::Local));
    Ok(())
}

/// `base` with a plugin more. Of several plugins the later wins. Neither argument is taken over.
///
/// INVALID_ARGUMENT: an argument is NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_composite_channel_credentials_new(
    base: Option<&zeebe_channel_credentials>,
    plugin: Option<&zeebe_metadata_plugin>,
    credentials: *mut Option<repr_c::Box<zeebe_channel_credentials>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let credentials = unsafe { Out::new("credentials", credentials) }?;
    let mut composite = convert::required("base", base)?.credentials.clone();
    let plugin = super::handle::living("plugin", plugin)?;
    composite
        .plugins
        .push(std::sync::Arc::clone(&plugin.plugin));
    credentials.write(boxed(composite));
    Ok(())
}

/// Another handle on the same credentials. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_credentials_ref(
    credentials: Option<&zeebe_channel_credentials>,
) -> Option<repr_c::Box<zeebe_channel_credentials>> {
    credentials.and_then(|credentials| boxed(credentials.credentials.clone()))
}

/// Frees credentials; channels made with them keep working. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_channel_credentials_free(
    credentials: Option<repr_c::Box<zeebe_channel_credentials>>,
) {
    if let Some(credentials) = credentials {
        let of_parent =
            |plugin: &std::sync::Arc<crate::credentials::Plugin>| plugin.epoch().is_of_parent();
        if credentials.credentials.plugins.iter().any(of_parent) {
            std::mem::forget(credentials); // a plugin's locks may be held for ever
        }
    }
}
