// SPDX-License-Identifier: Apache-2.0
// How the end of something asynchronous reaches the program: by a callback, a future or a coroutine. Part of zeebe.hpp.
#ifndef ZEEBE_COMPLETION_HPP
#define ZEEBE_COMPLETION_HPP

#include <future>
#include <memory>
#include <type_traits>
#include <zeebe/call.hpp>

#if defined(__cpp_impl_coroutine)
#include <coroutine>
#include <mutex>
#endif

namespace zeebe {

/// As a completion: the function returns a `std::future<T>`, whose get() throws Error. It may be dropped: it does not wait.
struct use_future_t {};
inline constexpr use_future_t use_future{};

namespace detail {

/// What C gave a completion, as a value.
template <class T>
struct Completed;
template <>
struct Completed<void> {
    static Result<void> of() noexcept { return {}; }
};
template <>
struct Completed<Response> {
    static Result<Response> of(const zeebe_response *response) { return Response(zeebe_response_ref(response)); }
};
template <>
struct Completed<Metadata> {
    static Result<Metadata> of(const zeebe_metadata *metadata) { return Metadata(zeebe_metadata_ref(metadata)); }
};
template <>
struct Completed<Connectivity> {
    static Result<Connectivity> of(std::int32_t state) { return static_cast<Connectivity>(state); }
};

/// The callback that C gets. An exception that leaves `F` ends the process, for nobody is there to catch it.
template <class T, class F, class... FromC>
void complete(void *user_data, const zeebe_error *error, FromC... value) noexcept
{
    const std::unique_ptr<F> callback(static_cast<F *>(user_data));
    (*callback)(error != nullptr ? Result<T>(Error::keep(error)) : Completed<T>::of(value...));
}

/// Gives `callback` to C: `start` hands a function and its data to one of zeebe.h, which keeps them only if it succeeds.
template <class T, class... FromC, class F, class Start>
Result<void> hand_over(F callback, Start &&start)
{
    auto owned = std::make_unique<F>(std::move(callback));
    Result<void> started = start(&complete<T, F, FromC...>, owned.get());
    if (started) static_cast<void>(owned.release()); // the library's, and perhaps gone already
    return started;
}

template <class T>
void settle(std::promise<T> &promise, Result<T> result)
{
    if (!result) promise.set_exception(std::make_exception_ptr(std::move(result).error()));
    else if constexpr (std::is_void_v<T>) promise.set_value();
    else promise.set_value(*std::move(result));
}

template <class T, class Start>
std::future<T> start_with_future(Start &start)
{
    auto promise = std::make_shared<std::promise<T>>();
    auto started = start([promise](Result<T> end) { settle(*promise, std::move(end)); });
    if (!started) settle<T>(*promise, std::move(started).error());
    return promise->get_future();
}

} // namespace detail

#if defined(__cpp_impl_coroutine)

/// As a completion: the function returns an Awaitable, whose `co_await` gives a `Result<T>`.
struct use_awaitable_t {};
inline constexpr use_awaitable_t use_awaitable{};

/// Something under way that a coroutine may `co_await`, once: it has begun already, so several can be started first and awaited then.
///
/// The coroutine goes on at once if the end has come, else on a library thread, where blocking functions return illegal_state: do not hold
/// it up. Dropping it cancels the call. A suspended coroutine may be destroyed, but not while the end comes on another thread.
template <class T>
class [[nodiscard]] Awaitable {
public:
    template <class Start>
    static Awaitable of(Start &start)
    {
        auto state = std::make_shared<State>();
        Result<void> started = start([state](Result<T> end) { state->end(std::move(end)); });
        if (!started) state->end(std::move(started).error());
        return Awaitable(std::move(state));
    }
    Awaitable(Awaitable &&) noexcept = default;
    Awaitable &operator=(Awaitable &&) noexcept = default;
    ~Awaitable()
    {
        if (state_) state_->forget();
    }

    /// The call, which it holds so that dropping it cancels.
    Awaitable &&with(Call call) &&
    {
        call_ = std::move(call);
        return std::move(*this);
    }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) { return state_->wait(coroutine); }
    Result<T> await_resume() { return std::move(*state_->result); }

private:
    /// The end and the coroutine find each other here, whichever comes first.
    struct State {
        std::mutex mutex;
        std::optional<Result<T>> result;
        std::coroutine_handle<> waiting;

        void end(Result<T> end)
        {
            std::unique_lock lock(mutex);
            result = std::move(end);
            const auto coroutine = std::exchange(waiting, nullptr);
            lock.unlock();
            if (coroutine) coroutine.resume();
        }
        bool wait(std::coroutine_handle<> coroutine)
        {
            const std::lock_guard lock(mutex);
            if (result) return false;
            waiting = coroutine;
            return true;
        }
        void forget()
        {
            const std::lock_guard lock(mutex);
            waiting = nullptr;
        }
    };

    explicit Awaitable(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

    std::shared_ptr<State> state_;
    Call call_;
};

#endif

namespace detail {

#if defined(__cpp_impl_coroutine)
template <class C>
inline constexpr bool is_awaitable = std::is_same_v<std::decay_t<C>, use_awaitable_t>;
#else
template <class C>
inline constexpr bool is_awaitable = false;
#endif

/// Starts something asynchronous: `start` gets a callable, which it calls with a `Result<T>` at the end if it returns success.
///
/// By `completion`: use_future gives a `std::future<T>`, use_awaitable an `Awaitable<T>`, and anything that can be called with a `Result<T>`
/// gives a `Result<void>`: whether it started, and so will be called.
template <class T, class Start, class C>
auto start(Start start, C &&completion)
{
    using Kind = std::decay_t<C>;
    if constexpr (std::is_same_v<Kind, use_future_t>) {
        static_cast<void>(completion);
        return start_with_future<T>(start);
    }
#if defined(__cpp_impl_coroutine)
    else if constexpr (is_awaitable<Kind>) {
        static_cast<void>(completion);
        return Awaitable<T>::of(start);
    }
#endif
    else {
        static_assert(std::is_invocable_v<Kind &, Result<T>>, "a completion is use_future, use_awaitable or takes a Result");
        return start(Kind(std::forward<C>(completion)));
    }
}

/// The same for a call, whose handle goes to `started`, and to the Awaitable: `start` gets also where to write it, which may be null.
template <class T, class Start, class C>
auto start_call(Start start, C &&completion, Call *started)
{
    Call awaited;
    Call *const handle = started == nullptr && is_awaitable<C> ? &awaited : started;
    auto under_way = detail::start<T>([&](auto callback) { return start(std::move(callback), handle); }, std::forward<C>(completion));
    if constexpr (is_awaitable<C>) return std::move(under_way).with(started == nullptr ? std::move(awaited) : *started);
    else return under_way;
}

} // namespace detail

} // namespace zeebe

#endif
