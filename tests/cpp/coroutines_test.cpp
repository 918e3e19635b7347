// Coroutines of the C++ binding, for C++20.
#if __cplusplus >= 202002L

#include <array>
#include <atomic>
#include <coroutine>
#include <span>
#include <thread>

#include "gateway.hpp"

namespace {

/// Starts at once, and frees itself when it ends.
struct Detached {
    struct promise_type {
        Detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

/// Stays where it stops, until it is destroyed.
struct Owned {
    struct promise_type {
        Owned get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
};

TEST(Coroutines, AwaitACall)
{
    Said<std::string> said;
    [](Said<std::string> &to) -> Detached {
        const zeebe::Channel channel = gateway().channel();
        const zeebe::Result<zeebe::Response> response = co_await channel.call("Topology", {}, {.timeout = patience}, zeebe::use_awaitable);
        const std::string json = (co_await channel.call_json("Topology", "{}", {.timeout = patience}, zeebe::use_awaitable)).value();
        EXPECT_EQ(zeebe::response_to_json("Topology", response.value()).value(), json);
        to.say(json_value(json, "clusterSize"));
    }(said);
    EXPECT_EQ(said.wait(), "1");
}

TEST(Coroutines, StartManyAndAwaitThemThen)
{
    Said<int> said;
    [](Said<int> &to) -> Detached {
        const zeebe::Channel channel = gateway().channel();
        std::vector<zeebe::Awaitable<zeebe::Response>> calls;
        for (int i = 0; i < 100; i++) calls.push_back(channel.call("Topology", {}, zeebe::within(patience), zeebe::use_awaitable));
        int answered = 0;
        for (auto &call : calls) answered += (co_await call).has_value();
        to.say(answered);
    }(said);
    EXPECT_EQ(said.wait(), 100);
}

TEST(Coroutines, GetErrorsOfAllKinds)
{
    Said<std::string> said;
    [](Said<std::string> &to) -> Detached {
        const zeebe::Channel channel = gateway().channel();
        std::string seen;
        seen += to_string((co_await channel.call("CompleteJob", "\x08\x04", {}, zeebe::use_awaitable)).error().status());
        seen += " ";
        seen += to_string((co_await channel.call(std::string("a\0", 2), {}, {}, zeebe::use_awaitable)).error().status());
        seen += " ";
        seen += to_string((co_await channel.retrieve_token(zeebe::use_awaitable)).error().status());
        co_await channel.close(0ms, zeebe::use_awaitable);
        to.say(seen);
    }(said);
    EXPECT_EQ(said.wait(), "NOT_FOUND INVALID_ARGUMENT FAILED_PRECONDITION");
}

TEST(Coroutines, AreCancelled)
{
    Said<zeebe::StatusCode> said;
    zeebe::Call call;
    [](Said<zeebe::StatusCode> &to, zeebe::Call &started) -> Detached {
        const zeebe::Channel channel = gateway().channel();
        to.say((co_await channel.call("ActivateJobs", long_poll(), {}, zeebe::use_awaitable, &started)).error().status());
    }(said, call);
    call.cancel();
    EXPECT_EQ(said.wait(), zeebe::StatusCode::cancelled);
}

TEST(Coroutines, CancelTheCallWhenTheyAreDestroyed)
{
    Gateway own;
    bool resumed = false;
    const Owned suspended = [](const Gateway &to, bool &seen) -> Owned {
        const zeebe::Channel channel = to.channel();
        co_await channel.call("ActivateJobs", long_poll(), {}, zeebe::use_awaitable);
        seen = true;
    }(own, resumed);
    eventually([&] { return own.count("open_calls") == 1; });
    suspended.handle.destroy();
    eventually([&] { return own.count("open_calls") == 0; });
    EXPECT_FALSE(resumed);
}

TEST(Coroutines, MayLetGoOfWhatEndsAtThatTime)
{
    const zeebe::MetadataPlugin plugin = zeebe::MetadataPlugin::bearer("token").value();
    const auto ask = [&](auto completion) { return plugin.get_metadata("https://a.example/s", "m", completion); };
    Said<int> said;
    [](const auto &get, Said<int> &to) -> Detached {
        int got = 0;
        for (int i = 0; i < 2000; i++) {
            {
                const auto dropped = get(zeebe::use_awaitable);
                const auto also = get(zeebe::use_future);
                if (i % 2 == 0) std::this_thread::yield();
            }
            auto moved = get(zeebe::use_awaitable);
            moved = get(zeebe::use_awaitable);
            const zeebe::Result<zeebe::Metadata> end = co_await moved;
            got += end.has_value();
        }
        to.say(got);
    }(ask, said);
    EXPECT_EQ(said.wait(), 2000);
}

TEST(Coroutines, AwaitJobsAndTheirEnds)
{
    Gateway own;
    const zeebe::JobWorker worker = own.channel().start_job_worker(work_options()).value();
    Said<zeebe::ErrorKind> said;
    std::array<int, 3> ended{};
    [](zeebe::JobWorker of, Said<zeebe::ErrorKind> &to, std::array<int, 3> &ends) -> Detached {
        for (int i = 0;; i++) {
            const zeebe::Result<zeebe::Job> job = co_await of.next(zeebe::use_awaitable);
            if (!job) {
                to.say(job.error().kind());
                co_return;
            }
            if (i % 3 == 0) ends[0] += (co_await job->complete("{}", zeebe::use_awaitable)).has_value();
            else if (i % 3 == 1)
                ends[1] += (co_await job->fail({"a message that is too long to be kept in place", 0}, zeebe::use_awaitable)).has_value();
            else ends[2] += (co_await job->throw_error({"code", "a message that is too long to be kept in place"}, zeebe::use_awaitable)).has_value();
            EXPECT_EQ((co_await job->complete("{}", zeebe::use_awaitable)).error().kind(), zeebe::ErrorKind::illegal_state);
        }
    }(worker, said, ended);
    own.create_jobs(9);
    eventually([&] { return own.count("CompleteJob") == 3 && own.count("FailJob") == 3 && own.count("ThrowError") == 3; });
    Said<bool> closed;
    [](zeebe::JobWorker of, Said<bool> &to) -> Detached { to.say((co_await of.close(zeebe::use_awaitable)).has_value()); }(worker, closed);
    EXPECT_TRUE(closed.wait());
    EXPECT_EQ(said.wait(), zeebe::ErrorKind::shutdown);
    EXPECT_EQ(ended, (std::array{3, 3, 3}));
}

TEST(Coroutines, WorkOnManyJobsSideBySide)
{
    Gateway own;
    const zeebe::JobWorker worker = own.channel().start_job_worker(work_options()).value();
    std::atomic<int> completed{0};
    std::atomic<int> ended{0};
    const auto serve = [](zeebe::JobWorker of, std::atomic<int> &done, std::atomic<int> &over) -> Detached {
        while (const auto job = co_await of.next(zeebe::use_awaitable)) done += (co_await job->complete("{}", zeebe::use_awaitable)).has_value();
        over++;
    };
    for (int i = 0; i < 8; i++) serve(worker, completed, ended);
    own.create_jobs(50);
    eventually([&] { return completed == 50; });
    worker.close(zeebe::use_future).get();
    eventually([&] { return ended == 8; });
}

TEST(Coroutines, ThatAwaitAJobAndAreDestroyedLoseNone)
{
    Gateway own;
    const zeebe::JobWorker worker = own.channel().start_job_worker(work_options()).value();
    bool resumed = false;
    const auto wait = [](zeebe::JobWorker of, bool &seen) -> Owned {
        static_cast<void>(co_await of.next(zeebe::use_awaitable));
        seen = true;
    };
    wait(worker, resumed).handle.destroy();
    const Owned another = wait(worker, resumed);
    another.handle.destroy();
    {
        const auto never_awaited = worker.next(zeebe::use_awaitable);
    }
    own.create_jobs(1);
    const zeebe::Job job = worker.next(patience).value().value();
    EXPECT_EQ(job.retries(), 3);
    EXPECT_TRUE(job.complete());
    EXPECT_FALSE(resumed);
}

TEST(Coroutines, MayBeTheHandlerOfJobs)
{
    Gateway own;
    own.create_jobs(3);
    std::atomic<int> completed{0};
    const zeebe::JobWorker worker =
        own.channel()
            .start_job_worker(work_options(),
                              [&](zeebe::Job job) -> Detached { completed += (co_await job.complete("{}", zeebe::use_awaitable)).has_value(); })
            .value();
    eventually([&] { return completed == 3; });
    worker.close(zeebe::use_future).get();
}

TEST(Coroutines, AreToldWhyThereAreNoJobs)
{
    Said<zeebe::ErrorKind> of_handler, of_none;
    Said<zeebe::StatusCode> cancelled;
    std::optional<zeebe::JobWorker> handled = gateway().channel().start_job_worker(work_options(), [](zeebe::Job) {}).value();
    std::optional<zeebe::JobWorker> only = gateway().channel().start_job_worker(work_options()).value();
    const auto ask = [](const zeebe::JobWorker &of, auto &to, auto what) -> Detached {
        const zeebe::Result<zeebe::Job> job = co_await of.next(zeebe::use_awaitable);
        to.say((job.error().*what)());
    };
    ask(*handled, of_handler, &zeebe::Error::kind);
    ask(zeebe::JobWorker(), of_none, &zeebe::Error::kind);
    ask(*only, cancelled, &zeebe::Error::status);
    EXPECT_EQ(of_handler.wait(), zeebe::ErrorKind::illegal_state);
    EXPECT_EQ(of_none.wait(), zeebe::ErrorKind::invalid_argument);
    only.reset(); // the last handle
    EXPECT_EQ(cancelled.wait(), zeebe::StatusCode::cancelled);
}

TEST(Spans, AreBytesAndBytesAreSpans)
{
    const zeebe::Buffer buffer = zeebe::request_from_json("ActivateJobs", R"({"type": "a"})").value();
    const zeebe::bytes_view view = buffer;
    const std::span<const std::uint8_t> span = view;
    EXPECT_EQ(span.size(), 3u);
    EXPECT_EQ(zeebe::bytes_view(std::as_bytes(span)), view);
    static_assert(std::ranges::contiguous_range<zeebe::bytes_view> && std::ranges::borrowed_range<zeebe::bytes_view>);
    static_assert(std::ranges::input_range<zeebe::Stream> && std::ranges::input_range<zeebe::Metadata>);
}

} // namespace

#endif
