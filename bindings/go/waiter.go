package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"runtime"
)

// waiter gets the one event of what it waits for.
type waiter struct {
	done chan struct{}
	err  error
}

func (w *waiter) receive(event *C.zeebe_event, _ *queue) bool {
	w.err = takeError(event.error)
	event.error = nil
	close(w.done)
	return true
}

func (w *waiter) abandon() {
	w.err = runtimeEnded()
	close(w.done)
}

// await starts what ends as an event, and waits for that or for the context. It holds no thread meanwhile.
func await(ctx context.Context, start func(*C.zeebe_completion_queue, C.uint64_t) *C.zeebe_error) error {
	q, err := theQueue()
	if err != nil {
		return err
	}
	w := &waiter{done: make(chan struct{})}
	tag, err := q.add(w)
	if err != nil {
		return err
	}
	err = takeError(start(q.ptr, C.uint64_t(tag)))
	runtime.KeepAlive(q)
	if err != nil {
		q.remove(tag)
		return err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		select {
		case <-w.done: // what came first counts
		default:
			q.remove(tag)
			return contextError(ctx)
		}
	}
	return w.err
}
