// Job workers of the C++ binding: handlers and what they return or throw, jobs that end later, jobs that are taken, and the worker's end.
// With CALLBACK_THREADS in the environment, handlers run on as many threads.
#include <array>
#include <atomic>
#include <future>
#include <thread>

#include "gateway.hpp"

namespace {

class CallbackThreads : public testing::Environment {
    void SetUp() override
    {
        const char *threads = std::getenv("CALLBACK_THREADS");
        if (threads == nullptr) return;
        zeebe::RuntimeOptions options;
        options.callback_threads = std::stoi(threads);
        zeebe::runtime_configure(options).value();
    }
};
const auto *const callback_threads = testing::AddGlobalTestEnvironment(new CallbackThreads);

zeebe::JobWorkerOptions work()
{
    zeebe::JobWorkerOptions options = work_options();
    options.worker_name = "w";
    options.backoff_min = 10ms;
    options.backoff_max = 200ms;
    return options;
}

/// Values that callbacks leave, one after another.
template <class T>
class Box {
public:
    void put(T value)
    {
        const std::lock_guard lock(mutex_);
        values_.push_back(std::move(value));
        changed_.notify_all();
    }
    T take()
    {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [this] { return !values_.empty(); })) throw std::runtime_error("nothing came");
        T value = std::move(values_.front());
        values_.erase(values_.begin());
        return value;
    }
    bool empty()
    {
        const std::lock_guard lock(mutex_);
        return values_.empty();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<T> values_;
};

/// What comes of the ends that a handler gives.
struct Ends : Box<zeebe::Result<void>> {
    zeebe::JobWorkerOptions options = work();
    std::array<std::atomic<int>, 3> of{}; // by JobEnd

    Ends()
    {
        options.on_ended = [this](const zeebe::Job &job, zeebe::JobEnd what, zeebe::Result<void> end) {
            EXPECT_NE(job.key(), 0);
            of.at(static_cast<std::size_t>(what))++;
            put(std::move(end));
        };
    }
};

bool has_no_jobs(const Gateway &of) { return of.tell("GET /state").find(R"("jobs":[])") != std::string::npos; }
bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }
long number(const zeebe::JobWorker &worker, const char *key) { return std::stol(json_value(worker.stats().value(), key)); }

/// Ends it in order: nothing of it runs any more then.
void end(const zeebe::JobWorker &worker) { worker.close(zeebe::use_future).get(); }
/// The next worker begins when the gateway has no stream of the last, which it else gave jobs to that were nobody's then.
void no_stream_is_left(const Gateway &of)
{
    eventually([&] { return of.count("open_calls") == 0; });
}

} // namespace

TEST(JobWorkers, CompleteJobsWithWhatTheirHandlerReturns)
{
    Gateway own;
    Ends ends;
    const zeebe::Channel channel = own.channel();
    const std::string request = R"({"request": {"bpmnProcessId": "work", "version": -1}})";
    const auto result_with = [&](auto handler) {
        const zeebe::JobWorker worker = channel.start_job_worker(ends.options, handler).value();
        std::string result = channel.call_json("CreateProcessInstanceWithResult", request, zeebe::within(patience)).value();
        EXPECT_TRUE(ends.take());
        end(worker);
        no_stream_is_left(own);
        return result;
    };
    EXPECT_TRUE(has(result_with([](const zeebe::Job &) -> std::string { return R"({"a": 11})"; }), R"("a":11)"));
    EXPECT_TRUE(has(result_with([](zeebe::Job) { return R"({"a": 12})"; }), R"("a":12)"));
    EXPECT_TRUE(has(result_with([](zeebe::Job &&) { return std::string_view(R"({"a": 13}, as far as this)", 9); }), R"("a":13)"));
    EXPECT_TRUE(has(result_with([](zeebe::Job) -> zeebe::Result<std::string> { return std::string(R"({"a": 14})"); }), R"("a":14)"));
    EXPECT_TRUE(has(result_with(std::function<std::string(zeebe::Job)>([](zeebe::Job) { return R"({"a": 15})"; })), R"("a":15)"));
    EXPECT_EQ(ends.of[0], 5);
    EXPECT_TRUE(has_no_jobs(own));
}

TEST(JobWorkers, FailJobsWithWhatTheirHandlerThrows)
{
    Gateway own;
    Ends ends;
    ends.options.retry_backoff = 100ms;
    Box<std::int32_t> retries;
    std::atomic<int> calls{0};
    own.create_jobs(1);
    const zeebe::JobWorker worker = own.channel()
                                        .start_job_worker(ends.options,
                                                          [&, only_moved = std::make_unique<int>(7)](zeebe::Job job) -> zeebe::Result<std::string> {
                                                              retries.put(job.retries());
                                                              switch (calls++) {
                                                              case 0: throw std::runtime_error("not today");
                                                              case 1: throw zeebe::JobFailure{"in a while", *only_moved, 0ms, R"({"why": 1})"};
                                                              case 2: EXPECT_TRUE(has(job.variables(), R"("why")")) << job.variables(); throw 3;
                                                              case 3: return zeebe::Error(zeebe::StatusCode::aborted, "neither");
                                                              case 4: throw zeebe::Error(zeebe::StatusCode::aborted, "nor");
                                                              default: throw zeebe::JobFailure{"no more", 0};
                                                              }
                                                          })
                                        .value();
    for (const int expected : {3, 2, 7, 6, 5, 4}) {
        EXPECT_EQ(retries.take(), expected);
        EXPECT_TRUE(ends.take());
    }
    EXPECT_TRUE(has(own.tell("GET /incidents"), "no more"));
    EXPECT_EQ(number(worker, "failed"), 6);
    EXPECT_EQ(ends.of[1], 6);
    end(worker);
}

TEST(JobWorkers, SayAsWordsWhatWasThrown)
{
    Gateway own;
    Ends ends;
    const zeebe::Channel channel = own.channel();
    const auto incident = [&](auto handler) {
        const zeebe::JobWorker worker = channel.start_job_worker(ends.options, handler).value();
        own.create_jobs(1);
        for (int retries = 3; retries > 0; retries--) EXPECT_TRUE(ends.take());
        end(worker);
        no_stream_is_left(own);
        return own.tell("GET /incidents");
    };
    EXPECT_TRUE(has(incident([](zeebe::Job) { throw std::runtime_error("of paper"); }), "of paper"));
    EXPECT_TRUE(has(incident([](zeebe::Job) { throw 3; }), "no std::exception"));
    // What is no text is no reason to lose the job.
    EXPECT_TRUE(has(incident([](zeebe::Job) { throw std::runtime_error("\xff"); }), "message is not UTF-8"));
    EXPECT_TRUE(has(incident([](zeebe::Job) -> std::string { return "\xff"; }), "variables is not UTF-8"));
    EXPECT_TRUE(has(incident([](zeebe::Job) -> std::string { return std::string("{\0}", 3); }), "the variables has a NUL in it"));
    EXPECT_TRUE(has(incident([](zeebe::Job) { throw zeebe::JobFailure{"m", -5}; }), "JobFailure::retries is -5"));
    EXPECT_TRUE(has(incident([](zeebe::Job) { throw zeebe::JobFailure{"m", {}, -1s}; }), "JobFailure::retry_backoff is -1000"));
    EXPECT_EQ(ends.of[1], 21);
    EXPECT_TRUE(has(incident([](zeebe::Job) { throw zeebe::BpmnError("\xff"); }), "code is not UTF-8"));
    EXPECT_TRUE(has(incident(std::function<std::string(zeebe::Job)>()), "bad_function_call"));
}

TEST(JobWorkers, ThrowBpmnErrors)
{
    Gateway own;
    Ends ends;
    own.create_jobs(2);
    std::atomic<bool> by_hand{false};
    const zeebe::JobWorker worker = own.channel()
                                        .start_job_worker(ends.options,
                                                          [&](zeebe::Job job) {
                                                              if (!by_hand.exchange(true)) throw zeebe::BpmnError("boom", "it went off", "{}");
                                                              job.throw_error({"unheard of"}, [&](auto end) { ends.put(std::move(end)); }).value();
                                                          })
                                        .value();
    EXPECT_TRUE(ends.take());
    EXPECT_TRUE(ends.take());
    const std::string incidents = own.tell("GET /incidents");
    EXPECT_TRUE(has(incidents, "boom: it went off")) << incidents;
    EXPECT_TRUE(has(incidents, "unheard of")) << incidents;
    EXPECT_EQ(number(worker, "thrown"), 2);
    EXPECT_EQ(ends.of[2], 1);
    end(worker);
    const zeebe::BpmnError error("code");
    EXPECT_STREQ(zeebe::BpmnError(error).what(), "code"); // NOLINT: the copy is the point
    static_assert(std::is_nothrow_copy_constructible_v<zeebe::BpmnError>);
}

TEST(JobWorkers, TellWhatCameOfAnEnd)
{
    Gateway own;
    Ends ends;
    const zeebe::Channel other = own.channel(), channel = own.channel(); // one whose connection nothing happens to
    const auto outcome = [&](const char *fault, const char *variables) {
        if (*fault != 0) own.tell(fault);
        const zeebe::JobWorker worker = channel.start_job_worker(ends.options, [=](zeebe::Job) { return variables; }).value();
        other.call_json("CreateProcessInstance", R"({"bpmnProcessId": "work", "version": -1})", zeebe::within(patience)).value();
        const auto ended = ends.take();
        end(worker);
        no_stream_is_left(own);
        return ended ? zeebe::Error(zeebe::StatusCode::ok, "").of_job(zeebe::JobOutcome::ended) : ended.error();
    };
    EXPECT_EQ(outcome("POST /fail?status=14&count=2&rpc=CompleteJob", "{}").outcome(), zeebe::JobOutcome::ended);
    // It was completed, and nobody was told.
    const zeebe::Error lost = outcome("POST /fault?kind=reset&at=trailers&count=1&rpc=CompleteJob", "{}");
    EXPECT_EQ(lost.outcome(), zeebe::JobOutcome::unknown);
    EXPECT_EQ(lost.status(), zeebe::StatusCode::not_found);
    const zeebe::Error refused = outcome("POST /fail?status=7&count=1&rpc=CompleteJob", "{}");
    EXPECT_EQ(refused.outcome(), zeebe::JobOutcome::not_ended);
    EXPECT_EQ(refused.status(), zeebe::StatusCode::permission_denied);
    const zeebe::Error array = outcome("", "[]");
    EXPECT_EQ(array.outcome(), zeebe::JobOutcome::not_ended);
    EXPECT_EQ(array.status(), zeebe::StatusCode::invalid_argument);
}

TEST(JobWorkers, LetAJobEndLaterOnAnyThreadAndOnce)
{
    Gateway own;
    Ends ends;
    Box<zeebe::Job> kept;
    own.create_jobs(9);
    const zeebe::JobWorker worker = own.channel().start_job_worker(ends.options, [&](zeebe::Job job) { kept.put(std::move(job)); }).value();
    const auto refused = [&](const zeebe::Job &job) {
        for (const auto &again : {job.complete(), job.fail({"m"}), job.throw_error({"c"}), job.complete("{}", zeebe::detached)}) {
            EXPECT_EQ(again.error().kind(), zeebe::ErrorKind::illegal_state);
            EXPECT_EQ(again.error().outcome(), zeebe::JobOutcome::none);
            EXPECT_TRUE(has(again.error().message(), "was ended before")) << again.error().what();
        }
        EXPECT_THROW(job.complete("{}", zeebe::use_future).get(), zeebe::Error);
    };
    // Blocking; as what cannot be sent first.
    const zeebe::Job first = kept.take();
    EXPECT_EQ(first.complete("\xff").error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_EQ(first.complete(std::string("{\0}", 3)).error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_EQ(first.fail({"m", -2}).error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_EQ(first.throw_error({std::string("a\0b", 3)}).error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_EQ(first.complete("\xff", zeebe::detached).error().kind(), zeebe::ErrorKind::invalid_argument);
    EXPECT_TRUE(first.complete(R"({"a": 1})"));
    refused(first);
    EXPECT_TRUE(kept.take().fail({"m", 0}));
    EXPECT_TRUE(kept.take().throw_error({"c", "m", "{}"}));
    // As a future, on another thread.
    std::thread([job = kept.take(), &refused] {
        job.complete("{}", zeebe::use_future).get();
        refused(job);
    }).join();
    kept.take().fail({"m", 0, 1s, "{}"}, zeebe::use_future).get();
    kept.take().throw_error({"c"}, zeebe::use_future).get();
    // As a callback, and as nothing at all.
    kept.take().complete("{}", [&, moved = std::make_unique<int>(1)](zeebe::Result<void> came) { ends.put(std::move(came)); }).value();
    kept.take().fail({"m", 0}, [&](zeebe::Result<void> came) { ends.put(std::move(came)); }).value();
    kept.take().complete("{}", zeebe::detached).value();
    EXPECT_TRUE(ends.take());
    EXPECT_TRUE(ends.take());
    eventually([&] { return number(worker, "completed") == 4 && number(worker, "failed") == 3 && number(worker, "thrown") == 2; });
    end(worker);
    EXPECT_EQ(first.complete().error().kind(), zeebe::ErrorKind::illegal_state);
}

TEST(JobWorkers, GiveTheEndsOfJobsToAQueue)
{
    Gateway own;
    own.create_jobs(3);
    const zeebe::CompletionQueue queue = zeebe::CompletionQueue::create().value();
    const zeebe::JobWorker worker = own.channel().start_job_worker_on_queue(work(), queue, 7).value();
    own.tell("POST /fail?status=7&count=1&rpc=CompleteJob");
    std::uint64_t jobs = 0;
    int ended = 0;
    bool closed = false;
    for (zeebe::Events events; !closed && queue.next(events, patience).value() > 0;)
        for (const zeebe::Event event : events) {
            if (event.type() == zeebe::EventType::job) {
                EXPECT_EQ(event.tag(), 7u);
                const zeebe::Job job = event.job();
                if (jobs == 0) job.complete_on_queue("{}", queue, 100).value();
                else if (jobs == 1) job.fail_on_queue({"m", 0}, queue, 101).value();
                else job.throw_error_on_queue({"c"}, queue, 102).value();
                jobs++;
                EXPECT_EQ(job.complete_on_queue("{}", queue, 9).error().kind(), zeebe::ErrorKind::illegal_state);
            } else if (event.type() == zeebe::EventType::job_ended) {
                const auto end = event.end();
                EXPECT_EQ(end.has_value(), event.tag() != 100);
                if (!end) {
                    EXPECT_EQ(end.error().outcome(), zeebe::JobOutcome::not_ended);
                }
                if (++ended == 3) worker.close();
            } else if (event.type() == zeebe::EventType::close) {
                EXPECT_TRUE(event.end());
                closed = true;
            }
        }
    EXPECT_TRUE(closed);
    EXPECT_EQ(jobs, 3u);
    EXPECT_EQ(ended, 3);
    EXPECT_EQ(worker.next(0ms).error().kind(), zeebe::ErrorKind::illegal_state);
    EXPECT_EQ(worker.close(zeebe::detached).error().kind(), zeebe::ErrorKind::illegal_state);
}

TEST(JobWorkers, DoNotBlockInAHandler)
{
    Gateway own;
    Ends ends;
    own.create_jobs(1);
    Box<zeebe::ErrorKind> kinds;
    std::promise<zeebe::JobWorker> pulled;
    const auto puller = pulled.get_future().share();
    const zeebe::JobWorker worker = own.channel()
                                        .start_job_worker(ends.options,
                                                          [&, puller](zeebe::Job job) -> std::string {
                                                              kinds.put(job.complete().error().kind());
                                                              kinds.put(job.fail({"m"}).error().kind());
                                                              kinds.put(puller.get().next().error().kind());
                                                              EXPECT_FALSE(puller.get().next(0ms).value());
                                                              return "{}"; // so it has not ended
                                                          })
                                        .value();
    zeebe::JobWorkerOptions none = work();
    none.job_type = "none";
    pulled.set_value(own.channel().start_job_worker(none).value());
    for (int i = 0; i < 3; i++) EXPECT_EQ(kinds.take(), zeebe::ErrorKind::illegal_state);
    EXPECT_TRUE(ends.take());
    end(worker);
    end(puller.get());
}

TEST(JobWorkers, FailWhatIsLetGoOfWithoutAnEnd)
{
    Gateway own;
    Box<std::int32_t> retries;
    own.create_jobs(1);
    zeebe::JobWorkerOptions options = work();
    const auto start = [&] { return own.channel().start_job_worker(options, [&](zeebe::Job job) { retries.put(job.retries()); }).value(); };
    zeebe::JobWorker worker = start();
    for (const int left : {3, 2, 1}) EXPECT_EQ(retries.take(), left);
    eventually([&] { return has(own.tell("GET /incidents"), "the handler let go of the job"); });
    end(worker);
    no_stream_is_left(own);
    options.leave_freed_jobs = true;
    worker = start();
    own.create_jobs(1);
    EXPECT_EQ(retries.take(), 3);
    eventually([&] { return number(worker, "left") == 1; });
    end(worker);
}

TEST(JobWorkers, GiveJobsToWhoAsks)
{
    Gateway own;
    const zeebe::JobWorker worker = own.channel().start_job_worker(work()).value();
    EXPECT_FALSE(worker.next(0ms).value());
    EXPECT_FALSE(worker.next(-1s).value());
    EXPECT_FALSE(worker.next(20ms).value());
    constexpr int count = 60;
    std::vector<std::thread> threads;
    std::atomic<int> completed{0};
    for (int i = 0; i < 4; i++)
        threads.emplace_back([copy = worker, &completed] {
            zeebe::Result<zeebe::Job> job = copy.next();
            for (; job; job = copy.next()) completed += job->complete().has_value();
            EXPECT_EQ(job.error().kind(), zeebe::ErrorKind::shutdown) << job.error().what();
        });
    own.create_jobs(count);
    eventually([&] { return completed == count; });
    EXPECT_TRUE(has_no_jobs(own));
    EXPECT_EQ(number(worker, "completed"), count);
    end(worker);
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(worker.next(0ms).error().kind(), zeebe::ErrorKind::shutdown);
    EXPECT_EQ(zeebe::JobWorker().next(0ms).error().kind(), zeebe::ErrorKind::invalid_argument);
}

TEST(JobWorkers, GiveBackWhatNobodyHasTaken)
{
    Gateway own;
    const zeebe::Channel channel = own.channel();
    own.create_jobs(5);
    zeebe::JobWorkerOptions options = work();
    options.job_timeout = 10min;
    const zeebe::JobWorker worker = channel.start_job_worker(options).value();
    const zeebe::Job taken = worker.next(patience).value().value();
    eventually([&] { return number(worker, "activated") == 5; });
    auto ended = worker.close(zeebe::use_future);
    worker.close(); // a second one changes nothing
    // As they were; the one that was taken has its grace.
    const zeebe::JobWorker heir = channel.start_job_worker(options).value();
    for (int i = 0; i < 4; i++) {
        const zeebe::Job job = heir.next(patience).value().value();
        EXPECT_EQ(job.retries(), 3);
        EXPECT_TRUE(job.complete());
    }
    EXPECT_TRUE(ended.wait_for(0ms) == std::future_status::timeout);
    EXPECT_TRUE(taken.complete());
    ended.get();
    EXPECT_TRUE(has_no_jobs(own));
    // One that has ended completes at once.
    worker.close(zeebe::use_future).get();
    end(heir);
}

TEST(JobWorkers, MayGoAsTheyAreToldOfTheirEnd)
{
    Gateway own;
    zeebe::JobWorkerOptions options = work();
    std::unique_ptr<zeebe::JobWorker> worker;
    const auto start = [&] { worker = std::make_unique<zeebe::JobWorker>(own.channel().start_job_worker(options).value()); };
    // One that has ended completes here.
    start();
    end(*worker);
    worker->close([&](auto) { worker.reset(); }).value();
    EXPECT_FALSE(worker);
    // Another one elsewhere, and perhaps before close() has returned.
    std::promise<void> gone;
    for (const bool completes : {true, false}) {
        for (int round = 0; round < 50; round++) {
            gone = {};
            const auto let_go = [&](auto) {
                worker.reset();
                gone.set_value();
            };
            if (!completes) options.on_close = let_go;
            start();
            if (completes) worker->close(let_go).value();
            else worker->close();
            EXPECT_EQ(gone.get_future().wait_for(patience), std::future_status::ready);
        }
    }
}

TEST(JobWorkers, HaveAGrace)
{
    Gateway own;
    zeebe::JobWorkerOptions options = work();
    for (const auto grace : {100ms, 0ms}) {
        options.grace = grace;
        Box<zeebe::Result<void>> closes;
        options.on_close = [&](zeebe::Result<void> end) { closes.put(std::move(end)); };
        const zeebe::JobWorker worker = own.channel().start_job_worker(options).value();
        own.create_jobs(1);
        const zeebe::Job job = worker.next(patience).value().value();
        try {
            worker.close(zeebe::use_future).get();
            ADD_FAILURE() << "it ended in order";
        } catch (const zeebe::Error &error) {
            EXPECT_EQ(error.status(), zeebe::StatusCode::deadline_exceeded) << error.what();
        }
        EXPECT_EQ(closes.take().error().status(), zeebe::StatusCode::deadline_exceeded);
        EXPECT_EQ(job.complete().error().kind(), zeebe::ErrorKind::shutdown);
        EXPECT_EQ(worker.next().error().status(), zeebe::StatusCode::deadline_exceeded);
        no_stream_is_left(own);
    }
}

TEST(JobWorkers, MayEndInTheirOwnHandler)
{
    Gateway own;
    // By a close, whose end is told elsewhere; the handler goes before that.
    {
        Ends ends;
        Box<zeebe::Result<void>> closes;
        std::promise<zeebe::JobWorker> started;
        const auto worker = started.get_future().share();
        std::weak_ptr<int> handler;
        {
            auto owned = std::make_shared<int>(1);
            handler = owned;
            started.set_value(own.channel()
                                  .start_job_worker(ends.options,
                                                    [&, worker, owned = std::move(owned)](zeebe::Job) -> std::string {
                                                        worker.get().close([&](auto end) { closes.put(std::move(end)); }).value();
                                                        return "{}";
                                                    })
                                  .value());
        }
        own.create_jobs(1);
        EXPECT_TRUE(ends.take());
        EXPECT_TRUE(closes.take());
        EXPECT_TRUE(handler.expired());
    }
    no_stream_is_left(own);
    // By its destruction.
    Box<zeebe::Result<void>> closes;
    Box<bool> returned;
    std::optional<zeebe::JobWorker> only;
    std::promise<void> is_there;
    zeebe::JobWorkerOptions options = work();
    options.on_close = [&](zeebe::Result<void> end) { closes.put(std::move(end)); };
    only = own.channel()
               .start_job_worker(options,
                                 [&, there = is_there.get_future().share()](zeebe::Job) -> std::string {
                                     there.get();
                                     only.reset();
                                     returned.put(true);
                                     return "{}";
                                 })
               .value();
    is_there.set_value();
    own.create_jobs(1);
    EXPECT_TRUE(returned.take());
    EXPECT_EQ(closes.take().error().status(), zeebe::StatusCode::cancelled);
}

TEST(JobWorkers, EndWithTheirLastHandle)
{
    Gateway own;
    Said<zeebe::Result<void>> closed;
    zeebe::JobWorkerOptions options = work();
    options.on_close = [&](zeebe::Result<void> end) { closed.say(std::move(end)); };
    zeebe::Job job;
    {
        const zeebe::JobWorker worker = own.channel().start_job_worker(options).value();
        own.create_jobs(3);
        job = worker.next(patience).value().value();
        eventually([&] { return number(worker, "activated") == 3; });
        const zeebe::JobWorker copy = worker; // NOLINT: that it is one is the point
        EXPECT_EQ(number(copy, "jobs_here"), 3);
    }
    EXPECT_EQ(closed.wait().error().status(), zeebe::StatusCode::cancelled);
    EXPECT_EQ(job.complete().error().kind(), zeebe::ErrorKind::shutdown);
    eventually([&] { return own.count("open_calls") == 0; });
    EXPECT_EQ(own.count("FailJob"), 0) << "they are left to their time-out";
}

TEST(JobWorkers, SayWhatTheyGoOnAfterAndWhyTheyEnd)
{
    Gateway own;
    own.tell("POST /fail?status=14&count=2&rpc=StreamActivatedJobs");
    Box<std::int64_t> failures;
    Box<zeebe::Result<void>> closes;
    zeebe::JobWorkerOptions options = work();
    options.on_error = [&](zeebe::Error error, std::int64_t in_a_row, std::chrono::milliseconds pause) {
        EXPECT_EQ(error.status(), zeebe::StatusCode::unavailable);
        EXPECT_GT(pause, 0ms);
        failures.put(in_a_row);
    };
    options.on_close = [&](zeebe::Result<void> end) { closes.put(std::move(end)); };
    {
        const zeebe::JobWorker worker = own.channel().start_job_worker(options, [](zeebe::Job) { return "{}"; }).value();
        EXPECT_EQ(failures.take(), 1);
        EXPECT_EQ(failures.take(), 2);
        end(worker);
        EXPECT_TRUE(closes.take());
    }
    own.tell("POST /fail?status=7&count=100&rpc=StreamActivatedJobs&message=no");
    options.on_error = {};
    const zeebe::JobWorker worker = own.channel().start_job_worker(options).value();
    const auto job = worker.next();
    EXPECT_EQ(job.error().status(), zeebe::StatusCode::permission_denied);
    EXPECT_EQ(closes.take().error().status(), zeebe::StatusCode::permission_denied);
    EXPECT_THROW(worker.close(zeebe::use_future).get(), zeebe::Error);
}

TEST(JobWorkers, TellWhatAJobIs)
{
    Gateway own;
    zeebe::JobWorkerOptions options = work();
    options.fetch_variables = {"a", "c"};
    options.job_timeout = 10min;
    options.metadata = zeebe::Metadata::of({{"of", "workers"}}).value();
    const zeebe::JobWorker worker = own.channel().start_job_worker(options).value();
    own.channel()
        .call_json("CreateProcessInstance", R"({"bpmnProcessId": "work", "version": -1, "variables": "{\"a\": 1, \"b\": 2}"})",
                   zeebe::within(patience))
        .value();
    const zeebe::Job job = worker.next(patience).value().value();
    EXPECT_EQ(job.type(), "work");
    EXPECT_EQ(job.bpmn_process_id(), "work");
    EXPECT_EQ(job.element_id(), "t");
    EXPECT_EQ(job.custom_headers(), "{}");
    EXPECT_EQ(job.variables(), R"({"a":1})");
    EXPECT_EQ(job.tenant_id(), "<default>");
    EXPECT_EQ(job.worker_name(), "w");
    EXPECT_EQ(job.retries(), 3);
    EXPECT_EQ(job.kind(), 0);
    EXPECT_EQ(job.listener_event_type(), 6);
    EXPECT_EQ(job.process_definition_version(), 1);
    const auto left = job.deadline() - std::chrono::system_clock::now();
    EXPECT_TRUE(left > 9min && left < 11min);
    const std::string json = zeebe::response_to_json("StreamActivatedJobs", job.message()).value();
    EXPECT_EQ(json_value(json, "key"), std::to_string(job.key()));
    EXPECT_NE(zeebe::response_to_json("StreamActivatedJobs", job.message()).value().find("\"variables\":{"), std::string::npos);
    EXPECT_EQ(json_value(json, "processInstanceKey"), std::to_string(job.process_instance_key()));
    EXPECT_EQ(json_value(json, "processDefinitionKey"), std::to_string(job.process_definition_key()));
    EXPECT_EQ(json_value(json, "elementInstanceKey"), std::to_string(job.element_instance_key()));
    EXPECT_TRUE(job.complete());
    EXPECT_EQ(job.type(), "work") << "also after its end";
    EXPECT_TRUE(has(own.tell("GET /calls"), R"("of":"workers")"));
    const zeebe::Job none;
    EXPECT_TRUE(none.type().empty() && none.variables().empty() && none.message().empty() && none.key() == 0);
    EXPECT_EQ(none.complete().error().kind(), zeebe::ErrorKind::invalid_argument);
    end(worker);
}

TEST(JobWorkers, HaveCountsForPrometheusToo)
{
    Gateway own;
    Ends ends;
    own.create_jobs(1);
    const zeebe::JobWorker worker = own.channel().start_job_worker(ends.options, [](zeebe::Job) { return "{}"; }).value();
    EXPECT_TRUE(ends.take());
    const std::string text = zeebe::job_workers_prometheus({worker, worker}).value();
    EXPECT_TRUE(has(text, "zeebe_job_worker_jobs_completed_total{type=\"work\",worker=\"w\"} 1\n")) << text;
    EXPECT_EQ(zeebe::job_workers_prometheus({zeebe::JobWorker()}).error().kind(), zeebe::ErrorKind::invalid_argument);
    end(worker);
}

TEST(JobWorkers, RefuseOptionsByTheirNames)
{
    using Options = zeebe::JobWorkerOptions;
    const zeebe::Channel channel = gateway().channel();
    const zeebe::CompletionQueue queue = zeebe::CompletionQueue::create().value();
    const auto refused = [&](const char *option, auto change) {
        Options options = work();
        change(options);
        for (const auto &worker : {channel.start_job_worker(options), channel.start_job_worker(options, [](zeebe::Job) {}),
                                   channel.start_job_worker_on_queue(options, queue, 1)}) {
            ASSERT_FALSE(worker) << option;
            EXPECT_EQ(worker.error().kind(), zeebe::ErrorKind::invalid_argument);
            EXPECT_EQ(worker.error().option(), option) << worker.error().what();
            EXPECT_TRUE(has(worker.error().message(), option)) << worker.error().what();
        }
    };
    refused("JobWorkerOptions::job_type", [](Options &options) { options.job_type = ""; });
    refused("JobWorkerOptions::job_type", [](Options &options) { options.job_type = std::string("a\0b", 3); });
    refused("JobWorkerOptions::worker_name", [](Options &options) { options.worker_name = "\xff"; });
    refused("JobWorkerOptions::fetch_variables", [](Options &options) { options.fetch_variables = {"a", "\xff"}; });
    refused("JobWorkerOptions::fetch_variables", [](Options &options) { options.fetch_variables = {std::string("a\0b", 3)}; });
    refused("JobWorkerOptions::tenant_ids", [](Options &options) { options.tenant_ids = {"\xff"}; });
    refused("JobWorkerOptions::grace", [](Options &options) { options.grace = -1ms; });
    refused("JobWorkerOptions::backoff_min", [](Options &options) { options.backoff_min = 201ms; });
    for (const auto time : {0ms, -1ms, std::chrono::milliseconds(zeebe::forever)}) {
        refused("JobWorkerOptions::job_timeout", [&](Options &options) { options.job_timeout = time; });
        refused("JobWorkerOptions::watchdog", [&](Options &options) { options.watchdog = time; });
        refused("JobWorkerOptions::stream_timeout", [&](Options &options) { options.stream_timeout = time; });
        refused("JobWorkerOptions::poll_interval", [&](Options &options) { options.poll_interval = time; });
        refused("JobWorkerOptions::request_timeout", [&](Options &options) { options.request_timeout = time; });
        refused("JobWorkerOptions::backoff_min", [&](Options &options) { options.backoff_min = time; });
        refused("JobWorkerOptions::backoff_max", [&](Options &options) { options.backoff_max = time; });
        refused("JobWorkerOptions::retry_backoff", [&](Options &options) { options.retry_backoff = time; });
    }
    for (const std::int64_t count : {0, -1, 100001}) {
        refused("JobWorkerOptions::max_jobs_active", [&](Options &options) { options.max_jobs_active = count; });
        refused("JobWorkerOptions::handlers_at_once", [&](Options &options) { options.handlers_at_once = count; });
        refused("JobWorkerOptions::backoff_factor_percent", [&](Options &options) { options.backoff_factor_percent = count; });
        if (count != 0) refused("JobWorkerOptions::backoff_jitter_percent", [&](Options &options) { options.backoff_jitter_percent = count; });
    }
    channel.close().value();
    EXPECT_EQ(channel.start_job_worker(work()).error().kind(), zeebe::ErrorKind::shutdown);
}

TEST(JobWorkers, TakeEveryOption)
{
    Gateway own;
    Ends ends;
    zeebe::JobWorkerOptions &options = ends.options;
    options.max_jobs_active = 4;
    options.handlers_at_once = 2;
    options.tenant_ids = {"<default>"};
    options.polls_alone = options.extend_timeout = options.forward_trace_context = true;
    options.job_timeout = 1min;
    options.watchdog = 30s;
    options.stream_timeout = 1h;
    options.poll_interval = 50ms;
    options.request_timeout = 1s;
    options.backoff_factor_percent = 100;
    options.backoff_jitter_percent = 0;
    options.retry_backoff = 1ms;
    options.grace = std::chrono::duration<double>(2.5);
    own.create_jobs(10);
    const zeebe::JobWorker worker = own.channel().start_job_worker(options, [](zeebe::Job) { return "{}"; }).value();
    for (int i = 0; i < 10; i++) EXPECT_TRUE(ends.take());
    EXPECT_EQ(own.count("StreamActivatedJobs"), 0);
    end(worker);
}

TEST(JobWorkers, RunTheirHandlerOnAllCallbackThreads)
{
    const char *threads = std::getenv("CALLBACK_THREADS");
    if (threads == nullptr) GTEST_SKIP() << "no callback threads in this run";
    Gateway own;
    Ends ends;
    const int count = std::stoi(threads);
    std::atomic<int> at_once{0};
    own.create_jobs(count);
    // Each waits until all are there.
    const zeebe::JobWorker worker = own.channel()
                                        .start_job_worker(ends.options,
                                                          [&](zeebe::Job) {
                                                              at_once++;
                                                              eventually([&] { return at_once == count; });
                                                              return "{}";
                                                          })
                                        .value();
    for (int i = 0; i < count; i++) EXPECT_TRUE(ends.take());
    end(worker);
}

TEST(JobWorkers, LoseNoJobWhileConnectionsAreReset)
{
    Gateway own;
    const zeebe::Channel other = own.channel();
    Ends ends;
    ends.options.job_timeout = 1s;
    ends.options.poll_interval = 100ms;
    std::atomic<int> thrown{0};
    const zeebe::JobWorker worker = own.channel()
                                        .start_job_worker(ends.options,
                                                          [&](zeebe::Job) -> std::string {
                                                              if (thrown++ % 10 == 9) throw zeebe::JobFailure{"again", 3};
                                                              return "{}";
                                                          })
                                        .value();
    for (int round = 0; round < 5; round++) {
        own.create_jobs(40);
        own.tell("POST /reset-connections");
    }
    eventually([&] { return has_no_jobs(own); });
    end(worker);
}
