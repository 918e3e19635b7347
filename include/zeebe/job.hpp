// SPDX-License-Identifier: Apache-2.0
// Jobs of a worker: what they say, and their ends. Part of zeebe.hpp.
#ifndef ZEEBE_JOB_HPP
#define ZEEBE_JOB_HPP

#include <zeebe/completion.hpp>
#include <zeebe/completion_queue.hpp>

namespace zeebe {

/// As a completion: nobody is told.
struct detached_t {
    template <class End>
    void operator()(const End &) const noexcept
    {
    }
};
inline constexpr detached_t detached{};

/// How a job fails: `job.fail({"the printer is out of paper"})`. A handler may throw it.
struct JobFailure {
    // No aggregate: GCC up to 12 destroys those wrongly that are made within a `co_await`.
    JobFailure(std::string says = {}, std::optional<std::int32_t> left = {}, std::optional<Milliseconds> backoff = {},
               std::optional<std::string> sets = {})
        : message(std::move(says)), retries(left), retry_backoff(backoff), variables(std::move(sets))
    {
    }

    /// Why, for people.
    std::string message;
    /// How many are left, from 0 on, where 0 makes an incident. Not given: one less than the job has.
    std::optional<std::int32_t> retries;
    /// Until the job comes again; 0: at once. Not given: JobWorkerOptions::retry_backoff.
    std::optional<Milliseconds> retry_backoff;
    /// A JSON object, set where the task is.
    std::optional<std::string> variables;
};

/// An error that an event of the process may catch, by its code; else there is an incident. A handler throws it, or `job.throw_error({"code"})`.
class BpmnError : public std::exception {
public:
    /// `variables` are a JSON object, set where the error is caught.
    BpmnError(std::string code, std::string message = {}, std::optional<std::string> variables = {})
        : said_(std::make_shared<const Said>(Said{std::move(code), std::move(message), std::move(variables)}))
    {
    }
    const std::string &code() const noexcept { return said_->code; }
    const std::string &message() const noexcept { return said_->message; }
    const std::optional<std::string> &variables() const noexcept { return said_->variables; }
    const char *what() const noexcept override { return message().empty() ? code().c_str() : message().c_str(); }

private:
    struct Said {
        std::string code;
        std::string message;
        std::optional<std::string> variables;
    };
    std::shared_ptr<const Said> said_; // copies of an exception throw nothing
};

namespace detail {

/// The end of a job, as a result.
inline Result<void> job_end(std::int32_t outcome, zeebe_error *owned)
{
    if (owned == nullptr) return {};
    return Error(owned).of_job(static_cast<JobOutcome>(outcome));
}

template <class F>
void job_ended(void *user_data, std::int32_t outcome, const zeebe_error *error) noexcept
{
    UserData<F>::call(user_data, job_end(outcome, zeebe_error_ref(error)));
}

} // namespace detail

/// A job that a worker gave. A copy is another handle on it; when the last one goes and the job has no end, it fails, with one retry less and a
/// message that says so (JobWorkerOptions::leave_freed_jobs).
///
/// Any thread may use it. It ends once, here or later: a second end is refused with illegal_state. Each of the three ends comes in three forms:
///
/// - with a completion, as for Channel, also `detached`: never blocks;
/// - by itself it blocks until the end is known. On a library thread, such as a handler's, it is illegal_state, and the job has not ended;
/// - on a completion queue: an event of type `job_ended`, whose Event::end() says what came of it.
///
/// The end is sent until it is known what came of it, while the job is ours: see zeebe_job_complete(). If it was not taken, Error::outcome()
/// says `not_ended` or `unknown`. Variables are texts, JSON objects.
class Job : public detail::Handle<zeebe_job, zeebe_job_ref, zeebe_job_free> {
public:
    using Handle::Handle;

    /// The same each time that the job comes.
    std::int64_t key() const noexcept { return zeebe_job_key(get()); }
    /// The texts live as long as a copy of this job.
    std::string_view type() const noexcept { return text(zeebe_job_type); }
    std::int64_t process_instance_key() const noexcept { return zeebe_job_process_instance_key(get()); }
    std::int64_t process_definition_key() const noexcept { return zeebe_job_process_definition_key(get()); }
    std::int32_t process_definition_version() const noexcept { return zeebe_job_process_definition_version(get()); }
    std::string_view bpmn_process_id() const noexcept { return text(zeebe_job_bpmn_process_id); }
    std::string_view element_id() const noexcept { return text(zeebe_job_element_id); }
    std::int64_t element_instance_key() const noexcept { return zeebe_job_element_instance_key(get()); }
    /// How many are left, with this one.
    std::int32_t retries() const noexcept { return zeebe_job_retries(get()); }
    /// Until when the job is ours: later than it was once the worker got more time, past once the gateway said that it is not ours any more.
    std::chrono::system_clock::time_point deadline() const noexcept
    {
        return std::chrono::system_clock::time_point(std::chrono::milliseconds(zeebe_job_deadline(get())));
    }
    std::string_view tenant_id() const noexcept { return text(zeebe_job_tenant_id); }
    /// The name of the worker that it was given to.
    std::string_view worker_name() const noexcept { return text(zeebe_job_worker_name); }
    /// The headers of its task, a JSON object of texts.
    std::string_view custom_headers() const noexcept { return text(zeebe_job_custom_headers); }
    /// A JSON object, for a parser of your choice: `nlohmann::json::parse(job.variables())`.
    std::string_view variables() const noexcept { return text(zeebe_job_variables); }
    /// What it is of, by ActivatedJob.JobKind.
    std::int32_t kind() const noexcept { return zeebe_job_kind(get()); }
    /// A listener's event, by ActivatedJob.ListenerEventType.
    std::int32_t listener_event_type() const noexcept { return zeebe_job_listener_event_type(get()); }
    /// The encoded ActivatedJob, with what has no accessor here. As long as a copy of this job lives.
    bytes_view message() const noexcept
    {
        std::size_t size = 0;
        const std::uint8_t *data = zeebe_job_message(get(), &size);
        return {data, size};
    }

    /// Completes it. invalid_argument: not UTF-8. shutdown: its worker has ended.
    Result<void> complete(const text_view &variables = "{}") const
    {
        return wait([&](const CompletionQueue &queue) { return complete_on_queue(variables, queue, 0); });
    }
    template <class Completion>
    auto complete(const text_view &variables, Completion &&completion) const
    {
        return end(std::forward<Completion>(completion), [&](detail::Arguments &arguments, auto function, void *user_data) {
            const char *c = arguments.text("the variables", variables);
            return arguments.error() ? nullptr : zeebe_job_complete(get(), c, function, user_data);
        });
    }
    Result<void> complete_on_queue(const text_view &variables, const CompletionQueue &queue, std::uint64_t tag) const
    {
        detail::Arguments arguments;
        const char *c = arguments.text("the variables", variables);
        if (arguments.error()) return *arguments.error();
        return detail::result(zeebe_job_complete_on_queue(get(), c, queue.get(), tag));
    }

    /// Says that it failed: it comes again if it has retries left. invalid_argument also: retries below 0.
    Result<void> fail(const JobFailure &failure) const
    {
        return wait([&](const CompletionQueue &queue) { return fail_on_queue(failure, queue, 0); });
    }
    template <class Completion>
    auto fail(const JobFailure &failure, Completion &&completion) const
    {
        return end(std::forward<Completion>(completion), [&](detail::Arguments &arguments, auto function, void *user_data) {
            const Failing c(arguments, failure);
            return arguments.error() ? nullptr : zeebe_job_fail(get(), c.retries, c.backoff_ms, c.message, c.variables, function, user_data);
        });
    }
    Result<void> fail_on_queue(const JobFailure &failure, const CompletionQueue &queue, std::uint64_t tag) const
    {
        detail::Arguments arguments;
        const Failing c(arguments, failure);
        if (arguments.error()) return *arguments.error();
        return detail::result(zeebe_job_fail_on_queue(get(), c.retries, c.backoff_ms, c.message, c.variables, queue.get(), tag));
    }

    /// Throws a BPMN error.
    Result<void> throw_error(const BpmnError &error) const
    {
        return wait([&](const CompletionQueue &queue) { return throw_error_on_queue(error, queue, 0); });
    }
    template <class Completion>
    auto throw_error(const BpmnError &error, Completion &&completion) const
    {
        return end(std::forward<Completion>(completion), [&](detail::Arguments &arguments, auto function, void *user_data) {
            const Throwing c(arguments, error);
            return arguments.error() ? nullptr : zeebe_job_throw_error(get(), c.code, c.message, c.variables, function, user_data);
        });
    }
    Result<void> throw_error_on_queue(const BpmnError &error, const CompletionQueue &queue, std::uint64_t tag) const
    {
        detail::Arguments arguments;
        const Throwing c(arguments, error);
        if (arguments.error()) return *arguments.error();
        return detail::result(zeebe_job_throw_error_on_queue(get(), c.code, c.message, c.variables, queue.get(), tag));
    }

private:
    /// As C has it; it borrows.
    struct Failing {
        Failing(detail::Arguments &arguments, const JobFailure &failure)
            : retries(failure.retries.value_or(ZEEBE_RETRIES_ONE_LESS)), message(arguments.text("the message", text_view(failure.message))),
              variables(arguments.text("the variables", failure.variables))
        {
            // In C there are values for what is not given.
            if (failure.retries && *failure.retries < 0)
                arguments.refuse("JobFailure::retries", "is " + std::to_string(*failure.retries) + ": give 0 or more; not given, it is one less");
            if (!failure.retry_backoff) return;
            backoff_ms = failure.retry_backoff->count();
            if (backoff_ms < 0)
                arguments.refuse("JobFailure::retry_backoff", "is " + std::to_string(backoff_ms) + ": give 0 or more; not given, it is the worker's");
        }
        std::int32_t retries;
        std::int64_t backoff_ms = -1;
        const char *message;
        const char *variables;
    };
    struct Throwing {
        Throwing(detail::Arguments &arguments, const BpmnError &error)
            : code(arguments.text("the code", text_view(error.code()))), message(arguments.text("the message", text_view(error.message()))),
              variables(arguments.text("the variables", error.variables()))
        {
        }
        const char *code;
        const char *message;
        const char *variables;
    };

    std::string_view text(const char *(*of)(const zeebe_job *, std::size_t *)) const noexcept
    {
        std::size_t size = 0;
        const char *text = of(get(), &size);
        return {text == nullptr ? "" : text, size};
    }
    template <class Completion, class End>
    auto end(Completion &&completion, End &&end) const
    {
        auto start = [&](auto callback) -> Result<void> {
            using Callback = decltype(callback);
            detail::UserData<Callback> user_data(std::move(callback));
            detail::Arguments arguments;
            zeebe_error *error = end(arguments, &detail::job_ended<Callback>, user_data.get());
            if (arguments.error()) return *arguments.error();
            if (error != nullptr) return Error(error);
            user_data.release();
            return {};
        };
        return detail::start<void>(start, std::forward<Completion>(completion));
    }
    template <class Start>
    static Result<void> wait(Start &&start)
    {
        auto queue = CompletionQueue::create();
        if (!queue) return std::move(queue).error();
        detail::OneEvent event;
        // Whether this thread may wait is asked before the job has ended.
        if (auto posted = queue->post(0); !posted) return posted;
        if (auto may_wait = event.take(*queue); !may_wait) return std::move(may_wait).error();
        if (Result<void> started = start(*queue); !started) return started;
        if (auto ended = event.take(*queue); !ended) return std::move(ended).error();
        return (*event).end();
    }
};

inline Job Event::job() const noexcept { return Job(std::exchange(event_->job, nullptr)); }

} // namespace zeebe

#endif
