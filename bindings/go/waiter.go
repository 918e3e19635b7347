package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"runtime"
)

// waiter gets the one event of what it waits for.
type waiter struct {
	queue *queue
	tag   uint64
	done  chan struct{}
	err   error
}

func (w *waiter) receive(events []C.zeebe_event, _ *queue) bool {
	w.err = eventError(&events[0])
	close(w.done)
	return true
}

func (w *waiter) abandon() {
	w.err = runtimeEnded()
	close(w.done)
}

// begin starts what ends as an event.
func begin(start func(*C.zeebe_completion_queue, C.uint64_t) *C.zeebe_error) (*waiter, error) {
	q, err := theQueue()
	if err != nil {
		return nil, err
	}
	w := &waiter{queue: q, done: make(chan struct{})}
	if w.tag, err = q.add(w); err != nil {
		return nil, err
	}
	err = takeError(start(q.ptr, C.uint64_t(w.tag)))
	runtime.KeepAlive(q)
	if err != nil {
		q.remove(w.tag)
		return nil, err
	}
	return w, nil
}

// wait waits for the event or for the context. It holds no thread meanwhile.
func (w *waiter) wait(ctx context.Context) error {
	select {
	case <-w.done:
	case <-ctx.Done():
		select {
		case <-w.done: // what came first counts
		default:
			w.queue.remove(w.tag)
			return contextError(ctx)
		}
	}
	return w.err
}

// await is both.
func await(ctx context.Context, start func(*C.zeebe_completion_queue, C.uint64_t) *C.zeebe_error) error {
	w, err := begin(start)
	if err != nil {
		return err
	}
	return w.wait(ctx)
}
