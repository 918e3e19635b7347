//! Channel credentials: what secures a channel, with or without plugins.

use std::mem::offset_of;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::convert::{self, Options, Out};
use super::error::zeebe_error;
use super::plugin::zeebe_metadata_plugin;
use crate::credentials::{ChannelCredentials, PemOptions, Security, TlsCredentials};

/// What secures a channel's connections and authenticates its calls; any number of channels may
/// share it. Owned by who received it: zeebe_channel_credentials_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_channel_credentials {
    pub(crate) credentials: ChannelCredentials,
}

/// Of zeebe_ssl_channel_credentials_new(): PEM text, not paths. Initialise it with ::ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_ssl_channel_credentials_options {
    /// `sizeof(zeebe_ssl_channel_credentials_options)`.
    pub size: usize,
    /// A server may also show one of these itself: it is trusted if its name and its time fit. NULL: the platform's; `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` are honoured.
    pub root_certificates: *const c_char,
    /// With `certificate_chain`: the program's own, for mutual TLS. A secret.
    pub private_key: *const c_char,
    /// NULL: none.
    pub certificate_chain: *const c_char,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_ssl_channel_credentials_options {
    const FIRST_SIZE: usize = offset_of!(Self, certificate_chain) + size_of::<*const c_char>();
}
const _: () = assert!(size_of::<zeebe_ssl_channel_credentials_options>() == 32);

/// What ::ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_ssl_channel_credentials_options_init(
    options: *mut zeebe_ssl_channel_credentials_options,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
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
        &PemOptions::OF_CHANNEL,
        roots,
        key,
        chain,
    )?)));
    Ok(())
}

/// Plaintext. Plugins are refused with it beyond loopback, unless the channel allows it.
///
/// INVALID_ARGUMENT: `credentials` is NULL.
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
///
/// INVALID_ARGUMENT: `credentials` is NULL.
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
