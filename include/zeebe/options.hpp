// SPDX-License-Identifier: Apache-2.0
// Options of channels, and their translation to C. Part of zeebe.hpp.
//
// They are aggregates with defaults: set what differs, or with C++20 write `{.grpc_address = "localhost:26500"}`. What is not given comes
// from the environment or is the library's default, as zeebe.h says at the field of the same name.
#ifndef ZEEBE_OPTIONS_HPP
#define ZEEBE_OPTIONS_HPP

#include <variant>
#include <vector>
#include <zeebe/credentials.hpp>

namespace zeebe {

/// A gRPC channel argument, such as `{"grpc.keepalive_time_ms", 60000}`. Of duplicates the first counts.
struct ChannelOption {
    ChannelOption(std::string name, std::int64_t integer) : key(std::move(name)), value(integer) {}
    ChannelOption(std::string name, std::string text) : key(std::move(name)), value(std::move(text)) {}

    std::string key;
    /// An integer is within 32 bits.
    std::variant<std::int64_t, std::string> value;
};

/// How a channel connects, and what every call of it starts from.
struct ConnectionOptions {
    /// `host:port` or `unix:path` to dial in place of the target's address; TLS name and authority stay the target's.
    std::optional<std::string> connect_address = {};
    /// Sent with every call.
    Metadata metadata = {};
    /// Of every call that does not set its own; not given, or `forever`: none.
    std::optional<Milliseconds> timeout = {};
    /// Of every call that does not set its own.
    WaitForReady wait_for_ready = WaitForReady::channel_default;
    /// Tokens may be sent in plaintext beyond loopback. They can be read on the way.
    bool allow_insecure_gateway = false;
    /// The limit of calls that wait for a connection, or for a stream where the gateway allows no more; others fail at once with resource_exhausted.
    /// Not given: 4096; -1: none.
    std::optional<std::int64_t> max_waiting_calls = {};
};

/// Of create_insecure_channel().
struct InsecureChannelOptions {
    /// `host:port`, `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:…` or a URL. Not given: `ZEEBE_ADDRESS`, `localhost:26500`.
    std::optional<std::string> grpc_address = {};
    std::vector<ChannelOption> channel_options = {};
    ConnectionOptions connection_options = {};
};

/// Of create_secure_channel().
struct SecureChannelOptions {
    /// As that of InsecureChannelOptions.
    std::optional<std::string> grpc_address = {};
    std::vector<ChannelOption> channel_options = {};
    /// Not given: TLS with the platform's roots.
    ChannelCredentials channel_credentials = {};
    ConnectionOptions connection_options = {};
};

/// Of create_oauth2_client_credentials_channel().
struct OAuth2ClientCredentialsChannelOptions {
    /// Not given: `ZEEBE_ADDRESS`, the cluster of the environment, `localhost:26500`.
    std::optional<std::string> grpc_address = {};
    /// Not given: `CAMUNDA_CLIENT_ID`, `ZEEBE_CLIENT_ID`.
    std::optional<std::string> client_id = {};
    /// Not given: `CAMUNDA_CLIENT_SECRET`, `ZEEBE_CLIENT_SECRET`.
    std::optional<std::string> client_secret = {};
    /// The token URL. Not given: `CAMUNDA_OAUTH_URL`, `ZEEBE_AUTHORIZATION_SERVER_URL`.
    std::optional<std::string> authorization_server = {};
    /// Not given, or "": none.
    std::optional<std::string> scope = {};
    /// Not given: `CAMUNDA_TOKEN_AUDIENCE`, `ZEEBE_TOKEN_AUDIENCE`. "": none.
    std::optional<std::string> audience = {};
    /// Not given: TLS with the platform's roots.
    ChannelCredentials channel_credentials = {};
    std::vector<ChannelOption> channel_options = {};
    /// Before its expiry, from when on a token counts as expired; not given: 60 s. 0: none.
    std::optional<Seconds> leeway = {};
    /// How long a token is good for that does not say so itself.
    std::optional<Seconds> expire_in = {};
    TokenOptions token_options = {};
    ConnectionOptions connection_options = {};
};

/// Of create_camunda_cloud_channel().
struct CamundaCloudChannelOptions {
    /// Not given: `CAMUNDA_CLUSTER_ID`.
    std::optional<std::string> cluster_id = {};
    /// Not given: `CAMUNDA_CLUSTER_REGION`, `bru-2`.
    std::optional<std::string> region = {};
    /// The rest, but for its grpc_address, which is the cluster's. What is not given is also Camunda's: the token URL, and the audience
    /// `zeebe.camunda.io`.
    OAuth2ClientCredentialsChannelOptions oauth2 = {};
};

namespace detail {

inline zeebe_connection_options to_c(Arguments &arguments, const ConnectionOptions &options)
{
    zeebe_connection_options c = ZEEBE_CONNECTION_OPTIONS_INIT;
    c.connect_address = arguments.text("ConnectionOptions::connect_address", options.connect_address);
    c.metadata = options.metadata.get();
    if (options.timeout && *options.timeout != forever)
        c.timeout_ms = arguments.time("ConnectionOptions::timeout", options.timeout, "give milliseconds from 1 on, or forever for none");
    c.wait_for_ready = static_cast<std::int32_t>(options.wait_for_ready);
    c.allow_insecure_gateway = options.allow_insecure_gateway;
    c.max_waiting_calls = arguments.number("ConnectionOptions::max_waiting_calls", options.max_waiting_calls,
                                           "give 1 to 1 000 000, or -1 for no limit; not given, it is 4096");
    return c;
}

inline std::vector<zeebe_channel_option> to_c(Arguments &arguments, const std::vector<ChannelOption> &options)
{
    std::vector<zeebe_channel_option> c;
    c.reserve(options.size());
    for (const auto &[key, value] : options) {
        zeebe_channel_option option{arguments.text("the key of a channel option", text_view(key)), nullptr, 0};
        if (const auto *text = std::get_if<std::string>(&value)) option.string = arguments.text(key.c_str(), text_view(*text));
        else option.integer = std::get<std::int64_t>(value);
        c.push_back(option);
    }
    return c;
}

} // namespace detail

} // namespace zeebe

#endif
