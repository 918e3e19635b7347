// Values of the C++ binding: bytes, results, errors, metadata, options. No gateway is needed.
#include <array>

#include "gateway.hpp"

namespace {

static_assert(std::is_nothrow_copy_constructible_v<zeebe::Error>, "an exception is copied where nothing may throw");
static_assert(std::is_nothrow_move_constructible_v<zeebe::Channel> && std::is_copy_constructible_v<zeebe::Channel>);
static_assert(!std::is_copy_constructible_v<zeebe::Stream> && std::is_move_constructible_v<zeebe::Stream>);
static_assert(!std::is_copy_constructible_v<zeebe::Jobs> && std::is_move_constructible_v<zeebe::Jobs>);
static_assert(std::is_copy_constructible_v<zeebe::Job> && std::is_copy_constructible_v<zeebe::JobWorker>);
static_assert(!std::is_constructible_v<zeebe::bytes_view, std::vector<int>>, "bytes only");
static_assert(sizeof(zeebe::Channel) == sizeof(void *));

std::string text_of(zeebe::bytes_view bytes) { return std::string(bytes.text()); }

TEST(Bytes, AreMadeOfAnythingInARow)
{
    const std::vector<std::byte> bytes{std::byte{'a'}, std::byte{0}, std::byte{'b'}};
    EXPECT_EQ(text_of(bytes), std::string("a\0b", 3));
    EXPECT_EQ(text_of(std::vector<unsigned char>{'a', 'b'}), "ab");
    EXPECT_EQ(text_of(std::array<char, 2>{'a', 'b'}), "ab");
    EXPECT_EQ(text_of(std::string("ab")), "ab");
    EXPECT_EQ(text_of(std::string_view("ab")), "ab");
    EXPECT_EQ(text_of("ab"), "ab") << "without the NUL";
    EXPECT_EQ(text_of("a\0b\0"), std::string("a\0b\0", 4)) << "a literal may be an encoded message";
    EXPECT_EQ(text_of(""), "");
    static const char unterminated[] = {'a', 'b'};
    EXPECT_EQ(text_of(unterminated), "ab");
    char filled[8] = "ab";
    EXPECT_EQ(text_of(filled), "ab") << "what is behind the text is nobody's";
    const char *pointer = filled;
    EXPECT_EQ(text_of(pointer), "ab");
    char full[2] = {'a', 'b'};
    EXPECT_EQ(text_of(full), "ab");
    EXPECT_TRUE(zeebe::bytes_view().empty());
    EXPECT_EQ(zeebe::bytes_view("ab"), zeebe::bytes_view(std::string("ab")));
    EXPECT_NE(zeebe::bytes_view("ab"), zeebe::bytes_view("ac"));
}

TEST(Result, HoldsAValueOrAnError)
{
    zeebe::Result<std::string> value = std::string("a");
    ASSERT_TRUE(value);
    EXPECT_EQ(*value, "a");
    EXPECT_EQ(value->size(), 1u);
    EXPECT_EQ(std::move(value).transform([](std::string text) { return text.size() + 1; }).value(), 2u);

    zeebe::Result<std::string> none = zeebe::Error(zeebe::StatusCode::not_found, "gone");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().status(), zeebe::StatusCode::not_found);
    EXPECT_EQ(none.value_or("b"), "b");
    EXPECT_THROW(static_cast<void>(none.value()), zeebe::Error);
    bool called = false;
    auto next = std::move(none).and_then([&](std::string) {
        called = true;
        return zeebe::Result<void>();
    });
    EXPECT_FALSE(called);
    EXPECT_STREQ(next.error().what(), "gone");
    EXPECT_THROW(next.value(), zeebe::Error);
}

TEST(Result, HoldsWhatCanOnlyBeMoved)
{
    zeebe::Result<std::unique_ptr<int>> made = std::make_unique<int>(3);
    const std::unique_ptr<int> value = std::move(made).value();
    EXPECT_EQ(*value, 3);
}

TEST(Result, ThatIsTemporaryGivesWhatOutlivesIt)
{
    const auto make = [] { return zeebe::Result<std::string>(std::string(100, 'a')); };
    const std::string &value = make().value();
    const std::string &other = *make();
    const zeebe::Error &error = zeebe::Result<void>(zeebe::Error::invalid_argument("b")).error();
    std::size_t letters = 0;
    for (const char letter : make().value()) letters += letter == 'a';
    EXPECT_EQ(value, other);
    EXPECT_EQ(value.size(), letters);
    EXPECT_STREQ(error.what(), "b");
}

TEST(Error, SaysWhatTheLibrarySays)
{
    zeebe::SslOptions options;
    options.root_certificates = "no PEM";
    const auto made = zeebe::ChannelCredentials::ssl(options);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind(), zeebe::ErrorKind::tls);
    EXPECT_EQ(made.error().status(), zeebe::StatusCode::unavailable);
    EXPECT_STREQ(to_string(made.error().status()), "UNAVAILABLE");
    EXPECT_NE(made.error().message().find("root_certificates"), std::string_view::npos) << made.error().what();
    EXPECT_FALSE(made.error().may_have_been_processed());
    EXPECT_FALSE(made.error().retry_after());
    EXPECT_TRUE(made.error().details().empty());
    EXPECT_TRUE(made.error().trailers().empty());

    std::optional<zeebe::Error> copy;
    try {
        made.value();
    } catch (const zeebe::Error &error) {
        copy = error;
    }
    ASSERT_TRUE(copy);
    EXPECT_STREQ(copy->what(), made.error().what());
    const zeebe::Error moved = *std::move(copy);
    EXPECT_STREQ(moved.what(), made.error().what());
}

TEST(Error, OfTheProgramHasAStatus)
{
    const zeebe::Error error(zeebe::StatusCode::unavailable, "the vault is sealed");
    EXPECT_EQ(error.kind(), zeebe::ErrorKind::rpc);
    EXPECT_EQ(error.source(), zeebe::ErrorSource::caller);
    EXPECT_TRUE(error.is_retryable());
    EXPECT_EQ(error.get(), nullptr);
    EXPECT_STREQ(to_string(static_cast<zeebe::StatusCode>(99)), "UNKNOWN");
}

TEST(Metadata, KeepsPairsInOrder)
{
    zeebe::Metadata metadata = zeebe::Metadata::of({{"a", "1"}, {"b-bin", zeebe::bytes_view("\0\xff", 2)}, {"a", "2"}}).value();
    std::string pairs;
    for (const auto &[key, value] : metadata) pairs += std::string(key) + "=" + std::to_string(value.size()) + " ";
    EXPECT_EQ(pairs, "a=1 b-bin=2 a=1 ");
    EXPECT_EQ(metadata.find("a")->text(), "1");
    EXPECT_FALSE(metadata.find("c"));

    zeebe::Metadata copy = metadata;
    copy.add("c", "3").value();
    EXPECT_EQ(copy.size(), 4u);
    EXPECT_EQ(metadata.size(), 3u) << "a copy is added to alone";
    EXPECT_EQ(metadata.add("A", "1").error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_EQ(metadata.add(std::string("a\0b", 3), "1").error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_FALSE(zeebe::Metadata::of({{"grpc-timeout", "1"}}));
    EXPECT_TRUE(zeebe::Metadata().empty());
}

TEST(Handles, MayBeCopiedMovedAndEmpty)
{
    zeebe::Channel channel = zeebe::create_insecure_channel().value();
    zeebe::Channel copy = channel;
    EXPECT_NE(copy.get(), channel.get()) << "a reference of its own";
    copy = copy;
    channel = std::move(copy);
    EXPECT_FALSE(copy);
    ASSERT_TRUE(channel);
    EXPECT_EQ(zeebe::Channel().describe().error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_EQ(zeebe::Channel().call("Topology", {}).error().kind(), zeebe::ErrorKind::invalid_argument);
    zeebe_channel *released = channel.release();
    EXPECT_FALSE(channel);
    zeebe_channel_free(released);
}

TEST(Options, ReachTheLibrary)
{
    auto options = oauth_options();
    options.leeway = 0s;
    options.expire_in = 2min;
    options.channel_options = {{"grpc.keepalive_time_ms", 60000}, {"grpc.lb_policy_name", "round_robin"}};
    options.token_options.client_authentication = zeebe::ClientAuthentication::body;
    const std::string description = create_oauth2_client_credentials_channel(options).value().describe().value();
    EXPECT_NE(description.find(R"("key":"grpc.keepalive_time_ms","value":60000)"), std::string::npos) << description;
    EXPECT_NE(description.find(R"("key":"grpc.lb_policy_name","value":"round_robin")"), std::string::npos) << description;
    EXPECT_NE(description.find(R"("leeway":0,"expire_in":120)"), std::string::npos) << description;
    EXPECT_EQ(json_value(description, "client_authentication"), "body");
    EXPECT_EQ(description.find("secret\":{\"value\":\"secret"), std::string::npos);

    options.leeway = -1s;
    const auto negative = create_oauth2_client_credentials_channel(options);
    ASSERT_FALSE(negative);
    EXPECT_STREQ(negative.error().what(), "leeway is -1: it is seconds from 0 on");
}

TEST(Options, WithANulAreRefused)
{
    zeebe::InsecureChannelOptions options;
    options.grpc_address = std::string("a\0b", 3);
    EXPECT_STREQ(create_insecure_channel(options).error().what(), "grpc_address has a NUL in it");
    const zeebe::Channel channel = zeebe::create_insecure_channel().value();
    EXPECT_EQ(channel.call(std::string("a\0b", 3), {}).error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_THROW(channel.call(std::string("a\0b", 3), {}, {}, zeebe::use_future).get(), zeebe::Error);
    EXPECT_EQ(channel.call_json("Topology", std::string("{}\0", 3)).error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_FALSE(zeebe::MetadataPlugin::bearer(std::string("a\0b", 3)));
}

TEST(Options, ThatAreNothingAreRefused)
{
    const zeebe::Channel channel = zeebe::create_insecure_channel().value();
    zeebe::CallOptions call;
    call.max_receive_message_length = 0;
    EXPECT_STREQ(channel.call("Topology", {}, call).error().what(),
                 "CallOptions::max_receive_message_length is 0: give bytes from 1 on, or -1 for no limit; not given, it is the channel's");

    const auto refused = [&](const zeebe::JobStreamOptions &options) {
        const auto jobs = channel.stream_jobs({}, options);
        EXPECT_EQ(jobs.error().kind(), zeebe::ErrorKind::invalid_argument);
        return std::string(jobs.error().what());
    };
    zeebe::JobStreamOptions watchdog, poll_interval, buffered;
    watchdog.watchdog = 0ms;
    EXPECT_EQ(refused(watchdog), "JobStreamOptions::watchdog is 0: give milliseconds from 1 on; not given, it is 60 s");
    poll_interval.poll_interval = 0ms;
    EXPECT_EQ(refused(poll_interval), "JobStreamOptions::poll_interval is 0: give milliseconds from 1 on; not given, it is 10 s");
    buffered.max_buffered_jobs = 0;
    EXPECT_EQ(refused(buffered), "JobStreamOptions::max_buffered_jobs is 0: give 1 to 100 000; not given, it is 32");
}

TEST(Json, IsEncodedAndDecoded)
{
    const zeebe::Buffer request = zeebe::request_from_json("ActivateJobs", R"({"type": "a", "worker": "w"})").value();
    EXPECT_EQ(request.text(), "\x0a\x01\x61\x12\x01\x77");
    EXPECT_NE(zeebe::response_to_json("Topology", {}).value().find("brokers"), std::string::npos);
    const auto unknown = zeebe::request_from_json("ActivateJobs", R"({"typ": "a"})");
    EXPECT_NE(unknown.error().message().find("typ"), std::string_view::npos);
    EXPECT_FALSE(zeebe::register_descriptor_set("\xff"));
}

TEST(Library, SaysItsVersion)
{
    EXPECT_EQ(std::string(zeebe::version()),
              std::to_string(ZEEBE_VERSION_MAJOR) + "." + std::to_string(ZEEBE_VERSION_MINOR) + "." + std::to_string(ZEEBE_VERSION_PATCH));
}

} // namespace
