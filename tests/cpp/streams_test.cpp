// Streams and job streams of the C++ binding, as ranges and with handlers, and the library's end and log.
#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "gateway.hpp"

namespace {

constexpr char activate_jobs[] = R"({"type": "work", "worker": "w", "maxJobsToActivate": 100, "timeout": 60000, "requestTimeout": -1})";
constexpr char stream_jobs[] = R"({"type": "work", "worker": "w", "timeout": 60000})";

zeebe::Buffer request(const char *rpc, const char *json) { return zeebe::request_from_json(rpc, json).value(); }

std::string key_of(const zeebe::Buffer &job) { return json_value(zeebe::response_to_json("StreamActivatedJobs", job).value(), "key"); }

void complete(const zeebe::Channel &channel, const std::string &key)
{
    channel.call_json("CompleteJob", "{\"jobKey\": " + key + "}", zeebe::within(patience)).value();
}

/// Says what it is told.
struct Handler : zeebe::CallHandler {
    struct Record {
        Said<std::string> metadata;
        Said<zeebe::Buffer> message;
        Said<zeebe::StatusCode> end;
        Said<bool> deleted;
    };

    explicit Handler(Record &said) : record(&said) {}
    ~Handler() override { record->deleted.say(true); }
    void on_initial_metadata(zeebe::Metadata metadata) override { record->metadata.say(std::string(metadata.find("large")->text())); }
    void on_message(zeebe::Buffer message) override { record->message.say(std::move(message)); }
    void on_close(zeebe::Result<void> end, zeebe::Metadata) override { record->end.say(end ? zeebe::StatusCode::ok : end.error().status()); }

    Record *record;
};

TEST(Streams, AreRanges)
{
    Gateway own;
    own.create_jobs(3);
    zeebe::Stream stream = own.channel().server_stream("ActivateJobs", request("ActivateJobs", activate_jobs), zeebe::within(patience)).value();
    std::size_t jobs = 0;
    for (const zeebe::Buffer &message : stream) {
        const std::string json = zeebe::response_to_json("ActivateJobs", message).value();
        for (auto at = json.find("\"key\""); at != std::string::npos; at = json.find("\"key\"", at + 1)) jobs++;
    }
    EXPECT_EQ(jobs, 3u);
    EXPECT_FALSE(stream.next().value()) << "the end stays";
}

TEST(Streams, ThrowWhenTheyFail)
{
    gateway().tell("POST /fail?status=7&rpc=ActivateJobs&message=no");
    zeebe::Stream stream = gateway().channel().server_stream("ActivateJobs", request("ActivateJobs", activate_jobs), zeebe::within(patience)).value();
    const auto end = stream.next();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().status(), zeebe::StatusCode::permission_denied);
    EXPECT_THROW(stream.begin(), zeebe::Error);
}

TEST(Streams, ThatCannotStartSayWhyWhenTheyAreRead)
{
    zeebe::InsecureChannelOptions options;
    options.grpc_address = gateway().address("refused");
    const zeebe::Channel channel = create_insecure_channel(options).value();
    for (int i = 0; i < 20; i++) {
        zeebe::Stream stream = channel.server_stream("ActivateJobs", {}).value();
        EXPECT_EQ(stream.next().error().status(), zeebe::StatusCode::unavailable);
    }
}

TEST(Streams, AreCancelledByAnotherThreadOrWhenTheyGo)
{
    Gateway own;
    const zeebe::Channel channel = own.channel();
    {
        zeebe::Stream stream = channel.stream("StreamActivatedJobs").value();
        stream.send(request("StreamActivatedJobs", stream_jobs)).value();
        stream.half_close().value();
        EXPECT_EQ(stream.half_close().error().kind(), zeebe::ErrorKind::illegal_state);
        eventually([&] { return own.count("open_calls") == 1; });
        std::thread([call = stream.call()] { call.cancel(); }).join();
        EXPECT_EQ(stream.next().error().status(), zeebe::StatusCode::cancelled);
    }
    {
        zeebe::Stream stream = channel.server_stream("StreamActivatedJobs", request("StreamActivatedJobs", stream_jobs)).value();
        eventually([&] { return own.count("StreamActivatedJobs") == 2; });
    }
    eventually([&] { return own.count("open_calls") == 0; });
}

TEST(Streams, TellAHandler)
{
    Gateway own;
    own.create_jobs(1);
    own.tell("POST /fault?kind=large-headers&bytes=3&rpc=ActivateJobs");
    Handler::Record record;
    const zeebe::Call call = own.channel().start_call("ActivateJobs", std::make_unique<Handler>(record), zeebe::within(patience)).value();
    call.send_last(request("ActivateJobs", activate_jobs)).value();
    EXPECT_EQ(call.half_close().error().kind(), zeebe::ErrorKind::illegal_state);
    EXPECT_EQ(record.metadata.wait().size(), 3u);
    EXPECT_FALSE(record.message.wait().empty());
    EXPECT_EQ(record.end.wait(), zeebe::StatusCode::ok);
    EXPECT_TRUE(record.deleted.wait());
    EXPECT_EQ(own.channel().start_call("Topology", nullptr).error().kind(), zeebe::ErrorKind::invalid_argument);
}

TEST(Streams, OnAQueueAreEvents)
{
    Gateway own;
    own.create_jobs(1);
    const zeebe::CompletionQueue queue = zeebe::CompletionQueue::create().value();
    const zeebe::Call call = own.channel().start_call_on_queue("ActivateJobs", zeebe::within(patience), queue, 5).value();
    call.send(request("ActivateJobs", activate_jobs)).value();
    call.half_close().value();
    int messages = 0;
    bool closed = false;
    for (zeebe::Events events; !closed && queue.next(events, patience).value() > 0;)
        for (const zeebe::Event event : events) {
            EXPECT_EQ(event.tag(), 5u);
            messages += event.type() == zeebe::EventType::message;
            if (event.type() != zeebe::EventType::close) continue;
            EXPECT_TRUE(event.end());
            closed = true;
        }
    EXPECT_TRUE(closed);
    EXPECT_EQ(messages, 1);
}

TEST(CompletionQueues, HaveTheEndsOfWhatIsNoCallToo)
{
    Gateway own;
    const zeebe::Channel channel = own.channel();
    const zeebe::CompletionQueue queue = zeebe::CompletionQueue::create().value();
    const zeebe::MetadataPlugin plugin = zeebe::MetadataPlugin::basic("user", "password").value();
    zeebe::Events events(1);
    const auto take = [&](std::uint64_t tag) {
        EXPECT_EQ(queue.next(events, patience).value(), 1u);
        EXPECT_EQ(events[0].tag(), tag);
        EXPECT_EQ(events[0].type(), zeebe::EventType::done);
        return events[0];
    };
    channel.wait_ready_on_queue(patience, queue, 1).value();
    EXPECT_TRUE(take(1).end());
    channel.wait_for_state_change_on_queue(zeebe::Connectivity::idle, patience, queue, 2).value();
    EXPECT_EQ(take(2).state(), zeebe::Connectivity::ready);
    plugin.get_metadata_on_queue("https://zeebe", "Topology", queue, 3).value();
    EXPECT_EQ(take(3).metadata().size(), 1u);
    EXPECT_EQ(plugin.retrieve_token_on_queue(queue, 4).error().kind(), zeebe::ErrorKind::illegal_state);
    EXPECT_EQ(channel.retrieve_token_on_queue(queue, 4).error().kind(), zeebe::ErrorKind::illegal_state);
    channel.wait_for_state_change_on_queue(zeebe::Connectivity::ready, 10ms, queue, 5).value();
    EXPECT_EQ(take(5).end().error().status(), zeebe::StatusCode::deadline_exceeded);
    channel.close_on_queue({}, queue, 6).value();
    EXPECT_TRUE(take(6).end());
}

TEST(JobStreams, AreEventsOnAQueue)
{
    Gateway own;
    own.tell("POST /fail?status=14&count=1&rpc=StreamActivatedJobs");
    own.create_jobs(1);
    const zeebe::Channel channel = own.channel();
    const zeebe::CompletionQueue queue = zeebe::CompletionQueue::create().value();
    const zeebe::JobStream stream = channel.stream_jobs_on_queue(request("StreamActivatedJobs", stream_jobs), {}, queue, 7).value();
    int failures = 0, jobs = 0;
    bool closed = false;
    for (zeebe::Events events; !closed && queue.next(events, patience).value() > 0;)
        for (const zeebe::Event event : events) {
            EXPECT_EQ(event.tag(), 7u);
            if (event.type() == zeebe::EventType::job_stream_error) {
                EXPECT_EQ(event.failures(), ++failures);
                EXPECT_GT(event.pause(), 0ms);
                EXPECT_EQ(event.error().status(), zeebe::StatusCode::unavailable);
            } else if (event.type() == zeebe::EventType::message) {
                jobs += !key_of(event.message()).empty();
            } else {
                EXPECT_TRUE(event.end());
                closed = true;
            }
            if (jobs == 1 && failures == 1) stream.close();
        }
    EXPECT_TRUE(closed);
    EXPECT_EQ(jobs, 1);
    zeebe::JobStreamOptions options;
    options.max_buffered_bytes = -1;
    EXPECT_EQ(channel.stream_jobs_on_queue({}, options, queue, 8).error().option(), "JobStreamOptions::max_buffered_bytes");
    zeebe::CallOptions call;
    call.max_buffered_messages = 100001;
    EXPECT_EQ(channel.start_call_on_queue("Topology", call, queue, 9).error().option(), "CallOptions::max_buffered_messages");
}

TEST(JobStreams, TellWhatTheyGoOnAfter)
{
    Gateway own;
    own.tell("POST /fail?status=14&count=3&rpc=StreamActivatedJobs");
    Said<std::int64_t> third;
    zeebe::JobStreamOptions options;
    std::chrono::milliseconds pause{};
    options.on_error = [&](zeebe::Error error, std::int64_t failures, std::chrono::milliseconds until_next) {
        EXPECT_EQ(error.status(), zeebe::StatusCode::unavailable);
        EXPECT_GT(until_next, pause);
        pause = until_next;
        if (failures == 3) third.say(failures);
    };
    const zeebe::Channel channel = own.channel();
    zeebe::Jobs jobs = channel.stream_jobs(request("StreamActivatedJobs", stream_jobs), options).value();
    EXPECT_EQ(third.wait(), 3);
    own.create_jobs(1);
    EXPECT_TRUE(jobs.next().value().has_value());
}

TEST(JobStreams, AreRangesThatEndWhenTheyAreClosed)
{
    Gateway own;
    const zeebe::Channel channel = own.channel();
    constexpr int count = 50;
    zeebe::Jobs jobs = channel.stream_jobs(request("StreamActivatedJobs", stream_jobs)).value();
    std::thread creator([&] { own.create_jobs(count); });
    std::set<std::string> keys;
    for (const zeebe::Buffer &job : jobs) {
        keys.insert(key_of(job));
        complete(channel, key_of(job));
        if (keys.size() == count) std::thread([stream = jobs.stream()] { stream.close(); }).join();
    }
    creator.join();
    EXPECT_EQ(keys.size(), static_cast<std::size_t>(count));
    EXPECT_FALSE(jobs.next().value());
    eventually([&] { return own.count("open_calls") == 0; });
}

TEST(JobStreams, SayWhyTheyCannotGoOn)
{
    Gateway own;
    own.tell("POST /fail?status=7&rpc=StreamActivatedJobs&message=no");
    zeebe::Jobs jobs = own.channel().stream_jobs(request("StreamActivatedJobs", stream_jobs)).value();
    EXPECT_EQ(jobs.next().error().status(), zeebe::StatusCode::permission_denied);
    EXPECT_THROW(jobs.begin(), zeebe::Error);

    zeebe::JobStreamOptions options;
    options.max_buffered_jobs = 100001;
    EXPECT_EQ(own.channel().stream_jobs({}, options).error().kind(), zeebe::ErrorKind::invalid_argument);
}

TEST(JobStreams, AreNotWaitedForOnALibraryThread)
{
    Gateway own;
    zeebe::Jobs jobs = own.channel().stream_jobs(request("StreamActivatedJobs", stream_jobs)).value();
    std::promise<zeebe::ErrorKind> said;
    own.channel()
        .call("Topology", {}, zeebe::within(patience), [&](const zeebe::Result<zeebe::Response> &) { said.set_value(jobs.next().error().kind()); })
        .value();
    EXPECT_EQ(said.get_future().get(), zeebe::ErrorKind::illegal_state);
    own.create_jobs(1);
    EXPECT_TRUE(jobs.next().value()) << "it goes on elsewhere";
}

TEST(JobStreams, TellAHandlerAndEndWithTheirHandle)
{
    Gateway own;
    own.create_jobs(1);
    Handler::Record record;
    {
        zeebe::JobStreamOptions options;
        options.metadata = zeebe::Metadata::of({{"of", "jobs"}}).value();
        const zeebe::JobStream stream =
            own.channel().stream_jobs(request("StreamActivatedJobs", stream_jobs), std::make_unique<Handler>(record), options).value();
        complete(own.channel(), key_of(record.message.wait()));
        EXPECT_EQ(stream.request(1).error().kind(), zeebe::ErrorKind::illegal_state);
    }
    EXPECT_EQ(record.end.wait(), zeebe::StatusCode::cancelled);
    EXPECT_TRUE(record.deleted.wait());
    EXPECT_NE(own.tell("GET /calls").find(R"("of":"jobs")"), std::string::npos);
}

/// Last in this program by its name, for it ends the runtime.
TEST(ZRuntime, EndsWhatRuns)
{
    std::atomic<int> records{0};
    EXPECT_EQ(zeebe::set_log_level(zeebe::LogLevel::debug).error().kind(), zeebe::ErrorKind::illegal_state);
    zeebe::set_log_callback(zeebe::LogLevel::error, [&, owned = std::make_unique<int>(1)](const zeebe::LogRecord &record) {
        records += !record.message.empty() && !record.target.empty() && record.level <= zeebe::LogLevel::debug;
    }).value();
    zeebe::set_log_level(zeebe::LogLevel::debug).value();
    Gateway own;
    zeebe::Stream stream = own.channel().server_stream("StreamActivatedJobs", request("StreamActivatedJobs", stream_jobs)).value();
    zeebe::Jobs jobs = own.channel().stream_jobs(request("StreamActivatedJobs", stream_jobs)).value();
    eventually([&] { return own.count("open_calls") >= 2; });
    eventually([&] { return records > 0; }); // "connected" follows the gateway's SETTINGS, which calls do not wait for
    std::thread reader([&] { EXPECT_FALSE(jobs.next()); });
    zeebe::runtime_shutdown(patience).value();
    reader.join();
    EXPECT_EQ(jobs.next().error().status(), zeebe::StatusCode::cancelled);
    const auto end = stream.next();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().kind() == zeebe::ErrorKind::shutdown || end.error().status() == zeebe::StatusCode::cancelled, true) << end.error().what();
    zeebe::clear_log_callback().value();

    zeebe::RuntimeOptions options;
    options.callback_threads = 2;
    zeebe::runtime_configure(options).value();
    EXPECT_TRUE(own.channel().call("Topology", {}, zeebe::within(patience))) << "a new handle starts a fresh runtime";
    EXPECT_EQ(zeebe::runtime_configure(options).error().kind(), zeebe::ErrorKind::illegal_state);
    EXPECT_EQ(zeebe::runtime_poll().error().kind(), zeebe::ErrorKind::illegal_state);

    zeebe::runtime_shutdown(patience).value();
    options = {};
    options.caller_driven = true;
    zeebe::runtime_configure(options).value();
    const zeebe::Channel driven = own.channel();
    auto topology = driven.call("Topology", {}, zeebe::within(patience), zeebe::use_future);
    ASSERT_TRUE(zeebe::runtime_descriptor());
    while (topology.wait_for(0s) != std::future_status::ready) zeebe::runtime_poll(patience).value();
    EXPECT_GT(topology.get().size(), 0u);
    EXPECT_TRUE(driven.call("Topology", {}, zeebe::within(patience))) << "who blocks drives";
    zeebe::runtime_shutdown(patience).value();
}

} // namespace
