package zeebe

// #include "glue.h"
import "C"

import (
	"sync"
	"time"
)

// lease is for how long a job is its worker's: the library's handle of it, and its deadline.
type lease struct {
	extends  bool
	mutex    sync.Mutex
	ptr      *C.zeebe_job // NULL: the job's end has begun, or cannot any more
	deadline time.Time
	said     int64 // the deadline as the library said it last
}

// begin is once the gateway's word for the deadline is known.
func (l *lease) begin(timeout time.Duration) {
	now := time.Now()
	left := time.UnixMilli(l.said).Sub(now)
	if left <= 0 || left > timeout {
		left = timeout // the gateway's clock is another
	}
	l.deadline = now.Add(left)
}

// until is the deadline by now.
func (l *lease) until() time.Time {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.ptr != nil && l.extends {
		if said := int64(C.zeebe_job_deadline(l.ptr)); said != l.said {
			l.said, l.deadline = said, time.UnixMilli(said)
		}
	}
	return l.deadline
}

// isOver: nothing can be done with the job.
func (l *lease) isOver() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.ptr == nil
}

// end lends the handle to what ends the job, and takes it if that succeeds.
func (l *lease) end(end func(*C.zeebe_job) *C.zeebe_error) *C.zeebe_error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	failure := end(l.ptr)
	if failure == nil {
		l.ptr = nil
	}
	return failure
}

// giveUp leaves the job to its time-out, or has it failed, as the worker's options say, unless its end has begun.
func (l *lease) giveUp() {
	l.mutex.Lock()
	ptr := l.ptr
	l.ptr = nil
	l.mutex.Unlock()
	C.zeebe_job_free(ptr)
}
