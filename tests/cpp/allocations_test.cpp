// How often the C++ binding allocates: in a program of its own, which replaces operator new. What libzeebe.so allocates is not C++ and not counted.
#include <atomic>
#include <cstdlib>
#include <new>
#include <optional>

#include "gateway.hpp"

namespace {

std::atomic<long> allocated{0};
/// What this thread allocates is the test's own.
thread_local bool is_of_test = false;

} // namespace

// Not inlined, or GCC takes malloc and delete, or new and free, for a pair.
[[gnu::noinline]] void *operator new(std::size_t size)
{
    if (!is_of_test) allocated++;
    if (void *memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void *memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

namespace {

template <class Work>
long allocations(Work work)
{
    const long before = allocated;
    work();
    return allocated - before;
}

template <class Work>
void uncounted(Work work)
{
    is_of_test = true;
    work();
    is_of_test = false;
}

/// Of a callable that does not fit into a pointer.
struct Large {
    char bytes[100] = {};
};

#if defined(__cpp_impl_coroutine)
constexpr bool has_coroutines = true;

/// Starts at once, and frees itself when it ends. Its frame is the program's, and not counted.
struct Detached {
    struct promise_type {
        Detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
        void *operator new(std::size_t size) { return std::malloc(size); }
        void operator delete(void *memory) noexcept { std::free(memory); }
    };
};

template <class T, class Start>
Detached await(Start start, Said<bool> &said)
{
    const zeebe::Result<T> end = co_await start();
    said.say(end.has_value());
}
#else
constexpr bool has_coroutines = false;
#endif

/// What `start`, which takes a completion, allocates by each kind of them.
struct Costs {
    long small_callback = 0;
    long large_callback = 0;
    long future = 0;
    long coroutine = 0;
};

/// `start` takes a completion of a `Result<T>`. What it returns is let go of once it has ended.
template <class T, class Start>
Costs costs(bool succeeds, Start start)
{
    Costs found;
    found.small_callback = allocations([&] {
        Said<bool> said;
        const auto under_way = start([&said](zeebe::Result<T> end) { said.say(end.has_value()); });
        EXPECT_TRUE(under_way);
        EXPECT_EQ(said.wait(), succeeds);
    });
    found.large_callback = allocations([&] {
        Said<bool> said;
        const auto under_way = start([&said, large = Large()](zeebe::Result<T> end) { said.say(end.has_value() && large.bytes[0] == 0); });
        EXPECT_TRUE(under_way);
        EXPECT_EQ(said.wait(), succeeds);
    });
    found.future = allocations([&] {
        std::future<T> end = start(zeebe::use_future);
        if (succeeds) static_cast<void>(end.get());
        else EXPECT_THROW(end.get(), zeebe::Error);
    });
#if defined(__cpp_impl_coroutine)
    found.coroutine = allocations([&] {
        Said<bool> said;
        await<T>([&] { return start(zeebe::use_awaitable); }, said);
        EXPECT_EQ(said.wait(), succeeds);
    });
#endif
    return found;
}

/// A callable that fits into a pointer is kept there, another one is allocated; a future is its shared state, and so is what is awaited.
#define EXPECT_COSTS(found, extra)                                 \
    do {                                                           \
        const Costs seen = found;                                  \
        EXPECT_EQ(seen.small_callback, 0 + extra);                 \
        EXPECT_EQ(seen.large_callback, 1 + extra);                 \
        EXPECT_EQ(seen.future, 1 + extra);                         \
        EXPECT_EQ(seen.coroutine, has_coroutines ? 1 + extra : 0); \
    } while (false)

TEST(Allocations, AreCounted)
{
    const auto allocate = [] { ::operator delete(::operator new(1)); }; // no expression that a compiler may leave out
    EXPECT_EQ(allocations(allocate), 1);
    EXPECT_EQ(allocations([&] { uncounted(allocate); }), 0);
}

TEST(Allocations, OfAUnaryCall)
{
    const zeebe::Channel channel = gateway().channel();
    const zeebe::CallOptions options = zeebe::within(patience);
    for (const char *method : {"Topology", "/gateway_protocol.Gateway/Topology"}) {
        SCOPED_TRACE(method);
        EXPECT_EQ(allocations([&] { EXPECT_TRUE(channel.call(method, {}, options)); }), 0);
        EXPECT_COSTS(costs<zeebe::Response>(true, [&](auto completion) { return channel.call(method, {}, options, std::move(completion)); }), 0);
        zeebe::Call call;
        EXPECT_COSTS(costs<zeebe::Response>(true, [&](auto completion) { return channel.call(method, {}, options, std::move(completion), &call); }),
                     0);
    }
}

TEST(Allocations, OfAUnaryCallThatFails)
{
    const zeebe::Channel channel = gateway().channel();
    const auto complete = [&](auto completion) { return channel.call("CompleteJob", "\x08\x04", zeebe::within(patience), std::move(completion)); };
    EXPECT_COSTS(costs<zeebe::Response>(false, complete), 0);
}

TEST(Allocations, OfAUnaryCallOnAQueue)
{
    const zeebe::Channel channel = gateway().channel();
    const zeebe::CompletionQueue queue = zeebe::CompletionQueue::create().value();
    const zeebe::CallOptions options = zeebe::within(patience);
    zeebe::Events events;
    EXPECT_EQ(allocations([&] {
                  const auto call = channel.call_on_queue("Topology", {}, options, queue, 1);
                  EXPECT_EQ(queue.next(events, patience).value(), 1u);
                  EXPECT_TRUE(events[0].result());
              }),
              0);
}

TEST(Allocations, OfJson)
{
    // One is the text that it gives.
    const zeebe::Channel channel = gateway().channel();
    const zeebe::CallOptions options = zeebe::within(patience);
    EXPECT_EQ(allocations([&] { EXPECT_TRUE(channel.call_json("Topology", "{}", options)); }), 1);
    EXPECT_EQ(allocations([&] { EXPECT_TRUE(zeebe::request_from_json("Topology", "{}")); }), 0);
    const Costs by_kind =
        costs<std::string>(true, [&](auto completion) { return channel.call_json("Topology", "{}", options, std::move(completion)); });
    // What makes the text of a response is kept with the callback.
    EXPECT_EQ(by_kind.small_callback, 1 + 1);
    EXPECT_EQ(by_kind.large_callback, 1 + 1);
    EXPECT_EQ(by_kind.future, 2 + 1);
    EXPECT_EQ(by_kind.coroutine, has_coroutines ? 2 + 1 : 0);
}

TEST(Allocations, OfWaits)
{
    const zeebe::Channel channel = gateway().channel();
    channel.wait_ready(patience).value();
    const auto change = [&](auto completion) {
        return channel.wait_for_state_change(zeebe::Connectivity::idle, zeebe::forever, std::move(completion));
    };
    EXPECT_COSTS(costs<zeebe::Connectivity>(true, change), 0);
    const auto no_change = [&](auto completion) {
        return channel.wait_for_state_change(zeebe::Connectivity::ready, std::chrono::milliseconds(1), std::move(completion));
    };
    EXPECT_COSTS(costs<zeebe::Connectivity>(false, no_change), 0);
    EXPECT_EQ(allocations([&] { EXPECT_TRUE(channel.wait_ready(patience)); }), 0);

    const auto close = [&](auto completion) { return gateway().channel().close(0ms, std::move(completion)); };
    const long made = allocations([] { gateway().channel(); });
    EXPECT_COSTS(costs<void>(true, close), made);
}

TEST(Allocations, OfTokensAndMetadata)
{
    const zeebe::MetadataPlugin plugin = zeebe::MetadataPlugin::bearer("token").value();
    const auto metadata = [&](auto completion) { return plugin.get_metadata("https://a.example/s", "m", std::move(completion)); };
    EXPECT_COSTS(costs<zeebe::Metadata>(true, metadata), 0);
}

TEST(Allocations, OfMessagesOfAStream)
{
    Gateway own;
    own.create_jobs(8);
    const zeebe::Buffer request = zeebe::request_from_json("StreamActivatedJobs", R"({"type": "work", "worker": "w", "timeout": 60000})").value();
    zeebe::Stream stream = own.channel().server_stream("StreamActivatedJobs", request).value();
    const long of_next = allocations([&] {
        for (int i = 0; i < 8; i++) EXPECT_TRUE(stream.next().value());
    });
    EXPECT_EQ(of_next, 0);
    stream.cancel();
    eventually([&] { return own.count("open_calls") == 0; }); // or it gets the next jobs, too

    own.create_jobs(8);
    zeebe::Jobs jobs = own.channel().stream_jobs(request).value();
    const long of_jobs = allocations([&] {
        auto job = jobs.begin();
        for (int i = 0; i < 7; i++, ++job) EXPECT_FALSE(job->empty());
    });
    EXPECT_EQ(of_jobs, 0);
}

TEST(Allocations, OfTheEndOfAJob)
{
    Gateway own;
    const zeebe::JobWorker worker = own.channel().start_job_worker(work_options()).value();
    zeebe::Job job;
    const auto next = [&] {
        uncounted([&] {
            own.create_jobs(1);
            job = worker.next().value();
        });
    };
    const auto complete = [&](auto completion) {
        next();
        return job.complete("{}", std::move(completion));
    };
    EXPECT_COSTS(costs<void>(true, complete), 0);
    EXPECT_COSTS(costs<void>(false,
                             [&](auto completion) {
                                 next();
                                 return job.complete("no object", std::move(completion));
                             }),
                 0);
    const zeebe::JobFailure failure("no", 0);
    const auto fail = [&](auto completion) {
        next();
        return job.fail(failure, std::move(completion));
    };
    EXPECT_COSTS(costs<void>(true, fail), 0);
    const zeebe::BpmnError error("code");
    const auto throw_error = [&](auto completion) {
        next();
        return job.throw_error(error, std::move(completion));
    };
    EXPECT_COSTS(costs<void>(true, throw_error), 0);
    next();
    EXPECT_EQ(allocations([&] { EXPECT_TRUE(job.complete("{}", zeebe::detached)); }), 0);
    next();
    EXPECT_EQ(allocations([&] { EXPECT_TRUE(job.complete()); }), 0);
}

TEST(Allocations, OfJobsThatAreTaken)
{
    Gateway own;
    const zeebe::JobWorker worker = own.channel().start_job_worker(work_options()).value();
    std::optional<zeebe::Job> job;
    const auto take = [&] {
        job = worker.next(patience).value();
        EXPECT_TRUE(job->complete());
    };
    uncounted([&] { own.create_jobs(1); });
    EXPECT_EQ(allocations(take), 0);
#if defined(__cpp_impl_coroutine)
    Said<bool> said;
    const long of_coroutine = allocations([&] {
        await<zeebe::Job>([&] { return worker.next(zeebe::use_awaitable); }, said);
        uncounted([&] { own.create_jobs(1); });
        EXPECT_TRUE(said.wait());
    });
    EXPECT_EQ(of_coroutine, 0);
#endif
}

/// Of a worker from when it has begun until it has ended.
template <class Handler>
long of_worker(const zeebe::JobWorkerOptions &options, Handler handler, int jobs)
{
    Gateway own;
    const zeebe::JobWorker worker = own.channel().start_job_worker(options, handler).value();
    return allocations([&] {
        uncounted([&] {
            own.create_jobs(jobs);
            eventually([&] { return own.count("CompleteJob") == jobs; });
            worker.close(zeebe::use_future).get();
        });
    });
}

/// What three jobs cost more than none.
template <class Handler>
long of_three_jobs(const zeebe::JobWorkerOptions &options, Handler handler)
{
    const long of_none = of_worker(options, handler, 0);
    return of_worker(options, handler, 3) - of_none;
}

TEST(Allocations, OfAHandler)
{
    const auto returns = [](const zeebe::Job &) { return "{}"; };
    EXPECT_EQ(of_three_jobs(work_options(), returns), 0);
    EXPECT_EQ(of_three_jobs(work_options(), [](const zeebe::Job &job) { EXPECT_TRUE(job.complete("{}", zeebe::detached)); }), 0);
    zeebe::JobWorkerOptions tells = work_options();
    tells.on_ended = [](const zeebe::Job &, zeebe::JobEnd, const zeebe::Result<void> &end) { EXPECT_TRUE(end); };
    EXPECT_EQ(of_three_jobs(tells, returns), 3);
}

} // namespace
