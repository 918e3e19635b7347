//go:build cgo

package zeebe

import (
	"context"
	"sync"
	"time"
)

// jobContext is what a handler gets: done at the job's deadline, which may move, when the worker has ended, and when the job needs it no more. Who does
// not look at it pays nothing for it.
//
// Its job leads to it, and it does not lead to its job: while someone watches it, worker and timer hold it, and a job that the program drops is to be found
// so all the same.
type jobContext struct {
	worker *JobWorker
	lease  lease
	mutex  sync.Mutex
	done   chan struct{} // made when it is asked for
	err    error
	timer  *time.Timer // while someone watches
	calls  map[*func()]struct{}
}

var _ context.Context = (*jobContext)(nil)

// looks is how many times during a job's time-out it is looked whether its deadline has moved.
const looks = 10

// Deadline is the job's.
func (c *jobContext) Deadline() (time.Time, bool) { return c.lease.until(), true }

// Value is none: what a handler needs besides, it has in its closure.
func (c *jobContext) Value(any) any { return nil }

// Done is closed with Err.
func (c *jobContext) Done() <-chan struct{} {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		} else {
			c.watch()
		}
	}
	return c.done
}

// Err is DeadlineExceeded at the job's deadline, and Canceled else.
func (c *jobContext) Err() error {
	c.mutex.Lock()
	err := c.err
	c.mutex.Unlock()
	if err == nil {
		if err = c.reason(); err != nil {
			c.finish(err)
		}
	}
	return err
}

// AfterFunc is what the context package asks for, so that a context of this one needs no goroutine.
func (c *jobContext) AfterFunc(call func()) (stop func() bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.err != nil {
		go call()
		return func() bool { return false }
	}
	if c.calls == nil {
		c.calls = map[*func()]struct{}{}
	}
	c.calls[&call] = struct{}{}
	c.watch()
	return func() bool {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		_, has := c.calls[&call]
		delete(c.calls, &call)
		return has
	}
}

// reason is why it is done by now, or nil.
func (c *jobContext) reason() error {
	switch {
	case c.worker.isOver.Load():
		return context.Canceled
	case !time.Now().Before(c.lease.until()):
		return context.DeadlineExceeded
	}
	return nil
}

// watch sees to it that it is done in time. With the mutex.
func (c *jobContext) watch() {
	if c.timer == nil {
		c.timer = time.AfterFunc(c.next(), c.look)
		c.worker.watch(c)
	}
}

// next is when to look at the deadline.
func (c *jobContext) next() time.Duration {
	left, w := time.Until(c.lease.until()), c.worker
	if w.extends {
		return min(left, w.jobTimeout/looks)
	}
	return left
}

func (c *jobContext) look() {
	if c.Err() != nil {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.err == nil {
		c.timer.Reset(c.next())
	}
}

// finish is once: what comes later does nothing.
func (c *jobContext) finish(err error) {
	c.mutex.Lock()
	if c.err != nil {
		c.mutex.Unlock()
		return
	}
	c.err = err
	calls, isWatched := c.calls, c.timer != nil
	c.calls = nil
	if isWatched {
		c.timer.Stop()
	}
	if c.done != nil {
		close(c.done)
	}
	c.mutex.Unlock()
	if isWatched {
		c.worker.unwatch(c)
	}
	for call := range calls {
		(*call)()
	}
}

// drop is when the job was: nobody can end it any more.
func (c *jobContext) drop() {
	c.lease.giveUp()
	c.finish(context.Canceled)
}
