package zeebe

// #include "glue.h"
import "C"

import (
	"sync"
	"time"
)

// Failures that wait to be told: the last ones.
const failuresKept = 16

// failures tells the program of what is tried again, one after another, on a goroutine that is there while there are some.
type failures struct {
	onError   func(err error, failuresInARow int, pause time.Duration) // nil: nobody is told
	mutex     sync.Mutex
	waiting   []failure
	isTelling bool
}

type failure struct {
	err    error
	inARow int
	pause  time.Duration
}

// receive takes an event that is about one. It does not wait until it is told.
func (f *failures) receive(event *C.zeebe_event) {
	if f.onError == nil {
		return
	}
	err := callError(event.error)
	event.error = nil
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if len(f.waiting) == failuresKept {
		f.waiting = f.waiting[1:]
	}
	f.waiting = append(f.waiting, failure{err, int(event.failures), time.Duration(event.pause_ms) * time.Millisecond})
	if !f.isTelling {
		f.isTelling = true
		go f.tellAll()
	}
}

func (f *failures) tellAll() {
	for {
		f.mutex.Lock()
		if len(f.waiting) == 0 {
			f.isTelling = false
			f.mutex.Unlock()
			return
		}
		next := f.waiting[0]
		f.waiting = f.waiting[1:]
		f.mutex.Unlock()
		f.onError(next.err, next.inARow, next.pause)
	}
}
