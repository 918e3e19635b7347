package zeebe

// #include "glue.h"
import "C"

import (
	"sync/atomic"
	"time"
)

// RuntimeOptions are those of the library's runtime, of which a process has one.
type RuntimeOptions struct {
	// IOThreads is how many threads of the library's do the I/O, 1 to 64. 0: 1.
	IOThreads int
	// Driven has no such threads: a goroutine does the I/O as it takes what came, which Go's poller wakes, so that nothing is handed from thread to
	// thread: a call costs a quarter to a third less. But calls wait while a program keeps all of GOMAXPROCS busy, also to connect: of more than 4096 at once
	// before there is a connection, some fail with ResourceExhausted. Linux only.
	Driven bool
}

// driven is whether goroutines do the I/O.
var driven atomic.Bool

// ConfigureRuntime says how the runtime is to be, before the first channel of the process. It holds for runtimes that begin after
// [ShutdownRuntime], too.
func ConfigureRuntime(options RuntimeOptions) error {
	native := C.zeebe_runtime_options{size: C.sizeof_zeebe_runtime_options}
	native.io_threads = C.int32_t(max(min(options.IOThreads, 1<<30), -1))
	native.caller_driven = flag(options.Driven)
	err := takeError(C.zeebe_runtime_configure(&native))
	if err == nil {
		driven.Store(options.Driven)
	}
	return err
}

// ShutdownRuntime cancels all calls of all channels, delivers their ends, and waits for the library's threads, a time-out at most, or [Forever].
// It is for the program, at its end, never for a package. What was made before fails afterwards; what is made new starts the library anew.
func ShutdownRuntime(timeout time.Duration) error {
	q := currentQueue.Load()
	if err := takeError(C.zeebe_runtime_shutdown(toWait(timeout))); err != nil {
		return err
	}
	if q != nil {
		<-q.ended
	}
	return nil
}
