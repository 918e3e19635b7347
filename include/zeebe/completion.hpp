// SPDX-License-Identifier: Apache-2.0
// How the end of something asynchronous reaches the program: by a callback, a future or a coroutine. Part of zeebe.hpp.
#ifndef ZEEBE_COMPLETION_HPP
#define ZEEBE_COMPLETION_HPP

#include <atomic>
#include <cstddef>
#include <cstring>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <zeebe/call.hpp>

#if defined(__cpp_impl_coroutine)
#include <coroutine>
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

/// A callable as the pointer that C keeps with a function: within it where it fits, else on the heap. Who has it until C takes it over.
template <class F>
class UserData {
    static constexpr bool fits = sizeof(F) <= sizeof(void *) && alignof(F) <= alignof(void *) && std::is_trivially_copyable_v<F>;

public:
    explicit UserData(F callback)
    {
        if constexpr (fits) std::memcpy(&pointer_, &callback, sizeof callback);
        else pointer_ = new F(std::move(callback));
    }
    UserData(const UserData &) = delete;
    UserData &operator=(const UserData &) = delete;
    ~UserData()
    {
        if constexpr (!fits) delete static_cast<F *>(pointer_);
    }

    void *get() const noexcept { return pointer_; }
    /// It is C's, and perhaps gone already.
    void release() noexcept { pointer_ = nullptr; }

    /// Calls what C has given back, once. An exception that leaves it ends the process, for nobody is there to catch it.
    template <class Argument>
    static void call(void *pointer, Argument &&argument) noexcept
    {
        try {
            if constexpr (fits) {
                alignas(F) unsigned char bytes[sizeof(F)];
                std::memcpy(bytes, &pointer, sizeof bytes);
                (*std::launder(reinterpret_cast<F *>(bytes)))(std::forward<Argument>(argument));
            } else {
                const std::unique_ptr<F> callback(static_cast<F *>(pointer));
                (*callback)(std::forward<Argument>(argument));
            }
        } catch (...) {
            std::terminate(); // by itself `noexcept` does not say which exception it was where all is inlined
        }
    }

private:
    void *pointer_ = nullptr;
};

/// The callback that C gets.
template <class T, class F, class... FromC>
void complete(void *user_data, const zeebe_error *error, FromC... value) noexcept
{
    UserData<F>::call(user_data, error != nullptr ? Result<T>(Error::keep(error)) : Completed<T>::of(value...));
}

/// Gives `callback` to C: `start` hands a function and its data to one of zeebe.h, which keeps them only if it succeeds.
template <class T, class... FromC, class F, class Start>
Result<void> hand_over(F callback, Start &&start)
{
    UserData<F> user_data(std::move(callback));
    Result<void> started = start(&complete<T, F, FromC...>, user_data.get());
    if (started) user_data.release();
    return started;
}

/// A promise, and the memory of what it allocates for its future: one allocation in all. It goes with the last of what lies in it.
template <class T>
class Promise {
public:
    struct Drop {
        void operator()(Promise *promise) const noexcept { promise->drop(); }
    };
    using Owned = std::unique_ptr<Promise, Drop>;

    static Owned make() { return Owned(new Promise); }
    Promise(const Promise &) = delete;
    Promise &operator=(const Promise &) = delete;

    std::future<T> get_future() { return promise_->get_future(); }

    /// Settles it, and lets go of it.
    static void settle(Owned promise, Result<T> result)
    {
        if (!result) promise->promise_->set_exception(std::make_exception_ptr(std::move(result).error()));
        else if constexpr (std::is_void_v<T>) promise->promise_->set_value();
        else promise->promise_->set_value(*std::move(result));
    }

private:
    template <class U>
    struct Allocator {
        using value_type = U;

        explicit Allocator(Promise &in) noexcept : promise(&in) {}
        template <class V>
        Allocator(const Allocator<V> &other) noexcept : promise(other.promise)
        {
        }
        U *allocate(std::size_t count)
        {
            static_assert(alignof(U) <= alignof(std::max_align_t));
            return static_cast<U *>(promise->allocate(count * sizeof(U), alignof(U)));
        }
        void deallocate(U *at, std::size_t) noexcept { promise->deallocate(at); }
        friend bool operator==(Allocator a, Allocator b) noexcept { return a.promise == b.promise; }
        friend bool operator!=(Allocator a, Allocator b) noexcept { return a.promise != b.promise; }

        Promise *promise;
    };

    Promise() : promise_(std::in_place, std::allocator_arg, Allocator<std::byte>(*this)) {}

    /// Only by the promise, so never on two threads at once.
    void *allocate(std::size_t size, std::size_t alignment)
    {
        std::size_t left = sizeof room_ - used_;
        void *at = room_ + used_;
        if (std::align(alignment, size, at, left) == nullptr) return ::operator new(size);
        used_ = sizeof room_ - left + size;
        users_.fetch_add(1, std::memory_order_relaxed);
        return at;
    }
    void deallocate(void *at) noexcept
    {
        const std::less<const void *> before;
        if (before(at, room_) || !before(at, room_ + sizeof room_)) ::operator delete(at);
        else let_go();
    }
    void drop() noexcept
    {
        promise_.reset();
        let_go();
    }
    void let_go() noexcept
    {
        if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    /// Enough for what the standard libraries of today want beside the value; what does not fit is allocated.
    static constexpr std::size_t room = 192 + sizeof(Result<T>);

    std::atomic<std::size_t> users_{1};
    std::size_t used_ = 0;
    alignas(std::max_align_t) unsigned char room_[room];
    std::optional<std::promise<T>> promise_;
};

template <class T>
struct SettlePromise {
    Promise<T> *promise;
    void operator()(Result<T> end) const { Promise<T>::settle(typename Promise<T>::Owned(promise), std::move(end)); }
};

template <class T, class Start>
std::future<T> start_with_future(Start &start)
{
    auto promise = Promise<T>::make();
    std::future<T> future = promise->get_future();
    Result<void> started = start(SettlePromise<T>{promise.get()});
    if (started) static_cast<void>(promise.release()); // the callback's, and perhaps gone already
    else Promise<T>::settle(std::move(promise), std::move(started).error());
    return future;
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
        auto state = std::make_unique<State>();
        Result<void> started = start(End{state.get()});
        if (!started) state->end(std::move(started).error());
        return Awaitable(state.release());
    }
    Awaitable(Awaitable &&) noexcept = default;
    Awaitable &operator=(Awaitable &&) noexcept = default;

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
    /// The end and the coroutine find each other here, whichever comes first; the later of the end and ~Awaitable() frees it.
    struct State {
        std::optional<Result<T>> result;
        /// Nobody, a coroutine, or one of the two marks, which are no coroutine's address.
        std::atomic<void *> waiting{nullptr};

        void *ended() noexcept { return this; }
        void *dropped() noexcept { return &waiting; }

        void end(Result<T> end)
        {
            result = std::move(end);
            void *const coroutine = waiting.exchange(ended(), std::memory_order_acq_rel);
            if (coroutine == dropped()) delete this;
            else if (coroutine != nullptr) std::coroutine_handle<>::from_address(coroutine).resume();
        }
        bool wait(std::coroutine_handle<> coroutine) noexcept
        {
            void *nobody = nullptr;
            return waiting.compare_exchange_strong(nobody, coroutine.address(), std::memory_order_acq_rel);
        }
        void drop() noexcept
        {
            if (waiting.exchange(dropped(), std::memory_order_acq_rel) == ended()) delete this;
        }
    };
    struct End {
        State *state;
        void operator()(Result<T> end) const { state->end(std::move(end)); }
    };
    struct Drop {
        void operator()(State *state) const noexcept { state->drop(); }
    };

    explicit Awaitable(State *state) noexcept : state_(state) {}

    // The call goes last: its cancel must not resume a coroutine that is being destroyed.
    Call call_;
    std::unique_ptr<State, Drop> state_;
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
