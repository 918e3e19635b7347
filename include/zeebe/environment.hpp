// SPDX-License-Identifier: Apache-2.0
// The environment utilities: single settings, as the channel functions find them. Part of zeebe.hpp.
//
// NULL and "" count as not given. They read the environment as getenv() does: not while another thread changes it. Each returns a text, or
// the error `settings` if nothing is given.
#ifndef ZEEBE_ENVIRONMENT_HPP
#define ZEEBE_ENVIRONMENT_HPP

#include <zeebe/error.hpp>

namespace zeebe {

namespace detail {

inline Result<std::string> setting(zeebe_error *(*get)(char **))
{
    char *value = nullptr;
    return result(get(&value), value);
}

inline Result<std::string> setting(zeebe_error *(*get)(const char *, char **), const std::optional<std::string> &default_value)
{
    Arguments arguments;
    char *value = nullptr;
    const char *c_default = arguments.text("the default", default_value);
    if (arguments.error()) return *arguments.error();
    return result(get(c_default, &value), value);
}

} // namespace detail

/// The gateway's address: `ZEEBE_ADDRESS`, else the default, else `localhost:26500`.
inline Result<std::string> get_zeebe_address(const std::optional<std::string> &default_value = {})
{
    return detail::setting(zeebe_get_zeebe_address, default_value);
}
/// The token URL: `CAMUNDA_OAUTH_URL`, else `ZEEBE_AUTHORIZATION_SERVER_URL`, else the default.
inline Result<std::string> get_camunda_oauth_url(const std::optional<std::string> &default_value = {})
{
    return detail::setting(zeebe_get_camunda_oauth_url, default_value);
}
/// The client id: `CAMUNDA_CLIENT_ID`, else `ZEEBE_CLIENT_ID`.
inline Result<std::string> get_camunda_client_id() { return detail::setting(zeebe_get_camunda_client_id); }
/// The client secret: `CAMUNDA_CLIENT_SECRET`, else `ZEEBE_CLIENT_SECRET`.
inline Result<std::string> get_camunda_client_secret() { return detail::setting(zeebe_get_camunda_client_secret); }
/// The cluster's id: `CAMUNDA_CLUSTER_ID`.
inline Result<std::string> get_camunda_cluster_id() { return detail::setting(zeebe_get_camunda_cluster_id); }
/// The cluster's region: `CAMUNDA_CLUSTER_REGION`, else the default.
inline Result<std::string> get_camunda_cluster_region(const std::optional<std::string> &default_value = {})
{
    return detail::setting(zeebe_get_camunda_cluster_region, default_value);
}
/// The token's audience: `CAMUNDA_TOKEN_AUDIENCE`, else `ZEEBE_TOKEN_AUDIENCE`, else the default.
inline Result<std::string> get_camunda_token_audience(const std::optional<std::string> &default_value = {})
{
    return detail::setting(zeebe_get_camunda_token_audience, default_value);
}
/// The address of a cluster in Camunda's cloud: `{cluster_id}.{cluster_region}.zeebe.camunda.io:443`. Reads no variable.
inline Result<std::string> get_camunda_address(const std::optional<std::string> &cluster_id, const std::optional<std::string> &cluster_region)
{
    detail::Arguments arguments;
    char *address = nullptr;
    const char *c_id = arguments.text("cluster_id", cluster_id);
    const char *c_region = arguments.text("cluster_region", cluster_region);
    if (arguments.error()) return *arguments.error();
    return detail::result(zeebe_get_camunda_address(c_id, c_region, &address), address);
}

} // namespace zeebe

#endif
