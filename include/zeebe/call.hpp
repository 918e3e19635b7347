// SPDX-License-Identifier: Apache-2.0
// Calls: what one is started with, the call under way, and its response. Part of zeebe.hpp.
#ifndef ZEEBE_CALL_HPP
#define ZEEBE_CALL_HPP

#include <algorithm>
#include <zeebe/credentials.hpp>

namespace zeebe {

/// Of one call. As it is made, everything is the channel's default.
struct CallOptions {
    /// Of the whole call; `forever`: none, whatever the channel says. 0 or less fails at once with deadline_exceeded.
    std::optional<Milliseconds> timeout = {};
    /// When the call must have ended. If there is a `timeout`, too, the earlier counts.
    std::optional<std::chrono::steady_clock::time_point> deadline = {};
    /// A key here replaces the channel's and a plugin's.
    Metadata metadata = {};
    /// For this call, after the channel's.
    MetadataPlugin credentials = {};
    /// What `:authority` says.
    std::optional<std::string> authority = {};
    /// In bytes, from 1 on; -1: no limit.
    std::optional<std::int64_t> max_receive_message_length = {};
    WaitForReady wait_for_ready = WaitForReady::channel_default;
    /// Of what is sent. Compressed answers are always taken.
    Compression compression = Compression::channel_default;
    /// Messages come only as Call::request() asks for them. For calls with a CallHandler.
    bool manual_requests = false;
    /// The metadata of a unary call that ends OK are not wanted, and its response has none.
    bool discard_metadata = false;
    /// On a queue, and of a Stream: messages that came and wait until they are taken, 1 to 100 000; not given: 8192. When so many wait, the
    /// call is read on once half of them were taken.
    std::optional<std::int64_t> max_buffered_messages = {};
    /// The same in bytes, of which each message has 256 more, 1 to 2 147 483 647; not given: 2 MiB. One message always may wait.
    std::optional<std::int64_t> max_buffered_bytes = {};
};

/// Options of a call that may take so long: `channel.call("Topology", {}, within(10s))`.
inline CallOptions within(Milliseconds timeout)
{
    CallOptions options;
    options.timeout = timeout;
    return options;
}

/// Message, initial metadata and trailers of a unary call that ended OK. A copy shares them.
class Response : public detail::Handle<zeebe_response, zeebe_response_ref, zeebe_response_free> {
public:
    using Handle::Handle;

    /// The encoded message, as long as a copy of this response lives.
    const std::uint8_t *data() const noexcept { return zeebe_buffer_data(zeebe_response_message(get()), nullptr); }
    std::size_t size() const noexcept
    {
        std::size_t size = 0;
        zeebe_buffer_data(zeebe_response_message(get()), &size);
        return size;
    }
    /// The message by itself, without a copy.
    Buffer message() const noexcept { return Buffer(zeebe_buffer_ref(zeebe_response_message(get()))); }
    Metadata initial_metadata() const noexcept { return Metadata(zeebe_metadata_ref(zeebe_response_initial_metadata(get()))); }
    Metadata trailers() const noexcept { return Metadata(zeebe_metadata_ref(zeebe_response_trailers(get()))); }
};

/// A call under way. A copy is another handle on it; when the last one goes, a call that has not ended is cancelled.
///
/// Any thread may use it.
class Call : public detail::Handle<zeebe_call, zeebe_call_ref, zeebe_call_free> {
public:
    using Handle::Handle;

    /// Queues an encoded message, which is copied; never waits. illegal_state: after half_close(), or the call has ended.
    /// RESOURCE_EXHAUSTED: longer than the send limit.
    Result<void> send(bytes_view message) const noexcept { return detail::result(zeebe_call_send_message(get(), message.data(), message.size())); }
    /// send() and half_close() in one, of the last message or the only one: both go out in one frame. What is refused half-closes nothing.
    /// Errors as send().
    Result<void> send_last(bytes_view message) const noexcept
    {
        return detail::result(zeebe_call_send_last_message(get(), message.data(), message.size()));
    }
    /// Whether more can be sent at once; if not, it would only be buffered. Advice.
    bool is_ready() const noexcept { return zeebe_call_is_ready(get()) != 0; }
    /// Says that no more messages follow. illegal_state: said before.
    Result<void> half_close() const noexcept { return detail::result(zeebe_call_half_close(get())); }
    /// Asks for messages more. illegal_state: not started with `manual_requests`.
    Result<void> request(std::int64_t count) const noexcept { return detail::result(zeebe_call_request(get(), count)); }
    /// Ends the call with CANCELLED. After the end nothing happens.
    void cancel() const noexcept { cancel_for(nullptr); }
    /// The same with a reason, which the error's message will say, up to a NUL.
    void cancel(const text_view &reason) const noexcept { cancel_for(reason.c_str()); }

private:
    void cancel_for(const char *reason) const noexcept
    {
        const Call self = *this; // who is told of the end may let go of this one, on another thread
        zeebe_call_cancel(self.get(), reason);
    }
};

namespace detail {

/// Two texts in a row, in place if they are as short as names are.
class Joined {
public:
    Joined(std::string_view first, std::string_view second)
    {
        if (first.size() + second.size() >= sizeof short_) long_.append(first).append(second);
        else short_[second.copy(short_ + first.copy(short_, first.size()), second.size()) + first.size()] = '\0';
    }
    const char *c_str() const noexcept { return long_.empty() ? short_ : long_.c_str(); }

private:
    char short_[96];
    std::string long_;
};

/// A method's path: an RPC of the gateway may be named without its service.
class Path {
public:
    Path(Arguments &arguments, const text_view &method)
        : given_(arguments.text("the method", method)),
          prefixed_(*given_ == '/' ? "" : "/gateway_protocol.Gateway/", *given_ == '/' ? "" : method.view())
    {
    }
    Path(const Path &) = delete;
    Path &operator=(const Path &) = delete;
    const char *c_str() const noexcept { return *given_ == '/' ? given_ : prefixed_.c_str(); }

private:
    const char *given_;
    Joined prefixed_;
};

/// In C 0 is "not given", so a call whose time is up must not get there.
inline std::int64_t to_c_timeout(Arguments &arguments, const CallOptions &options)
{
    using std::chrono::milliseconds;
    if (!options.timeout && !options.deadline) return 0;
    milliseconds timeout = options.timeout.value_or(forever);
    if (options.deadline) {
        const auto now = std::chrono::steady_clock::now();
        // Compared before the difference is taken, which the earliest of times is too far away for.
        const milliseconds left = *options.deadline <= now ? milliseconds::zero() : Milliseconds(*options.deadline - now);
        timeout = std::min(timeout, left);
    }
    if (timeout <= milliseconds::zero()) arguments.fail(Error(StatusCode::deadline_exceeded, "the call's time was up before it began"));
    return timeout == forever ? ZEEBE_TIMEOUT_NONE : timeout.count();
}

/// Borrows from `options`.
inline zeebe_call_options to_c(Arguments &arguments, const CallOptions &options)
{
    zeebe_call_options c = ZEEBE_CALL_OPTIONS_INIT;
    c.timeout_ms = to_c_timeout(arguments, options);
    c.metadata = options.metadata.get();
    c.credentials = options.credentials.get();
    c.authority = arguments.text("CallOptions::authority", options.authority);
    c.max_receive_message_length = arguments.number("CallOptions::max_receive_message_length", options.max_receive_message_length,
                                                    "give bytes from 1 on, or -1 for no limit; not given, it is the channel's");
    c.wait_for_ready = static_cast<std::int32_t>(options.wait_for_ready);
    c.compression = static_cast<std::int32_t>(options.compression);
    c.manual_requests = options.manual_requests;
    c.discard_metadata = options.discard_metadata;
    c.max_buffered_messages =
        arguments.number("CallOptions::max_buffered_messages", options.max_buffered_messages, "give 1 to 100 000; not given, it is 8192");
    c.max_buffered_bytes =
        arguments.number("CallOptions::max_buffered_bytes", options.max_buffered_bytes, "give 1 to 2 147 483 647; not given, it is 2 MiB");
    return c;
}

} // namespace detail

} // namespace zeebe

#endif
