//! Metadata plugins: what authenticates calls.

use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::Arc;

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::{derive_ReprC, repr_c};

use super::callback::{UserData, done, lend_error, zeebe_done_callback};
use super::completion_queue::zeebe_completion_queue;
use super::convert::{self, Options, Out};
use super::error::zeebe_error;
use super::handle::{self, Handle, living};
use super::library::{Owned, zeebe_destroy};
use super::metadata::zeebe_metadata;
use super::token_options::{token_options, zeebe_token_options};
use super::token_request::{
    self, zeebe_retrieve_callback, zeebe_retrieve_cancel_callback, zeebe_token_request,
};
use crate::credentials::{GivenClient, Lifetime, Plugin, TokenProvider, TokenSource};
use crate::error::Error;
use crate::options::{self, Spec};
use crate::queue::Occurrence;
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

/// Of zeebe_oauth2_client_credentials_metadata_plugin_new(), which reads no environment. Initialise it with ::ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_oauth2_client_credentials_metadata_plugin_options {
    /// `sizeof(zeebe_oauth2_client_credentials_metadata_plugin_options)`.
    pub size: usize,
    /// Required.
    pub client_id: *const c_char,
    /// Required, unless `client_authentication` needs none.
    pub client_secret: *const c_char,
    /// The token URL. Required.
    pub authorization_server: *const c_char,
    /// NULL or "": none.
    pub scope: *const c_char,
    /// NULL or "": none.
    pub audience: *const c_char,
    /// How long before its expiry a token counts as expired; where it is not given, at most half of the token's life.
    /// ZEEBE_LEEWAY_NONE: not before.
    pub leeway: i64,
    /// How long a token is good that does not say so itself.
    pub expire_in: i64,
    /// NULL: the defaults.
    pub token_options: *const zeebe_token_options,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_oauth2_client_credentials_metadata_plugin_options {
    const FIRST_SIZE: usize =
        offset_of!(Self, token_options) + size_of::<*const zeebe_token_options>();
}
const _: () = assert!(size_of::<zeebe_oauth2_client_credentials_metadata_plugin_options>() == 72);

/// What ::ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_oauth2_client_credentials_metadata_plugin_options_init(
    options: *mut zeebe_oauth2_client_credentials_metadata_plugin_options,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
}

/// Of zeebe_oauth2_metadata_plugin_new(). Initialise it with ::ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_oauth2_metadata_plugin_options {
    /// `sizeof(zeebe_oauth2_metadata_plugin_options)`.
    pub size: usize,
    /// Asked for a token. Required.
    pub retrieve: zeebe_retrieve_callback,
    /// Told that a request is late; may be NULL.
    pub cancel: zeebe_retrieve_cancel_callback,
    /// May be NULL.
    pub destroy: zeebe_destroy,
    /// How long before its expiry a token counts as expired; where it is not given, at most half of the token's life.
    /// ZEEBE_LEEWAY_NONE: not before.
    pub leeway: i64,
    /// How long a token is good that does not say so itself.
    pub expire_in: i64,
}

// SAFETY: `repr(C)`, integers and pointers only, `size` first; no padding, as asserted below.
unsafe impl Options for zeebe_oauth2_metadata_plugin_options {
    const FIRST_SIZE: usize = offset_of!(Self, expire_in) + size_of::<i64>();
}
const _: () = assert!(size_of::<zeebe_oauth2_metadata_plugin_options>() == 48);

/// What ::ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT says, for languages that have no macros of C: nothing given.
///
/// `options` has `size` bytes, which the caller's declaration says: one of an older header has fewer. NULL, or fewer than the first
/// release's: nothing is written.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_oauth2_metadata_plugin_options_init(
    options: *mut zeebe_oauth2_metadata_plugin_options,
    size: usize,
) {
    // SAFETY: NULL, or as many bytes, by the header's contract.
    unsafe { convert::initialise(options, size) }
}

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
    let given = unsafe { convert::options("options", options) }?;
    let retrieve = convert::required(&options::RETRIEVE, given.retrieve)?;
    let lifetime = Lifetime::given(given.leeway, given.expire_in)?;
    let owner = Arc::new(Owned(UserData(user_data), given.destroy));
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
            if let Some(cancel) = given.cancel {
                let lent: *const zeebe_token_request = token_request::as_raw(request);
                // SAFETY: C gave this function for these arguments; the request is lent.
                unsafe { cancel(owner.0.0, lent) }
            }
        }),
        key: unique_key(),
    };
    plugin.write(boxed(Plugin::host(source, lifetime)));
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
    let given = unsafe { convert::options("options", options) }?;
    // SAFETY: (each) a string of the header's contract, as long as this function runs.
    let text = |option: &'static Spec, value| unsafe { convert::given_text(option, value) };
    plugin.write(boxed(Plugin::new_client_credentials(GivenClient {
        client_id: text(&options::CLIENT_ID, given.client_id)?,
        client_secret: text(&options::CLIENT_SECRET, given.client_secret)?,
        authorization_server: text(&options::AUTHORIZATION_SERVER, given.authorization_server)?,
        scope: text(&options::SCOPE, given.scope)?,
        audience: text(&options::AUDIENCE, given.audience)?,
        lifetime: Lifetime::given(given.leeway, given.expire_in)?,
        token: token_options(given.token_options)?,
    })?));
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
            runtime.call_back_apart(move || {
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

/// The same as an event of type DONE with `tag` and `metadata`, taken by zeebe_completion_queue_next(). SHUTDOWN also: the queue was shut
/// down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_plugin_get_metadata_on_queue(
    plugin: Option<&zeebe_metadata_plugin>,
    service_url: *const c_char,
    method_name: *const c_char,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Option<repr_c::Box<zeebe_error>> {
    let plugin = &living("plugin", plugin)?.plugin;
    // SAFETY: a string of the header's contract.
    unsafe { convert::text("service_url", service_url) }?;
    // SAFETY: a string of the header's contract.
    unsafe { convert::text("method_name", method_name) }?;
    let queue = living("queue", queue)?.queue();
    plugin.metadata(|_| queue.owed(tag, Occurrence::Metadata))
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
    expired.write(i32::from(plugin.tokens()?.is_expired()));
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
    retrieve_token(
        living("plugin", plugin)?.plugin.tokens()?,
        callback,
        user_data,
    )
}

pub(crate) fn retrieve_token(
    tokens: &Arc<TokenProvider>,
    callback: zeebe_done_callback,
    user_data: *mut c_void,
) -> Result<(), Error> {
    let callback = convert::required("callback", callback)?;
    tokens.start_retrieving(|runtime| Ok(done(callback, user_data, runtime)))
}

/// The same as an event of type DONE with `tag`, taken by zeebe_completion_queue_next(). SHUTDOWN also: the queue was shut down.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_metadata_plugin_retrieve_token_on_queue(
    plugin: Option<&zeebe_metadata_plugin>,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Option<repr_c::Box<zeebe_error>> {
    retrieve_token_on_queue(living("plugin", plugin)?.plugin.tokens()?, queue, tag)
}

pub(crate) fn retrieve_token_on_queue(
    tokens: &Arc<TokenProvider>,
    queue: Option<&zeebe_completion_queue>,
    tag: u64,
) -> Result<(), Error> {
    let queue = living("queue", queue)?.queue();
    tokens.start_retrieving(|_| queue.owed(tag, Occurrence::Done))
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
