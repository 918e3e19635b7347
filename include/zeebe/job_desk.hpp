// SPDX-License-Identifier: Apache-2.0
// What the handles of a job worker and its callbacks share: jobs that wait to be taken, and who waits. Part of zeebe.hpp.
#ifndef ZEEBE_JOB_DESK_HPP
#define ZEEBE_JOB_DESK_HPP

#include <deque>
#include <mutex>
#include <utility>
#include <vector>
#include <zeebe/job.hpp>

namespace zeebe::detail {

class JobDesk {
public:
    /// What wakes who waits: a bell that a thread listens to, or a coroutine.
    struct Wake {
        CompletionQueue bell;
        void (*resume)(void *coroutine) = nullptr;
        void *coroutine = nullptr;

        void operator()() const
        {
            if (resume != nullptr) resume(coroutine);
            else static_cast<void>(bell.post(0));
        }
    };
    /// Who waits for a job. It stays where it is, in a row of those who do.
    struct Waiter {
        Wake wake;
        std::optional<Result<Job>> given;
        Waiter *next = nullptr;
    };

    /// As zeebe.h has it.
    using Tell = void (*)(void *user_data, const zeebe_error *error);

    /// With a handler there are no jobs here.
    explicit JobDesk(bool gives) noexcept : gives_(gives) {}

    bool gives() const noexcept { return gives_; }

    void add(Job job) { put(std::move(job), false); }

    /// Whether it waits now; if not, it was given something. After that it may be gone.
    bool wait(Waiter &waiter, Wake wake)
    {
        const std::lock_guard lock(mutex_);
        waiter.given = take();
        if (waiter.given) return false;
        waiter.wake = std::move(wake);
        *end_of_row_ = &waiter;
        end_of_row_ = &waiter.next;
        return true;
    }
    /// It does not wait any more; returns what it was given.
    std::optional<Result<Job>> leave(Waiter &waiter)
    {
        const std::lock_guard lock(mutex_);
        for (Waiter **at = &waiting_; *at != nullptr; at = &(*at)->next) {
            if (*at != &waiter) continue;
            take_out(at);
            break;
        }
        return std::exchange(waiter.given, std::nullopt);
    }
    /// One that was given to who does not want it any more.
    void put_back(Job job) { put(std::move(job), true); }

    Result<std::optional<Job>> next(Milliseconds timeout)
    {
        Waiter waiter;
        if (timeout <= std::chrono::milliseconds::zero()) {
            const std::lock_guard lock(mutex_);
            return as_next(take());
        }
        auto bell = CompletionQueue::create();
        if (!bell) return std::move(bell).error();
        if (!wait(waiter, {*bell})) return as_next(std::move(waiter.given));
        OneEvent rung;
        const auto woken = rung.take(*bell, timeout);
        auto given = leave(waiter);
        if (!given && !woken) return woken.error();
        return as_next(std::move(given));
    }

    /// What nobody has taken goes back, also what is still on its way here.
    void close()
    {
        std::unique_lock lock(mutex_);
        is_closing_ = true;
        const auto jobs = std::exchange(jobs_, {});
        lock.unlock();
        for (const Job &job : jobs) give_back(job);
    }
    void end(const Result<void> &end)
    {
        std::unique_lock lock(mutex_);
        end_ = end;
        const auto jobs = std::exchange(jobs_, {}); // left to their time-out
        const auto when_ended = std::exchange(when_ended_, {});
        while (waiting_ != nullptr) {
            Waiter *const waiter = take_out(&waiting_);
            waiter->given = take();
            const Wake wake = std::move(waiter->wake);
            lock.unlock();
            wake();
            lock.lock();
        }
        lock.unlock();
        for (const auto &[tell, user_data] : when_ended) tell(user_data, error_of(end));
    }
    /// Told once; at once, if it has ended already.
    void when_ended(Tell tell, void *user_data)
    {
        std::unique_lock lock(mutex_);
        if (!end_) {
            when_ended_.emplace_back(tell, user_data);
            return;
        }
        lock.unlock();
        tell(user_data, error_of(*end_));
    }

private:
    static const zeebe_error *error_of(const Result<void> &end) noexcept { return end ? nullptr : end.error().get(); }

    /// Out of the row.
    Waiter *take_out(Waiter **at) noexcept
    {
        Waiter *const waiter = *at;
        *at = std::exchange(waiter->next, nullptr);
        if (*at == nullptr) end_of_row_ = at;
        return waiter;
    }
    /// Nothing: there is none yet.
    std::optional<Result<Job>> take()
    {
        if (!jobs_.empty()) {
            Result<Job> job = std::move(jobs_.front());
            jobs_.pop_front();
            return job;
        }
        if (!end_) return std::nullopt;
        if (*end_) return Result<Job>(Error::of(ErrorKind::shutdown, StatusCode::unavailable, "the worker has ended"));
        return Result<Job>(end_->error());
    }
    static Result<std::optional<Job>> as_next(std::optional<Result<Job>> given)
    {
        if (!given) return std::optional<Job>();
        if (!*given) return std::move(*given).error();
        return std::optional(**std::move(given));
    }
    void put(Job job, bool first)
    {
        std::unique_lock lock(mutex_);
        if (is_closing_) {
            lock.unlock();
            give_back(job);
            return;
        }
        if (waiting_ == nullptr) {
            if (first) jobs_.push_front(std::move(job));
            else jobs_.push_back(std::move(job));
            return;
        }
        Waiter *const waiter = take_out(&waiting_);
        waiter->given = std::move(job);
        const Wake wake = std::move(waiter->wake);
        lock.unlock();
        wake();
    }
    /// With its retries, and a while later: what comes free before the gateway knows that the worker's stream has ended, it gives to that.
    static void give_back(const Job &job) noexcept
    {
        constexpr std::int64_t later_ms = 500;
        zeebe_error_free(
            zeebe_job_fail(job.get(), job.retries(), later_ms, "the worker was closed before it had begun with the job", nullptr, nullptr, nullptr));
    }

    const bool gives_;
    std::mutex mutex_;
    std::deque<Job> jobs_;
    Waiter *waiting_ = nullptr; // the first
    Waiter **end_of_row_ = &waiting_;
    bool is_closing_ = false;
    std::optional<Result<void>> end_;
    std::vector<std::pair<Tell, void *>> when_ended_;
};

} // namespace zeebe::detail

#if defined(__cpp_impl_coroutine)

namespace zeebe {

/// JobWorker::next(use_awaitable): a coroutine awaits it once.
class [[nodiscard]] NextJob {
public:
    /// With an error there is nothing to wait for.
    NextJob(std::shared_ptr<detail::JobDesk> desk, std::optional<Error> error) : desk_(std::move(desk))
    {
        if (error) waiter_.given = *std::move(error);
    }
    NextJob(const NextJob &) = delete;
    NextJob &operator=(const NextJob &) = delete;
    ~NextJob()
    {
        if (!desk_) return;
        if (auto given = desk_->leave(waiter_); given && *given) desk_->put_back(**std::move(given));
    }

    bool await_ready() const noexcept { return waiter_.given.has_value(); }
    bool await_suspend(std::coroutine_handle<> coroutine)
    {
        return desk_->wait(waiter_, {{}, [](void *address) { std::coroutine_handle<>::from_address(address).resume(); }, coroutine.address()});
    }
    Result<Job> await_resume() { return *std::exchange(waiter_.given, std::nullopt); }

private:
    std::shared_ptr<detail::JobDesk> desk_;
    detail::JobDesk::Waiter waiter_;
};

} // namespace zeebe

#endif

#endif
