// SPDX-License-Identifier: Apache-2.0
// The library in this process: version, threads, end, log. Part of zeebe.hpp.
#ifndef ZEEBE_LIBRARY_HPP
#define ZEEBE_LIBRARY_HPP

#include <zeebe/constants.hpp>
#include <zeebe/error.hpp>

namespace zeebe {

/// The version of the library that runs, such as "0.1.0".
inline const char *version() noexcept { return zeebe_version(); }

/// Of the process's runtime.
struct RuntimeOptions {
    /// Threads that drive connections, 1 to 64.
    std::int32_t io_threads = 1;
    /// Threads for callbacks, up to 256; 0: callbacks run on the I/O threads, and a slow one delays all I/O there.
    std::int32_t callback_threads = 0;
    /// How their names begin, at most 8 bytes.
    std::string thread_name = "zeebe";
    /// No I/O threads: the program's threads do the I/O while they take events, poll (runtime_poll()) or block in the library. Linux only.
    bool caller_driven = false;
};

/// Sets how many threads the runtime will have. illegal_state: it runs already. invalid_argument: out of range.
inline Result<void> runtime_configure(const RuntimeOptions &options)
{
    detail::Arguments arguments;
    zeebe_runtime_options c = ZEEBE_RUNTIME_OPTIONS_INIT;
    const bool as_by_default = options.caller_driven && options.io_threads == RuntimeOptions().io_threads;
    c.io_threads = as_by_default ? 0 : options.io_threads;
    c.caller_driven = options.caller_driven;
    c.callback_threads = options.callback_threads;
    c.thread_name = arguments.text("RuntimeOptions::thread_name", text_view(options.thread_name));
    if (arguments.error()) return *arguments.error();
    return detail::result(zeebe_runtime_configure(&c));
}

/// Of a caller-driven runtime: does what there is to do, callbacks included, and waits for the first of it, as zeebe_runtime_poll() says.
/// illegal_state: the runtime has I/O threads; or in a callback.
inline Result<void> runtime_poll(Milliseconds timeout = std::chrono::milliseconds(0)) noexcept
{
    return detail::result(zeebe_runtime_poll(detail::to_wait(timeout)));
}

/// Of a caller-driven runtime: a descriptor that is readable when runtime_poll() has something to do. The library's: only poll it.
inline Result<int> runtime_descriptor()
{
    std::int32_t descriptor = -1;
    if (zeebe_error *error = zeebe_runtime_fd(&descriptor)) return Error(error);
    return descriptor;
}

/// Cancels all calls, delivers their completions, and waits for the library's threads. For the program, at its end, never for a library.
///
/// After success no callback is running and none will run; older handles return `shutdown`, and a new one starts a fresh runtime.
/// DEADLINE_EXCEEDED: a callback has not returned yet; call it again. illegal_state: on a library thread.
inline Result<void> runtime_shutdown(Milliseconds timeout = forever) noexcept
{
    return detail::result(zeebe_runtime_shutdown(detail::to_wait(timeout)));
}

/// A log record, borrowed.
struct LogRecord {
    LogLevel level;
    /// The part of the library that it comes from.
    std::string_view target;
    std::string_view message;
};

/// Sends log records of `level` and more urgent ones to `callback(LogRecord)`, one at a time, on a thread of its own; not to the one before.
///
/// Records hold no token and no secret. It must not call the library, nor throw: an exception that leaves it ends the process.
template <class F>
Result<void> set_log_callback(LogLevel level, F &&callback)
{
    using Callback = std::decay_t<F>;
    auto owned = std::make_unique<Callback>(std::forward<F>(callback));
    zeebe_error *error = zeebe_set_log_callback(
        static_cast<std::int32_t>(level),
        [](void *user_data, const zeebe_log_record *record) noexcept {
            (*static_cast<Callback *>(user_data))(
                LogRecord{static_cast<LogLevel>(zeebe_log_record_level(record)), zeebe_log_record_target(record), zeebe_log_record_message(record)});
        },
        owned.get(), [](void *user_data) noexcept { delete static_cast<Callback *>(user_data); });
    if (error != nullptr) return Error(error);
    static_cast<void>(owned.release()); // the library's
    return {};
}

/// Changes how much the log callback gets from now on; with `off` nothing, until another level is set. illegal_state: there is none.
inline Result<void> set_log_level(LogLevel level) noexcept { return detail::result(zeebe_set_log_level(static_cast<std::int32_t>(level))); }

/// Sends log records to nobody.
inline Result<void> clear_log_callback() noexcept { return detail::result(zeebe_set_log_callback(ZEEBE_LOG_LEVEL_OFF, nullptr, nullptr, nullptr)); }

} // namespace zeebe

#endif
