// Options that are times, and errors that say which option they are about.
#include <fstream>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "gateway.hpp"

using namespace std::chrono_literals;

namespace {

/// `change`d options are refused, with an error that names this option, in its message too.
template <class Change>
std::string refused(const char *option, Change change)
{
    auto options = oauth_options();
    change(options);
    const auto channel = create_oauth2_client_credentials_channel(options);
    if (channel) return "it is not refused";
    const zeebe::Error error = channel.error();
    EXPECT_EQ(error.kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_EQ(error.option(), option) << error.what();
    EXPECT_NE(error.message().find(option), std::string_view::npos) << error.what();
    return error.what();
}

std::string file(const char *name)
{
    std::ifstream in(std::string(SOURCES) + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST(Times, AreRoundedUp)
{
    const auto described = [](auto time) {
        auto options = oauth_options();
        options.leeway = time;
        if (zeebe::Seconds(time) > 0s) options.expire_in = time;
        return create_oauth2_client_credentials_channel(options).value().describe().value();
    };
    EXPECT_NE(described(0s).find(R"("leeway":0,"expire_in":null)"), std::string::npos) << described(0s);
    for (const auto &description : {described(1ns), described(500ms), described(1s), described(std::chrono::duration<double>(0.25))})
        EXPECT_NE(description.find(R"("leeway":1,"expire_in":1)"), std::string::npos) << description;
    for (const auto &description : {described(1500ms), described(1s + 1ns), described(std::chrono::duration<float>(1.5f))})
        EXPECT_NE(description.find(R"("leeway":2,"expire_in":2)"), std::string::npos) << description;
    EXPECT_NE(described(2min).find(R"("leeway":120,"expire_in":120)"), std::string::npos);
}

TEST(Times, ThatAreTooLongAreTheLongest)
{
    EXPECT_EQ(zeebe::Milliseconds(std::chrono::hours::max()), zeebe::forever);
    EXPECT_EQ(zeebe::Milliseconds(std::chrono::seconds::max()), zeebe::forever);
    EXPECT_EQ(zeebe::Milliseconds(std::chrono::hours::min()), std::chrono::milliseconds::min());
    EXPECT_EQ(zeebe::Milliseconds(std::chrono::duration<double>(1e300)), zeebe::forever);
    EXPECT_EQ(zeebe::Milliseconds(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())), std::chrono::milliseconds::min());
    EXPECT_EQ(zeebe::Milliseconds(std::chrono::nanoseconds::max()), 9223372036855ms);
    EXPECT_EQ(zeebe::Milliseconds(-1500us), -1ms);
    EXPECT_EQ(zeebe::Milliseconds(1us), 1ms);
    auto options = oauth_options();
    options.leeway = std::chrono::hours::max();
    options.expire_in = std::chrono::hours::max();
    options.token_options.timeout = zeebe::forever;
    options.token_options.connect_timeout = zeebe::forever;
    options.connection_options.timeout = zeebe::forever;
    EXPECT_TRUE(create_oauth2_client_credentials_channel(options));
}

TEST(Times, ThatAreNothingAreRefused)
{
    EXPECT_EQ(refused("leeway", [](auto &options) { options.leeway = -1s; }), "leeway is -1: it is seconds from 0 on");
    for (const auto bad : {0s, -1s, std::chrono::seconds::min()}) {
        refused("expire_in", [&](auto &options) { options.expire_in = bad; });
        refused("TokenOptions::connect_timeout", [&](auto &options) { options.token_options.connect_timeout = bad; });
        refused("TokenOptions::timeout", [&](auto &options) { options.token_options.timeout = bad; });
        refused("ConnectionOptions::timeout", [&](auto &options) { options.connection_options.timeout = bad; });
        zeebe::TokenSourceOptions source;
        source.expire_in = bad;
        const auto plugin = zeebe::MetadataPlugin::oauth2([] { return zeebe::Token{"a"}; }, source);
        ASSERT_FALSE(plugin);
        EXPECT_EQ(plugin.error().option(), "expire_in");
    }
}

TEST(Errors, NameOptionsAsCxxDoes)
{
    const auto insecure =
        refused("TokenOptions::allow_insecure_token_url", [](auto &options) { options.authorization_server = "http://a.example/"; });
    EXPECT_EQ(insecure.find("token_options."), std::string::npos) << insecure;
    const auto two =
        refused("TokenOptions::private_key", [](auto &options) { options.token_options.client_authentication = zeebe::ClientAuthentication::tls; });
    EXPECT_NE(two.find("TokenOptions::certificate_chain"), std::string::npos) << two;
    refused("grpc_address", [](auto &options) { options.grpc_address = "\xff"; });
    refused("grpc_address", [](auto &options) { options.grpc_address = std::string("a\0b", 3); });
    refused("TokenOptions::token_ca", [](auto &options) { options.token_options.token_ca = std::string("a\0b", 3); });
    refused("ConnectionOptions::connect_address", [](auto &options) { options.connection_options.connect_address = "a b"; });
    refused("ConnectionOptions::max_waiting_calls", [](auto &options) { options.connection_options.max_waiting_calls = 0; });
    refused("ConnectionOptions::max_waiting_calls", [](auto &options) { options.connection_options.max_waiting_calls = -2; });
    refused("ConnectionOptions::allow_insecure_gateway", [](auto &options) {
        options.grpc_address = "zeebe.example:1";
        options.channel_credentials = zeebe::ChannelCredentials::insecure().value();
    });
    const zeebe::Channel channel = zeebe::create_insecure_channel().value();
    zeebe::JobStreamOptions jobs;
    jobs.poll_interval = zeebe::forever; // the library allows less
    const zeebe::Error error = channel.stream_jobs({}, jobs).error();
    EXPECT_EQ(error.option(), "JobStreamOptions::poll_interval");
    EXPECT_EQ(error.message().find("poll_interval_ms"), std::string_view::npos) << error.what();
    const zeebe::Error copy = error; // NOLINT: that it is one is the point
    EXPECT_STREQ(copy.what(), error.what());
    EXPECT_TRUE(zeebe::Error(zeebe::StatusCode::not_found, "options.leeway").option().empty());
    EXPECT_TRUE(channel.call("Nonsense", {}).error().option().empty());
}

TEST(Errors, HaveANameForEveryOption)
{
    std::set<std::string> options, named;
    const std::string source = file("src/options/table.rs");
    std::istringstream lines(source);
    for (std::string line; std::getline(lines, line);) {
        // A row: its constant, ` = `, place and name in quotes, what it takes. Of objects no message speaks.
        if (line.rfind("    ", 0) != 0 || line.find(" = \"") == std::string::npos || line.find("Takes::Object") != std::string::npos) continue;
        std::istringstream quoted(line);
        std::string before, place, between, name;
        std::getline(quoted, before, '"') && std::getline(quoted, place, '"') && std::getline(quoted, between, '"') &&
            std::getline(quoted, name, '"');
        if (between == " ") options.insert(place + "." + name);
    }
    EXPECT_GT(options.size(), 40u);
    for (const auto &[c, own] : zeebe::detail::option_names) {
        named.emplace(c);
        // The field is one of ours.
        const std::string name = own, field = name.substr(name.rfind(':') + 1);
        bool exists = false;
        for (const char *header : {"options", "credentials", "call", "job_stream", "job_worker", "library"})
            exists = exists || file((std::string("include/zeebe/") + header + ".hpp").c_str()).find(" " + field + " = ") != std::string::npos;
        EXPECT_TRUE(exists) << own;
    }
    EXPECT_EQ(options, named);
}

// A token's time is rounded up, too, and one that has none left is not one of unknown time.
TEST(Times, OfTokensAreRoundedUp)
{
    for (const auto lifetime : {500ms, 0ms, -1ms}) {
        zeebe::TokenSourceOptions options;
        options.leeway = 0s;
        const auto plugin = zeebe::MetadataPlugin::oauth2([=] { return zeebe::Token{"a", {}, lifetime}; }, options).value();
        const auto begin = std::chrono::steady_clock::now();
        ASSERT_TRUE(plugin.get_metadata("https://a.example", "Topology", zeebe::use_future).wait_for(10s) == std::future_status::ready);
        const bool expired = plugin.is_token_expired().value();
        if (lifetime > 0ms && std::chrono::steady_clock::now() - begin < 1s) {
            EXPECT_FALSE(expired);
        }
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!plugin.is_token_expired().value() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(10ms);
        EXPECT_TRUE(plugin.is_token_expired().value()) << lifetime.count();
    }
}
