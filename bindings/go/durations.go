package zeebe

// #include "glue.h"
import "C"

import (
	"fmt"
	"math"
	"time"
)

// Forever, as a time-out, is none.
const Forever time.Duration = math.MaxInt64

// duration is an option's in units of C, rounded up, so that what is little is not nothing. nil: not given, which is 0 in C; so zero is refused, as is what
// is negative.
func (a *arena) duration(option string, given *time.Duration, unit time.Duration) C.int64_t {
	switch {
	case given == nil:
		return 0
	case *given < 0:
		a.refuse(option, fmt.Sprintf("is %v, and cannot be negative", *given))
		return 0
	case *given == 0:
		a.refuse(option, "is 0: to have its default, do not give it")
		return 0
	}
	return roundUp(*given, unit)
}

// leeway is one of the durations, but for zero, of which C has a constant.
func (a *arena) leeway(option string, given *time.Duration) C.int64_t {
	if given != nil && *given == 0 {
		return C.ZEEBE_LEEWAY_NONE
	}
	return a.duration(option, given, time.Second)
}

// notZero is a duration of which zero stands for "not given".
func notZero(duration time.Duration) *time.Duration {
	if duration == 0 {
		return nil
	}
	return &duration
}

// toWait is how long to wait, in milliseconds: what has passed is not waited for.
func toWait(timeout time.Duration) C.int64_t {
	if timeout == Forever {
		return -1
	}
	return roundUp(max(timeout, 0), time.Millisecond)
}

// roundUp says the duration in units. Adding to it first would overflow when it is the longest there is, as that to a far deadline.
func roundUp(duration, unit time.Duration) C.int64_t {
	units := duration / unit
	if duration%unit > 0 {
		units++
	}
	return C.int64_t(units)
}
