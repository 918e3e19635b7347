// SPDX-License-Identifier: Apache-2.0
// Job workers: jobs of one type, worked on by a function, or by who asks for the next. Part of zeebe.hpp.
#ifndef ZEEBE_JOB_WORKER_HPP
#define ZEEBE_JOB_WORKER_HPP

#include <vector>
#include <zeebe/job_desk.hpp>

namespace zeebe {

/// How a handler ended a job.
enum class JobEnd { completed, failed, threw_error };

/// Of a job worker.
struct JobWorkerOptions {
    /// The type of the jobs. Required.
    std::string job_type = {};
    /// What the gateway calls the worker. Not given: `libzeebe`.
    std::optional<std::string> worker_name = {};
    /// How long a job is this worker's; then the gateway gives it to another. Not given: 300 s.
    std::optional<Milliseconds> job_timeout = {};
    /// Jobs that are here at most, from their arrival until their end is known, 1 to 100 000; not given: 32.
    std::optional<std::int64_t> max_jobs_active = {};
    /// Of those, how many the program works on at once, 1 to 100 000; not given: as many as may be active.
    std::optional<std::int64_t> handlers_at_once = {};
    /// The names of the variables that jobs have. Empty: all.
    std::vector<std::string> fetch_variables = {};
    /// The tenants whose jobs come. Empty: the default tenant's.
    std::vector<std::string> tenant_ids = {};
    /// No stream of jobs is opened, ActivateJobs alone brings them.
    bool polls_alone = false;
    /// A job's time-out begins anew, by UpdateJobTimeout, half of it before it passes, while the program works on it.
    bool extend_timeout = false;
    /// A job whose last handle goes without an end is left to its time-out, and does not fail.
    bool leave_freed_jobs = false;
    /// `traceparent`, `tracestate` and `baggage` of a job's headers are metadata of the call that ends it.
    bool forward_trace_context = false;
    /// A stream that brought no job for so long is opened anew; not given: 60 s.
    std::optional<Milliseconds> watchdog = {};
    /// A stream is opened anew after so long, whatever it brings; not given: never.
    std::optional<Milliseconds> stream_timeout = {};
    /// How often ActivateJobs looks for jobs that the stream did not bring; not given: 10 s.
    std::optional<Milliseconds> poll_interval = {};
    /// How long the gateway may hold an ActivateJobs while it has no jobs, and until the call that ends a job is sent again; not given: 10 s.
    std::optional<Milliseconds> request_timeout = {};
    /// The first pause after a poll that failed, or before an end is sent again; not given: 50 ms.
    std::optional<Milliseconds> backoff_min = {};
    /// The longest; not given: 5 s.
    std::optional<Milliseconds> backoff_max = {};
    /// What a pause is to the one before, 100 to 1000 percent; not given: 160.
    std::optional<std::int64_t> backoff_factor_percent = {};
    /// How far a pause may be off, by chance, up to 100 percent; 0: none; not given: 10.
    std::optional<std::int64_t> backoff_jitter_percent = {};
    /// Of a job that fails, until it comes again, unless its end says it; not given: at once.
    std::optional<Milliseconds> retry_backoff = {};
    /// How long a close waits for jobs that the program works on; 0: not at all; not given: 10 s.
    std::optional<Milliseconds> grace = {};
    /// Sent with every call.
    Metadata metadata = {};

    // Functions; on a queue none of them is called, for there are events. They run on library threads, also beside one another, and must not
    // throw.

    /// Told of each failure that the worker goes on after: how many in a row, and how long until the next try.
    std::function<void(Error error, std::int64_t failures, std::chrono::milliseconds pause)> on_error = {};
    /// Told what came of each end that the handler gave by what it returned or threw.
    std::function<void(const Job &job, JobEnd what, Result<void> end)> on_ended = {};
    /// The worker has ended: once, last; without an error after a close() that all jobs ended in.
    std::function<void(Result<void> end)> on_close = {};
};

/// A worker on jobs of one type. A copy is another handle; when the last one goes, the worker ends at once: jobs that have not ended are left
/// to their time-out. That waits for nobody, so it may happen in the worker's own handler; but what the handler uses must be there until
/// close() has completed.
///
///     zeebe::JobWorkerOptions options;
///     options.job_type = "payment";
///     zeebe::JobWorker worker = channel.start_job_worker(options, [](zeebe::Job job) -> std::string { … return R"({"paid": true})"; }).value();
///     …
///     worker.close(zeebe::use_future).get();
///
/// **The handler** takes a Job. It runs on library threads, on all of RuntimeOptions::callback_threads at once; without such threads on the
/// channel's I/O thread, which it must not hold up. A job ends by what it returns or throws:
///
/// | | the job |
/// | --- | --- |
/// | a text, which is a JSON object | is completed with these variables |
/// | nothing | is for the handler to end, or for whom it was moved to: see Job |
/// | a `Result<std::string>` | is completed, or fails with the error's message |
/// | a coroutine, which has the job | ends in it |
/// | throws BpmnError | throws that error |
/// | throws JobFailure | fails so |
/// | throws any other exception | fails with what it says, and has a retry less |
///
/// What is no UTF-8, variables or an exception's words, fails the job, which says so.
///
/// Any thread may use it.
class JobWorker : public detail::Handle<zeebe_job_worker, zeebe_job_worker_ref, zeebe_job_worker_free> {
public:
    JobWorker() noexcept = default;

    /// Takes a job of a worker that was started without a handler; waits for one. Any number of threads may take.
    ///
    /// shutdown: the worker was closed and has ended; any other error: why it ended by itself. illegal_state: it has a handler or a queue; or on
    /// a library thread.
    Result<Job> next() const
    {
        auto taken = next(forever);
        if (!taken) return std::move(taken).error();
        return **std::move(taken);
    }
    /// The same for so long at most; nothing: none came in time. 0 or less: does not wait, and may be called on any thread.
    Result<std::optional<Job>> next(Milliseconds timeout) const
    {
        if (auto error = cannot_give()) return *std::move(error);
        return desk_->next(timeout);
    }
#if defined(__cpp_impl_coroutine)
    /// The same for a coroutine: `co_await` gives a `Result<Job>`. It goes on on a library thread, unless a job is there. A suspended coroutine may be
    /// destroyed, and the next who asks gets the job; but not while a job, or the worker's end, comes on another thread.
    NextJob next(use_awaitable_t) const { return NextJob(desk_, cannot_give()); }
#endif

    /// Ends it in order, without blocking: no more jobs come; those that nobody has yet go back to the gateway, with their retries, and come again
    /// within a second; those that the program works on may end within JobWorkerOptions::grace. Close a worker before its channel.
    void close() const
    {
        const JobWorker self = *this; // who is told of the end may let go of this one
        zeebe_job_worker_close(self.get());
        if (self.desk_) self.desk_->close();
    }
    /// The same, and completes with nothing, or with why it did not end in order, when nothing of the worker runs any more: its handler was
    /// destroyed. A worker that has ended by then completes at once, here. The completion may let go of the worker, as on_close may.
    /// illegal_state: it is on a queue, where its end is an event.
    template <class Completion>
    auto close(Completion &&completion) const
    {
        auto start = [self = *this](auto callback) -> Result<void> {
            if (Error error = self.state(); error.kind() != ErrorKind::illegal_state) return error;
            if (!self.desk_)
                return Error::of(ErrorKind::illegal_state, StatusCode::failed_precondition, "the end of a worker on a queue is an event there");
            return detail::hand_over<void>(std::move(callback), [&](auto function, void *user_data) -> Result<void> {
                self.desk_->when_ended(function, user_data);
                self.close();
                return {};
            });
        };
        return detail::start<void>(start, std::forward<Completion>(completion));
    }

    /// What it did, as JSON: see zeebe_job_worker_stats().
    Result<std::string> stats() const
    {
        char *json = nullptr;
        return detail::result(zeebe_job_worker_stats(get(), &json), json);
    }

private:
    friend class Channel;

    explicit JobWorker(std::shared_ptr<detail::JobDesk> desk) noexcept : desk_(std::move(desk)) {}

    /// What C says, which has no jobs to give of a worker that has a desk: illegal_state, else why it is of no use, as in a child process.
    Error state() const
    {
        zeebe_job *none = nullptr;
        return Error(zeebe_job_worker_next(get(), 0, &none));
    }
    std::optional<Error> cannot_give() const
    {
        if (Error error = state(); error.kind() != ErrorKind::illegal_state || !desk_ || !desk_->gives()) return error;
        return std::nullopt;
    }

    std::shared_ptr<detail::JobDesk> desk_; // none on a queue
};

/// What all these workers did, as Prometheus reads it: see zeebe_job_workers_prometheus(). All workers of a program in one call.
inline Result<std::string> job_workers_prometheus(const std::vector<JobWorker> &workers)
{
    std::vector<const zeebe_job_worker *> c;
    c.reserve(workers.size());
    for (const JobWorker &worker : workers) c.push_back(worker.get());
    char *text = nullptr;
    return detail::result(zeebe_job_workers_prometheus(c.data(), c.size(), &text), text);
}

namespace detail {

/// Options as C has them; they borrow.
class JobWorkerOptionsInC {
public:
    JobWorkerOptionsInC(Arguments &arguments, const JobWorkerOptions &options)
        : variables_(list(arguments, "JobWorkerOptions::fetch_variables", options.fetch_variables)),
          tenants_(list(arguments, "JobWorkerOptions::tenant_ids", options.tenant_ids))
    {
        c_.job_type = arguments.text("JobWorkerOptions::job_type", text_view(options.job_type));
        c_.worker_name = arguments.text("JobWorkerOptions::worker_name", options.worker_name);
        c_.job_timeout_ms = time(arguments, "JobWorkerOptions::job_timeout", options.job_timeout, "it is 300 s");
        c_.max_jobs_active = arguments.number("JobWorkerOptions::max_jobs_active", options.max_jobs_active, "give 1 to 100 000; not given, it is 32");
        c_.handlers_at_once = arguments.number("JobWorkerOptions::handlers_at_once", options.handlers_at_once,
                                               "give 1 to 100 000; not given, it is as many as may be active");
        c_.fetch_variables = variables_.data();
        c_.fetch_variables_count = variables_.size();
        c_.tenant_ids = tenants_.data();
        c_.tenant_ids_count = tenants_.size();
        c_.polls_alone = options.polls_alone;
        c_.extend_timeout = options.extend_timeout;
        c_.leave_freed_jobs = options.leave_freed_jobs;
        c_.forward_trace_context = options.forward_trace_context;
        c_.watchdog_ms = time(arguments, "JobWorkerOptions::watchdog", options.watchdog, "it is 60 s");
        c_.stream_timeout_ms = time(arguments, "JobWorkerOptions::stream_timeout", options.stream_timeout, "there is none");
        c_.poll_interval_ms = time(arguments, "JobWorkerOptions::poll_interval", options.poll_interval, "it is 10 s");
        c_.request_timeout_ms = time(arguments, "JobWorkerOptions::request_timeout", options.request_timeout, "it is 10 s");
        c_.backoff_min_ms = time(arguments, "JobWorkerOptions::backoff_min", options.backoff_min, "it is 50 ms");
        c_.backoff_max_ms = time(arguments, "JobWorkerOptions::backoff_max", options.backoff_max, "it is 5 s");
        c_.backoff_factor_percent = arguments.number("JobWorkerOptions::backoff_factor_percent", options.backoff_factor_percent,
                                                     "give 100 to 1000 percent; not given, it is 160");
        c_.backoff_jitter_percent = options.backoff_jitter_percent == 0 ? ZEEBE_JITTER_NONE : options.backoff_jitter_percent.value_or(0);
        if (options.backoff_jitter_percent && *options.backoff_jitter_percent < 0)
            arguments.refuse("JobWorkerOptions::backoff_jitter_percent",
                             "is " + std::to_string(*options.backoff_jitter_percent) + ": it is 0 to 100");
        c_.retry_backoff_ms = time(arguments, "JobWorkerOptions::retry_backoff", options.retry_backoff, "a job comes again at once");
        c_.grace_ms = options.grace && options.grace->count() == 0
                          ? ZEEBE_GRACE_NONE
                          : time(arguments, "JobWorkerOptions::grace", options.grace, "it is 10 s, and 0 is none");
        c_.metadata = options.metadata.get();
    }
    const zeebe_job_worker_options *get() const noexcept { return &c_; }

private:
    static std::vector<const char *> list(Arguments &arguments, const char *name, const std::vector<std::string> &texts)
    {
        std::vector<const char *> c;
        c.reserve(texts.size());
        for (const std::string &text : texts) c.push_back(arguments.text(name, text_view(text)));
        return c;
    }
    static std::int64_t time(Arguments &arguments, const char *name, const std::optional<Milliseconds> &given, const char *otherwise)
    {
        return arguments.time(name, given, (std::string("give milliseconds from 1 on; not given, ") + otherwise).c_str());
    }

    zeebe_job_worker_options c_ = ZEEBE_JOB_WORKER_OPTIONS_INIT;
    std::vector<const char *> variables_;
    std::vector<const char *> tenants_;
};

template <class R, class = void>
inline constexpr bool is_coroutine = false;
template <class R>
inline constexpr bool is_coroutine<R, std::void_t<typename R::promise_type>> = true;
template <class R>
inline constexpr bool is_text =
    std::is_same_v<R, std::string> || std::is_same_v<R, std::string_view> || std::is_same_v<R, const char *> || std::is_same_v<R, char *>;

/// What C calls of a worker, and owns.
template <class F>
class JobWork {
public:
    JobWork(F handler, const JobWorkerOptions &options, std::shared_ptr<JobDesk> desk)
        : handler_(std::move(handler)), on_error_(options.on_error), on_ended_(options.on_ended), on_close_(options.on_close), desk_(std::move(desk))
    {
    }
    static zeebe_job_worker_handler to_c() noexcept
    {
        zeebe_job_worker_handler c = ZEEBE_JOB_WORKER_HANDLER_INIT;
        c.on_job = [](void *work, const zeebe_job *job) noexcept { static_cast<JobWork *>(work)->on_job(Job(zeebe_job_ref(job))); };
        c.on_error = [](void *work, const zeebe_error *error, std::int64_t failures, std::int64_t pause_ms) noexcept {
            const auto &on_error = static_cast<JobWork *>(work)->on_error_;
            if (on_error) on_error(Error::keep(error), failures, std::chrono::milliseconds(pause_ms));
        };
        c.on_close = [](void *work, const zeebe_error *error) noexcept {
            auto &self = *static_cast<JobWork *>(work);
            self.end_ = result(zeebe_error_ref(error));
            if (self.on_close_) self.on_close_(self.end_);
        };
        c.destroy = [](void *work) noexcept {
            auto *self = static_cast<JobWork *>(work);
            const auto desk = std::move(self->desk_);
            const Result<void> end = std::move(self->end_);
            delete self;
            desk->end(end);
        };
        return c;
    }

private:
    /// An exception that a function of the program's lets out ends the process; none of the handler's does.
    void on_job(const Job &job) noexcept
    {
        try {
            work(job);
        } catch (const BpmnError &error) {
            end(job, JobEnd::threw_error, [&](auto told) { return job.throw_error(error, std::move(told)); });
        } catch (const JobFailure &failure) {
            fail(job, failure);
        } catch (const std::exception &exception) {
            fail(job, {exception.what()});
        } catch (...) {
            fail(job, {"the handler threw what is no std::exception"});
        }
    }
    void work(const Job &job)
    {
        using R = std::decay_t<std::invoke_result_t<F &, Job>>;
        if constexpr (std::is_void_v<R> || is_coroutine<R>) {
            static_cast<void>(handler_(Job(job)));
        } else if constexpr (std::is_same_v<R, Result<std::string>>) {
            const R variables = handler_(Job(job));
            if (variables) complete(job, *variables);
            else fail(job, {variables.error().what()});
        } else {
            static_assert(is_text<R>, "a handler returns nothing, variables as JSON text, a Result of them, or a coroutine");
            complete(job, handler_(Job(job)));
        }
    }
    void complete(const Job &job, const text_view &variables)
    {
        end(job, JobEnd::completed, [&](auto told) { return job.complete(variables, std::move(told)); });
    }
    void fail(const Job &job, const JobFailure &failure)
    {
        end(job, JobEnd::failed, [&](auto told) { return job.fail(failure, std::move(told)); });
    }
    auto told(const Job &job, JobEnd what)
    {
        return [this, job, what](Result<void> came) {
            if (on_ended_) on_ended_(job, what, std::move(came));
        };
    }
    /// What is refused for what is in it fails the job, which else would come again and again without a word.
    template <class End>
    void end(const Job &job, JobEnd what, End &&end)
    {
        Result<void> started = on_ended_ ? end(told(job, what)) : end(detached);
        if (!started && started.error().kind() == ErrorKind::invalid_argument) {
            what = JobEnd::failed;
            started = job.fail({started.error().what()}, told(job, what));
        }
        if (!started) told(job, what)(std::move(started));
    }

    F handler_;
    decltype(JobWorkerOptions::on_error) on_error_;
    decltype(JobWorkerOptions::on_ended) on_ended_;
    decltype(JobWorkerOptions::on_close) on_close_;
    std::shared_ptr<JobDesk> desk_;
    Result<void> end_;
};

} // namespace detail

} // namespace zeebe

#endif
