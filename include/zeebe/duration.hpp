// SPDX-License-Identifier: Apache-2.0
// Durations on their way to C, which counts in whole units. Part of zeebe.hpp.
#ifndef ZEEBE_DURATION_HPP
#define ZEEBE_DURATION_HPP

#include <chrono>
#include <cstdint>

namespace zeebe {

namespace detail {

/// So many units that no time is lost; what no number of them is long enough for is the longest there is.
template <class Unit, class Rep, class Period>
constexpr Unit round_up(std::chrono::duration<Rep, Period> given) noexcept
{
    using Exact = std::chrono::duration<long double, typename Unit::period>;
    const long double count = Exact(given).count();
    if (count >= Exact(Unit::max()).count()) return Unit::max();
    if (!(count > Exact(Unit::min()).count())) return Unit::min(); // or it is no number at all
    return std::chrono::ceil<Unit>(given);
}

} // namespace detail

/// A `Unit`, made of any std::chrono::duration: rounded up.
template <class Unit>
class RoundedUp : public Unit {
public:
    constexpr RoundedUp() noexcept : Unit(Unit::zero()) {}
    template <class Rep, class Period>
    constexpr RoundedUp(std::chrono::duration<Rep, Period> given) noexcept : Unit(detail::round_up<Unit>(given))
    {
    }
};

using Milliseconds = RoundedUp<std::chrono::milliseconds>;
using Seconds = RoundedUp<std::chrono::seconds>;

/// As a time-out: none.
inline constexpr std::chrono::milliseconds forever = std::chrono::milliseconds::max();

namespace detail {

/// A time to wait, as C has it: forever is negative, and what has passed is not waited for.
inline std::int64_t to_wait(Milliseconds timeout) noexcept
{
    if (timeout == forever) return -1;
    return timeout.count() < 0 ? 0 : timeout.count();
}

} // namespace detail

} // namespace zeebe

#endif
