// SPDX-License-Identifier: Apache-2.0
// The functions that make a channel. Part of zeebe.hpp.
#ifndef ZEEBE_CREATE_HPP
#define ZEEBE_CREATE_HPP

#include <zeebe/channel.hpp>
#include <zeebe/options.hpp>

namespace zeebe {

namespace detail {

/// What the four constructors have in common. It owns what `c` points to, besides what `options` does.
template <class C>
class ChannelArguments {
public:
    template <class Options>
    ChannelArguments(C empty, const Options &options)
        : c(empty), connection_(to_c(arguments, options.connection_options)), channel_options_(to_c(arguments, options.channel_options))
    {
        c.connection_options = &connection_;
        c.channel_options = channel_options_.data();
        c.channel_options_count = channel_options_.size();
    }
    ChannelArguments(const ChannelArguments &) = delete;
    ChannelArguments &operator=(const ChannelArguments &) = delete;

    template <class Options>
    void add_address(const Options &options)
    {
        c.grpc_address = arguments.text("grpc_address", options.grpc_address);
    }
    template <class Options>
    void add_credentials(const Options &options)
    {
        c.channel_credentials = options.channel_credentials.get();
    }
    /// What the two OAuth constructors have in common.
    template <class Options>
    void add_oauth2(const Options &options)
    {
        add_credentials(options);
        add_client(arguments, options, c, token_);
    }

    template <class Make>
    Result<Channel> create(Make make) const
    {
        if (arguments.error()) return *arguments.error();
        Channel channel;
        return result(make(&c, channel.out()), channel);
    }

    Arguments arguments;
    C c;

private:
    zeebe_connection_options connection_;
    std::vector<zeebe_channel_option> channel_options_;
    zeebe_token_options token_{};
};

} // namespace detail

/// Makes a channel without TLS. Does no I/O.
///
/// A target that cannot be used makes a channel all the same: its calls end at once with invalid_argument, and describe() shows why.
/// invalid_argument: text is not UTF-8, an option out of range. settings: a variable is not UTF-8.
inline Result<Channel> create_insecure_channel(const InsecureChannelOptions &options = {})
{
    detail::ChannelArguments<zeebe_insecure_channel_options> made(ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT, options);
    made.add_address(options);
    return made.create(zeebe_create_insecure_channel);
}

/// Makes a channel secured by `channel_credentials`, TLS with the platform's roots by default. As create_insecure_channel() otherwise.
///
/// invalid_argument also: a plugin over plaintext beyond loopback without `allow_insecure_gateway`.
inline Result<Channel> create_secure_channel(const SecureChannelOptions &options = {})
{
    detail::ChannelArguments<zeebe_secure_channel_options> made(ZEEBE_SECURE_CHANNEL_OPTIONS_INIT, options);
    made.add_address(options);
    made.add_credentials(options);
    return made.create(zeebe_create_secure_channel);
}

/// Makes a channel whose every call carries an OAuth2 client-credentials token (Camunda 8 Self-Managed).
///
/// Wrong credentials are no error here: they end the first call, or retrieve_token(). settings: a required value is neither an argument nor
/// a variable. invalid_argument: as create_secure_channel(), and an http:// token URL beyond loopback. tls: a key or certificate for the
/// token endpoint does not parse.
inline Result<Channel> create_oauth2_client_credentials_channel(const OAuth2ClientCredentialsChannelOptions &options = {})
{
    detail::ChannelArguments<zeebe_oauth2_client_credentials_channel_options> made(ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT, options);
    made.add_address(options);
    made.add_oauth2(options);
    return made.create(zeebe_create_oauth2_client_credentials_channel);
}

/// Makes a channel to a cluster in Camunda's cloud. As create_oauth2_client_credentials_channel() otherwise.
inline Result<Channel> create_camunda_cloud_channel(const CamundaCloudChannelOptions &options = {})
{
    detail::ChannelArguments<zeebe_oauth2_client_credentials_channel_options> made(ZEEBE_OAUTH2_CLIENT_CREDENTIALS_CHANNEL_OPTIONS_INIT,
                                                                                   options.oauth2);
    made.add_address(options.oauth2);
    made.add_oauth2(options.oauth2);
    zeebe_camunda_cloud_channel_options cloud = ZEEBE_CAMUNDA_CLOUD_CHANNEL_OPTIONS_INIT;
    cloud.cluster_id = made.arguments.text("CamundaCloudChannelOptions::cluster_id", options.cluster_id);
    cloud.region = made.arguments.text("CamundaCloudChannelOptions::region", options.region);
    return made.create([&cloud](const zeebe_oauth2_client_credentials_channel_options *oauth2, zeebe_channel **channel) {
        cloud.oauth2 = *oauth2;
        return zeebe_create_camunda_cloud_channel(&cloud, channel);
    });
}

/// Makes one of the four channels, by the variables alone: see zeebe_create_channel_from_environment(). Errors as the four.
inline Result<Channel> create_channel_from_environment(const ConnectionOptions &options = {})
{
    detail::Arguments arguments;
    const zeebe_connection_options c = detail::to_c(arguments, options);
    if (arguments.error()) return *arguments.error();
    Channel channel;
    return detail::result(zeebe_create_channel_from_environment(&c, channel.out()), channel);
}

} // namespace zeebe

#endif
