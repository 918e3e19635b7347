// Credentials of the C++ binding: OAuth2, a program's own tokens, plugins.
#include <atomic>
#include <thread>

#include "gateway.hpp"

namespace {

zeebe::OAuth2ClientCredentialsChannelOptions oauth2_options()
{
    zeebe::OAuth2ClientCredentialsChannelOptions options;
    options.grpc_address = gateway().address("tls_oauth");
    options.client_id = "demo-client";
    options.client_secret = "demo-secret";
    options.authorization_server = "https://" + gateway().address("token_https") + "/oauth/token";
    options.audience = "zeebe-api";
    options.channel_credentials = gateway().tls();
    options.token_options.token_ca = gateway().ca();
    return options;
}

/// A token that the gateway takes.
std::string good_token()
{
    zeebe::OAuth2ClientCredentialsOptions options;
    options.client_id = "demo-client";
    options.client_secret = "demo-secret";
    options.authorization_server = "https://" + gateway().address("token_https") + "/oauth/token";
    options.audience = "zeebe-api";
    options.token_options.token_ca = gateway().ca();
    const auto plugin = zeebe::MetadataPlugin::oauth2_client_credentials(options).value();
    EXPECT_TRUE(plugin.is_token_expired().value());
    const zeebe::Metadata metadata = plugin.get_metadata("https://localhost", "Topology", zeebe::use_future).get();
    EXPECT_FALSE(plugin.is_token_expired().value());
    return std::string(metadata.find("authorization")->text().substr(sizeof "Bearer " - 1));
}

/// A call that needs a token, over TLS.
zeebe::Result<zeebe::Response> call_with(const zeebe::MetadataPlugin &plugin)
{
    zeebe::SecureChannelOptions options;
    options.grpc_address = gateway().address("tls_oauth");
    options.channel_credentials = gateway().tls().with(plugin).value();
    return create_secure_channel(options).value().call("Topology", {}, zeebe::within(patience));
}

TEST(OAuth2, FetchesAToken)
{
    const zeebe::Channel channel = create_oauth2_client_credentials_channel(oauth2_options()).value();
    channel.retrieve_token(zeebe::use_future).get();
    EXPECT_TRUE(channel.call("Topology", {}, zeebe::within(patience)));
}

TEST(OAuth2, SaysThatTheSecretIsWrong)
{
    auto options = oauth2_options();
    options.client_secret = "wrong";
    const zeebe::Channel channel = create_oauth2_client_credentials_channel(options).value();
    const auto end = channel.call("Topology", {}, zeebe::within(patience));
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().kind(), zeebe::ErrorKind::invalid_oauth_credentials);
    EXPECT_EQ(end.error().source(), zeebe::ErrorSource::token_endpoint);
    EXPECT_EQ(end.error().status(), zeebe::StatusCode::unauthenticated);
    Said<zeebe::ErrorKind> said;
    channel.retrieve_token([&](zeebe::Result<void> retrieved) { said.say(retrieved.error().kind()); }).value();
    EXPECT_EQ(said.wait(), zeebe::ErrorKind::invalid_oauth_credentials);
    EXPECT_THROW(gateway().channel().retrieve_token(zeebe::use_future).get(), zeebe::Error) << "a channel without OAuth";
}

TEST(OAuth2, SignsForWhomTheProgramSays)
{
    auto options = oauth2_options();
    options.client_secret = {};
    options.token_options.client_authentication = zeebe::ClientAuthentication::private_key_jwt;
    options.token_options.private_key = read_file(gateway().get("client_key"));
    options.token_options.assertion_audience = "https://login.example/issuer";
    const auto end = create_oauth2_client_credentials_channel(options).value().call("Topology", {}, zeebe::within(patience));
    ASSERT_FALSE(end);
    EXPECT_NE(end.error().message().find("another aud than \"https://login.example/issuer\""), std::string::npos) << end.error().message();
}

TEST(OAuth2, ShowsTheRootBehindTheCertificateIfTheProgramSaysSo)
{
    for (const bool sends : {false, true}) {
        auto options = oauth2_options();
        options.authorization_server = "https://" + gateway().address("token_mtls") + "/oauth/token";
        options.client_secret = {};
        options.token_options.client_authentication = zeebe::ClientAuthentication::tls;
        options.token_options.private_key = read_file(gateway().get("client_key"));
        options.token_options.certificate_chain = read_file(gateway().get("client_certificate")) + gateway().ca();
        options.token_options.send_root_certificate = sends;
        create_oauth2_client_credentials_channel(options).value().retrieve_token(zeebe::use_future).get();
        EXPECT_EQ(json_value(gateway().tell("GET /token-request"), "certificates"), sends ? "2" : "1");
    }
}

TEST(OAuth2, SaysWhenToTryAgain)
{
    auto options = oauth2_options();
    options.client_id = "another";
    gateway().tell("POST /token-answer?status=503&retry_after=7");
    const auto end = create_oauth2_client_credentials_channel(options).value().call("Topology", {}, zeebe::within(patience));
    ASSERT_FALSE(end);
    EXPECT_TRUE(end.error().is_retryable());
    EXPECT_EQ(end.error().retry_after(), 7s);
}

TEST(OAuth2, ServesTheCloud)
{
    zeebe::CamundaCloudChannelOptions options;
    options.cluster_id = "demo-cluster";
    options.oauth2.client_id = "demo-client";
    options.oauth2.client_secret = "demo-secret";
    options.oauth2.authorization_server = "https://" + gateway().address("token_https") + "/oauth/token";
    options.oauth2.channel_credentials = gateway().tls();
    options.oauth2.token_options.token_ca = gateway().ca();
    options.oauth2.connection_options.connect_address = "127.0.0.1:" + gateway().get("cloud");
    EXPECT_TRUE(create_camunda_cloud_channel(options).value().call("Topology", {}, zeebe::within(patience)));
}

TEST(TokenSource, IsAFunctionThatReturnsAToken)
{
    std::atomic<int> asked{0};
    const auto source = [&asked, token = good_token()] {
        asked++;
        return zeebe::Token{token, {}, 1h};
    };
    const auto plugin = zeebe::MetadataPlugin::oauth2(source).value();
    EXPECT_TRUE(call_with(plugin));
    EXPECT_TRUE(call_with(plugin));
    EXPECT_EQ(asked, 1);
}

TEST(TokenSource, AnswersLater)
{
    std::thread worker;
    {
        const auto plugin = zeebe::MetadataPlugin::oauth2([&](zeebe::TokenRequest request) {
                                worker = std::thread([request] {
                                    EXPECT_FALSE(request.is_cancelled());
                                    request.complete({good_token()}).value();
                                    EXPECT_EQ(request.complete({"again"}).error().kind(), zeebe::ErrorKind::illegal_state);
                                });
                            }).value();
        EXPECT_TRUE(call_with(plugin));
    }
    worker.join();
}

TEST(TokenSource, FailsWithItsError)
{
    const auto plugin = zeebe::MetadataPlugin::oauth2([]() -> zeebe::Result<zeebe::Token> {
                            return zeebe::Error(zeebe::StatusCode::permission_denied, "the vault knows you not");
                        }).value();
    const auto end = call_with(plugin);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().status(), zeebe::StatusCode::permission_denied);
    EXPECT_NE(end.error().message().find("the vault knows you not"), std::string_view::npos) << end.error().what();
}

TEST(TokenSource, FailsWithWhatItThrows)
{
    const auto plugin = zeebe::MetadataPlugin::oauth2([]() -> zeebe::Token { throw std::runtime_error("the vault is on fire"); }).value();
    const auto end = call_with(plugin);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().status(), zeebe::StatusCode::internal);
    EXPECT_NE(end.error().message().find("the vault is on fire"), std::string_view::npos) << end.error().what();

    const auto later = zeebe::MetadataPlugin::oauth2([](zeebe::TokenRequest) { throw 3; }).value();
    EXPECT_EQ(call_with(later).error().status(), zeebe::StatusCode::internal);
}

TEST(TokenSource, FailsWhenItForgets)
{
    const auto plugin = zeebe::MetadataPlugin::oauth2([](const zeebe::TokenRequest &) {}).value();
    EXPECT_EQ(call_with(plugin).error().status(), zeebe::StatusCode::unavailable);
}

TEST(TokenSource, IsFreedWithItsPlugin)
{
    Said<bool> freed;
    struct Guard {
        Said<bool> *freed;
        explicit Guard(Said<bool> *said) : freed(said) {}
        Guard(Guard &&other) noexcept : freed(std::exchange(other.freed, nullptr)) {}
        ~Guard()
        {
            if (freed != nullptr) freed->say(true);
        }
    };
    {
        auto source = [guard = Guard(&freed)] { return zeebe::Token{"a"}; };
        const auto plugin = zeebe::MetadataPlugin::oauth2(std::move(source)).value();
        plugin.get_metadata("https://localhost", "Topology", zeebe::use_future).get();
    }
    EXPECT_TRUE(freed.wait());
}

TEST(Plugins, CarryATokenOrAPassword)
{
    const auto plugin = zeebe::MetadataPlugin::bearer("old").value();
    EXPECT_EQ(call_with(plugin).error().status(), zeebe::StatusCode::unauthenticated);
    plugin.set_token(good_token()).value();
    EXPECT_TRUE(call_with(plugin));
    EXPECT_EQ(plugin.set_token("a b").error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_EQ(plugin.is_token_expired().error().kind(), zeebe::ErrorKind::illegal_state);
    EXPECT_THROW(plugin.retrieve_token(zeebe::use_future).get(), zeebe::Error);

    const auto basic = zeebe::MetadataPlugin::basic("Aladdin", "open sesame").value();
    EXPECT_EQ(basic.get_metadata("a", "b", zeebe::use_future).get().find("authorization")->text(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    EXPECT_FALSE(zeebe::MetadataPlugin::basic("a:b", "c"));
}

TEST(Plugins, MayBeOfOneCall)
{
    zeebe::SecureChannelOptions options;
    options.grpc_address = gateway().address("tls_oauth");
    options.channel_credentials = gateway().tls();
    const zeebe::Channel channel = create_secure_channel(options).value();
    zeebe::CallOptions call = zeebe::within(patience);
    EXPECT_EQ(channel.call("Topology", {}, call).error().status(), zeebe::StatusCode::unauthenticated);
    call.credentials = zeebe::MetadataPlugin::bearer(good_token()).value();
    EXPECT_TRUE(channel.call("Topology", {}, call));
}

TEST(Credentials, AreRefusedInPlaintextBeyondLoopback)
{
    zeebe::SecureChannelOptions options;
    options.grpc_address = "example.com:26500";
    options.channel_credentials = zeebe::ChannelCredentials::insecure().value().with(zeebe::MetadataPlugin::bearer("a").value()).value();
    EXPECT_NE(create_secure_channel(options).error().message().find("allow_insecure_gateway"), std::string_view::npos);
    options.connection_options.allow_insecure_gateway = true;
    EXPECT_TRUE(create_secure_channel(options));
    EXPECT_TRUE(zeebe::ChannelCredentials::local());
}

} // namespace
