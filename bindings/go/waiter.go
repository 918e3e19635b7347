package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"runtime"
)

// waiter is told once, through the queue, that a callback came.
type waiter struct {
	done chan struct{}
	lost bool
}

func (w *waiter) receive(*C.zeebe_event, *queue) bool {
	close(w.done)
	return true
}

func (w *waiter) abandon() {
	w.lost = true
	close(w.done)
}

// await starts what ends with a callback, and waits for that or for the context. It holds no thread meanwhile.
func await(ctx context.Context, start func(*C.zeebego_waiter) *C.zeebe_error) (state int32, err error) {
	q, err := theQueue()
	if err != nil {
		return 0, err
	}
	w := &waiter{done: make(chan struct{})}
	tag, err := q.add(w)
	if err != nil {
		return 0, err
	}
	native := C.zeebego_waiter_new(q.ptr, C.uint64_t(tag))
	defer C.zeebego_waiter_free(native)
	defer runtime.KeepAlive(q)
	if err := takeError(start(native)); err != nil {
		q.remove(tag)
		return 0, err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		select {
		case <-w.done: // what came first counts
		default:
			q.remove(tag)
			return 0, contextError(ctx)
		}
	}
	if w.lost {
		return 0, runtimeEnded()
	}
	failure := native.error
	native.error = nil
	return int32(native.state), takeError(failure)
}
