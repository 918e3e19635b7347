//! Metadata plugins: what authenticates calls.

use std::ffi::c_void;
use std::sync::Arc;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};
use secrecy::ExposeSecret;

use super::channel::{done, zeebe_done_callback};
use super::completion::{UserData, lend_error};
use super::convert::{self, Out};
use super::error::zeebe_error;
use super::handle::{self, Handle, living};
use super::library::Owned;
use super::metadata::zeebe_metadata;
use super::options::{
    zeebe_oauth2_client_credentials_metadata_plugin_options, zeebe_oauth2_metadata_plugin_options,
};
use super::token_arguments::{TokenArguments, lifetime, lifetime_arguments};
use super::token_request::{self, zeebe_token_request};
use crate::credentials::{
    ClientAuthentication, ClientCredentials, Plugin, TokenSource, check_token_url, shown_token_url,
};
use crate::environment::Environment;
use crate::error::Error;
use crate::proxy::Proxy;
use crate::runtime::{Epoch, unique_key};
use crate::wire::Metadata;

/// Adds metadata to calls; channels and calls share it. Owned by who received it:
/// zeebe_metadata_plugin_free().
#[derive_ReprC]
#[repr(opaque)]
pub struct zeebe_metadata_plugin {
    pub(crate) plugin: Arc<Plugin>,
}

impl Handle for zeebe_metadata_plugin {
    fn epoch(&self) -> Epoch {
        self.plugin.epoch()
    }
}

/// Called once; exactly one of `error` and `metadata` is not NULL. Both are borrowed until it returns.
pub type zeebe_metadata_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        error: *const zeebe_error,
        metadata: *const zeebe_metadata,
    ),
>;

pub(crate) fn boxed(plugin: Arc<Plugin>) -> Option<repr_c::Box<zeebe_metadata_plugin>> {
    Some(Box::new(zeebe_metadata_plugin { plugin }).into())
}

/// Authenticates with the host's own tokens: `retrieve` is asked, at most once at a time, and answers
/// through its request, at once or later, from any thread, within 30 s.
///
/// INVALID_ARGUMENT: `plugin` or `retrieve` is NULL, a number is out of range.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_oauth2_metadata_plugin_new(
    options: *const zeebe_oauth2_metadata_plugin_options,
    user_data: *mut c_void,
    plugin: *mut Option<repr_c::Box<zeebe_metadata_plugin>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let plugin = unsafe { Out::new("plugin", plugin) }?;
    // SAFETY: an options struct of the header's contract.
    let options = unsafe { convert::options("options", options) }?;
    let retrieve = convert::required("options.retrieve", options.retrieve)?;
    let (leeway, expire_in) = lifetime_arguments(options.leeway, options.expire_in)?;
    let owner = Arc::new(Owned(UserData(user_data), options.destroy));
    let source = TokenSource {
        retrieve: Arc::new({
            let owner = Arc::clone(&owner);
            move |request| {
                let request = token_request::into_raw(request);
                // SAFETY: C gave this function for these arguments; it owns the request now.
                unsafe { retrieve(owner.0.0, request) }
            }
        }),
        cancel: Arc::new(move |request| {
            if let Some(cancel) = options.cancel {
                let lent: *const zeebe_token_request = token_request::as_raw(request);
                // SAFETY: C gave this function for these arguments; the request is lent.
                unsafe { cancel(owner.0.0, lent) }
            }
        }),
        key: unique_key(),
    };
    plugin.write(boxed(Plugin::host(source, lifetime(leeway, expire_in))));
    Ok(())
}

/// Authenticates with the client credentials grant (RFC 6749 section 4.4). Reads no environment.
///
/// No request is made before a token is needed. INVALID_ARGUMENT: `plugin` is NULL, an id, secret or URL
/// is missing, a number is out of range, an http:// URL beyond loopback, a key or certificate is missing or of no use here.
/// TLS: a key or certificate does not parse.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_oauth2_client_credentials_metadata_plugin_new(
    options: *const zeebe_oauth2_client_credentials_metadata_plugin_options,
    plugin: *mut Option<repr_c::Box<zeebe_metadata_plugin>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let plugin = unsafe { Out::new("plugin", plugin) }?;
    // SAFETY: an options struct of the header's contract.
    let options = unsafe { convert::options("options", options) }?;
    let required = |name: &str, value| {
        // SAFETY: a string of the header's contract.
        let text = unsafe { convert::given_text(name, value) }?;
        text.ok_or_else(|| Error::invalid_argument(format!("{name} is missing")))
    };
    let client_id = required("options.client_id", options.client_id)?;
    let mut token = TokenArguments::read(options.token_options)?;
    let authentication = token.authentication.unwrap_or(ClientAuthentication::Basic);
    let client_secret = match authentication.needs_secret() {
        true => required("options.client_secret", options.client_secret)?,
        false => "",
    };
    let url = required("options.authorization_server", options.authorization_server)?;
    // SAFETY: a string of the header's contract.
    let scope = unsafe { convert::given_text("options.scope", options.scope) }?;
    // SAFETY: a string of the header's contract.
    let audience = unsafe { convert::given_text("options.audience", options.audience) }?;
    let (leeway, expire_in) = lifetime_arguments(options.leeway, options.expire_in)?;
    let option = token.http_proxy.as_ref().map(|url| url.expose_secret());
    // A plugin reads no environment.
    token.options.proxy = Proxy::of_token_endpoint(url, option, &Environment(&|_| None))?;
    check_token_url(url, token.allow_insecure_url).map_err(|why| {
        let url = shown_token_url(url);
        Error::invalid_argument(format!("the token URL {url:?}: {why}"))
    })?;
    let client = ClientCredentials::new(
        client_id.to_owned(),
        client_secret.to_owned().into(),
        url,
        scope.map(str::to_owned),
        audience.map(str::to_owned),
        authentication,
        token.options,
    );
    let made = Plugin::client_credentials(client, lifetime(leeway, expire_in));
    if token.prefetch {
        made.prefetch()?;
    }
    plugin.write(boxed(made));
    Ok(())
}

/// What the plugin would add to a call: for tests and for other transports.
///
/// `service_url` and `method_name` are for plugins that tell calls apart; those of this version do
/// not. May fetch a token. INVALID_ARGUMENT: an argument is NULL or not UTF-8.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_plugin_get_metadata(
    plugin: Option<&zeebe_metadata_plugin>,
    service_url: *const c_char,
    method_name: *const c_char,
    callback: zeebe_metadata_callback,
    user_data: *mut c_void,
) -> Option<repr_c::Box<zeebe_error>> {
    let plugin = &living("plugin", plugin)?.plugin;
    // SAFETY: a string of the header's contract.
    unsafe { convert::text("service_url", service_url) }?;
    // SAFETY: a string of the header's contract.
    unsafe { convert::text("method_name", method_name) }?;
    let callback = convert::required("callback", callback)?;
    let user_data = UserData(user_data);
    plugin.metadata(|runtime| {
        let runtime = Arc::clone(runtime);
        Ok(move |result: Result<Metadata, Error>| {
            runtime.call_back(unique_key(), move || {
                let user_data = user_data;
                let (error, metadata) = match result {
                    Ok(metadata) => (None, Some(zeebe_metadata::new(metadata))),
                    Err(error) => (Some(zeebe_error::new(error)), None),
                };
                let lent = metadata
                    .as_ref()
                    .map_or(std::ptr::null(), std::ptr::from_ref);
                // SAFETY: C gave this function for these arguments; they outlive the call.
                unsafe { callback(user_data.0, lend_error(error.as_ref()), lent) }
            });
        })
    })
}

/// Writes 1 to `expired` if a call would need a new token now, else 0. ILLEGAL_STATE: the plugin fetches no token.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_plugin_is_token_expired(
    plugin: Option<&zeebe_metadata_plugin>,
    expired: *mut i32,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let expired = unsafe { Out::new("expired", expired) }?;
    let plugin = &living("plugin", plugin)?.plugin;
    plugin.check_fetches()?;
    expired.write(i32::from(plugin.is_token_expired()));
    Ok(())
}

/// Fetches a token, even if there is a good one; joins a fetch under way.
///
/// INVALID_ARGUMENT: `plugin` or `callback` is NULL. ILLEGAL_STATE: the plugin fetches no token. To the callback: as
/// zeebe_channel_retrieve_token().
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_plugin_retrieve_token(
    plugin: Option<&zeebe_metadata_plugin>,
    callback: zeebe_done_callback,
    user_data: *mut c_void,
) -> Option<repr_c::Box<zeebe_error>> {
    retrieve_token(&living("plugin", plugin)?.plugin, callback, user_data)
}

pub(crate) fn retrieve_token(
    plugin: &Arc<Plugin>,
    callback: zeebe_done_callback,
    user_data: *mut c_void,
) -> Result<(), Error> {
    let callback = convert::required("callback", callback)?;
    plugin.start_retrieving(|runtime| Ok(done(callback, user_data, runtime)))
}

/// Another handle on the same plugin. NULL for NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_plugin_ref(
    plugin: Option<&zeebe_metadata_plugin>,
) -> Option<repr_c::Box<zeebe_metadata_plugin>> {
    plugin.and_then(|plugin| boxed(Arc::clone(&plugin.plugin)))
}

/// Frees a plugin; channels and calls that use it keep it alive. NULL is allowed.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_plugin_free(plugin: Option<repr_c::Box<zeebe_metadata_plugin>>) {
    handle::free(plugin);
}
