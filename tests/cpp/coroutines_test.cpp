// Coroutines of the C++ binding, for C++20.
#if __cplusplus >= 202002L

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
