// Unary calls of the C++ binding: blocking, callback, future, queue; how they end, and that they can be cancelled.
#include <poll.h>

#include <atomic>
#include <set>
#include <thread>

#include "gateway.hpp"

namespace {

zeebe::CallOptions short_time() { return zeebe::within(patience); }

std::string cluster_size(zeebe::bytes_view topology) { return json_value(zeebe::response_to_json("Topology", topology).value(), "clusterSize"); }

TEST(UnaryCalls, Block)
{
    const zeebe::Response response = gateway().channel().call("Topology", {}, short_time()).value();
    EXPECT_EQ(cluster_size(response), "1");
    EXPECT_EQ(response.message().size(), response.size());
    EXPECT_EQ(cluster_size(gateway().channel().call("/gateway_protocol.Gateway/Topology", {}).value()), "1");
}

TEST(UnaryCalls, OutliveTheirChannelAndResponse)
{
    std::future<zeebe::Response> response = gateway().channel().call("Topology", {}, short_time(), zeebe::use_future);
    const zeebe::Buffer message = response.get().message();
    EXPECT_EQ(cluster_size(message), "1");
}

TEST(UnaryCalls, CallWhatCanOnlyBeMoved)
{
    Said<std::string> said;
    auto owned = std::make_unique<std::string>("clusters: ");
    gateway()
        .channel()
        .call("Topology", {}, short_time(),
              [&said, owned = std::move(owned)](zeebe::Result<zeebe::Response> end) { said.say(*owned + cluster_size(end.value())); })
        .value();
    EXPECT_EQ(said.wait(), "clusters: 1");
}

TEST(UnaryCalls, FailWithWhatTheGatewaySays)
{
    const zeebe::Channel channel = gateway().channel();
    const zeebe::Buffer request = zeebe::request_from_json("CompleteJob", R"({"jobKey": 4})").value();
    const auto blocking = channel.call("CompleteJob", request, short_time());
    ASSERT_FALSE(blocking);
    EXPECT_EQ(blocking.error().kind(), zeebe::ErrorKind::rpc);
    EXPECT_EQ(blocking.error().source(), zeebe::ErrorSource::gateway);
    EXPECT_EQ(blocking.error().status(), zeebe::StatusCode::not_found);
    EXPECT_TRUE(blocking.error().may_have_been_processed());

    try {
        channel.call("CompleteJob", request, short_time(), zeebe::use_future).get();
        FAIL() << "no exception";
    } catch (const zeebe::Error &error) {
        EXPECT_EQ(error.status(), zeebe::StatusCode::not_found);
        EXPECT_STREQ(error.what(), blocking.error().what());
    }

    Said<zeebe::StatusCode> said;
    channel.call("CompleteJob", request, short_time(), [&](auto end) { said.say(end.error().status()); }).value();
    EXPECT_EQ(said.wait(), zeebe::StatusCode::not_found);
}

TEST(UnaryCalls, FailWithTrailers)
{
    gateway().tell("POST /fault?kind=pushback&ms=1500&status=8&rpc=Topology");
    const auto end = gateway().channel().call("Topology", {}, short_time());
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().status(), zeebe::StatusCode::resource_exhausted);
    EXPECT_TRUE(end.error().is_retryable());
    EXPECT_EQ(end.error().trailers().find("grpc-retry-pushback-ms")->text(), "1500");
}

TEST(UnaryCalls, CarryMetadata)
{
    zeebe::InsecureChannelOptions options;
    options.grpc_address = gateway().address("plaintext");
    options.connection_options.metadata = zeebe::Metadata::of({{"from-channel", "channel"}}).value();
    zeebe::CallOptions call = short_time();
    call.metadata = zeebe::Metadata::of({{"from-call", "call"}}).value();
    create_insecure_channel(options).value().call("Topology", {}, call).value();
    const std::string last = gateway().tell("GET /calls?last=1");
    EXPECT_EQ(json_value(last, "from-channel"), "channel");
    EXPECT_EQ(json_value(last, "from-call"), "call");
}

TEST(UnaryCalls, BringInitialMetadata)
{
    gateway().tell("POST /fault?kind=large-headers&bytes=100&rpc=Topology");
    const zeebe::Response response = gateway().channel().call("Topology", {}, short_time()).value();
    EXPECT_EQ(response.initial_metadata().find("large")->size(), 100u);
    EXPECT_FALSE(response.trailers().find("large"));
}

TEST(UnaryCalls, EndAtTheirDeadline)
{
    const zeebe::Channel channel = gateway().channel();
    channel.wait_ready(patience).value();
    EXPECT_EQ(channel.call("ActivateJobs", long_poll(), zeebe::within(50ms)).error().status(), zeebe::StatusCode::deadline_exceeded);
    EXPECT_EQ(channel.call("Topology", {}, zeebe::within(0ms)).error().status(), zeebe::StatusCode::deadline_exceeded)
        << "0 is not the channel's default";

    zeebe::CallOptions options = short_time();
    options.deadline = std::chrono::steady_clock::now() - 1s;
    EXPECT_EQ(channel.call("Topology", {}, options).error().status(), zeebe::StatusCode::deadline_exceeded);
    options.deadline = std::chrono::steady_clock::time_point::min();
    EXPECT_EQ(channel.call("Topology", {}, options).error().status(), zeebe::StatusCode::deadline_exceeded);
    options.deadline = std::chrono::steady_clock::now() + patience;
    EXPECT_TRUE(channel.call("Topology", {}, options));
    EXPECT_TRUE(channel.call("Topology", {}, zeebe::within(zeebe::forever)));
    options.timeout = 50ms;
    EXPECT_EQ(channel.call("ActivateJobs", long_poll(), options).error().status(), zeebe::StatusCode::deadline_exceeded) << "the earlier of the two";
}

TEST(UnaryCalls, AreCancelled)
{
    const zeebe::Channel channel = gateway().channel();
    zeebe::Call call;
    std::future<zeebe::Response> response = channel.call("ActivateJobs", long_poll(), {}, zeebe::use_future, &call);
    eventually([] { return gateway().count("open_calls") == 1; });
    std::thread([other = call] { other.cancel("no longer needed"); }).join();
    try {
        response.get();
        FAIL() << "no exception";
    } catch (const zeebe::Error &error) {
        EXPECT_EQ(error.status(), zeebe::StatusCode::cancelled);
        EXPECT_NE(error.message().find("no longer needed"), std::string_view::npos) << error.what();
    }
}

TEST(UnaryCalls, AreCancelledWhenTheirHandlesGo)
{
    const zeebe::Channel channel = gateway().channel();
    Said<zeebe::StatusCode> said;
    {
        zeebe::Call call;
        channel.call("ActivateJobs", long_poll(), {}, [&](auto end) { said.say(end.error().status()); }, &call).value();
        const zeebe::Call copy = call;
        eventually([] { return gateway().count("open_calls") == 1; });
    }
    EXPECT_EQ(said.wait(), zeebe::StatusCode::cancelled);
}

TEST(UnaryCalls, DoNotBlockALibraryThread)
{
    const zeebe::Channel channel = gateway().channel();
    Said<zeebe::ErrorKind> said;
    channel.call("Topology", {}, short_time(), [&](auto) { said.say(channel.call("Topology", {}).error().kind()); }).value();
    EXPECT_EQ(said.wait(), zeebe::ErrorKind::illegal_state);
}

TEST(UnaryCallsDeathTest, EndTheProcessWhenACallbackThrows)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    zeebe::InsecureChannelOptions options;
    options.grpc_address = "127.0.0.1:1"; // nobody need answer
    EXPECT_DEATH(
        {
            const zeebe::Channel channel = create_insecure_channel(options).value();
            channel.call("Topology", {}, short_time(), [](auto) { throw std::runtime_error("thrown in a callback"); }).value();
            std::this_thread::sleep_for(patience);
        },
        "thrown in a callback");
}

TEST(UnaryCalls, SpeakJson)
{
    const zeebe::Channel channel = gateway().channel();
    EXPECT_EQ(json_value(channel.call_json("Topology", "{}", short_time()).value(), "clusterSize"), "1");
    EXPECT_EQ(channel.call_json("Topology", "{", short_time()).error().kind(), zeebe::ErrorKind::invalid_argument);

    EXPECT_EQ(json_value(channel.call_json("Topology", "{}", short_time(), zeebe::use_future).get(), "clusterSize"), "1");
    EXPECT_THROW(channel.call_json("Topology", "{", short_time(), zeebe::use_future).get(), zeebe::Error);
    Said<zeebe::StatusCode> said;
    channel.call_json("CompleteJob", R"({"jobKey": 4})", short_time(), [&](auto end) { said.say(end.error().status()); }).value();
    EXPECT_EQ(said.wait(), zeebe::StatusCode::not_found);
}

TEST(UnaryCalls, OfManyThreadsShareAChannel)
{
    const zeebe::Channel channel = gateway().channel();
    std::vector<std::thread> threads;
    std::atomic<int> answered{0};
    for (int i = 0; i < 8; i++)
        threads.emplace_back([&, own = channel] {
            std::vector<std::future<zeebe::Response>> responses;
            for (int call = 0; call < 50; call++)
                responses.push_back((call % 2 ? own : channel).call("Topology", {}, short_time(), zeebe::use_future));
            for (auto &response : responses) answered += cluster_size(response.get()) == "1";
        });
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(answered, 400);
}

TEST(Tls, IsTrustedByItsRoots)
{
    zeebe::SecureChannelOptions options;
    options.grpc_address = gateway().address("tls");
    options.channel_credentials = gateway().tls();
    EXPECT_EQ(cluster_size(create_secure_channel(options).value().call("Topology", {}, short_time()).value()), "1");

    zeebe::SslOptions other;
    other.root_certificates = read_file(gateway().get("other_ca"));
    options.channel_credentials = zeebe::ChannelCredentials::ssl(other).value();
    const auto refused = create_secure_channel(options).value().call("Topology", {}, short_time());
    EXPECT_EQ(refused.error().status(), zeebe::StatusCode::unavailable);
    EXPECT_FALSE(refused.error().may_have_been_processed());
}

TEST(Queues, HoldEndsUntilTheyAreTaken)
{
    const zeebe::Channel channel = gateway().channel();
    const zeebe::CompletionQueue queue = zeebe::CompletionQueue::create().value();
    zeebe::Events events(2);
    EXPECT_EQ(queue.next(events, 0ms).value(), 0u);
    std::vector<zeebe::Call> calls;
    for (std::uint64_t tag = 0; tag < 5; tag++) calls.push_back(channel.call_on_queue("Topology", {}, short_time(), queue, tag).value());
    calls.push_back(channel.call_on_queue("CompleteJob", "\x08\x04", short_time(), queue, 99).value());
    queue.post(7).value();
    queue.shutdown();

    std::multiset<std::uint64_t> tags;
    pollfd readable{queue.fd().value(), POLLIN, 0};
    while (poll(&readable, 1, 20000) == 1) {
        const auto taken = queue.next(events);
        if (!taken) {
            EXPECT_EQ(taken.error().kind(), zeebe::ErrorKind::shutdown);
            break;
        }
        for (const zeebe::Event event : events) {
            tags.insert(event.tag());
            if (event.type() == zeebe::EventType::posted) continue;
            EXPECT_EQ(event.type(), zeebe::EventType::unary);
            if (event.tag() == 99) {
                EXPECT_EQ(event.status(), zeebe::StatusCode::not_found);
                EXPECT_EQ(event.result().error().status(), zeebe::StatusCode::not_found);
            } else if (event.tag() % 2) {
                EXPECT_EQ(cluster_size(event.bytes()), "1"); // and the batch frees the response
            } else {
                EXPECT_EQ(cluster_size(event.result().value()), "1");
            }
        }
    }
    EXPECT_EQ(tags, (std::multiset<std::uint64_t>{0, 1, 2, 3, 4, 7, 99}));
    EXPECT_EQ(channel.call_on_queue("Topology", {}, {}, queue, 1).error().kind(), zeebe::ErrorKind::shutdown);
}

TEST(Channels, SayTheirState)
{
    const zeebe::Channel channel = gateway().channel();
    EXPECT_EQ(channel.state().value(), zeebe::Connectivity::idle);
    std::future<zeebe::Connectivity> left = channel.wait_for_state_change(zeebe::Connectivity::idle, patience, zeebe::use_future);
    channel.wait_ready(patience).value();
    EXPECT_NE(left.get(), zeebe::Connectivity::idle);
    EXPECT_EQ(channel.state(true).value(), zeebe::Connectivity::ready);
    EXPECT_NE(channel.stats().value().find("\"version\":1"), std::string::npos);
    EXPECT_NE(zeebe::channels_prometheus({channel}).value().find("zeebe_channel_connections_total{channel=\"0\","), std::string::npos);
    EXPECT_THROW(channel.wait_for_state_change(zeebe::Connectivity::ready, 1ms, zeebe::use_future).get(), zeebe::Error);
}

TEST(Channels, Close)
{
    const zeebe::Channel channel = gateway().channel();
    std::future<zeebe::Response> running = channel.call("ActivateJobs", long_poll(), {}, zeebe::use_future);
    std::future<void> closed = channel.close(0ms, zeebe::use_future);
    EXPECT_THROW(running.get(), zeebe::Error);
    ASSERT_EQ(closed.wait_for(patience), std::future_status::ready);
    closed.get();
    EXPECT_EQ(channel.call("Topology", {}, short_time()).error().kind(), zeebe::ErrorKind::shutdown);
    EXPECT_TRUE(channel.close());
}

TEST(Channels, AreMadeByTheEnvironment)
{
    setenv("ZEEBE_ADDRESS", gateway().address("plaintext").c_str(), 1);
    setenv("ZEEBE_INSECURE_CONNECTION", "true", 1);
    const auto channel = zeebe::create_channel_from_environment();
    EXPECT_EQ(zeebe::get_zeebe_address().value(), gateway().address("plaintext"));
    unsetenv("ZEEBE_INSECURE_CONNECTION");
    unsetenv("ZEEBE_ADDRESS");
    EXPECT_EQ(cluster_size(channel.value().call("Topology", {}, short_time()).value()), "1");
    EXPECT_EQ(zeebe::get_camunda_client_id().error().kind(), zeebe::ErrorKind::settings);
    EXPECT_EQ(zeebe::get_camunda_cluster_region("r").value(), "r");
    EXPECT_EQ(zeebe::get_camunda_address("c", "r").value(), "c.r.zeebe.camunda.io:443");
}

} // namespace
