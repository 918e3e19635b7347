// SPDX-License-Identifier: Apache-2.0
// Completion queues: events of many calls, taken in batches, by threads or an event loop. Part of zeebe.hpp.
#ifndef ZEEBE_COMPLETION_QUEUE_HPP
#define ZEEBE_COMPLETION_QUEUE_HPP

#include <iterator>
#include <vector>
#include <zeebe/call.hpp>

namespace zeebe {

class Job;

/// What happened, inside Events, which owns it: message(), result() and their like take out of it what they return.
class Event {
public:
    explicit Event(zeebe_event &event) noexcept : event_(&event) {}

    /// As it was given for what this is about.
    std::uint64_t tag() const noexcept { return event_->tag; }
    /// New types may appear: leave them unread.
    EventType type() const noexcept { return static_cast<EventType>(event_->event_type); }
    /// Of what has an error or might.
    StatusCode status() const noexcept { return static_cast<StatusCode>(event_->grpc_status); }
    /// Of `unary` and `message`: the message's bytes, in place.
    bytes_view bytes() const noexcept { return {event_->data, event_->length}; }

    /// Of `message`.
    Buffer message() const noexcept { return Buffer(std::exchange(event_->message, nullptr)); }
    /// Of `initial_metadata`; of `close`: the trailers; of `done`: a plugin's.
    Metadata metadata() const noexcept { return Metadata(std::exchange(event_->metadata, nullptr)); }
    /// Of `unary`: how the call ended.
    Result<Response> result() const
    {
        if (auto ended = end(); !ended) return std::move(ended).error();
        return Response(std::exchange(event_->response, nullptr));
    }
    /// Of `done`: the channel's.
    Connectivity state() const noexcept { return static_cast<Connectivity>(event_->state); }
    /// Of `job_stream_error`: in a row, and until the next try.
    std::int32_t failures() const noexcept { return event_->failures; }
    std::chrono::milliseconds pause() const noexcept { return std::chrono::milliseconds(event_->pause_ms); }
    /// Of `job_stream_error`.
    Error error() const noexcept { return Error(std::exchange(event_->error, nullptr)); }
    /// Of `job`.
    Job job() const noexcept;
    /// Of `close`, `done` and `job_ended`: how it ended.
    Result<void> end() const noexcept
    {
        if (event_->error == nullptr) return {};
        return Error(std::exchange(event_->error, nullptr)).of_job(static_cast<JobOutcome>(event_->outcome));
    }

private:
    zeebe_event *event_;
};

/// Room for a batch of events, used again for the next one.
class Events {
public:
    class iterator;

    explicit Events(std::size_t capacity = 64) : events_(capacity) {}
    Events(Events &&other) noexcept : events_(std::move(other.events_)), count_(std::exchange(other.count_, 0)) {}
    Events &operator=(Events &&other) noexcept
    {
        std::swap(events_, other.events_);
        std::swap(count_, other.count_);
        return *this;
    }
    ~Events() { clear(); }

    std::size_t size() const noexcept { return count_; }
    bool empty() const noexcept { return count_ == 0; }
    Event operator[](std::size_t index) noexcept { return Event(events_[index]); }
    iterator begin() noexcept;
    iterator end() noexcept;
    void clear() noexcept { zeebe_events_clear(events_.data(), sizeof(zeebe_event), std::exchange(count_, 0)); }

private:
    friend class CompletionQueue;

    std::vector<zeebe_event> events_;
    std::size_t count_ = 0;
};

/// Goes over the events, which it makes as it goes.
class Events::iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Event;
    using difference_type = std::ptrdiff_t;
    using pointer = const Event *;
    using reference = Event;

    iterator() noexcept = default;
    explicit iterator(zeebe_event *event) noexcept : event_(event) {}
    Event operator*() const noexcept { return Event(*event_); }
    iterator &operator++() noexcept
    {
        ++event_;
        return *this;
    }
    iterator operator++(int) noexcept { return iterator(event_++); }
    friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.event_ == b.event_; }
    friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.event_ != b.event_; }

private:
    zeebe_event *event_ = nullptr;
};

inline Events::iterator Events::begin() noexcept { return iterator(events_.data()); }
inline Events::iterator Events::end() noexcept { return iterator(events_.data() + count_); }

/// Where the ends and events of what was begun wait to be taken. A copy is another handle; when the last one goes, its calls are cancelled, and events
/// that were not taken are lost.
///
///     zeebe::Events events;
///     while (queue.next(events))
///         for (zeebe::Event event : events) …
class CompletionQueue : public detail::Handle<zeebe_completion_queue, zeebe_completion_queue_ref, zeebe_completion_queue_free> {
public:
    using Handle::Handle;

    static Result<CompletionQueue> create()
    {
        CompletionQueue queue;
        return detail::result(zeebe_completion_queue_new(queue.out()), queue);
    }

    /// A descriptor that is readable while next() would not wait, for poll and epoll. The library's: do not close it.
    Result<int> fd() const
    {
        std::int32_t fd = -1;
        return detail::result(zeebe_completion_queue_fd(get(), &fd), fd);
    }
    /// Takes as many events as there are, and room for, in place of those that `events` held; waits for the first one. Returns how many: 0
    /// when the time is up.
    ///
    /// Any number of threads may take, each with its own Events. shutdown: nothing is left to come. illegal_state: with a time-out on a
    /// library thread.
    Result<std::size_t> next(Events &events, Milliseconds timeout = forever) const
    {
        events.clear();
        zeebe_error *error = zeebe_completion_queue_next(get(), detail::to_wait(timeout), events.events_.data(), sizeof(zeebe_event),
                                                         events.events_.size(), &events.count_);
        return detail::result(error, events.count_);
    }
    /// Adds an event of type `posted`, from any thread or callback.
    Result<void> post(std::uint64_t tag) const noexcept { return detail::result(zeebe_completion_queue_post(get(), tag)); }
    /// Refuses new calls and posts; once all calls have ended and all was taken, next() says `shutdown`, to every thread.
    void shutdown() const noexcept { zeebe_completion_queue_shutdown(get()); }
};

namespace detail {

/// Room for one event, in place.
class OneEvent {
public:
    OneEvent() noexcept = default;
    OneEvent(const OneEvent &) = delete;
    OneEvent &operator=(const OneEvent &) = delete;
    ~OneEvent() { clear(); }

    /// As CompletionQueue::next().
    Result<std::size_t> take(const CompletionQueue &queue, Milliseconds timeout = forever)
    {
        clear();
        zeebe_error *error = zeebe_completion_queue_next(queue.get(), to_wait(timeout), &event_, sizeof event_, 1, &count_);
        return result(error, count_);
    }
    Event operator*() noexcept { return Event(event_); }

private:
    void clear() noexcept { zeebe_events_clear(&event_, sizeof event_, std::exchange(count_, 0)); }

    zeebe_event event_{};
    std::size_t count_ = 0;
};

} // namespace detail

} // namespace zeebe

#endif
