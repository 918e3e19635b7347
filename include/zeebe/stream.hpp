// SPDX-License-Identifier: Apache-2.0
// Streaming calls: as a range that is read, or as a handler that is called. Part of zeebe.hpp.
#ifndef ZEEBE_STREAM_HPP
#define ZEEBE_STREAM_HPP

#include <zeebe/completion_queue.hpp>

namespace zeebe {

/// What is told about a call or a job stream. Its functions run in order, never two at once, on library threads, and must not throw: an
/// exception that leaves one ends the process. It is deleted after on_close(), on a library thread.
class CallHandler {
public:
    virtual ~CallHandler() = default;
    /// The gateway's first metadata; not called for an answer that has none.
    virtual void on_initial_metadata(Metadata) {}
    /// A message. A slow function slows the sender, and other calls of the same thread: see RuntimeOptions::callback_threads.
    virtual void on_message(Buffer) {}
    /// More may be sent; advice.
    virtual void on_ready() {}
    /// The end, once.
    virtual void on_close(Result<void> end, Metadata trailers) = 0;
};

namespace detail {

inline zeebe_call_handler to_c_handler() noexcept
{
    zeebe_call_handler c = ZEEBE_CALL_HANDLER_INIT;
    c.on_initial_metadata = [](void *handler, const zeebe_metadata *metadata) noexcept {
        static_cast<CallHandler *>(handler)->on_initial_metadata(Metadata(zeebe_metadata_ref(metadata)));
    };
    c.on_message = [](void *handler, const zeebe_buffer *message) noexcept {
        static_cast<CallHandler *>(handler)->on_message(Buffer(zeebe_buffer_ref(message)));
    };
    c.on_ready = [](void *handler) noexcept { static_cast<CallHandler *>(handler)->on_ready(); };
    c.on_close = [](void *handler, const zeebe_error *error, const zeebe_metadata *trailers) noexcept {
        static_cast<CallHandler *>(handler)->on_close(result(zeebe_error_ref(error)), Metadata(zeebe_metadata_ref(trailers)));
    };
    c.destroy = [](void *handler) noexcept { delete static_cast<CallHandler *>(handler); };
    return c;
}

} // namespace detail

/// Goes once over what a range's next() gives. Throws the Error that ended it, if one did.
template <class Range>
class MessageIterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Buffer;
    using difference_type = std::ptrdiff_t;
    using pointer = const Buffer *;
    using reference = const Buffer &;

    MessageIterator() noexcept = default;
    explicit MessageIterator(Range &range) : range_(&range) { ++*this; }

    const Buffer &operator*() const noexcept { return message_; }
    const Buffer *operator->() const noexcept { return &message_; }
    MessageIterator &operator++()
    {
        if (auto next = range_->next().value()) message_ = *std::move(next);
        else range_ = nullptr;
        return *this;
    }
    void operator++(int) { ++*this; }
    /// Only the end is equal to the end.
    friend bool operator==(const MessageIterator &a, const MessageIterator &b) noexcept { return a.range_ == b.range_; }
    friend bool operator!=(const MessageIterator &a, const MessageIterator &b) noexcept { return a.range_ != b.range_; }

private:
    Range *range_ = nullptr;
    Buffer message_;
};

/// A streaming call of any kind, whose messages are a range. When it goes, a call that has not ended is cancelled.
///
///     for (const zeebe::Buffer &message : stream) …                    // throws Error if the call fails
///     while (auto message = stream.next().value()) …                   // the same
///
/// One thread reads; any thread may send, or cancel, by call(). What is not read slows the sender. On a library thread next() returns
/// illegal_state.
class Stream {
public:
    using iterator = MessageIterator<Stream>;

    /// The call; a copy of it is good for another thread.
    const Call &call() const noexcept { return call_; }
    /// As Call::send().
    Result<void> send(bytes_view message) const noexcept { return call_.send(message); }
    /// As Call::send_last().
    Result<void> send_last(bytes_view message) const noexcept { return call_.send_last(message); }
    /// As Call::half_close().
    Result<void> half_close() const noexcept { return call_.half_close(); }
    /// As Call::cancel().
    void cancel() const noexcept { call_.cancel(); }

    /// Waits for the next message; nothing: the call has ended with OK. An error is how the call ended, and stays.
    Result<std::optional<Buffer>> next()
    {
        while (!end_) {
            if (read_ == events_.size()) {
                read_ = 0;
                if (auto taken = queue_.next(events_); !taken) return std::move(taken).error();
            }
            const Event event = events_[read_++];
            switch (event.type()) {
            case EventType::initial_metadata: initial_metadata_ = event.metadata(); break;
            case EventType::message: return std::optional(event.message());
            case EventType::close:
                trailers_ = event.metadata();
                end_ = event.end();
                break;
            default: break;
            }
        }
        if (!*end_) return end_->error();
        return std::optional<Buffer>();
    }
    /// What is left of the messages. It can be gone over once.
    iterator begin() { return iterator(*this); }
    iterator end() noexcept { return {}; }

    /// The gateway's first metadata, once the first message or the end was read.
    const Metadata &initial_metadata() const noexcept { return initial_metadata_; }
    /// Once the end was read.
    const Metadata &trailers() const noexcept { return trailers_; }

private:
    friend class Channel;

    /// A few are taken at once, for speed; more would keep the sender from being slowed.
    explicit Stream(CompletionQueue queue) : queue_(std::move(queue)), events_(16) {}

    CompletionQueue queue_;
    Call call_;
    Events events_;
    std::size_t read_ = 0;
    Metadata initial_metadata_;
    Metadata trailers_;
    std::optional<Result<void>> end_;
};

} // namespace zeebe

#endif
