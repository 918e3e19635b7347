// SPDX-License-Identifier: Apache-2.0
// Channels and the calls that they make. Part of zeebe.hpp.
#ifndef ZEEBE_CHANNEL_HPP
#define ZEEBE_CHANNEL_HPP

#include <string>
#include <vector>
#include <zeebe/completion.hpp>
#include <zeebe/job_stream.hpp>
#include <zeebe/job_worker.hpp>
#include <zeebe/json.hpp>

namespace zeebe {

/// A virtual connection to a gateway. A copy is another handle on it. The last one to go ends nothing: running calls go on, and the
/// connections close after them.
///
/// Any thread may use it. A method is a path such as `/gateway_protocol.Gateway/Topology`, or the name of one of the gateway's RPCs.
///
/// What is asynchronous takes a *completion* and completes with a T: `use_future` gives a `std::future<T>`, `use_awaitable` (C++20) an
/// `Awaitable<T>`, and anything that can be called with a `Result<T>` a `Result<void>`: whether it started, and so will be called, once, on
/// a library thread. It is moved, need not be copyable, and is destroyed after its call. It must not throw: an exception that leaves it ends
/// the process. It may be called before the function has returned: what that was called on must be there until then, but of `close` and `cancel`.
class Channel : public detail::Handle<zeebe_channel, zeebe_channel_ref, zeebe_channel_free> {
public:
    using Handle::Handle;

    /// Makes a unary call and blocks until it ends; give it a time-out. Returns the response, or how the call ended.
    ///
    /// invalid_argument: an option is out of range. RESOURCE_EXHAUSTED: the message is longer than the send limit. shutdown: the channel is
    /// closed. illegal_state: on a library thread.
    Result<Response> call(const text_view &method, bytes_view request, const CallOptions &options = {}) const
    {
        detail::Arguments arguments;
        const detail::Path path(arguments, method);
        const zeebe_call_options c = detail::to_c(arguments, options);
        if (arguments.error()) return *arguments.error();
        Response response;
        return detail::result(zeebe_channel_unary_call_sync(get(), path.c_str(), request.data(), request.size(), &c, response.out()), response);
    }

    /// Starts a unary call, which completes with a Response. Never blocks.
    ///
    /// A `started` call is written before the completion is called; when it and its copies go, the call is cancelled. Without it nobody
    /// cancels the call, unless an Awaitable is dropped.
    template <class Completion>
    auto call(const text_view &method, bytes_view request, const CallOptions &options, Completion &&completion, Call *started = nullptr) const
    {
        detail::Arguments arguments;
        const detail::Path path(arguments, method);
        const zeebe_call_options c = detail::to_c(arguments, options);
        return detail::start_call<Response>(
            [&](auto callback, Call *handle) -> Result<void> {
                if (arguments.error()) return *arguments.error();
                return detail::hand_over<Response, const zeebe_response *>(std::move(callback), [&](auto function, void *user_data) {
                    return detail::result(zeebe_channel_unary_call(get(), path.c_str(), request.data(), request.size(), &c, function, user_data,
                                                                   handle == nullptr ? nullptr : handle->out()));
                });
            },
            std::forward<Completion>(completion), started);
    }

    /// Starts a unary call whose end is an event of type `unary` with `tag`. When the call that it returns and its copies go, it is cancelled.
    Result<Call> call_on_queue(const text_view &method, bytes_view request, const CallOptions &options, const CompletionQueue &queue,
                               std::uint64_t tag) const
    {
        detail::Arguments arguments;
        const detail::Path path(arguments, method);
        const zeebe_call_options c = detail::to_c(arguments, options);
        if (arguments.error()) return *arguments.error();
        Call call;
        return detail::result(
            zeebe_channel_unary_call_on_queue(get(), path.c_str(), request.data(), request.size(), &c, queue.get(), tag, call.out()), call);
    }

    /// Makes a call from JSON to JSON and blocks until it ends; give it a time-out. A server stream gives an array when it ends.
    ///
    /// invalid_argument: as request_from_json(), and for what never ends by itself. Otherwise as call().
    Result<std::string> call_json(const text_view &method, const text_view &json, const CallOptions &options = {}) const
    {
        detail::Arguments arguments;
        const char *c_method = arguments.text("the method", method);
        const char *c_json = arguments.text("the JSON", json);
        const zeebe_call_options c = detail::to_c(arguments, options);
        if (arguments.error()) return *arguments.error();
        char *response = nullptr;
        return detail::result(zeebe_channel_json_call_sync(get(), c_method, c_json, &c, &response), response);
    }

    /// Starts a unary call from JSON to JSON, which completes with a text. Otherwise as call() with a completion. Never blocks.
    template <class Completion>
    auto call_json(const text_view &method, const text_view &json, const CallOptions &options, Completion &&completion, Call *started = nullptr) const
    {
        return detail::start_call<std::string>(
            [&](auto callback, Call *handle) -> Result<void> {
                auto request = request_from_json(method, json);
                if (!request) return std::move(request).error();
                auto decode = [callback = std::move(callback), rpc = detail::Joined(method.view(), {})](Result<Response> end) mutable {
                    callback(std::move(end).and_then([&](const Response &response) { return response_to_json(rpc.c_str(), response); }));
                };
                return call(method, *request, options, std::move(decode), handle);
            },
            std::forward<Completion>(completion), started);
    }

    /// Starts a call of any kind, to be read as a range. Errors as call().
    Result<Stream> stream(const text_view &method, const CallOptions &options = {}) const
    {
        auto queue = CompletionQueue::create();
        if (!queue) return std::move(queue).error();
        Stream started(*std::move(queue));
        auto call = start_call_on_queue(method, options, started.queue_, 0);
        if (!call) return std::move(call).error();
        started.call_ = *std::move(call);
        return started;
    }
    /// Starts a call with one request, whose answers are a range: a server stream.
    Result<Stream> server_stream(const text_view &method, bytes_view request, const CallOptions &options = {}) const
    {
        auto started = stream(method, options);
        if (!started) return started;
        auto sent = started->send_last(request);
        // A call that has ended by then says why when it is read.
        if (!sent && sent.error().kind() != ErrorKind::illegal_state) return std::move(sent).error();
        return started;
    }
    /// Starts a call of any kind; the handler learns what happens. Send with Call::send(), then Call::half_close(), or with
    /// Call::send_last(), also a single request.
    ///
    /// When the call that it returns and its copies go, it is cancelled; on_close() still comes.
    Result<Call> start_call(const text_view &method, std::unique_ptr<CallHandler> handler, const CallOptions &options = {}) const
    {
        detail::Arguments arguments;
        const detail::Path path(arguments, method);
        const zeebe_call_options c = detail::to_c(arguments, options);
        if (handler == nullptr) arguments.refuse("the handler", "is null");
        if (arguments.error()) return *arguments.error();
        const zeebe_call_handler c_handler = detail::to_c_handler();
        Call call;
        if (zeebe_error *error = zeebe_channel_start_call(get(), path.c_str(), &c, &c_handler, handler.get(), call.out())) return Error(error);
        static_cast<void>(handler.release()); // the call's
        return call;
    }
    /// Starts a call of any kind; what happens to it are events with `tag`.
    Result<Call> start_call_on_queue(const text_view &method, const CallOptions &options, const CompletionQueue &queue, std::uint64_t tag) const
    {
        detail::Arguments arguments;
        const detail::Path path(arguments, method);
        const zeebe_call_options c = detail::to_c(arguments, options);
        if (arguments.error()) return *arguments.error();
        Call call;
        return detail::result(zeebe_channel_start_call_on_queue(get(), path.c_str(), &c, queue.get(), tag, call.out()), call);
    }

    /// Streams the jobs of one type as a range. `request` is an encoded StreamActivatedJobsRequest; `manual_requests` is not looked at.
    ///
    /// A stream that is lost, fails with what may pass or falls silent is opened anew, and polls find what it missed: see
    /// zeebe_channel_stream_jobs(). invalid_argument: bytes that are no such request, an option out of range. Never blocks.
    Result<Jobs> stream_jobs(bytes_view request, JobStreamOptions options = {}) const
    {
        auto queue = CompletionQueue::create();
        if (!queue) return std::move(queue).error();
        options.manual_requests = false;
        auto stream = stream_jobs_on_queue(request, options, *queue, 0);
        if (!stream) return std::move(stream).error();
        return Jobs(*std::move(stream), *std::move(queue));
    }
    /// The same as events with `tag`: `message` for each job, `job_stream_error`, and `close`, once and last.
    Result<JobStream> stream_jobs_on_queue(bytes_view request, const JobStreamOptions &options, const CompletionQueue &queue, std::uint64_t tag) const
    {
        detail::Arguments arguments;
        zeebe_job_stream_options c = detail::to_c(arguments, options);
        if (arguments.error()) return *arguments.error();
        std::unique_ptr<detail::JobErrors> errors;
        if (options.on_error) {
            errors = std::make_unique<detail::JobErrors>(detail::JobErrors{options.on_error});
            c.on_error = detail::JobErrors::failed;
            c.user_data = errors.get();
            c.destroy = detail::JobErrors::destroy;
        }
        JobStream stream;
        if (zeebe_error *error = zeebe_channel_stream_jobs_on_queue(get(), request.data(), request.size(), &c, queue.get(), tag, stream.out()))
            return Error(error);
        static_cast<void>(errors.release()); // the job stream's
        return stream;
    }
    /// The same with a handler, whose on_message() gets one encoded ActivatedJob at a time, and whose on_close() ends without an error after
    /// JobStream::close().
    Result<JobStream> stream_jobs(bytes_view request, std::unique_ptr<CallHandler> handler, const JobStreamOptions &options = {}) const
    {
        detail::Arguments arguments;
        zeebe_job_stream_options c = detail::to_c(arguments, options);
        c.on_error = detail::JobHandler::failed;
        if (handler == nullptr) arguments.refuse("the handler", "is null");
        if (arguments.error()) return *arguments.error();
        const zeebe_call_handler c_handler = detail::to_c_handler();
        std::unique_ptr<CallHandler> owned = std::make_unique<detail::JobHandler>(std::move(handler), options.on_error);
        JobStream stream;
        if (zeebe_error *error = zeebe_channel_stream_jobs(get(), request.data(), request.size(), &c, &c_handler, owned.get(), stream.out()))
            return Error(error);
        static_cast<void>(owned.release()); // the job stream's
        return stream;
    }

    /// Starts a worker: `handler` gets the jobs of one type, as JobWorker says. Never blocks.
    ///
    /// invalid_argument: no job type, or an option out of range. shutdown: the channel is closed.
    template <class F>
    Result<JobWorker> start_job_worker(const JobWorkerOptions &options, F &&handler) const
    {
        return start_job_worker(options, std::forward<F>(handler), std::make_shared<detail::JobDesk>(false));
    }
    /// The same without a handler: JobWorker::next() takes the jobs.
    Result<JobWorker> start_job_worker(const JobWorkerOptions &options) const
    {
        const auto desk = std::make_shared<detail::JobDesk>(true);
        return start_job_worker(options, [desk = desk.get()](Job job) { desk->add(std::move(job)); }, desk);
    }
    /// The same on a queue: events with `tag`, `job` for each job, `job_stream_error`, and `close`, once and last.
    Result<JobWorker> start_job_worker_on_queue(const JobWorkerOptions &options, const CompletionQueue &queue, std::uint64_t tag) const
    {
        detail::Arguments arguments;
        const detail::JobWorkerOptionsInC c(arguments, options);
        if (arguments.error()) return *arguments.error();
        JobWorker worker;
        return detail::result(zeebe_job_worker_start_on_queue(get(), c.get(), queue.get(), tag, worker.out()), worker);
    }

    /// The connectivity; `try_to_connect` leaves idle. Never blocks.
    Result<Connectivity> state(bool try_to_connect = false) const
    {
        std::int32_t state = 0;
        if (zeebe_error *error = zeebe_channel_get_state(get(), try_to_connect, &state)) return Error(error);
        return static_cast<Connectivity>(state);
    }
    /// Completes with the Connectivity once it is another than `last`, at once if it is already. Does not connect.
    ///
    /// DEADLINE_EXCEEDED: it did not change in time. shutdown: the channel was closed.
    template <class Completion>
    auto wait_for_state_change(Connectivity last, Milliseconds timeout, Completion &&completion) const
    {
        auto start = [&](auto callback) {
            return detail::hand_over<Connectivity, std::int32_t>(std::move(callback), [&](auto function, void *user_data) {
                return detail::result(
                    zeebe_channel_wait_for_state_change(get(), static_cast<std::int32_t>(last), detail::to_wait(timeout), function, user_data));
            });
        };
        return detail::start<Connectivity>(start, std::forward<Completion>(completion));
    }
    /// The same as an event of type `done` with `tag`: Event::state(), Event::end().
    Result<void> wait_for_state_change_on_queue(Connectivity last, Milliseconds timeout, const CompletionQueue &queue,
                                                std::uint64_t tag) const noexcept
    {
        return detail::result(
            zeebe_channel_wait_for_state_change_on_queue(get(), static_cast<std::int32_t>(last), detail::to_wait(timeout), queue.get(), tag));
    }
    /// Connects and blocks until the channel is ready, through failures.
    ///
    /// DEADLINE_EXCEEDED, with the last reason: not in time. illegal_state: on a library thread. shutdown: it was closed.
    Result<void> wait_ready(Milliseconds timeout = forever) const noexcept
    {
        return detail::result(zeebe_channel_wait_ready(get(), detail::to_wait(timeout)));
    }
    /// The same without blocking: an event of type `done` with `tag`.
    Result<void> wait_ready_on_queue(Milliseconds timeout, const CompletionQueue &queue, std::uint64_t tag) const noexcept
    {
        return detail::result(zeebe_channel_wait_ready_on_queue(get(), detail::to_wait(timeout), queue.get(), tag));
    }
    /// Fetches a token for an OAuth channel, even if there is a good one. Completes with nothing. Needs no gateway.
    ///
    /// illegal_state: the channel has no OAuth. invalid_oauth_credentials: the endpoint refused the client. UNAVAILABLE: it cannot be
    /// reached, or its answer cannot be used. settings: the URL is wrong.
    template <class Completion>
    auto retrieve_token(Completion &&completion) const
    {
        auto start = [&](auto callback) {
            return detail::hand_over<void>(std::move(callback), [&](auto function, void *user_data) {
                return detail::result(zeebe_channel_retrieve_token(get(), function, user_data));
            });
        };
        return detail::start<void>(start, std::forward<Completion>(completion));
    }
    /// The same as an event of type `done` with `tag`.
    Result<void> retrieve_token_on_queue(const CompletionQueue &queue, std::uint64_t tag) const noexcept
    {
        return detail::result(zeebe_channel_retrieve_token_on_queue(get(), queue.get(), tag));
    }
    /// The channel's settings with their origin, its options and its token's state as JSON. No secret is in it.
    Result<std::string> describe() const
    {
        char *json = nullptr;
        return detail::result(zeebe_channel_describe(get(), &json), json);
    }
    /// Counters of what happened since the channel was made, as JSON: see zeebe_channel_stats().
    Result<std::string> stats() const
    {
        char *json = nullptr;
        return detail::result(zeebe_channel_stats(get(), &json), json);
    }
    /// New calls fail at once; running ones get `grace`, then end CANCELLED. Completes with nothing after the last of them. Never blocks.
    template <class Completion>
    auto close(Milliseconds grace, Completion &&completion) const
    {
        // The completion may let go of this one, on another thread.
        auto start = [self = *this, grace](auto callback) {
            return detail::hand_over<void>(std::move(callback), [&](auto function, void *user_data) {
                return detail::result(zeebe_channel_close(self.get(), detail::to_wait(grace), function, user_data));
            });
        };
        return detail::start<void>(start, std::forward<Completion>(completion));
    }
    /// The same as an event of type `done` with `tag`.
    Result<void> close_on_queue(Milliseconds grace, const CompletionQueue &queue, std::uint64_t tag) const noexcept
    {
        return detail::result(zeebe_channel_close_on_queue(get(), detail::to_wait(grace), queue.get(), tag));
    }
    /// The same, and nobody is told.
    Result<void> close(Milliseconds grace = {}) const noexcept
    {
        return detail::result(zeebe_channel_close(get(), detail::to_wait(grace), nullptr, nullptr));
    }

private:
    template <class F>
    Result<JobWorker> start_job_worker(const JobWorkerOptions &options, F &&handler, std::shared_ptr<detail::JobDesk> desk) const
    {
        using Work = detail::JobWork<std::decay_t<F>>;
        detail::Arguments arguments;
        const detail::JobWorkerOptionsInC c(arguments, options);
        if (arguments.error()) return *arguments.error();
        const zeebe_job_worker_handler c_handler = Work::to_c();
        auto work = std::make_unique<Work>(std::forward<F>(handler), options, desk);
        JobWorker worker(std::move(desk));
        if (zeebe_error *error = zeebe_job_worker_start(get(), c.get(), &c_handler, work.get(), worker.out())) return Error(error);
        static_cast<void>(work.release()); // the worker's
        return worker;
    }
};

template <class Completion>
auto MetadataPlugin::retrieve_token(Completion &&completion) const
{
    auto start = [&](auto callback) {
        return detail::hand_over<void>(std::move(callback), [&](auto function, void *user_data) {
            return detail::result(zeebe_metadata_plugin_retrieve_token(get(), function, user_data));
        });
    };
    return detail::start<void>(start, std::forward<Completion>(completion));
}

inline Result<void> MetadataPlugin::retrieve_token_on_queue(const CompletionQueue &queue, std::uint64_t tag) const noexcept
{
    return detail::result(zeebe_metadata_plugin_retrieve_token_on_queue(get(), queue.get(), tag));
}

inline Result<void> MetadataPlugin::get_metadata_on_queue(const text_view &service_url, const text_view &method_name, const CompletionQueue &queue,
                                                          std::uint64_t tag) const
{
    if (service_url.has_nul() || method_name.has_nul()) return Error::invalid_argument("a name has a NUL in it");
    return detail::result(zeebe_metadata_plugin_get_metadata_on_queue(get(), service_url.c_str(), method_name.c_str(), queue.get(), tag));
}

template <class Completion>
auto MetadataPlugin::get_metadata(const text_view &service_url, const text_view &method_name, Completion &&completion) const
{
    auto start = [&](auto callback) -> Result<void> {
        if (service_url.has_nul() || method_name.has_nul()) return Error::invalid_argument("a name has a NUL in it");
        return detail::hand_over<Metadata, const zeebe_metadata *>(std::move(callback), [&](auto function, void *user_data) {
            return detail::result(zeebe_metadata_plugin_get_metadata(get(), service_url.c_str(), method_name.c_str(), function, user_data));
        });
    };
    return detail::start<Metadata>(start, std::forward<Completion>(completion));
}

/// The numbers of the stats of all these channels, as Prometheus reads them: see zeebe_channels_prometheus(). All channels of a program in one call.
inline Result<std::string> channels_prometheus(const std::vector<Channel> &channels)
{
    std::vector<const zeebe_channel *> c;
    c.reserve(channels.size());
    for (const Channel &channel : channels) c.push_back(channel.get());
    char *text = nullptr;
    return detail::result(zeebe_channels_prometheus(c.data(), c.size(), &text), text);
}

} // namespace zeebe

#endif
