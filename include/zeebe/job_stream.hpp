// SPDX-License-Identifier: Apache-2.0
// Job streams: the jobs of one type, for as long as the program wants. Part of zeebe.hpp.
#ifndef ZEEBE_JOB_STREAM_HPP
#define ZEEBE_JOB_STREAM_HPP

#include <functional>
#include <zeebe/stream.hpp>

namespace zeebe {

/// Of a job stream.
struct JobStreamOptions {
    /// Sent with every call.
    Metadata metadata = {};
    /// Jobs that wait here for a slow program, 1 to 100 000; not given: 32.
    std::optional<std::int64_t> max_buffered_jobs = {};
    /// The same in bytes, of which each job has 256 more, 1 to 2 147 483 647; not given: 2 MiB. One job always may wait.
    std::optional<std::int64_t> max_buffered_bytes = {};
    /// A stream that brought no job for so long is opened anew; not given: 60 s.
    std::optional<Milliseconds> watchdog = {};
    /// How often ActivateJobs looks for jobs that the stream did not bring; not given: 10 s.
    std::optional<Milliseconds> poll_interval = {};
    /// Told of each failure that the job stream goes on after: how many in a row, and how long until the next try. Runs as
    /// CallHandler::on_message() does, never beside it; must not throw. Without it the failures of a job stream on a queue are events.
    std::function<void(Error error, std::int64_t failures, std::chrono::milliseconds pause)> on_error = {};
    /// Jobs come only as JobStream::request() asks for them. For job streams with a CallHandler.
    bool manual_requests = false;
};

/// A job stream under way. A copy is another handle; when the last one goes, it is cancelled, and jobs that wait are dropped: the gateway
/// gives them to another worker after their time-out.
class JobStream : public detail::Handle<zeebe_job_stream, zeebe_job_stream_ref, zeebe_job_stream_free> {
public:
    using Handle::Handle;

    /// Asks for jobs more. illegal_state: not started with `manual_requests`.
    Result<void> request(std::int64_t count) const noexcept { return detail::result(zeebe_job_stream_request(get(), count)); }
    /// Ends it in order: the gateway is asked for nothing more, and the jobs that came are delivered. Any thread.
    void close() const noexcept
    {
        const JobStream self = *this; // on_close() may let go of this one, on another thread
        zeebe_job_stream_close(self.get());
    }
};

/// The jobs of a job stream as a range of encoded ActivatedJob messages. When it goes, the job stream is cancelled.
///
///     for (const zeebe::Buffer &job : jobs) …        // until close(); throws Error if the job stream cannot go on
///
/// One thread reads; any thread may close(). On a library thread next() returns illegal_state where it would wait.
class Jobs {
public:
    using iterator = MessageIterator<Jobs>;

    Jobs(Jobs &&) noexcept = default;
    Jobs &operator=(Jobs &&) noexcept = default;

    /// The job stream; a copy of it is good for another thread.
    const JobStream &stream() const noexcept { return stream_; }
    /// Ends it in order: the jobs that came are still read, then the range ends.
    void close() const noexcept { stream_.close(); }

    /// Waits for the next job; nothing: it was closed. An error is how it ended, and stays.
    Result<std::optional<Buffer>> next()
    {
        while (!has_ended_) {
            // What is there is taken also on a library thread.
            auto taken = queue_.next(event_, Milliseconds());
            if (taken && *taken == 0) taken = queue_.next(event_);
            if (!taken) return std::move(taken).error();
            const Event event = event_[0];
            if (event.type() == EventType::message) return std::optional(event.message());
            if (event.type() != EventType::close) continue;
            end_ = event.end();
            has_ended_ = true;
        }
        if (!end_) return end_.error();
        return std::optional<Buffer>();
    }
    /// What is left of the jobs. It can be gone over once.
    iterator begin() { return iterator(*this); }
    iterator end() noexcept { return {}; }

private:
    friend class Channel;

    /// One at a time: those that are not taken count as waiting.
    Jobs(JobStream stream, CompletionQueue queue) : stream_(std::move(stream)), queue_(std::move(queue)), event_(1) {}

    JobStream stream_;
    CompletionQueue queue_;
    Events event_;
    bool has_ended_ = false;
    Result<void> end_;
};

namespace detail {

/// What a job stream tells: its program's handler, and the function for failures beside it.
class JobHandler final : public CallHandler {
public:
    JobHandler(std::unique_ptr<CallHandler> handler, decltype(JobStreamOptions::on_error) on_error) noexcept
        : handler_(std::move(handler)), on_error_(std::move(on_error))
    {
    }
    void on_message(Buffer job) override { handler_->on_message(std::move(job)); }
    void on_close(Result<void> end, Metadata trailers) override { handler_->on_close(std::move(end), std::move(trailers)); }

    static void failed(void *handler, const zeebe_error *error, std::int64_t failures, std::int64_t pause_ms) noexcept
    {
        const auto &on_error = static_cast<JobHandler *>(static_cast<CallHandler *>(handler))->on_error_;
        if (on_error) on_error(Error(zeebe_error_ref(error)), failures, std::chrono::milliseconds(pause_ms));
    }

private:
    std::unique_ptr<CallHandler> handler_;
    decltype(JobStreamOptions::on_error) on_error_;
};

/// The function for failures of a job stream on a queue, which C owns.
struct JobErrors {
    decltype(JobStreamOptions::on_error) on_error;

    static void failed(void *errors, const zeebe_error *error, std::int64_t failures, std::int64_t pause_ms) noexcept
    {
        static_cast<JobErrors *>(errors)->on_error(Error(zeebe_error_ref(error)), failures, std::chrono::milliseconds(pause_ms));
    }
    static void destroy(void *errors) noexcept { delete static_cast<JobErrors *>(errors); }
};

/// Borrows from `options`.
inline zeebe_job_stream_options to_c(Arguments &arguments, const JobStreamOptions &options)
{
    zeebe_job_stream_options c = ZEEBE_JOB_STREAM_OPTIONS_INIT;
    c.metadata = options.metadata.get();
    c.max_buffered_jobs =
        arguments.number("JobStreamOptions::max_buffered_jobs", options.max_buffered_jobs, "give 1 to 100 000; not given, it is 32");
    c.watchdog_ms = arguments.time("JobStreamOptions::watchdog", options.watchdog, "give milliseconds from 1 on; not given, it is 60 s");
    c.poll_interval_ms =
        arguments.time("JobStreamOptions::poll_interval", options.poll_interval, "give milliseconds from 1 on; not given, it is 10 s");
    c.max_buffered_job_bytes =
        arguments.number("JobStreamOptions::max_buffered_bytes", options.max_buffered_bytes, "give 1 to 2 147 483 647; not given, it is 2 MiB");
    c.manual_requests = options.manual_requests;
    return c;
}

} // namespace detail

} // namespace zeebe

#endif
