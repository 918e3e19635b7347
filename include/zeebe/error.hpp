// SPDX-License-Identifier: Apache-2.0
// Errors: as an exception, and as a result that holds a value or an error. Part of zeebe.hpp.
#ifndef ZEEBE_ERROR_HPP
#define ZEEBE_ERROR_HPP

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <zeebe/bytes.hpp>
#include <zeebe/constants.hpp>
#include <zeebe/duration.hpp>
#include <zeebe/option_names.hpp>

namespace zeebe {

class Metadata;

/// What went wrong. New kinds may appear: judge an unknown one by Error::status().
enum class ErrorKind : std::int32_t {
    none = ZEEBE_ERROR_KIND_NONE,
    /// An argument is malformed or out of range.
    invalid_argument = ZEEBE_ERROR_KIND_INVALID_ARGUMENT,
    /// The function cannot be used now or here.
    illegal_state = ZEEBE_ERROR_KIND_ILLEGAL_STATE,
    /// A setting is missing or cannot be used.
    settings = ZEEBE_ERROR_KIND_SETTINGS,
    /// The token endpoint refused the client. Trying again does not help.
    invalid_oauth_credentials = ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS,
    /// A certificate or key does not parse.
    tls = ZEEBE_ERROR_KIND_TLS,
    /// A call ended with a gRPC status, or a wait with a time-out.
    rpc = ZEEBE_ERROR_KIND_RPC,
    /// The channel, the queue or the runtime was shut down.
    shutdown = ZEEBE_ERROR_KIND_SHUTDOWN,
    /// A bug in the library.
    internal = ZEEBE_ERROR_KIND_INTERNAL,
};

/// Who says so.
enum class ErrorSource : std::int32_t {
    none = ZEEBE_ERROR_SOURCE_NONE,
    /// The program: an argument, a cancel, its own token source.
    caller = ZEEBE_ERROR_SOURCE_CALLER,
    token_endpoint = ZEEBE_ERROR_SOURCE_TOKEN_ENDPOINT,
    /// Network, TLS, HTTP/2, or a proxy on the way.
    transport = ZEEBE_ERROR_SOURCE_TRANSPORT,
    gateway = ZEEBE_ERROR_SOURCE_GATEWAY,
    /// libzeebe: a deadline, a limit, a shutdown.
    library = ZEEBE_ERROR_SOURCE_LIBRARY,
};

/// gRPC's status codes.
enum class StatusCode : std::int32_t {
    ok = ZEEBE_STATUS_OK,
    cancelled = ZEEBE_STATUS_CANCELLED,
    unknown = ZEEBE_STATUS_UNKNOWN,
    invalid_argument = ZEEBE_STATUS_INVALID_ARGUMENT,
    deadline_exceeded = ZEEBE_STATUS_DEADLINE_EXCEEDED,
    not_found = ZEEBE_STATUS_NOT_FOUND,
    already_exists = ZEEBE_STATUS_ALREADY_EXISTS,
    permission_denied = ZEEBE_STATUS_PERMISSION_DENIED,
    resource_exhausted = ZEEBE_STATUS_RESOURCE_EXHAUSTED,
    failed_precondition = ZEEBE_STATUS_FAILED_PRECONDITION,
    aborted = ZEEBE_STATUS_ABORTED,
    out_of_range = ZEEBE_STATUS_OUT_OF_RANGE,
    unimplemented = ZEEBE_STATUS_UNIMPLEMENTED,
    internal = ZEEBE_STATUS_INTERNAL,
    unavailable = ZEEBE_STATUS_UNAVAILABLE,
    data_loss = ZEEBE_STATUS_DATA_LOSS,
    unauthenticated = ZEEBE_STATUS_UNAUTHENTICATED,
};

/// gRPC's name of a status code, such as `NOT_FOUND`.
inline const char *to_string(StatusCode code) noexcept { return zeebe_status_name(static_cast<std::int32_t>(code)); }

/// Why a function or a call failed: what Result holds, and what its value() throws.
///
/// A copy is cheap, throws nothing, and is good for another thread.
class Error : public std::exception {
public:
    /// Takes an error of zeebe.h over.
    explicit Error(zeebe_error *owned) noexcept : error_(owned), said_(in_own_names(owned)) {}
    /// An error of the program's own, with a gRPC status: what a token source answers, what a test makes.
    Error(StatusCode status, std::string message) : Error(ErrorKind::rpc, status, std::move(message)) {}
    /// The same of any kind.
    static Error of(ErrorKind kind, StatusCode status, std::string message) { return Error(kind, status, std::move(message)); }
    /// Another reference to a borrowed error.
    static Error keep(const zeebe_error *borrowed) noexcept { return Error(zeebe_error_ref(borrowed)); }
    /// An argument that C++ can have and C cannot; of an option, it is named.
    static Error invalid_argument(std::string message, std::string option = {})
    {
        return Error(ErrorKind::invalid_argument, StatusCode::invalid_argument, std::move(message), std::move(option));
    }

    ErrorKind kind() const noexcept { return own_ ? own_->kind : static_cast<ErrorKind>(zeebe_error_kind(error_.get())); }
    ErrorSource source() const noexcept { return own_ ? ErrorSource::caller : static_cast<ErrorSource>(zeebe_error_source(error_.get())); }
    /// The gRPC status; never ok.
    StatusCode status() const noexcept { return own_ ? own_->status : static_cast<StatusCode>(zeebe_error_grpc_status(error_.get())); }
    /// What happened, in English, for people and logs: it never holds a secret. As long as a copy of this error lives.
    std::string_view message() const noexcept { return what(); }
    const char *what() const noexcept override
    {
        if (said_) return said_->message.c_str();
        const char *message = zeebe_error_message(error_.get());
        return message == nullptr ? "" : message;
    }
    /// The option that is at fault or would help, such as `TokenOptions::allow_insecure_token_url`, if the message names one; else empty.
    std::string_view option() const noexcept { return said_ ? std::string_view(said_->option) : std::string_view(); }
    /// Whether the same request may succeed later, whatever its idempotence.
    bool is_retryable() const noexcept { return own_ ? own_->status == StatusCode::unavailable : zeebe_error_is_retryable(error_.get()) != 0; }
    /// False only if the gateway certainly did nothing with the call: ask it before repeating what must not happen twice.
    bool may_have_been_processed() const noexcept { return zeebe_error_may_have_been_processed(error_.get()) != 0; }
    /// How long the peer asks to wait before the next try, if it said so.
    std::optional<std::chrono::milliseconds> retry_after() const noexcept
    {
        const std::int64_t ms = error_ ? zeebe_error_retry_after_ms(error_.get()) : -1;
        return ms < 0 ? std::nullopt : std::optional(std::chrono::milliseconds(ms));
    }
    /// An encoded google.rpc.Status (grpc-status-details-bin); empty: none. As long as a copy of this error lives.
    bytes_view details() const noexcept
    {
        std::size_t size = 0;
        const std::uint8_t *data = zeebe_error_details(error_.get(), &size);
        return {data, size};
    }
    /// Of the end of a job: `not_ended`, or `unknown`, for an answer was lost. `none` of anything else, also of an end that was refused here.
    JobOutcome outcome() const noexcept { return outcome_; }
    /// The same error, of the end of a job.
    Error of_job(JobOutcome outcome) && noexcept
    {
        outcome_ = outcome;
        return std::move(*this);
    }
    /// The metadata that came before the failure; empty if none came.
    Metadata initial_metadata() const noexcept;
    /// The trailers that came with the failure; empty if none came.
    Metadata trailers() const noexcept;

    /// The error of zeebe.h, borrowed; null for one that was made here.
    const zeebe_error *get() const noexcept { return error_.get(); }

private:
    struct Own {
        ErrorKind kind;
        StatusCode status;
    };
    struct Said {
        std::string message;
        std::string option;
    };
    Error(ErrorKind kind, StatusCode status, std::string message, std::string option = {})
        : own_(Own{kind, status}), said_(std::make_shared<const Said>(Said{std::move(message), std::move(option)}))
    {
    }
    /// Null: the message is good as it is. It is kept, too, where there is no memory for another.
    static std::shared_ptr<const Said> in_own_names(const zeebe_error *error) noexcept
    {
        const char *option = zeebe_error_option(error);
        if (option == nullptr) return nullptr;
        try {
            return std::make_shared<const Said>(Said{detail::with_own_names(zeebe_error_message(error)), detail::with_own_names(option)});
        } catch (...) {
            return nullptr;
        }
    }

    detail::Handle<zeebe_error, zeebe_error_ref, zeebe_error_free> error_;
    std::optional<Own> own_; // of one that was made here
    std::shared_ptr<const Said> said_;
    JobOutcome outcome_ = JobOutcome::none;
};

/// A value, or why there is none: what every function that can fail returns. Its interface is that of C++23's std::expected, but what is
/// taken out of a temporary is a value, not a reference into what goes at once: `for (… : channel.stream(…).value())` holds its stream.
///
///     Result<Channel> channel = zeebe::create_insecure_channel();
///     if (!channel) return channel.error().status();      // without exceptions
///     Channel channel = zeebe::create_insecure_channel().value();   // with them: throws Error
template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;
    using error_type = Error;

    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) noexcept : state_(std::in_place_index<1>, std::move(error)) {}

    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The value; throws the Error if there is none.
    T &value() &
    {
        check();
        return **this;
    }
    const T &value() const &
    {
        check();
        return **this;
    }
    T value() &&
    {
        check();
        return *std::move(*this);
    }
    template <class U>
    T value_or(U &&other) const &
    {
        return has_value() ? **this : static_cast<T>(std::forward<U>(other));
    }
    template <class U>
    T value_or(U &&other) &&
    {
        return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(other));
    }

    /// The value. It must be there: the process ends if it is not.
    T &operator*() & noexcept { return std::get<0>(state_); }
    const T &operator*() const & noexcept { return std::get<0>(state_); }
    T operator*() && noexcept { return std::get<0>(std::move(state_)); }
    T *operator->() noexcept { return &std::get<0>(state_); }
    const T *operator->() const noexcept { return &std::get<0>(state_); }

    /// The error. It must be there: the process ends if it is not.
    const Error &error() const & noexcept { return std::get<1>(state_); }
    Error error() && noexcept { return std::get<1>(std::move(state_)); }

    /// What `next` makes of the value, itself a Result; or the error.
    template <class F>
    auto and_then(F &&next) && -> std::invoke_result_t<F, T &&>
    {
        if (!has_value()) return std::move(*this).error();
        return std::invoke(std::forward<F>(next), *std::move(*this));
    }
    /// What `change` makes of the value, as a Result; or the error.
    template <class F>
    auto transform(F &&change) && -> Result<std::invoke_result_t<F, T &&>>
    {
        if (!has_value()) return std::move(*this).error();
        return std::invoke(std::forward<F>(change), *std::move(*this));
    }

private:
    void check() const
    {
        if (!has_value()) throw error();
    }

    std::variant<T, Error> state_;
};

/// Success, or why not.
template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;
    using error_type = Error;

    Result() noexcept = default;
    Result(Error error) noexcept : error_(std::move(error)) {}

    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }
    /// Throws the Error if there is one.
    void value() const
    {
        if (error_) throw *error_;
    }
    /// The error. It must be there: the process ends if it is not.
    const Error &error() const & noexcept { return error_.value(); }
    Error error() && noexcept { return std::move(error_).value(); }

    /// What `next` returns, itself a Result; or the error.
    template <class F>
    auto and_then(F &&next) && -> std::invoke_result_t<F>
    {
        if (error_) return *std::move(error_);
        return std::invoke(std::forward<F>(next));
    }

private:
    std::optional<Error> error_;
};

namespace detail {

/// What a function of zeebe.h returned.
inline Result<void> result(zeebe_error *error) noexcept { return error == nullptr ? Result<void>() : Result<void>(Error(error)); }

/// The same for a function that wrote `value`, which is moved from only if it did.
template <class T>
Result<T> result(zeebe_error *error, T &value)
{
    if (error != nullptr) return Error(error);
    return std::move(value);
}

/// The same for a function that wrote a text.
inline Result<std::string> result(zeebe_error *error, char *&text)
{
    if (error != nullptr) return Error(error);
    return take(text);
}

/// Arguments on their way to C; why the first of them cannot go there is kept.
class Arguments {
public:
    const char *text(const char *name, const text_view &value)
    {
        if (value.has_nul()) refuse(name, "has a NUL in it");
        return value.c_str();
    }
    /// Null if it is not given.
    const char *text(const char *name, const std::optional<std::string> &value) { return value ? text(name, text_view(*value)) : nullptr; }
    /// Not given, it is 0, which in C means that: so a 0 that is given is refused, with what to give in its place.
    std::int64_t number(const char *name, const std::optional<std::int64_t> &value, const char *instead)
    {
        if (value == 0) refuse(name, std::string("is 0: ") + instead);
        return value.value_or(0);
    }
    /// The same for a time, of which there is none below 0 either.
    template <class Unit>
    std::int64_t time(const char *name, const std::optional<RoundedUp<Unit>> &value, const char *instead)
    {
        if (!value) return 0;
        if (value->count() <= 0) refuse(name, "is " + std::to_string(value->count()) + ": " + instead);
        return value->count();
    }
    /// A name with a space is that of an argument, another one that of an option.
    void refuse(std::string_view name, const std::string &why)
    {
        const std::string option(name.find(' ') == name.npos ? name : std::string_view());
        fail(Error::invalid_argument(std::string(name) + ' ' + why, option));
    }
    void fail(Error error)
    {
        if (!error_) error_ = std::move(error);
    }
    const std::optional<Error> &error() const noexcept { return error_; }

private:
    std::optional<Error> error_;
};

} // namespace detail

} // namespace zeebe

#endif
