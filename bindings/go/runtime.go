package zeebe

// #include "glue.h"
import "C"

import (
	"runtime"
	"sync/atomic"
	"time"
)

// RuntimeOptions are those of the library's runtime, of which a process has one.
type RuntimeOptions struct {
	// IOThreads is how many threads of the library's do the I/O, 1 to 64. 0, on Linux: none; a goroutine does it as it takes what came, which Go's poller
	// wakes, so that nothing is handed from thread to thread, and a call costs a quarter to a third less. As all that waits in Go's poller, grpc-go's
	// transports among it, calls go on late while a program keeps all of GOMAXPROCS busy; with a thread they do not. Elsewhere 0 is one thread.
	IOThreads int
}

var isConfigured atomic.Bool

// ConfigureRuntime says how the runtime is to be, before the first channel of the process. It holds for runtimes that begin after
// [ShutdownRuntime], too.
func ConfigureRuntime(options RuntimeOptions) error {
	native := C.zeebe_runtime_options{size: C.sizeof_zeebe_runtime_options}
	native.io_threads = C.int32_t(max(min(options.IOThreads, 1<<30), -1))
	native.caller_driven = flag(options.IOThreads == 0 && runtime.GOOS == "linux")
	err := takeError(C.zeebe_runtime_configure(&native))
	if err == nil {
		isConfigured.Store(true)
	}
	return err
}

// configureByDefault fails where the process has a runtime already, others' then, which is as they made it.
func configureByDefault() {
	if !isConfigured.Load() {
		_ = ConfigureRuntime(RuntimeOptions{})
	}
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
