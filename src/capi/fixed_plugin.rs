//! Plugins whose `authorization` the program gives itself: a bearer token, HTTP Basic.

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::repr_c;

use super::convert::{self, Out};
use super::error::zeebe_error;
use super::handle::living;
use super::plugin::{boxed, zeebe_metadata_plugin};
use crate::credentials::Plugin;

/// Authenticates with a bearer token that the program has (RFC 6750), copied.
///
/// For tokens that something else fetches and renews: replace it with zeebe_bearer_metadata_plugin_set_token().
/// INVALID_ARGUMENT: an argument is NULL, or the token is empty or has characters that no header may hold.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_bearer_metadata_plugin_new(
    token: *const c_char,
    plugin: *mut Option<repr_c::Box<zeebe_metadata_plugin>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let plugin = unsafe { Out::new("plugin", plugin) }?;
    // SAFETY: a string of the header's contract.
    let token = unsafe { convert::text("token", token) }?;
    plugin.write(boxed(Plugin::bearer(token)?));
    Ok(())
}

/// Replaces the token, for calls that start from now on; calls under way keep theirs. Any thread, also while calls use it.
///
/// INVALID_ARGUMENT: as zeebe_bearer_metadata_plugin_new(); the old token stays. ILLEGAL_STATE: another kind of plugin.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_bearer_metadata_plugin_set_token(
    plugin: Option<&zeebe_metadata_plugin>,
    token: *const c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    let plugin = &living("plugin", plugin)?.plugin;
    // SAFETY: a string of the header's contract.
    plugin.set_bearer(unsafe { convert::text("token", token) }?)
}

/// Authenticates with user name and password by HTTP Basic (RFC 7617), as UTF-8, copied: self-managed Camunda from 8.8 on.
///
/// INVALID_ARGUMENT: an argument is NULL, or the user name has a colon.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_basic_metadata_plugin_new(
    username: *const c_char,
    password: *const c_char,
    plugin: *mut Option<repr_c::Box<zeebe_metadata_plugin>>,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let plugin = unsafe { Out::new("plugin", plugin) }?;
    // SAFETY: (both) a string of the header's contract.
    let text = |name, value| unsafe { convert::text(name, value) };
    let made = Plugin::basic(text("username", username)?, text("password", password)?)?;
    plugin.write(boxed(made));
    Ok(())
}
