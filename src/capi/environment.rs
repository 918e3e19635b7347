//! The environment utilities of the reference.

use macro_rules_attribute::apply;
use safer_ffi::c_char;
use safer_ffi::prelude::repr_c;
use zeroize::Zeroizing;

use super::convert::{self, Out};
use super::error::zeebe_error;
use crate::environment::{self, PROCESS};

/// The gateway's address: `ZEEBE_ADDRESS`, else `default_value`, else `localhost:26500`.
///
/// NULL and "" count as not given. Reads the environment as getenv()
/// does: not while another thread changes it.
/// SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `address` is NULL, `default_value` is not UTF-8.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_get_zeebe_address(
    default_value: *const c_char,
    address: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let address = unsafe { Out::new("address", address) }?;
    // SAFETY: a string of the header's contract.
    let default_value = unsafe { convert::optional_text("default_value", default_value) }?;
    let (found, _) = PROCESS.zeebe_address(default_value)?;
    address.write(convert::owned_text(&found)?);
    Ok(())
}

/// The token URL: `CAMUNDA_OAUTH_URL`, else `ZEEBE_AUTHORIZATION_SERVER_URL`, else `default_value`.
///
/// NULL and "" count as not given. Reads the environment as getenv()
/// does: not while another thread changes it.
/// SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `url` is NULL, `default_value` is not UTF-8.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_get_camunda_oauth_url(
    default_value: *const c_char,
    url: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let url = unsafe { Out::new("url", url) }?;
    // SAFETY: a string of the header's contract.
    let default_value = unsafe { convert::optional_text("default_value", default_value) }?;
    let (found, _) = PROCESS.required(&environment::OAUTH_URL, default_value)?;
    url.write(convert::owned_text(&found)?);
    Ok(())
}

/// The client id: `CAMUNDA_CLIENT_ID`, else `ZEEBE_CLIENT_ID`.
///
/// NULL and "" count as not given. Reads the environment as getenv()
/// does: not while another thread changes it.
/// SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `client_id` is NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_get_camunda_client_id(
    client_id: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let client_id = unsafe { Out::new("client_id", client_id) }?;
    let (found, _) = PROCESS.required(&environment::CLIENT_ID, None)?;
    client_id.write(convert::owned_text(&found)?);
    Ok(())
}

/// The client secret: `CAMUNDA_CLIENT_SECRET`, else `ZEEBE_CLIENT_SECRET`.
///
/// NULL and "" count as not given. Reads the environment as getenv()
/// does: not while another thread changes it.
/// SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `client_secret` is NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_get_camunda_client_secret(
    client_secret: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let client_secret = unsafe { Out::new("client_secret", client_secret) }?;
    let found = Zeroizing::new(PROCESS.required(&environment::CLIENT_SECRET, None)?.0);
    client_secret.write(convert::owned_text(&found)?);
    Ok(())
}

/// The cluster's id: `CAMUNDA_CLUSTER_ID`.
///
/// NULL and "" count as not given. Reads the environment as getenv()
/// does: not while another thread changes it.
/// SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `cluster_id` is NULL.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_get_camunda_cluster_id(
    cluster_id: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let cluster_id = unsafe { Out::new("cluster_id", cluster_id) }?;
    let (found, _) = PROCESS.required(&[environment::CLUSTER_ID], None)?;
    cluster_id.write(convert::owned_text(&found)?);
    Ok(())
}

/// The cluster's region: `CAMUNDA_CLUSTER_REGION`, else `default_value`.
///
/// NULL and "" count as not given. Reads the environment as getenv()
/// does: not while another thread changes it.
/// SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `cluster_region` is NULL, `default_value` is not UTF-8.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_get_camunda_cluster_region(
    default_value: *const c_char,
    cluster_region: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let cluster_region = unsafe { Out::new("cluster_region", cluster_region) }?;
    // SAFETY: a string of the header's contract.
    let default_value = unsafe { convert::optional_text("default_value", default_value) }?;
    let (found, _) = PROCESS.required(&[environment::CLUSTER_REGION], default_value)?;
    cluster_region.write(convert::owned_text(&found)?);
    Ok(())
}

/// The token's audience: `CAMUNDA_TOKEN_AUDIENCE`, else `ZEEBE_TOKEN_AUDIENCE`, else `default_value`.
///
/// NULL and "" count as not given. Reads the environment as getenv()
/// does: not while another thread changes it.
/// SETTINGS: nothing is given, or a variable is not UTF-8. INVALID_ARGUMENT: `audience` is NULL, `default_value` is not UTF-8.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_get_camunda_token_audience(
    default_value: *const c_char,
    audience: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let audience = unsafe { Out::new("audience", audience) }?;
    // SAFETY: a string of the header's contract.
    let default_value = unsafe { convert::optional_text("default_value", default_value) }?;
    let (found, _) = PROCESS.required(&environment::TOKEN_AUDIENCE, default_value)?;
    audience.write(convert::owned_text(&found)?);
    Ok(())
}

/// The address of a cluster in Camunda's cloud: `CLUSTER_ID.CLUSTER_REGION.zeebe.camunda.io:443`.
///
/// Reads no variable.
/// SETTINGS: one of the two is NULL or "". INVALID_ARGUMENT: `address` is NULL, an argument is not UTF-8.
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_get_camunda_address(
    cluster_id: *const c_char,
    cluster_region: *const c_char,
    address: *mut *mut c_char,
) -> Option<repr_c::Box<zeebe_error>> {
    // SAFETY: an out-parameter of the header's contract.
    let address = unsafe { Out::new("address", address) }?;
    // SAFETY: a string of the header's contract.
    let cluster_id = unsafe { convert::optional_text("cluster_id", cluster_id) }?;
    // SAFETY: a string of the header's contract.
    let cluster_region = unsafe { convert::optional_text("cluster_region", cluster_region) }?;
    let found = environment::camunda_address(cluster_id, cluster_region)?;
    address.write(convert::owned_text(&found)?);
    Ok(())
}
